#include "ipv4_sender.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "args.h"
#include "errno_error.h"

namespace {

constexpr size_t kHeaderBytes = 20;
constexpr size_t kDestination = 16;  // offset in the header
constexpr int kPriorityControl = 7;  // TC_PRIO_CONTROL, linux/pkt_sched.h: adverts go before the traffic that they protect
// Packets that wait in the queue of a device that does not send must not keep those of all others from leaving.
constexpr int kSendBufferBytes = 4 * 1024 * 1024;

struct Failure {
  int err = 0;
  const char* syscall = "";
};

bool Set(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// IPPROTO_RAW: packets are sent with the header that they bring, and nothing is ever queued for it (raw(7)).
UniqueFd Open(Failure& failure) {
  UniqueFd fd(::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!fd) {
    failure = {errno, "socket"};
    return {};
  }
  if (!Set(fd.get(), SOL_SOCKET, SO_PRIORITY, kPriorityControl) || !Set(fd.get(), SOL_SOCKET, SO_RCVBUF, 0) ||
      !Set(fd.get(), IPPROTO_IP, IP_MULTICAST_LOOP, 0)) {
    failure = {errno, "setsockopt"};
    return {};
  }
  if (!Set(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, kSendBufferBytes))
    Set(fd.get(), SOL_SOCKET, SO_SNDBUF, kSendBufferBytes);  // without CAP_NET_ADMIN: up to wmem_max
  return fd;
}

// The interface is named beside the packet (ip(7), IP_PKTINFO), as SO_BINDTODEVICE and IP_MULTICAST_IF would name it for a socket.
int SendTo(int fd, std::span<const std::byte> packet, int interface_index) {
  if (packet.size() < kHeaderBytes) return EINVAL;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  std::memcpy(&to.sin_addr, packet.data() + kDestination, sizeof to.sin_addr);
  iovec bytes{const_cast<std::byte*>(packet.data()), packet.size()};  // sendmsg(2) only reads it
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = sizeof to;
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(in_pktinfo))> control{};
  if (interface_index != 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
    in_pktinfo info{};
    info.ipi_ifindex = interface_index;
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
  }
  const int route = IN_MULTICAST(ntohl(to.sin_addr.s_addr)) ? MSG_DONTROUTE : 0;
  return ::sendmsg(fd, &message, MSG_DONTWAIT | route) < 0 ? errno : 0;
}

}  // namespace

Ipv4AdvertSender::Ipv4AdvertSender(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Ipv4AdvertSender>(info) {
  Failure failure;
  fd_ = Open(failure);
  if (!fd_) ThrowErrno(info.Env(), failure.err, failure.syscall);
}

Napi::Value Ipv4AdvertSender::Send(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto packet = args::Bytes(info[0]);
  const auto index = args::Integer<int>(info[1]);
  if (!packet || !index || *index < 0) {
    args::ThrowUsage(env, "send(packet: Uint8Array, interfaceIndex: integer)");
    return {};
  }
  return Napi::Number::New(env, fd_ ? SendTo(fd_.get(), *packet, *index) : EBADF);
}

void Ipv4AdvertSender::Close(const Napi::CallbackInfo& /*info*/) { fd_.Reset(); }

Napi::Function Ipv4AdvertSender::Define(Napi::Env env) {
  return DefineClass(env, "Ipv4AdvertSender",
                     {InstanceMethod<&Ipv4AdvertSender::Send>("send"), InstanceMethod<&Ipv4AdvertSender::Close>("close"),
                      InstanceMethod<&Ipv4AdvertSender::Close>(Napi::Symbol::WellKnown(env, "dispose"))});
}
