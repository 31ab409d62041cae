#pragma once
#include <napi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "args.h"

// The fields of an object that JavaScript hands over, checked one by one. The first one that is wrong throws, naming itself; after
// that every call returns nothing useful and runs no JavaScript, so callers read all of them and ask ok() once.
class Fields {
 public:
  // `type` is what the messages call the object. It may be empty, of a Get() that failed: then the exception is pending already.
  Fields(const Napi::Value& object, const char* type);

  bool ok() const { return ok_; }
  Napi::Env env() const { return env_; }

  // Within `low` to `high`: else RangeError. No whole number: TypeError.
  template <typename T>
  T Number(const char* name, T low, T high) {
    const auto number = Read(name, &args::Integer<int64_t>, "a whole number");
    if (!number) return low;
    if (*number >= static_cast<int64_t>(low) && *number <= static_cast<int64_t>(high)) return static_cast<T>(*number);
    Refuse<Napi::RangeError>(name, "out of range");
    return low;
  }
  bool Flag(const char* name);
  // UTF-8, without NUL.
  std::string Text(const char* name);
  // The same; empty for undefined.
  std::string TextOr(const char* name);
  // One byte per character.
  std::string Latin1(const char* name, size_t longest);
  // The index in `words`.
  template <size_t N>
  uint32_t Word(const char* name, const char* const (&words)[N]) {
    const std::string text = Text(name);
    for (uint32_t i = 0; ok_ && i < N; i++)
      if (text == words[i]) return i;
    Refuse<Napi::RangeError>(name, "none of its words");
    return 0;
  }
  // An array, one element at a time.
  template <typename T, typename One>
  std::vector<T> List(const char* name, size_t longest, One&& one) {
    const auto read = [&](const Napi::Value& value) { return args::Array<T>(value, std::forward<One>(one), longest); };
    return Read(name, read, "an array of what it holds").value_or(std::vector<T>());
  }
  bool Has(const char* name);
  Napi::Value Get(const char* name);

  template <typename Error>
  void Refuse(const char* name, const char* what) {
    if (ok_ && !env_.IsExceptionPending())
      Error::New(env_, std::string(type_) + "." + name + ": " + what).ThrowAsJavaScriptException();
    ok_ = false;
  }

 private:
  template <typename Read_>
  auto Read(const char* name, Read_&& read, const char* want) -> decltype(read(Napi::Value())) {
    const Napi::Value value = Get(name);
    if (!ok_) return std::nullopt;
    auto got = read(value);
    if (!got) Refuse<Napi::TypeError>(name, want);
    return got;
  }

  Napi::Env env_;
  Napi::Object object_;
  const char* type_;
  bool ok_;
};
