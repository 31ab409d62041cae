#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "spec.h"
#include "verdict.h"

// One HTTP/1.x response, read as it arrives: no I/O, no allocation but for a header that comes in pieces.
namespace probe {

class HttpReader {
 public:
  HttpReader();
  ~HttpReader();
  // Begins a new response; `expect` must outlive it.
  void Begin(const Expectation& expect);
  // Returns true when nothing that may still come can change the verdict: Content-Length bytes are there, a bound is passed.
  bool Feed(std::span<const std::byte> bytes);
  // The server closed. Idempotent.
  void End();
  // Order of the tests is keepalived's: got a header, status, digest, regex. Valid after End() or a true Feed().
  Verdict verdict();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace probe
