#pragma once
#include <napi.h>

// closeOnExecFrom, mapShared, setThreadNice, bootTime: see native-bindings/process.ts and timer.ts.
void DefineProcessFunctions(Napi::Env env, Napi::Object exports);
