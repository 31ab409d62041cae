#include "netlink_receiver.h"

#include <cerrno>

namespace nl {
namespace {

// A whole batch of requests goes into one datagram, which must fit the send buffer (linux/af_netlink.c, EMSGSIZE).
constexpr int kSendBufferBytes = 4 * 1024 * 1024;

// Privileged first; the plain option is silently capped at net.core.[rw]mem_max.
void SetBuffer(int fd, int forced, int plain, int bytes) {
  if (::setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) == 0) return;
  ::setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof bytes);
}

}  // namespace

UniqueFd Open(int protocol, int receive_buffer_bytes, Failure& failure) {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (!fd) {
    failure = {errno, "socket"};
    return {};
  }
  SetBuffer(fd.get(), SO_RCVBUFFORCE, SO_RCVBUF, receive_buffer_bytes);
  SetBuffer(fd.get(), SO_SNDBUFFORCE, SO_SNDBUF, kSendBufferBytes);
  const int on = 1;
  for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK}) {
    if (::setsockopt(fd.get(), SOL_NETLINK, option, &on, sizeof on) != 0) {
      failure = {errno, "setsockopt"};
      return {};
    }
  }
  sockaddr_nl local{};
  local.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) {
    failure = {errno, "bind"};
    return {};
  }
  return fd;
}

uint32_t PortId(int fd) {
  sockaddr_nl local{};
  socklen_t length = sizeof local;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &length) == 0 ? local.nl_pid : 0;
}

Receiver::Receiver() : buffer_(new std::byte[kSlots * kSlotBytes]) {
  for (size_t i = 0; i < kSlots; i++) {
    slots_[i] = {buffer_.get() + i * kSlotBytes, kSlotBytes};
    headers_[i].msg_hdr.msg_name = &from_[i];
    headers_[i].msg_hdr.msg_iov = &slots_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
  }
}

int Receiver::Receive(int fd) {
  for (mmsghdr& header : headers_) header.msg_hdr.msg_namelen = sizeof(sockaddr_nl);  // overwritten by each call
  for (;;) {
    const int count = ::recvmmsg(fd, headers_.data(), kSlots, MSG_DONTWAIT, nullptr);
    if (count >= 0) return count;
    const int err = errno;
    if (err == EAGAIN || err == EWOULDBLOCK) return 0;
    if (err != EINTR) return -err;
  }
}

bool Receiver::FromKernel(size_t i) const {
  return headers_[i].msg_hdr.msg_namelen == sizeof(sockaddr_nl) && from_[i].nl_family == AF_NETLINK &&
         from_[i].nl_pid == 0;
}

}  // namespace nl
