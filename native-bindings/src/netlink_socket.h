#pragma once
#include <napi.h>

#include <memory>

#include "netlink_receiver.h"
#include "unique_fd.h"
#include "watch.h"

// new NetlinkSocket(protocol, receiveBufferBytes, onDatagram, onError): see native-bindings/netlink.ts.
// Alive until close(): a socket that the garbage collector closed would lose notifications silently.
class NetlinkSocket : public Napi::ObjectWrap<NetlinkSocket>, private WatchOwner {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit NetlinkSocket(const Napi::CallbackInfo& info);
  ~NetlinkSocket() override;

 private:
  void Open(const Napi::CallbackInfo& info);
  void OnReady() override;
  void OnClosed(WatchEnd end) override;
  bool Deliver(size_t count);

  Napi::Value GetPortId(const Napi::CallbackInfo& info);
  Napi::Value Send(const Napi::CallbackInfo& info);
  void Aside(const Napi::CallbackInfo& info);
  void Join(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  Watch* watch_ = nullptr;
  // For threads that send: the socket is closed when none of them needs it any more. Made once: not each order is to take a number.
  std::shared_ptr<const UniqueFd> shared_fd_;
  uint32_t port_id_ = 0;
  nl::Receiver receiver_;
  Napi::FunctionReference on_datagram_;
  Napi::FunctionReference on_error_;
};
