#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "spec.h"

// What checks by datagram say, and what has to come back.
namespace probe {

// The shortest message of DNS: its header (RFC 1035 §4.1.1).
inline constexpr size_t kDnsHeaderOctets = 12;

// Judges a datagram from the target. Nothing: it is no answer to what was asked, and the attempt goes on.
std::optional<Verdict> JudgeReply(Kind kind, const Exchange& exchange, uint16_t query_id, std::span<const std::byte> datagram);

// The datagram to send; a query of DNS gets its id.
std::string Datagram(Kind kind, const Exchange& exchange, uint16_t query_id);

}  // namespace probe
