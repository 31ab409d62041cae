#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "engine.h"
#include "probe_socket.h"
#include "tls.h"

namespace probe {

inline constexpr uint32_t kNoAttempt = UINT32_MAX;

// A check as the engine keeps it between attempts. There may be 100,000: what only an attempt needs is in Attempt.
struct Slot {
  Endpoint target;
  uint32_t timeout_ms = 0;
  uint32_t interval_ms = 0;
  uint32_t quiet_fail_interval_ms = 0;
  uint32_t jitter_ms = 0;
  uint32_t attempt = kNoAttempt;  // under way
  uint32_t last_total_us = 0;     // of the last attempt that passed
  std::shared_ptr<const SocketOptions> socket;
  UrlList urls;
  std::shared_ptr<const Exchange> exchange;
  std::shared_ptr<TlsContext> tls;
  std::unique_ptr<TlsMemory[]> sessions;  // one per URL: it may have a server name of its own
  std::vector<uint32_t> groups;

  // Of the last Arm().
  uint64_t due_us = 0;
  uint32_t arming = 0;
  uint32_t url = 0;
  Quiet quiet = Quiet::kNothing;
  bool rearmed = false;  // while an attempt was under way: the appointment is made when it has ended

  Kind kind = Kind::kTcp;
  CloseWith close_with = CloseWith::kReset;
  bool in_use = false;
};
static_assert(sizeof(Slot) <= 192);

}  // namespace probe
