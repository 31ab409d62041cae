#include "target.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "target_loop.h"

namespace bench {

bool Target::Discard(int fd) {
  std::array<char, 16384> bytes;
  const ssize_t n = recv(fd, bytes.data(), bytes.size(), 0);
  if (n > 0) TargetCounts::Add(counts_.received, static_cast<uint64_t>(n));
  return n > 0 || (n < 0 && errno == EAGAIN);
}

bool Target::Watch(int fd) {
  if (loop_.Watch(fd, *this)) return true;
  TargetCounts::Add(counts_.failed, 1);
  Reset(fd);
  return false;
}

void Target::Close(int fd) {
  close(fd);
  TargetCounts::Add(counts_.closed, 1);
}

void Target::Reset(int fd) {
  const linger abrupt{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
  Close(fd);
}

std::unique_ptr<Target> MakeTarget(Mode mode, TargetLoop& loop, TargetCounts& counts) {
  switch (mode) {
    case Mode::kTcp:
    case Mode::kSilent:
    case Mode::kAcceptNever: return MakeQuietTarget(loop, counts);
    case Mode::kReset: return MakeResetTarget(loop, counts);
    case Mode::kHttp: return MakeHttpTarget(loop, counts);
    case Mode::kNeverFin: return MakeNeverFinTarget(loop, counts);
    case Mode::kHttps: return MakeTlsTarget(loop, counts);
    case Mode::kTrickle: return MakeTrickleTarget(loop, counts, false);
    case Mode::kTlsTrickle: return MakeTrickleTarget(loop, counts, true);
  }
  return nullptr;
}

size_t DescriptorLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace bench
