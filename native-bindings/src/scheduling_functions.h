#pragma once
#include <napi.h>

// Scheduling class, nice value, processors and memory of threads, and what the kernel counts of the calling one.
void DefineSchedulingFunctions(Napi::Env env, Napi::Object exports);
