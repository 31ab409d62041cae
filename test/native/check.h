#pragma once
#include <cstdio>
#include <cstdlib>

// CHECK() of the plain C++ tests: says what does not hold, and goes on.
inline int failures = 0;

inline void Check(bool holds, const char* what, const char* file, int line) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what);
  failures++;
}
#define CHECK(condition) Check(static_cast<bool>(condition), #condition, __FILE__, __LINE__)

// The last line of main().
inline int Report() {
  std::puts(failures == 0 ? "ok" : "failed");
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
