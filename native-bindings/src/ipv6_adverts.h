#pragma once
#include <napi.h>

#include "raw_ipv6.h"
#include "watch.h"

// new Ipv6AdvertReader(device, interfaceIndex, address, receiveBufferBytes, onPacket, onError): see native-bindings/ipv6-adverts.ts.
// Alive until close().
class Ipv6AdvertReader : public Napi::ObjectWrap<Ipv6AdvertReader>, private WatchOwner {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit Ipv6AdvertReader(const Napi::CallbackInfo& info);
  ~Ipv6AdvertReader() override;

 private:
  void Open(const Napi::CallbackInfo& info);
  void OnReady() override;
  void OnClosed(WatchEnd end) override;
  void ReceiveBuffer(const Napi::CallbackInfo& info);
  Napi::Value Filter(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  Watch* watch_ = nullptr;
  ipv6::Receiver receiver_;
  Napi::FunctionReference on_packet_;
  Napi::FunctionReference on_error_;
};

// new Ipv6AdvertSender(device, interfaceIndex)
class Ipv6AdvertSender : public Napi::ObjectWrap<Ipv6AdvertSender> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit Ipv6AdvertSender(const Napi::CallbackInfo& info);

 private:
  Napi::Value Send(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  UniqueFd fd_;
  uint32_t interface_index_ = 0;
};
