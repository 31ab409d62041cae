#include "raw_ipv6.h"

#include <linux/filter.h>

#include <cerrno>
#include <cstring>

namespace ipv6 {
namespace {

constexpr int kProtocolVrrp = 112;
constexpr int kChecksumOffset = 6;
constexpr int kPriorityControl = 7;  // TC_PRIO_CONTROL, linux/pkt_sched.h: adverts go before the traffic that they protect

// Sets options one after another; the first failure ends it.
class Options {
 public:
  Options(int fd, Failure& failure) : fd_(fd), failure_(failure) {}

  Options& Number(int level, int option, int value) { return Set(level, option, &value, sizeof value); }
  Options& Device(const std::string& name) {
    if (name.empty()) return *this;
    return Set(SOL_SOCKET, SO_BINDTODEVICE, name.c_str(), static_cast<socklen_t>(name.size() + 1));
  }
  Options& Set(int level, int option, const void* value, socklen_t bytes) {
    if (failure_.err == 0 && ::setsockopt(fd_, level, option, value, bytes) != 0) failure_ = {errno, "setsockopt"};
    return *this;
  }
  bool ok() const { return failure_.err == 0; }

 private:
  int fd_;
  Failure& failure_;
};

UniqueFd Open(int protocol, Failure& failure) {
  UniqueFd fd(::socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  failure = fd ? Failure{} : Failure{errno, "socket"};
  return fd;
}

sockaddr_in6 SocketAddress(const in6_addr& address, uint32_t interface_index) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_addr = address;
  const bool scoped = IN6_IS_ADDR_LINKLOCAL(&address) || IN6_IS_ADDR_MC_LINKLOCAL(&address);
  out.sin6_scope_id = scoped ? interface_index : 0;
  return out;
}

}  // namespace

UniqueFd OpenReader(const Place& place, const in6_addr& address, int receive_buffer_bytes, Failure& failure) {
  UniqueFd fd = Open(kProtocolVrrp, failure);
  if (!fd) return {};
  Options options(fd.get(), failure);
  options.Number(IPPROTO_IPV6, IPV6_CHECKSUM, kChecksumOffset)
      .Number(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
      .Number(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1)
      .Number(IPPROTO_IPV6, IPV6_RECVTCLASS, 1)
      .Device(place.device);
  if (IN6_IS_ADDR_MULTICAST(&address)) {
    ipv6_mreq request{};
    request.ipv6mr_multiaddr = address;
    request.ipv6mr_interface = place.index;
    options.Set(IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof request);
  } else {
    options.Number(IPPROTO_IPV6, IPV6_FREEBIND, 1);
  }
  if (!options.ok()) return {};
  // Linux 4.20 and later. The binding below keeps other groups out as well, so a kernel that lacks it does no harm.
  const int off = 0;
  ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_ALL, &off, sizeof off);
  SetReceiveBuffer(fd.get(), receive_buffer_bytes);
  const sockaddr_in6 local = SocketAddress(address, place.index);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) {
    failure = {errno, "bind"};
    return {};
  }
  return fd;
}

UniqueFd OpenSender(const Place& place, Failure& failure) {
  // IPPROTO_RAW: packets are sent with the header that they bring, and nothing is ever queued for it.
  UniqueFd fd = Open(IPPROTO_RAW, failure);
  if (!fd) return {};
  Options options(fd.get(), failure);
  options.Number(SOL_SOCKET, SO_PRIORITY, kPriorityControl)
      .Number(SOL_SOCKET, SO_RCVBUF, 0)
      .Number(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0)
      .Device(place.device);
  if (place.index != 0) options.Number(IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(place.index));
  return options.ok() ? std::move(fd) : UniqueFd();
}

int Send(int fd, uint32_t interface_index, std::span<const std::byte> packet) {
  if (packet.size() < kHeaderBytes) return EINVAL;
  in6_addr destination;
  std::memcpy(&destination, packet.data() + 24, sizeof destination);
  const sockaddr_in6 to = SocketAddress(destination, interface_index);
  const ssize_t sent =
      ::sendto(fd, packet.data(), packet.size(), MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  return sent < 0 ? errno : 0;
}

// The plain option is silently capped at net.core.rmem_max.
void SetReceiveBuffer(int fd, int bytes) {
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) == 0) return;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

int SetFilter(int fd, std::span<const std::byte> program) {
  std::array<sock_filter, BPF_MAXINSNS> copy;  // aligned, whatever JavaScript's buffer is
  if (program.empty() || program.size() % sizeof(sock_filter) != 0 || program.size() > sizeof copy) return EINVAL;
  std::memcpy(copy.data(), program.data(), program.size());
  const sock_fprog filter{static_cast<unsigned short>(program.size() / sizeof(sock_filter)), copy.data()};
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0 ? 0 : errno;
}

Receiver::Receiver() : buffer_(new std::byte[kSlots * kSlotBytes]) {
  for (size_t i = 0; i < kSlots; i++) {
    slots_[i] = {buffer_.get() + i * kSlotBytes + kHeaderBytes, kSlotBytes - kHeaderBytes};
    headers_[i].msg_hdr.msg_name = &from_[i];
    headers_[i].msg_hdr.msg_iov = &slots_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_control = control_[i].bytes.data();
  }
}

int Receiver::Receive(int fd) {
  for (size_t i = 0; i < kSlots; i++) {  // overwritten by each call
    headers_[i].msg_hdr.msg_namelen = sizeof(sockaddr_in6);
    headers_[i].msg_hdr.msg_controllen = control_[i].bytes.size();
  }
  for (;;) {
    const int count = ::recvmmsg(fd, headers_.data(), kSlots, MSG_DONTWAIT, nullptr);
    if (count >= 0) return count;
    const int err = errno;
    if (err == EAGAIN || err == EWOULDBLOCK) return 0;
    if (err != EINTR) return -err;
  }
}

std::span<const std::byte> Receiver::Packet(size_t i) {
  std::byte* const packet = buffer_.get() + i * kSlotBytes;
  const auto length = static_cast<uint16_t>(headers_[i].msg_len);
  int hop_limit = 0;
  int traffic_class = 0;
  in6_pktinfo info{};
  msghdr& header = headers_[i].msg_hdr;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != IPPROTO_IPV6) continue;
    if (c->cmsg_type == IPV6_HOPLIMIT) std::memcpy(&hop_limit, CMSG_DATA(c), sizeof hop_limit);
    if (c->cmsg_type == IPV6_TCLASS) std::memcpy(&traffic_class, CMSG_DATA(c), sizeof traffic_class);
    if (c->cmsg_type == IPV6_PKTINFO) std::memcpy(&info, CMSG_DATA(c), sizeof info);
  }
  std::memset(packet, 0, 8);
  packet[0] = static_cast<std::byte>(0x60 | (traffic_class >> 4));
  packet[1] = static_cast<std::byte>((traffic_class & 0x0f) << 4);
  packet[4] = static_cast<std::byte>(length >> 8);
  packet[5] = static_cast<std::byte>(length & 0xff);
  packet[6] = static_cast<std::byte>(kProtocolVrrp);
  packet[7] = static_cast<std::byte>(hop_limit);
  std::memcpy(packet + 8, &from_[i].sin6_addr, sizeof(in6_addr));
  std::memcpy(packet + 24, &info.ipi6_addr, sizeof(in6_addr));
  return {packet, kHeaderBytes + length};
}

}  // namespace ipv6
