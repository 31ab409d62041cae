// Checks of what JavaScript hands over. Each returns nothing on a wrong type: the caller throws one TypeError that
// shows the whole signature. No check runs JavaScript, except StringsArg, which reads the elements of a real array.
#pragma once
#include <napi.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace args {

// An integer that fits T. NaN, fractions, infinities and everything that is not a number are refused.
template <typename T>
std::optional<T> Integer(const Napi::Value& value) {
  if (!value.IsNumber()) return std::nullopt;
  const double number = value.As<Napi::Number>().DoubleValue();
  constexpr auto kLow = static_cast<double>(std::numeric_limits<T>::min());
  constexpr auto kHigh = static_cast<double>(std::numeric_limits<T>::max());
  const bool fits = std::trunc(number) == number && number >= kLow && number <= kHigh;
  return fits ? std::optional<T>(static_cast<T>(number)) : std::nullopt;
}

// The bytes of a Uint8Array or Buffer, also over a SharedArrayBuffer. Borrowed: valid during the call only.
inline std::optional<std::span<const std::byte>> Bytes(const Napi::Value& value) {
  if (!value.IsTypedArray()) return std::nullopt;
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  const napi_status status = napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr);
  if (status != napi_ok || type != napi_uint8_array) return std::nullopt;
  return std::span<const std::byte>(static_cast<const std::byte*>(data), data == nullptr ? 0 : length);
}

// A string for the kernel: no NUL inside, where the kernel would silently cut it.
inline std::optional<std::string> CString(const Napi::Value& value) {
  if (!value.IsString()) return std::nullopt;
  std::string text = value.As<Napi::String>().Utf8Value();
  if (text.find('\0') != std::string::npos) return std::nullopt;
  return text;
}

// Applies `one` to every element of a real array (a proxy of one is refused). A getter that throws ends it: the
// exception stays pending, so callers check that before they throw their own. One that is too long is refused unread.
template <typename T, typename One>
std::optional<std::vector<T>> Array(const Napi::Value& value, One&& one, size_t longest = UINT32_MAX) {
  if (!value.IsArray()) return std::nullopt;
  const auto array = value.As<Napi::Array>();
  const uint32_t length = array.Length();
  if (length > longest) return std::nullopt;
  std::vector<T> out;  // not reserved: `length` of a sparse array costs its owner nothing
  for (uint32_t i = 0; i < length; i++) {
    const Napi::HandleScope scope(value.Env());
    const Napi::Value element = array.Get(i);
    if (value.Env().IsExceptionPending()) return std::nullopt;
    std::optional<T> item = one(element);
    if (!item) return std::nullopt;
    out.push_back(std::move(*item));
  }
  return out;
}

// Throws TypeError with the signature, unless an exception is pending already.
inline void ThrowUsage(Napi::Env env, const char* signature) {
  if (!env.IsExceptionPending()) Napi::TypeError::New(env, signature).ThrowAsJavaScriptException();
}

}  // namespace args
