#include "ping_socket.h"

#include <linux/errqueue.h>
#include <linux/icmp.h>  // ICMP_FILTER; <netinet/ip_icmp.h> has no struct icmp_filter
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ping_packet.h"

namespace probe {
namespace {

constexpr int kReceiveBufferOctets = 4 * 1024 * 1024;  // about 5,000 replies: a burst of starts on a quick network
constexpr size_t kBatch = 64;                          // messages of one recvmmsg(2)
constexpr int kBatchesAtOnce = 4;                      // then others are heard, and the descriptor is still readable
constexpr size_t kMessageOctets = 256;                 // IPv4 header with options, and our packet

int SetOption(int fd, int level, int name, int value) { return ::setsockopt(fd, level, name, &value, sizeof value) == 0 ? 0 : errno; }

uint16_t SomeIdentifier() {
  uint16_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) number = 1;
  return number;
}

// Only echo replies; errors come by the error queue.
int FilterRaw(int fd, int family) {
  if (family == AF_INET) {
    const icmp_filter filter{~(1U << kEchoReply)};
    return ::setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof filter) == 0 ? 0 : errno;
  }
  icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(kEchoReply6, &filter);
  return ::setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) == 0 ? 0 : errno;
}

}  // namespace

PingAddress PingAddressOf(const sockaddr_storage& from) {
  PingAddress address{};
  if (from.ss_family == AF_INET) {
    std::memcpy(address.data(), &reinterpret_cast<const sockaddr_in&>(from).sin_addr, sizeof(in_addr));
  } else if (from.ss_family == AF_INET6) {
    std::memcpy(address.data(), &reinterpret_cast<const sockaddr_in6&>(from).sin6_addr, sizeof(in6_addr));
  }
  return address;
}

std::shared_ptr<PingSocket> PingSocket::Open(int family, const SocketOptions* options, int& error) {
  std::shared_ptr<PingSocket> made(new PingSocket);
  made->family_ = family;
  const int protocol = family == AF_INET6 ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP);
  const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  made->fd_ = UniqueFd(::socket(family, SOCK_DGRAM | flags, protocol));
  if (!made->fd_) {
    error = errno;
    if (error != EACCES && error != EPERM && error != EPROTONOSUPPORT) return nullptr;
    made->fd_ = UniqueFd(::socket(family, SOCK_RAW | flags, protocol));
    made->raw_ = true;
    if (!made->fd_) {
      error = errno == EPERM ? EACCES : errno;
      return nullptr;
    }
  }
  error = made->Prepare(options);
  return error == 0 ? made : nullptr;
}

int PingSocket::Prepare(const SocketOptions* options) {
  const int fd = fd_.get();
  if (raw_) {
    identifier_ = SomeIdentifier();
    if (const int error = FilterRaw(fd, family_); error != 0) return error;
  }
  if (SetOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBufferOctets) != 0) SetOption(fd, SOL_SOCKET, SO_RCVBUF, kReceiveBufferOctets);
  const int error = family_ == AF_INET6 ? SetOption(fd, SOL_IPV6, IPV6_RECVERR, 1) : SetOption(fd, SOL_IP, IP_RECVERR, 1);
  if (error != 0 || options == nullptr) return error;
  if (options->mark != 0 && ::setsockopt(fd, SOL_SOCKET, SO_MARK, &options->mark, sizeof options->mark) != 0) return errno;
  const std::string& interface = options->interface;
  if (!interface.empty() &&
      ::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(), static_cast<socklen_t>(interface.size() + 1)) != 0) {
    return errno;
  }
  if (!options->bind) return 0;
  // A port would be the identifier of all requests.
  const auto* local = reinterpret_cast<const sockaddr*>(&options->bind->storage);
  return ::bind(fd, local, options->bind->length) == 0 ? 0 : errno;
}

int PingSocket::Send(uint32_t slot, const Address& target, uint16_t& sequence) {
  if (full()) return ENOBUFS;
  do {
    last_sequence_++;
  } while (last_sequence_ == 0 || waiting_.contains(last_sequence_));
  const PingPacket packet = EchoRequest(family_, identifier_, last_sequence_);
  if (const int error = Transmit(packet, target); error != 0) return error;
  sequence = last_sequence_;
  waiting_[sequence] = {slot, PingAddressOf(target.storage)};
  return 0;
}

int PingSocket::Transmit(std::span<const std::byte> packet, const Address& target) {
  sockaddr_storage to = target.storage;
  if (family_ == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(to).sin6_port = 0;  // for a raw socket it would be a protocol
  }
  const auto* address = reinterpret_cast<const sockaddr*>(&to);
  int error = 0;
  for (int attempt = 0; attempt < 3; attempt++) {
    if (::sendto(fd_.get(), packet.data(), packet.size(), MSG_NOSIGNAL, address, target.length) >= 0) return 0;
    error = errno;
    if (error == EINTR) continue;
    // An ICMP error for another target is also told by the next call on the socket, once; reading it takes it away.
    int pending = 0;
    socklen_t size = sizeof pending;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &pending, &size);
    if (error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS) break;
  }
  return error;
}

void PingSocket::Receive(const OnAnswer& on_answer) {
  ReceiveErrors(on_answer);
  ReceiveReplies(on_answer);
}

void PingSocket::ReceiveReplies(const OnAnswer& on_answer) {
  std::array<std::array<std::byte, kMessageOctets>, kBatch> bytes;
  std::array<sockaddr_storage, kBatch> from;
  std::array<iovec, kBatch> parts;
  std::array<mmsghdr, kBatch> messages{};
  for (int batch = 0; batch < kBatchesAtOnce; batch++) {
    for (size_t i = 0; i < kBatch; i++) {
      parts[i] = {bytes[i].data(), kMessageOctets};
      messages[i].msg_hdr = {&from[i], sizeof from[i], &parts[i], 1, nullptr, 0, 0};
    }
    const int count = ::recvmmsg(fd_.get(), messages.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (count < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      continue;  // an ICMP error that is pending on the socket, and in the error queue with its details
    }
    for (size_t i = 0; i < static_cast<size_t>(count); i++) {
      std::span<const std::byte> packet(bytes[i].data(), messages[i].msg_len);
      if (raw_ && family_ == AF_INET) packet = WithoutIpHeader(packet);
      Answered(packet, family_ == AF_INET6 ? kEchoReply6 : kEchoReply, PingAddressOf(from[i]), 0, on_answer);
    }
    if (static_cast<size_t>(count) < kBatch) return;
  }
}

void PingSocket::ReceiveErrors(const OnAnswer& on_answer) {
  for (size_t i = 0; i < kBatch * kBatchesAtOnce; i++) {
    std::array<std::byte, kMessageOctets> bytes;
    alignas(cmsghdr) std::array<std::byte, 512> control;
    sockaddr_storage to{};  // of the request that failed
    iovec part{bytes.data(), bytes.size()};
    msghdr message{&to, sizeof to, &part, 1, control.data(), control.size(), 0};
    const ssize_t length = ::recvmsg(fd_.get(), &message, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (length < 0) return;
    for (const cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(c))) {
      const bool ours = (c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) ||
                        (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR);
      if (!ours || c->cmsg_len < CMSG_LEN(sizeof(sock_extended_err))) continue;
      sock_extended_err error;
      std::memcpy(&error, CMSG_DATA(c), sizeof error);
      if (error.ee_errno == 0) continue;
      const std::span<const std::byte> packet(bytes.data(), static_cast<size_t>(length));
      Answered(packet, family_ == AF_INET6 ? kEchoRequest6 : kEchoRequest, PingAddressOf(to), static_cast<int>(error.ee_errno), on_answer);
    }
  }
}

void PingSocket::Answered(std::span<const std::byte> packet, uint8_t type, const PingAddress& target, int error,
                          const OnAnswer& on_answer) {
  const std::optional<EchoHeader> header = ReadEcho(packet);
  if (!header || header->type != type || (raw_ && header->identifier != identifier_)) return;
  const auto found = waiting_.find(header->sequence);
  if (found == waiting_.end() || found->second.target != target) return;
  const uint32_t slot = found->second.slot;
  waiting_.erase(found);
  on_answer(slot, error);
}

}  // namespace probe
