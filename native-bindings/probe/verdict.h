#pragma once
#include <array>
#include <cstdint>

// What one attempt found, in the terms of workers/protocol.ts: the numbers are the indices of `outcomes` there.
namespace probe {

enum class Outcome : uint8_t {
  kUp = 0,
  kRefused = 1,
  kUnreachable = 2,
  kTimeout = 3,
  kReset = 4,
  kBadStatus = 5,
  kBadDigest = 6,
  kBadResponse = 7,
  kTlsError = 8,
  kNoResources = 9,
  kNoMatch = 10,
};

// How far the attempt had come when its verdict fell.
enum class Stage : uint8_t { kConnect = 0, kHandshake = 1, kResponse = 2 };

// Why, where the outcome alone does not tell. Beside it stands a number: an errno, an OpenSSL error code, a PCRE2 error code.
enum class Reason : uint8_t {
  kNone = 0,
  kErrno = 1,            // detail: errno
  kTls = 2,              // detail: ERR_get_error()
  kClosed = 3,           // the peer closed before it had said enough
  kNoData = 4,           // closed without a byte
  kNoHeader = 5,         // closed inside the header
  kLongHeader = 6,       // header beyond its bound
  kLongBody = 7,         // body to be digested or searched beyond its bound
  kMatchLimit = 8,       // the pattern ran into a limit; detail: PCRE2 error code
  kUnwantedMatch = 9,    // regex_no_match, and it matched
  kEngine = 10,          // no memory, no descriptor: ours; detail: errno
  kReplyCode = 11,       // DNS: detail and status are the RCODE. SMTP: status is the code, 0 for none; detail is what was awaited
  kMismatch = 12,        // a reply other than the one asked for
  kWrongLength = 13,     // a reply shorter or longer than asked for; detail: its octets
};

using Md5 = std::array<uint8_t, 16>;

struct Verdict {
  Outcome outcome = Outcome::kUp;
  Reason reason = Reason::kNone;
  uint16_t status = 0;   // HTTP status code or what Reason says, 0 if none
  uint32_t detail = 0;   // see Reason
  Md5 md5{};             // of the body, where a digest was asked for
};

// The errors of connect(2), send(2) and recv(2) that fail a check, as keepalived has them; any other one is our own trouble, unless it
// came from the network (VerdictOfNetwork in engine_parts.h).
Outcome OutcomeOfErrno(int err);

}  // namespace probe
