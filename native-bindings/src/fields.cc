#include "fields.h"

namespace {

std::optional<bool> AsFlag(const Napi::Value& value) {
  return value.IsBoolean() ? std::optional<bool>(value.As<Napi::Boolean>().Value()) : std::nullopt;
}

std::optional<std::string> AsLatin1(const Napi::Value& value) {
  size_t length = 0;
  if (napi_get_value_string_latin1(value.Env(), value, nullptr, 0, &length) != napi_ok) return std::nullopt;
  std::string text(length, '\0');
  napi_get_value_string_latin1(value.Env(), value, text.data(), length + 1, nullptr);
  return text;
}

}  // namespace

Fields::Fields(const Napi::Value& object, const char* type) : env_(object.Env()), type_(type), ok_(false) {
  if (object.IsEmpty()) return;
  ok_ = object.IsObject();
  if (ok_) {
    object_ = object.As<Napi::Object>();
  } else {
    args::ThrowUsage(env_, (std::string(type) + " must be an object").c_str());
  }
}

Napi::Value Fields::Get(const char* name) {
  if (!ok_) return {};
  Napi::Value value = object_.Get(name);
  if (env_.IsExceptionPending()) ok_ = false;
  return value;
}

bool Fields::Has(const char* name) {
  const Napi::Value value = Get(name);
  return ok_ && !value.IsUndefined();
}

bool Fields::Flag(const char* name) { return Read(name, &AsFlag, "true or false").value_or(false); }

std::string Fields::Text(const char* name) {
  return Read(name, &args::CString, "a string without NUL").value_or(std::string());
}

std::string Fields::TextOr(const char* name) {
  const auto read = [](const Napi::Value& value) {
    return value.IsUndefined() ? std::optional<std::string>("") : args::CString(value);
  };
  return Read(name, read, "a string without NUL, or undefined").value_or(std::string());
}

std::string Fields::Latin1(const char* name, size_t longest) {
  std::string text = Read(name, &AsLatin1, "a string").value_or(std::string());
  if (text.size() > longest) Refuse<Napi::RangeError>(name, "too long");
  return text;
}
