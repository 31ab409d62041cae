#pragma once
#include <napi.h>

// findUnfilteredRawSocket(protocol, from), setRawSocketFilter(fd, protocol, program): see native-bindings/raw-filter.ts.
void DefineRawFilter(Napi::Env env, Napi::Object exports);
