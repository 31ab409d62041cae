#pragma once
#include <atomic>
#include <cstdint>

namespace bench {

// Of one port in one thread: one writer, read by the thread that prints.
struct alignas(64) TargetCounts {
  std::atomic<uint64_t> accepted{0};
  std::atomic<uint64_t> closed{0};
  std::atomic<uint64_t> requests{0};  // answered
  std::atomic<uint64_t> received{0};  // octets; of https: of the requests, decrypted
  std::atomic<uint64_t> sent{0};
  std::atomic<uint64_t> handshakes{0};  // TLS, done; resumed ones too
  std::atomic<uint64_t> resumed{0};
  std::atomic<uint64_t> failed{0};  // connections that went wrong on the way: no request, no handshake, no descriptor

  static void Add(std::atomic<uint64_t>& count, uint64_t n) {  // no locked instruction: there is one writer
    count.store(count.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
};

}  // namespace bench
