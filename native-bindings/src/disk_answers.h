#pragma once
#include <napi.h>

// diskAnswers(path, milliseconds): see native-bindings/disk-answers.ts.
void DefineDiskAnswers(Napi::Env env, Napi::Object exports);
