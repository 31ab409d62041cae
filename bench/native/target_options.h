#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace bench {

// What a port of the target does; the words are those of the command line.
enum class Mode : uint8_t {
  kTcp,          // accepts and waits for the peer's close
  kHttp,         // answers 200 with Content-Length and closes
  kHttps,        // the same over TLS 1.3
  kSilent,       // reads and never answers; as tcp, but it accepts at once
  kReset,        // accepts and resets
  kNeverFin,     // answers, and neither closes nor reacts to the peer's FIN
  kTrickle,      // a response of an octet a second, without end
  kTlsTrickle,   // the same with a TLS handshake record
  kAcceptNever,  // SYNs are dropped: its queue is full from the start
};

inline constexpr std::array<std::string_view, 9> kModeNames = {
    "tcp", "http", "https", "silent", "reset", "never-fin", "trickle", "tls-trickle", "accept-never"};

constexpr std::string_view NameOf(Mode mode) { return kModeNames[static_cast<size_t>(mode)]; }

struct PortOption {
  Mode mode;
  uint16_t port;  // 0: any free one
};

struct TargetOptions {
  std::vector<PortOption> ports;
  uint32_t threads = 1;
};

// `--MODE PORT` as often as wanted, and `--threads N`. Nothing: something else was there.
std::optional<TargetOptions> ParseTargetOptions(int argc, char** argv);

}  // namespace bench
