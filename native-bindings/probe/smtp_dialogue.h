#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "verdict.h"

// The client's side of the shortest dialogue with a mail server (RFC 5321): greeting, HELO, QUIT.
namespace probe {

class SmtpDialogue {
 public:
  // What is awaited, in this order.
  enum class Stage : uint8_t { kGreeting = 0, kHelo = 1, kQuit = 2 };

  void Begin();
  // Takes octets as they come. `kSpeak`: the reply to what was said is good, and stage() tells what to say now. What came with it
  // answers nothing that was said, and is dropped (RFC 5321 §3.1: the server waits).
  enum class Next : uint8_t { kListen, kSpeak, kEnd };
  Next Feed(std::span<const std::byte> octets);
  // The server says nothing more.
  void End();
  Stage stage() const { return stage_; }
  // After kEnd or End().
  const Verdict& verdict() const { return verdict_; }

 private:
  static constexpr size_t kLongestLine = 512;  // RFC 5321 §4.5.3.1.5, with CRLF
  static constexpr uint32_t kMostLines = 100;

  Next Take(char c);
  Next LineEnded();
  Next Replied();
  Next Fail(Reason reason);

  Stage stage_ = Stage::kGreeting;
  Verdict verdict_;
  bool heard_ = false;
  uint32_t length_ = 0;  // octets of the line so far
  uint32_t lines_ = 0;   // of the reply
  uint32_t code_ = 0;
  bool well_formed_ = true;
  bool continued_ = false;
};

}  // namespace probe
