#include "target_loop.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "monotonic.h"

namespace bench {
namespace {

constexpr uint64_t kDoorTag = uint64_t{1} << 32;
constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kNoDescriptorPauseNs = 10'000'000;

// Nobody waits for the accept of a connect check, so those are taken in batches: one wake-up in two milliseconds at most.
constexpr uint64_t kBatchNs = 2'000'000;

bool InBatches(Mode mode) { return mode == Mode::kTcp; }

}  // namespace

TargetLoop::TargetLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)), by_descriptor_(DescriptorLimit()) {}

bool TargetLoop::Add(Listener& listener, Target& target) {
  doors_.push_back({&listener, &target});
  const bool known = std::find(ticking_.begin(), ticking_.end(), &target) != ticking_.end();  // by its other family
  if (target.wants_seconds() && !known) ticking_.push_back(&target);
  return Arm(EPOLL_CTL_ADD, doors_.size() - 1) == 0;
}

// What is shut down reports EPOLLHUP for ever, hence never level-triggered.
int TargetLoop::Arm(int operation, size_t door) {
  const Listener& listener = *doors_[door].listener;
  if (listener.mode() == Mode::kAcceptNever) return 0;
  epoll_event event{};
  event.events = EPOLLIN | (InBatches(listener.mode()) ? EPOLLONESHOT : EPOLLET);
  event.data.u64 = kDoorTag | door;
  return epoll_ctl(epoll_.get(), operation, listener.fd(), &event);
}

bool TargetLoop::Up(uint16_t port) {
  bool all = true;
  for (size_t i = 0; i < doors_.size(); ++i) {
    if (doors_[i].listener->port() != port) continue;
    all = doors_[i].listener->Up() == 0 && Arm(EPOLL_CTL_MOD, i) == 0 && all;
  }
  return all;
}

void TargetLoop::Down(uint16_t port) {
  for (const Door& door : doors_) {
    if (door.listener->port() == port) door.listener->Down();
  }
}

bool TargetLoop::Watch(int fd, Target& target) {
  by_descriptor_[static_cast<size_t>(fd)] = &target;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP;
  event.data.u64 = static_cast<uint64_t>(fd);
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void TargetLoop::Forget(int fd) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void TargetLoop::Run() {
  std::array<epoll_event, 512> events;
  next_second_ns_ = MonotonicNs() + kSecondNs;
  for (;;) {
    const int n = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), WaitMs());
    for (int i = 0; i < n; ++i) Dispatch(events[static_cast<size_t>(i)]);
    if (doors_due_ > 0 || !ticking_.empty()) RunDue();
  }
}

// A descriptor is closed in its own event only, or in RunDue(), so no event of a batch meets a successor of its descriptor.
void TargetLoop::Dispatch(const epoll_event& event) {
  const uint64_t tag = event.data.u64;
  if (tag < kDoorTag) return by_descriptor_[tag]->OnReady(static_cast<int>(tag));
  Door& door = doors_[tag & ~kDoorTag];
  if (!InBatches(door.listener->mode())) {
    Accept(door);
    return;
  }
  door.look_at_ns = MonotonicNs() + kBatchNs;
  ++doors_due_;
}

bool TargetLoop::Accept(Door& door) {
  for (;;) {
    const int fd = accept4(door.listener->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      TargetCounts::Add(door.target->counts().accepted, 1);
      door.target->OnAccept(fd);
      continue;
    }
    if (errno == ECONNABORTED || errno == EINTR) continue;
    if (errno != EMFILE && errno != ENFILE) return errno == EAGAIN;  // EINVAL: it is down
    TargetCounts::Add(door.target->counts().failed, 1);
    door.look_at_ns = MonotonicNs() + kNoDescriptorPauseNs;
    ++doors_due_;
    return false;
  }
}

void TargetLoop::RunDue() {
  const uint64_t now = MonotonicNs();
  for (size_t i = 0; i < doors_.size() && doors_due_ > 0; ++i) {
    Door& door = doors_[i];
    if (door.look_at_ns == 0 || door.look_at_ns > now) continue;
    door.look_at_ns = 0;
    --doors_due_;
    if (Accept(door)) Arm(EPOLL_CTL_MOD, i);
  }
  if (!ticking_.empty() && now >= next_second_ns_) RunSeconds(now);
}

void TargetLoop::RunSeconds(uint64_t now) {
  next_second_ns_ = now + kSecondNs;
  for (Target* const target : ticking_) target->OnSecond();
}

int TargetLoop::WaitMs() const {
  if (doors_due_ == 0 && ticking_.empty()) return -1;
  uint64_t next = ticking_.empty() ? UINT64_MAX : next_second_ns_;
  for (const Door& door : doors_) {
    if (door.look_at_ns != 0) next = std::min(next, door.look_at_ns);
  }
  const uint64_t now = MonotonicNs();
  return next <= now ? 0 : static_cast<int>((next - now + 999'999) / 1'000'000);
}

}  // namespace bench
