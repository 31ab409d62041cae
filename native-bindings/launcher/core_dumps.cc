#include "core_dumps.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "../src/unique_fd.h"

namespace launcher {
namespace {

constexpr const char* kPattern = "/proc/sys/kernel/core_pattern";

// Up to the hard limit where that may not be raised. Returns an errno.
int AllowCores() {
  const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
  if (::setrlimit(RLIMIT_CORE, &all) == 0) return 0;
  rlimit limit{};
  if (::getrlimit(RLIMIT_CORE, &limit) != 0) return errno;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_CORE, &limit) == 0 ? 0 : errno;
}

std::string ReadPattern() {
  const UniqueFd fd(::open(kPattern, O_RDONLY | O_CLOEXEC));
  std::array<char, 256> text{};
  const ssize_t length = fd ? ::read(fd.get(), text.data(), text.size()) : -1;
  if (length <= 0) return {};
  std::string pattern(text.data(), static_cast<size_t>(length));
  while (!pattern.empty() && pattern.back() == '\n') pattern.pop_back();
  return pattern;
}

// Returns an errno.
int WritePattern(const std::string& pattern) {
  const UniqueFd fd(::open(kPattern, O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (!fd) return errno;
  const ssize_t written = ::write(fd.get(), pattern.data(), pattern.size());
  return written == static_cast<ssize_t>(pattern.size()) ? 0 : errno;
}

}  // namespace

CoreDumps::CoreDumps(const CommandLine& options) {
  if (options.short_job) return;
  if (options.dumps_core) {
    if (const int err = AllowCores(); err != 0) trouble_ = std::string("--core-dump: ") + ::strerror(err);
  }
  if (options.core_pattern.empty()) return;
  before_ = ReadPattern();
  if (const int err = WritePattern(options.core_pattern); err != 0)
    trouble_ = std::string("--core-dump-pattern: ") + kPattern + " cannot be written: " + ::strerror(err);
  else
    pattern_ = options.core_pattern;
}

// Somebody else's pattern stays.
CoreDumps::~CoreDumps() {
  if (!pattern_.empty() && !before_.empty() && ReadPattern() == pattern_) WritePattern(before_);
}

}  // namespace launcher
