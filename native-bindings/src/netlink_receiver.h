// A netlink socket without N-API: opening, and receiving many datagrams per system call.
#pragma once
#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "unique_fd.h"

namespace nl {

// What failed: `syscall` is a literal for the error, `err` a positive errno.
struct Failure {
  int err = 0;
  const char* syscall = "";
};

// Opens a bound, non-blocking, close-on-exec socket with extended acknowledgements (reasons, no echo of the request).
// The receive buffer is forced past net.core.rmem_max where CAP_NET_ADMIN allows it.
// On failure the result is empty and `failure` says why.
UniqueFd Open(int protocol, int receive_buffer_bytes, Failure& failure);

// nl_pid that the kernel assigned; 0 on failure.
uint32_t PortId(int fd);

// Room for one turn of recvmmsg(2). The kernel never makes dump datagrams larger than 32 KiB (af_netlink.c,
// netlink_recvmsg: max_recvmsg_len); anything else that does not fit is reported as EMSGSIZE, never cut silently.
class Receiver {
 public:
  static constexpr size_t kSlots = 8;
  static constexpr size_t kSlotBytes = 32 * 1024;

  Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  // @returns number of datagrams received (0: drained), or a negative errno.
  int Receive(int fd);
  // Whether datagram `i` came from the kernel. Any local process can send to our port; such mail is dropped.
  bool FromKernel(size_t i) const;
  bool Truncated(size_t i) const { return (headers_[i].msg_hdr.msg_flags & MSG_TRUNC) != 0; }
  std::span<const std::byte> Datagram(size_t i) const { return {buffer_.get() + i * kSlotBytes, headers_[i].msg_len}; }

 private:
  std::unique_ptr<std::byte[]> buffer_;
  std::array<sockaddr_nl, kSlots> from_{};
  std::array<iovec, kSlots> slots_{};
  std::array<mmsghdr, kSlots> headers_{};
};

}  // namespace nl
