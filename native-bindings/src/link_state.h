#pragma once
#include <napi.h>

// pollLink(name, method, done): see native-bindings/link-state.ts.
void DefineLinkState(Napi::Env env, Napi::Object exports);
