#pragma once
#include <napi.h>

#include <string>

// @returns 0 or errno
int WriteFile(const std::string& path, const std::string& text);

// writeFiles(paths, texts, done): see native-bindings/write-files.ts.
void DefineWriteFiles(Napi::Env env, Napi::Object exports);
