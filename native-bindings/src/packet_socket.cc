#include "packet_socket.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "args.h"
#include "errno_error.h"

namespace {

// @returns 0 or a positive errno. The addresses and the EtherType are those in the frame's own header.
int SendFrame(int fd, int interface_index, std::span<const std::byte> frame) {
  if (frame.size() < sizeof(ether_header)) return EINVAL;
  ether_header header;
  std::memcpy(&header, frame.data(), sizeof header);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = interface_index;
  to.sll_protocol = header.ether_type;  // network order in both
  to.sll_halen = ETH_ALEN;
  std::memcpy(to.sll_addr, header.ether_dhost, ETH_ALEN);
  const ssize_t sent =
      ::sendto(fd, frame.data(), frame.size(), MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  return sent < 0 ? errno : 0;
}

}  // namespace

PacketSocket::PacketSocket(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<PacketSocket>(info),
      // Protocol 0: no frame is ever queued for it (packet(7)).
      fd_(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  if (!fd_) ThrowErrno(info.Env(), errno, "socket");
}

Napi::Value PacketSocket::Send(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto interface_index = args::Integer<int>(info[0]);
  const auto frame = args::Bytes(info[1]);
  if (!interface_index || !frame) {
    args::ThrowUsage(env, "send(interfaceIndex: integer, frame: Uint8Array)");
    return {};
  }
  return Napi::Number::New(env, fd_ ? SendFrame(fd_.get(), *interface_index, *frame) : EBADF);
}

void PacketSocket::Close(const Napi::CallbackInfo& /*info*/) { fd_.Reset(); }

Napi::Function PacketSocket::Define(Napi::Env env) {
  return DefineClass(env, "PacketSocket",
                     {InstanceMethod<&PacketSocket::Send>("send"), InstanceMethod<&PacketSocket::Close>("close"),
                      InstanceMethod<&PacketSocket::Close>(Napi::Symbol::WellKnown(env, "dispose"))});
}
