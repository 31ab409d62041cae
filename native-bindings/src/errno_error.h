#pragma once
#include <napi.h>
#include <uv.h>

#include <string>

// The error Node's own I/O gives: "EPERM: operation not permitted, socket", with code, errno (negative) and syscall.
// `err` is positive, as in <errno.h>.
inline Napi::Error ErrnoError(Napi::Env env, int err, const char* syscall) {
  const int uv = uv_translate_sys_error(err);
  Napi::Error error = Napi::Error::New(env, std::string(uv_err_name(uv)) + ": " + uv_strerror(uv) + ", " + syscall);
  error.Set("code", Napi::String::New(env, uv_err_name(uv)));
  error.Set("errno", Napi::Number::New(env, uv));
  error.Set("syscall", Napi::String::New(env, syscall));
  return error;
}

inline void ThrowErrno(Napi::Env env, int err, const char* syscall) {
  ErrnoError(env, err, syscall).ThrowAsJavaScriptException();
}
