// Raw IPv6 sockets for VRRP (RFC 5798 §5.1.2), without N-API.
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "unique_fd.h"

namespace ipv6 {

constexpr size_t kHeaderBytes = 40;  // RFC 8200 §3

// What failed: `syscall` is a literal for the error, `err` a positive errno.
struct Failure {
  int err = 0;
  const char* syscall = "";
};

// Where a socket listens or sends. `device` empty: not bound to one (then `index` is 0).
struct Place {
  std::string device;
  uint32_t index = 0;
};

// Hears what is addressed to `address`: a group, which it joins, or an address of this host, which need not be there yet. The
// kernel checks the checksum of IP protocol 112 before anything is queued. On failure the result is empty.
UniqueFd OpenReader(const Place& place, const in6_addr& address, int receive_buffer_bytes, Failure& failure);

// For whole packets, IPv6 header included. Receives nothing.
UniqueFd OpenSender(const Place& place, Failure& failure);

// @returns 0 or a positive errno. The destination is that of the packet's own header.
int Send(int fd, uint32_t interface_index, std::span<const std::byte> packet);

// Privileged first, beyond net.core.rmem_max.
void SetReceiveBuffer(int fd, int bytes);

// Replaces the filter of a socket. `program` holds struct sock_filter, 8 octets each. @returns 0 or a positive errno.
int SetFilter(int fd, std::span<const std::byte> program);

// Room for one turn of recvmmsg(2).
class Receiver {
 public:
  static constexpr size_t kSlots = 8;
  // An advert has at most 4,116 octets (255 addresses and a trailer); what fills this has been cut off and fails the length check.
  static constexpr size_t kSlotBytes = 4352;

  Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  // @returns number of packets received (0: drained), or a negative errno.
  int Receive(int fd);
  // The packet as it was on the wire. The kernel hands over the payload only: source, destination, hop limit and traffic class
  // of the header come from beside it; its flow label is 0.
  std::span<const std::byte> Packet(size_t i);

 private:
  struct Control {
    alignas(cmsghdr) std::array<std::byte, 128> bytes;
  };
  std::unique_ptr<std::byte[]> buffer_;
  std::array<sockaddr_in6, kSlots> from_{};
  std::array<iovec, kSlots> slots_{};
  std::array<Control, kSlots> control_{};
  std::array<mmsghdr, kSlots> headers_{};
};

}  // namespace ipv6
