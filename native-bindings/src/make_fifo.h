#pragma once
#include <napi.h>

// makeFifo: see native-bindings/fifo.ts.
void DefineMakeFifo(Napi::Env env, Napi::Object exports);
