#include "target.h"

namespace bench {
namespace {

// Says nothing and waits for the peer's close. A connect check is often over before its connection is accepted, so that is looked at
// before epoll hears of it.
class QuietTarget final : public Target {
 public:
  using Target::Target;

  void OnAccept(int fd) override {
    if (Discard(fd)) Watch(fd);
    else Close(fd);
  }

  void OnReady(int fd) override {
    if (!Discard(fd)) Close(fd);
  }
};

class ResetTarget final : public Target {
 public:
  using Target::Target;
  void OnAccept(int fd) override { Reset(fd); }
  void OnReady(int) override {}
};

}  // namespace

std::unique_ptr<Target> MakeQuietTarget(TargetLoop& loop, TargetCounts& counts) {
  return std::make_unique<QuietTarget>(loop, counts);
}

std::unique_ptr<Target> MakeResetTarget(TargetLoop& loop, TargetCounts& counts) {
  return std::make_unique<ResetTarget>(loop, counts);
}

}  // namespace bench
