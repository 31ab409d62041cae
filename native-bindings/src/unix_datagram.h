#pragma once
#include <napi.h>

#include "unique_fd.h"

// new UnixDatagram(): sends to AF_UNIX datagram sockets; see native-bindings/datagram.ts.
class UnixDatagram : public Napi::ObjectWrap<UnixDatagram> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit UnixDatagram(const Napi::CallbackInfo& info);

 private:
  Napi::Value Send(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  UniqueFd fd_;
};
