#pragma once
#include <napi.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>

#include "unique_fd.h"
#include "watch.h"

// new UdpReader(ipv6, port, receiveBufferBytes, view, onDatagram, onError): see native-bindings/udp.ts. Alive until close().
class UdpReader : public Napi::ObjectWrap<UdpReader>, private WatchOwner {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit UdpReader(const Napi::CallbackInfo& info);
  ~UdpReader() override;

 private:
  static constexpr size_t kSlots = 64;
  static constexpr size_t kAddressBytes = 16;
  static constexpr size_t kMostBytes = 64;
  struct Slot {
    std::array<std::byte, kMostBytes> bytes;
    sockaddr_in6 from;
    iovec vector;
    alignas(cmsghdr) std::array<std::byte, 128> control;
  };

  void Open(const Napi::CallbackInfo& info);
  int Receive();
  bool HandOver(size_t slot);
  void OnReady() override;
  void OnClosed(WatchEnd end) override;
  Napi::Value Filter(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  Watch* watch_ = nullptr;
  std::array<Slot, kSlots> slots_;
  std::array<mmsghdr, kSlots> headers_{};
  Napi::Reference<Napi::Uint8Array> view_;
  Napi::FunctionReference on_datagram_;
  Napi::FunctionReference on_error_;
};

// new UdpSender(local, localPort, remote, remotePort, ttl)
class UdpSender : public Napi::ObjectWrap<UdpSender> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit UdpSender(const Napi::CallbackInfo& info);

 private:
  void Open(const Napi::CallbackInfo& info);
  Napi::Value Send(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  UniqueFd fd_;
  sockaddr_storage to_{};
  socklen_t to_bytes_ = 0;
};
