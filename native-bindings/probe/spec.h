#pragma once
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "verdict.h"

// What is to be probed. Immutable once given to the engine.
namespace probe {

class BodyPattern;  // body_pattern.h
class TlsContext;   // tls.h

enum class Kind : uint8_t { kTcp = 0, kHttp = 1, kHttps = 2, kPing = 3, kUdp = 4, kDns = 5, kSmtp = 6 };

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

// What a socket gets before it connects. Most checks have none of it, so it is shared and may be null.
struct SocketOptions {
  std::optional<Address> bind;  // address, port or both; port 0: any (IP_BIND_ADDRESS_NO_PORT)
  std::string interface;        // SO_BINDTODEVICE; empty: none
  uint32_t mark = 0;            // SO_MARK; 0: none
};

struct StatusRange {
  uint16_t from;
  uint16_t to;  // inclusive
};

// What a page must be. No ranges: any status.
struct Expectation {
  std::vector<StatusRange> status;
  std::optional<Md5> digest;
  std::shared_ptr<const BodyPattern> pattern;  // null: none
};

struct Url {
  std::string request;  // all bytes to send
  Expectation expect;
  std::string server_name;  // SNI; empty: none
  bool tls_compliant = false;  // close_notify is sent and awaited
};

// Shared by all checks that ask for the same pages.
using UrlList = std::shared_ptr<const std::vector<Url>>;

// What a check that is not HTTP says and wants to hear.
struct Exchange {
  std::string request;  // kUdp, kDns: the datagram; kSmtp: the name for HELO
  // kUdp. Without `require_reply` silence is as good as any answer.
  bool require_reply = false;
  std::string reply;  // what the answer has to begin with, where `mask` has bits; both of the same length
  std::string mask;
  uint32_t min_reply = 0;  // octets
  uint32_t max_reply = UINT32_MAX;
};

enum class CloseWith : uint8_t { kReset = 0, kFin = 1 };

struct Spec {
  Kind kind = Kind::kTcp;
  CloseWith close_with = CloseWith::kReset;
  Address target;
  std::shared_ptr<const SocketOptions> socket;  // null: none
  uint32_t timeout_ms = 5000;   // of each stage
  uint32_t interval_ms = 6000;  // from the end of a quiet attempt to the next one
  uint32_t quiet_fail_interval_ms = 6000;  // the same after a quiet failure
  uint32_t jitter_ms = 0;       // up to so much is added to each interval, uniformly
  UrlList urls;                 // kHttp, kHttps: at least one; else null
  std::shared_ptr<const Exchange> exchange;  // kUdp, kDns, kSmtp
  std::shared_ptr<TlsContext> tls;  // kHttps
  std::vector<uint32_t> groups;     // whose histograms count this check (virtual servers)
};

}  // namespace probe
