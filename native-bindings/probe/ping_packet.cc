#include "ping_packet.h"

#include <sys/socket.h>

#include <string_view>

namespace probe {
namespace {

// What PING_CHECK sends, as tcpdump shows it; repeated to fill the packet.
constexpr std::string_view kText = "keepalived check - ";

void PutBe16(PingPacket& packet, size_t at, uint32_t value) {
  packet[at] = static_cast<std::byte>(value >> 8);
  packet[at + 1] = static_cast<std::byte>(value);
}

uint16_t Be16(std::span<const std::byte> packet, size_t at) {
  return static_cast<uint16_t>(std::to_integer<uint32_t>(packet[at]) << 8 | std::to_integer<uint32_t>(packet[at + 1]));
}

// RFC 1071, over a packet of an even number of octets.
uint32_t Checksum(const PingPacket& packet) {
  static_assert(sizeof(PingPacket) % 2 == 0);
  uint32_t sum = 0;
  for (size_t i = 0; i < packet.size(); i += 2) sum += Be16(packet, i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

}  // namespace

PingPacket EchoRequest(int family, uint16_t identifier, uint16_t sequence) {
  PingPacket packet{};
  packet[0] = static_cast<std::byte>(family == AF_INET6 ? kEchoRequest6 : kEchoRequest);
  PutBe16(packet, 4, identifier);
  PutBe16(packet, 6, sequence);
  for (size_t i = 0; i < kPingTextOctets; i++) packet[8 + i] = static_cast<std::byte>(kText[i % kText.size()]);
  if (family == AF_INET) PutBe16(packet, 2, Checksum(packet));
  return packet;
}

std::optional<EchoHeader> ReadEcho(std::span<const std::byte> packet) {
  if (packet.size() < 8 || packet[1] != std::byte{0}) return std::nullopt;
  return EchoHeader{std::to_integer<uint8_t>(packet[0]), Be16(packet, 4), Be16(packet, 6)};
}

std::span<const std::byte> WithoutIpHeader(std::span<const std::byte> packet) {
  if (packet.empty()) return {};
  const size_t header = 4 * (std::to_integer<size_t>(packet[0]) & 0x0f);
  return header < 20 || header > packet.size() ? std::span<const std::byte>() : packet.subspan(header);
}

}  // namespace probe
