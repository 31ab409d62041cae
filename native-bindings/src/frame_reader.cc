#include "frame_reader.h"

#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "args.h"
#include "errno_error.h"

namespace {

// Offsets in an Ethernet frame (RFC 8200 §3, RFC 4861 §4.4).
constexpr uint32_t kNextHeader = 14 + 6;
constexpr uint32_t kIcmpType = 14 + 40;
constexpr uint32_t kNeighbourAdvert = 136;

constexpr sock_filter Load(uint32_t offset) { return {BPF_LD | BPF_B | BPF_ABS, 0, 0, offset}; }
constexpr sock_filter SkipUnless(uint32_t value, uint8_t skipped) {
  return {BPF_JMP | BPF_JEQ | BPF_K, 0, skipped, value};
}
constexpr sock_filter Return(uint32_t bytes) { return {BPF_RET | BPF_K, 0, 0, bytes}; }

struct Failure {
  int err = 0;
  const char* syscall = "";
};

// Protocol 0 until the filter is in place: nothing else is ever queued (packet(7)).
UniqueFd OpenSocket(int interface_index, int family, Failure& failure) {
  UniqueFd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) {
    failure = {errno, "socket"};
    return fd;
  }
  if (family == AF_INET6) {
    std::array<sock_filter, 6> program = {Load(kNextHeader), SkipUnless(IPPROTO_ICMPV6, 3), Load(kIcmpType),
                                          SkipUnless(kNeighbourAdvert, 1), Return(UINT32_MAX), Return(0)};
    const sock_fprog filter{static_cast<uint16_t>(program.size()), program.data()};
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) {
      failure = {errno, "setsockopt"};
      return UniqueFd();
    }
  }
  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_ifindex = interface_index;
  where.sll_protocol = htons(family == AF_INET6 ? ETHERTYPE_IPV6 : ETHERTYPE_ARP);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) {
    failure = {errno, "bind"};
    return UniqueFd();
  }
  return fd;
}

}  // namespace

FrameReader::FrameReader(const Napi::CallbackInfo& info) : Napi::ObjectWrap<FrameReader>(info) {
  const Napi::Env env = info.Env();
  const auto interface_index = args::Integer<int>(info[0]);
  const auto version = args::Integer<int>(info[1]);
  if (!interface_index || *interface_index <= 0 || !version || (*version != 4 && *version != 6) || !info[2].IsFunction()) {
    args::ThrowUsage(env, "new FrameReader(interfaceIndex, 4 or 6, onFrame)");
    return;
  }
  Failure failure;
  UniqueFd fd = OpenSocket(*interface_index, *version == 6 ? AF_INET6 : AF_INET, failure);
  if (!fd) {
    ThrowErrno(env, failure.err, failure.syscall);
    return;
  }
  on_frame_ = Napi::Persistent(info[2].As<Napi::Function>());
  watch_ = Watch::Open(env, std::move(fd), *this);
  if (watch_ != nullptr) Ref();
}

FrameReader::~FrameReader() {
  if (watch_ != nullptr) watch_->Close(WatchEnd::kTeardown);
}

void FrameReader::OnClosed(WatchEnd end) {
  watch_ = nullptr;
  if (end == WatchEnd::kClosed) Unref();
}

void FrameReader::OnReady() {
  const Napi::Env env = Env();
  // close() in a callback drops the strong reference; this one outlives the loop below.
  [[maybe_unused]] const Napi::Object self = Value();
  for (int i = 0; i < kMostAtOnce && watch_ != nullptr; i++) {
    sockaddr_ll from{};
    socklen_t length = sizeof from;
    const ssize_t got = ::recvfrom(watch_->fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT,
                                   reinterpret_cast<sockaddr*>(&from), &length);
    if (got < 0) return;  // nothing more, or the interface went down: whoever waits has a limit of its own
    if (from.sll_pkttype == PACKET_OUTGOING) continue;
    const Napi::HandleScope scope(env);
    const auto frame = Napi::Buffer<std::byte>::Copy(env, buffer_.data(), static_cast<size_t>(got));
    if (!CallFromLoop(env, on_frame_, {frame})) return;
  }
}

void FrameReader::Close(const Napi::CallbackInfo& /*info*/) {
  if (watch_ != nullptr) watch_->Close();
}

Napi::Function FrameReader::Define(Napi::Env env) {
  return DefineClass(env, "FrameReader",
                     {InstanceMethod<&FrameReader::Close>("close"),
                      InstanceMethod<&FrameReader::Close>(Napi::Symbol::WellKnown(env, "dispose"))});
}
