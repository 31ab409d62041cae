#include "exchange.h"

namespace probe {
namespace {

Verdict Failed(Reason reason, uint32_t detail) {
  Verdict verdict;
  verdict.outcome = Outcome::kBadResponse;
  verdict.reason = reason;
  verdict.detail = detail;
  return verdict;
}

// keepalived.conf(5), UDP_CHECK: as many octets as both have.
bool IsExpected(const Exchange& exchange, std::span<const std::byte> datagram) {
  for (size_t i = 0; i < exchange.reply.size() && i < datagram.size(); i++) {
    const auto mask = static_cast<uint8_t>(exchange.mask[i]);
    if ((std::to_integer<uint8_t>(datagram[i]) & mask) != static_cast<uint8_t>(exchange.reply[i])) return false;
  }
  return true;
}

Verdict JudgeUdp(const Exchange& exchange, std::span<const std::byte> datagram) {
  if (!exchange.require_reply) return {};
  if (datagram.size() < exchange.min_reply || datagram.size() > exchange.max_reply)
    return Failed(Reason::kWrongLength, static_cast<uint32_t>(datagram.size()));
  return IsExpected(exchange, datagram) ? Verdict() : Failed(Reason::kMismatch, 0);
}

// RFC 1035 §4.1.1: id, then QR in the highest bit of the third octet, RCODE in the lower half of the fourth. Whoever answers something
// else may be a forger: the real answer may still come.
std::optional<Verdict> JudgeDns(uint16_t query_id, std::span<const std::byte> datagram) {
  if (datagram.size() < kDnsHeaderOctets) return std::nullopt;
  const auto octet = [&](size_t i) { return std::to_integer<uint32_t>(datagram[i]); };
  if ((octet(0) << 8 | octet(1)) != query_id || (octet(2) & 0x80) == 0) return std::nullopt;
  const uint32_t rcode = octet(3) & 0x0f;
  if (rcode == 0) return Verdict();
  Verdict verdict = Failed(Reason::kReplyCode, rcode);
  verdict.status = static_cast<uint16_t>(rcode);
  return verdict;
}

}  // namespace

std::optional<Verdict> JudgeReply(Kind kind, const Exchange& exchange, uint16_t query_id,
                                  std::span<const std::byte> datagram) {
  return kind == Kind::kDns ? JudgeDns(query_id, datagram) : JudgeUdp(exchange, datagram);
}

std::string Datagram(Kind kind, const Exchange& exchange, uint16_t query_id) {
  std::string datagram = exchange.request;
  if (kind == Kind::kDns && datagram.size() >= 2) {
    datagram[0] = static_cast<char>(query_id >> 8);
    datagram[1] = static_cast<char>(query_id & 0xff);
  }
  return datagram;
}

}  // namespace probe
