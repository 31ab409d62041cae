#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

// ICMP echo as RFC 792 and RFC 4443 §4 have it: type, code, checksum, identifier, sequence number, text.
namespace probe {

inline constexpr uint8_t kEchoReply = 0, kEchoRequest = 8, kEchoRequest6 = 128, kEchoReply6 = 129;

inline constexpr size_t kPingTextOctets = 128;
using PingPacket = std::array<std::byte, 8 + kPingTextOctets>;

// With the checksum for IPv4; the kernel makes that for IPv6, and for datagram sockets the identifier too.
PingPacket EchoRequest(int family, uint16_t identifier, uint16_t sequence);

struct EchoHeader {
  uint8_t type;
  uint16_t identifier, sequence;
};
std::optional<EchoHeader> ReadEcho(std::span<const std::byte> packet);  // none: too short, or of another code than 0

// A raw socket hands over the IPv4 header too. Empty: torn.
std::span<const std::byte> WithoutIpHeader(std::span<const std::byte> packet);

}  // namespace probe
