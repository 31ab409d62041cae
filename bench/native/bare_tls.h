#pragma once
#include <cstdint>
#include <memory>

namespace bench {

// The client side of TLS as the plainest check has it: one SSL object per place in the loop, used again and again.
class BareTls {
 public:
  enum class Step : uint8_t { kWait, kDone, kFailed };

  // `places` at once; `addresses`: of each the last session is remembered when `resume`.
  BareTls(uint32_t places, uint32_t addresses, bool resume);
  ~BareTls();
  BareTls(const BareTls&) = delete;
  BareTls& operator=(const BareTls&) = delete;

  // `fd` is connected, or about to be.
  void Begin(uint32_t place, int fd, uint32_t address);
  // Handshake, request, response to its end.
  Step Go(uint32_t place);
  uint64_t resumed() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace bench
