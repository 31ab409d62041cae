#pragma once
#include <napi.h>

#include <array>

#include "watch.h"

// new FrameReader(interfaceIndex, family, onFrame): see native-bindings/frame-reader.ts. Alive until close().
class FrameReader : public Napi::ObjectWrap<FrameReader>, private WatchOwner {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit FrameReader(const Napi::CallbackInfo& info);
  ~FrameReader() override;

 private:
  void OnReady() override;
  void OnClosed(WatchEnd end) override;
  void Close(const Napi::CallbackInfo& info);

  // Of ARP and neighbour adverts; what is longer is cut.
  static constexpr size_t kLongest = 128;
  // Per turn of the loop: a flood must not delay adverts.
  static constexpr int kMostAtOnce = 16;

  Watch* watch_ = nullptr;
  std::array<std::byte, kLongest> buffer_{};
  Napi::FunctionReference on_frame_;
};
