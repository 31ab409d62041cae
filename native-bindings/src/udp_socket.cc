#include "udp_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "args.h"
#include "errno_error.h"
#include "raw_ipv6.h"

namespace {

constexpr int kNetworkControl = 0xc0;  // DSCP CS6 (RFC 4594 §3.1): routing protocols go before the traffic that they protect

UniqueFd OpenSocket(int family) { return UniqueFd(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

bool Set(int fd, int level, int option, int value) { return ::setsockopt(fd, level, option, &value, sizeof value) == 0; }

// 4 or 16 octets; none: any address of `family`. @returns the length of the address, 0 when it is none
socklen_t SocketAddress(std::span<const std::byte> bytes, int family, uint16_t port, sockaddr_storage& out) {
  out = {};
  if (bytes.empty() ? family == AF_INET : bytes.size() == sizeof(in_addr)) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    if (!bytes.empty()) std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&out, &v4, sizeof v4);
    return sizeof v4;
  }
  if (!bytes.empty() && bytes.size() != sizeof(in6_addr)) return 0;
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  if (!bytes.empty()) std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
  std::memcpy(&out, &v6, sizeof v6);
  return sizeof v6;
}

// 16 octets; IPv4 in the last four.
void PutIpv4(std::byte* out, const in_addr& address) {
  std::memset(out, 0, 16);
  std::memcpy(out + 12, &address, sizeof address);
}

}  // namespace

UdpReader::UdpReader(const Napi::CallbackInfo& info) : Napi::ObjectWrap<UdpReader>(info) { Open(info); }

void UdpReader::Open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto port = args::Integer<uint16_t>(info[1]);
  const auto buffer_bytes = args::Integer<int>(info[2]);
  const auto view = args::Bytes(info[3]);
  if (!info[0].IsBoolean() || !port || !buffer_bytes || *buffer_bytes < 0 || !view || view->size() < 2 * kAddressBytes ||
      !info[4].IsFunction() || !info[5].IsFunction())
    return args::ThrowUsage(env, "new UdpReader(ipv6, port, receiveBufferBytes, view, onDatagram, onError)");
  const int family = info[0].As<Napi::Boolean>().Value() ? AF_INET6 : AF_INET;
  UniqueFd fd = OpenSocket(family);
  if (!fd) return ThrowErrno(env, errno, "socket");
  const bool set = family == AF_INET ? Set(fd.get(), IPPROTO_IP, IP_PKTINFO, 1) && Set(fd.get(), IPPROTO_IP, IP_RECVTTL, 1)
                                     : Set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
                                           Set(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
                                           Set(fd.get(), IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
  if (!set) return ThrowErrno(env, errno, "setsockopt");
  ipv6::SetReceiveBuffer(fd.get(), *buffer_bytes);
  sockaddr_storage local;
  const socklen_t length = SocketAddress({}, family, *port, local);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), length) != 0) return ThrowErrno(env, errno, "bind");
  view_ = Napi::Persistent(info[3].As<Napi::Uint8Array>());
  on_datagram_ = Napi::Persistent(info[4].As<Napi::Function>());
  on_error_ = Napi::Persistent(info[5].As<Napi::Function>());
  watch_ = Watch::Open(env, std::move(fd), *this);
  if (watch_ != nullptr) Ref();
}

UdpReader::~UdpReader() {
  if (watch_ != nullptr) watch_->Close(WatchEnd::kTeardown);
}

void UdpReader::OnClosed(WatchEnd end) {
  watch_ = nullptr;
  if (end == WatchEnd::kClosed) Unref();
}

int UdpReader::Receive() {
  for (size_t i = 0; i < kSlots; i++) {
    Slot& slot = slots_[i];
    slot.vector = {slot.bytes.data(), slot.bytes.size()};
    headers_[i] = {};
    headers_[i].msg_hdr.msg_name = &slot.from;
    headers_[i].msg_hdr.msg_namelen = sizeof slot.from;
    headers_[i].msg_hdr.msg_iov = &slot.vector;
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_control = slot.control.data();
    headers_[i].msg_hdr.msg_controllen = slot.control.size();
  }
  for (;;) {
    const int count = ::recvmmsg(watch_->fd(), headers_.data(), kSlots, MSG_DONTWAIT | MSG_TRUNC, nullptr);
    if (count >= 0) return count;
    const int err = errno;
    if (err == EAGAIN || err == EWOULDBLOCK) return 0;
    if (err != EINTR) return -err;
  }
}

// One reading, then the rest of the loop gets its turn.
void UdpReader::OnReady() {
  // close() in a callback drops the strong reference; this one outlives the loop below.
  [[maybe_unused]] const Napi::Object self = Value();
  const int count = Receive();
  if (count < 0) CallFromLoop(Env(), on_error_, {Napi::Number::New(Env(), -count)});
  for (int i = 0; i < count && watch_ != nullptr; i++)
    if (!HandOver(static_cast<size_t>(i))) return;
}

// @returns false when the environment can run no more JavaScript
bool UdpReader::HandOver(size_t i) {
  const Napi::Env env = Env();
  const Napi::HandleScope scope(env);
  Napi::Uint8Array array = view_.Value();
  const size_t room = array.ByteLength();
  if (room < 2 * kAddressBytes) return true;  // its owner took the memory away
  auto* const view = reinterpret_cast<std::byte*>(array.Data());
  Slot& slot = slots_[i];
  msghdr& header = headers_[i].msg_hdr;
  int ttl = 0;
  std::memset(view, 0, 2 * kAddressBytes);
  if (slot.from.sin6_family == AF_INET) {
    sockaddr_in from;
    std::memcpy(&from, &slot.from, sizeof from);
    PutIpv4(view, from.sin_addr);
  } else {
    std::memcpy(view, &slot.from.sin6_addr, kAddressBytes);
  }
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
        (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT))
      std::memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      PutIpv4(view + kAddressBytes, info.ipi_addr);
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      std::memcpy(view + kAddressBytes, &info.ipi6_addr, kAddressBytes);
    }
  }
  const size_t length = headers_[i].msg_len;  // of the datagram, also when it was cut off (MSG_TRUNC)
  std::memcpy(view + 2 * kAddressBytes, slot.bytes.data(), std::min({length, kMostBytes, room - 2 * kAddressBytes}));
  return CallFromLoop(env, on_datagram_,
                      {Napi::Number::New(env, static_cast<double>(length)), Napi::Number::New(env, ttl)});
}

Napi::Value UdpReader::Filter(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto program = args::Bytes(info[0]);
  if (!program) {
    args::ThrowUsage(env, "filter(program: Uint8Array)");
    return {};
  }
  return Napi::Number::New(env, watch_ == nullptr ? EBADF : ipv6::SetFilter(watch_->fd(), *program));
}

void UdpReader::Close(const Napi::CallbackInfo& /*info*/) {
  if (watch_ != nullptr) watch_->Close();
}

Napi::Function UdpReader::Define(Napi::Env env) {
  return DefineClass(env, "UdpReader",
                     {InstanceMethod<&UdpReader::Filter>("filter"), InstanceMethod<&UdpReader::Close>("close"),
                      InstanceMethod<&UdpReader::Close>(Napi::Symbol::WellKnown(env, "dispose"))});
}

UdpSender::UdpSender(const Napi::CallbackInfo& info) : Napi::ObjectWrap<UdpSender>(info) { Open(info); }

void UdpSender::Open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto local = args::Bytes(info[0]);
  const auto local_port = args::Integer<uint16_t>(info[1]);
  const auto remote = args::Bytes(info[2]);
  const auto remote_port = args::Integer<uint16_t>(info[3]);
  const auto ttl = args::Integer<uint8_t>(info[4]);
  sockaddr_storage from;
  const int family = remote && remote->size() == sizeof(in_addr) ? AF_INET : AF_INET6;
  const bool fits = local && local_port && remote && !remote->empty() && remote_port && ttl && *ttl > 0 &&
                    (local->empty() || local->size() == remote->size());
  if (fits) to_bytes_ = SocketAddress(*remote, family, *remote_port, to_);
  if (!fits || to_bytes_ == 0) return args::ThrowUsage(env, "new UdpSender(local, localPort, remote, remotePort, ttl)");
  UniqueFd fd = OpenSocket(family);
  if (!fd) return ThrowErrno(env, errno, "socket");
  const bool set =
      family == AF_INET
          ? Set(fd.get(), IPPROTO_IP, IP_TTL, *ttl) && Set(fd.get(), IPPROTO_IP, IP_TOS, kNetworkControl)
          : Set(fd.get(), IPPROTO_IPV6, IPV6_UNICAST_HOPS, *ttl) && Set(fd.get(), IPPROTO_IPV6, IPV6_TCLASS, kNetworkControl);
  if (!set || !Set(fd.get(), SOL_SOCKET, SO_RCVBUF, 0)) return ThrowErrno(env, errno, "setsockopt");
  const socklen_t length = SocketAddress(*local, family, *local_port, from);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), length) != 0) return ThrowErrno(env, errno, "bind");
  fd_ = std::move(fd);
}

Napi::Value UdpSender::Send(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto bytes = args::Bytes(info[0]);
  if (!bytes) {
    args::ThrowUsage(env, "send(bytes: Uint8Array)");
    return {};
  }
  if (!fd_) return Napi::Number::New(env, EBADF);
  const ssize_t sent =
      ::sendto(fd_.get(), bytes->data(), bytes->size(), MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to_), to_bytes_);
  return Napi::Number::New(env, sent < 0 ? errno : 0);
}

void UdpSender::Close(const Napi::CallbackInfo& /*info*/) { fd_.Reset(); }

Napi::Function UdpSender::Define(Napi::Env env) {
  return DefineClass(env, "UdpSender",
                     {InstanceMethod<&UdpSender::Send>("send"), InstanceMethod<&UdpSender::Close>("close"),
                      InstanceMethod<&UdpSender::Close>(Napi::Symbol::WellKnown(env, "dispose"))});
}
