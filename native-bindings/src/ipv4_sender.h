// One raw socket for the adverts of IPv4 that this process sends, whatever interface they leave by: a socket for each of a thousand
// VMACs takes the start of a daemon a tenth of a second, and as many descriptors.
#pragma once
#include <napi.h>

#include "unique_fd.h"

class Ipv4AdvertSender final : public Napi::ObjectWrap<Ipv4AdvertSender> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit Ipv4AdvertSender(const Napi::CallbackInfo& info);

 private:
  Napi::Value Send(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  UniqueFd fd_;
};
