#include "ipv6_adverts.h"

#include <cerrno>
#include <cstring>

#include "args.h"
#include "datagram_age.h"
#include "errno_error.h"

namespace {

std::optional<ipv6::Place> PlaceArg(const Napi::Value& device, const Napi::Value& index) {
  const auto name = args::CString(device);
  const auto number = args::Integer<int>(index);
  if (!name || !number || *number < 0) return std::nullopt;
  return ipv6::Place{*name, static_cast<uint32_t>(*number)};
}

}  // namespace

Ipv6AdvertReader::Ipv6AdvertReader(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Ipv6AdvertReader>(info) {
  Open(info);
}

void Ipv6AdvertReader::Open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto place = PlaceArg(info[0], info[1]);
  const auto address = args::Bytes(info[2]);
  const auto buffer_bytes = args::Integer<int>(info[3]);
  if (!place || !address || address->size() != sizeof(in6_addr) || !buffer_bytes || *buffer_bytes < 0 ||
      !info[4].IsFunction() || !info[5].IsFunction())
    return args::ThrowUsage(
        env, "new Ipv6AdvertReader(device, interfaceIndex, address, receiveBufferBytes, onPacket, onError)");
  in6_addr local;
  std::memcpy(&local, address->data(), sizeof local);
  ipv6::Failure failure;
  UniqueFd fd = ipv6::OpenReader(*place, local, *buffer_bytes, failure);
  if (!fd) return ThrowErrno(env, failure.err, failure.syscall);
  on_packet_ = Napi::Persistent(info[4].As<Napi::Function>());
  on_error_ = Napi::Persistent(info[5].As<Napi::Function>());
  watch_ = Watch::Open(env, std::move(fd), *this);
  if (watch_ != nullptr) Ref();
}

Ipv6AdvertReader::~Ipv6AdvertReader() {
  if (watch_ != nullptr) watch_->Close(WatchEnd::kTeardown);
}

void Ipv6AdvertReader::OnClosed(WatchEnd end) {
  watch_ = nullptr;
  if (end == WatchEnd::kClosed) Unref();
}

// One reading of at most eight packets, then the rest of the loop gets its turn: a flood must not delay our own adverts.
void Ipv6AdvertReader::OnReady() {
  const Napi::Env env = Env();
  // close() in a callback drops the strong reference; this one outlives the loop below.
  [[maybe_unused]] const Napi::Object self = Value();
  const int count = receiver_.Receive(watch_->fd());
  if (count < 0) CallFromLoop(env, on_error_, {Napi::Number::New(env, -count)});
  // The kernel tells it of the last one; the others are older, and whoever asks for less than a stall does not mind.
  const double age = count > 0 ? DatagramAgeMs(watch_->fd()) : 0;
  for (int i = 0; i < count && watch_ != nullptr; i++) {
    const Napi::HandleScope scope(env);
    const auto packet = receiver_.Packet(static_cast<size_t>(i));
    const auto bytes = Napi::Buffer<std::byte>::Copy(env, packet.data(), packet.size());
    if (!CallFromLoop(env, on_packet_, {bytes, Napi::Number::New(env, age)})) return;
  }
}

Napi::Value Ipv6AdvertReader::Filter(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto program = args::Bytes(info[0]);
  if (!program) {
    args::ThrowUsage(env, "filter(program: Uint8Array)");
    return {};
  }
  return Napi::Number::New(env, watch_ == nullptr ? EBADF : ipv6::SetFilter(watch_->fd(), *program));
}

void Ipv6AdvertReader::ReceiveBuffer(const Napi::CallbackInfo& info) {
  const auto bytes = args::Integer<int>(info[0]);
  if (!bytes || *bytes < 0) return args::ThrowUsage(info.Env(), "receiveBuffer(bytes: integer)");
  if (watch_ != nullptr) ipv6::SetReceiveBuffer(watch_->fd(), *bytes);
}

void Ipv6AdvertReader::Close(const Napi::CallbackInfo& /*info*/) {
  if (watch_ != nullptr) watch_->Close();
}

Napi::Function Ipv6AdvertReader::Define(Napi::Env env) {
  return DefineClass(
      env, "Ipv6AdvertReader",
      {InstanceMethod<&Ipv6AdvertReader::Filter>("filter"),
       InstanceMethod<&Ipv6AdvertReader::ReceiveBuffer>("receiveBuffer"), InstanceMethod<&Ipv6AdvertReader::Close>("close"),
       InstanceMethod<&Ipv6AdvertReader::Close>(Napi::Symbol::WellKnown(env, "dispose"))});
}

Ipv6AdvertSender::Ipv6AdvertSender(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Ipv6AdvertSender>(info) {
  const Napi::Env env = info.Env();
  const auto place = PlaceArg(info[0], info[1]);
  if (!place) {
    args::ThrowUsage(env, "new Ipv6AdvertSender(device, interfaceIndex)");
    return;
  }
  ipv6::Failure failure;
  fd_ = ipv6::OpenSender(*place, failure);
  interface_index_ = place->index;
  if (!fd_) ThrowErrno(env, failure.err, failure.syscall);
}

Napi::Value Ipv6AdvertSender::Send(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto packet = args::Bytes(info[0]);
  if (!packet) {
    args::ThrowUsage(env, "send(packet: Uint8Array)");
    return {};
  }
  return Napi::Number::New(env, fd_ ? ipv6::Send(fd_.get(), interface_index_, *packet) : EBADF);
}

void Ipv6AdvertSender::Close(const Napi::CallbackInfo& /*info*/) { fd_.Reset(); }

Napi::Function Ipv6AdvertSender::Define(Napi::Env env) {
  return DefineClass(env, "Ipv6AdvertSender",
                     {InstanceMethod<&Ipv6AdvertSender::Send>("send"), InstanceMethod<&Ipv6AdvertSender::Close>("close"),
                      InstanceMethod<&Ipv6AdvertSender::Close>(Napi::Symbol::WellKnown(env, "dispose"))});
}
