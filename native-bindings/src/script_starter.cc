#include "script_starter.h"

#include <signal.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>

namespace script {
namespace {

// As many file servers may be gone at once before scripts of healthy ones wait too.
constexpr size_t kMostThreads = 32;
constexpr size_t kStackBytes = 128 * 1024;
// execve takes less than a millisecond. Whoever takes longer waits for a disk or for a server.
constexpr int64_t kUsualMs = 20;
constexpr int kLastSignal = 64;

timespec Now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now;
}

timespec After(timespec time, int64_t ms) {
  constexpr int64_t kNsInMs = 1'000'000, kNsInS = 1'000'000'000;
  const int64_t ns = time.tv_nsec + ms * kNsInMs;
  return {static_cast<time_t>(time.tv_sec + ns / kNsInS), static_cast<long>(ns % kNsInS)};
}

bool Before(const timespec& a, const timespec& b) {
  return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

class Lock {
 public:
  explicit Lock(pthread_mutex_t& mutex) : mutex_(mutex) { ::pthread_mutex_lock(&mutex_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() { ::pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t& mutex_;
};

}  // namespace

Starter::Starter(UniqueFd done_event, const std::optional<cpu_set_t>& cpus)
    : done_event_(std::move(done_event)), cpus_(cpus) {
  // The main thread may be of a real-time class: whoever holds the lock then runs in that class, and gives it back soon.
  pthread_mutexattr_t inherit;
  ::pthread_mutexattr_init(&inherit);
  ::pthread_mutexattr_setprotocol(&inherit, PTHREAD_PRIO_INHERIT);
  if (::pthread_mutex_init(&mutex_, &inherit) != 0) ::pthread_mutex_init(&mutex_, nullptr);  // a kernel without
  ::pthread_mutexattr_destroy(&inherit);
  pthread_condattr_t monotonic;
  ::pthread_condattr_init(&monotonic);
  ::pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  ::pthread_cond_init(&changed_, &monotonic);
  ::pthread_condattr_destroy(&monotonic);
}

Starter::~Starter() {
  ::pthread_cond_destroy(&changed_);
  ::pthread_mutex_destroy(&mutex_);
}

std::shared_ptr<Starter> Starter::Open(const std::optional<cpu_set_t>& cpus, int& err) {
  UniqueFd done_event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!done_event) {
    err = errno;
    return nullptr;
  }
  return std::shared_ptr<Starter>(new Starter(std::move(done_event), cpus));
}

void Starter::Submit(std::shared_ptr<Start> start) {
  const Lock lock(mutex_);
  waiting_.push_back(std::move(start));
  if (idle_ == 0) AddThread();
  if (starting_.empty() || watching_ == 0) ::pthread_cond_signal(&changed_);
  if (threads_ > 0) return;
  // No thread is to be had, and nobody else will come for it.
  waiting_.back()->failure = {EAGAIN, "pthread_create"};
  Finish(std::move(waiting_.back()));
  waiting_.pop_back();
}

std::vector<std::shared_ptr<Start>> Starter::Take() {
  const Lock lock(mutex_);
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t read = ::read(done_event_.get(), &count, sizeof count);
  return std::exchange(done_, {});
}

int Starter::Signal(const std::shared_ptr<Start>& start, int signal) {
  if (signal < 0 || signal > kLastSignal) return EINVAL;
  if (signal == 0) return 0;
  {
    const Lock lock(mutex_);
    if (const auto at = std::find(waiting_.begin(), waiting_.end(), start); at != waiting_.end()) {
      start->progress.signal = signal;
      waiting_.erase(at);
      Finish(start);
      return 0;
    }
  }
  start->progress.signal = signal;  // before the number is read: the child does it the other way round
  const pid_t pid = start->progress.pid;
  return pid <= 0 ? 0 : script::Signal(pid, signal);
}

void Starter::Close() {
  const Lock lock(mutex_);
  closed_ = true;
  waiting_.clear();
  for (const auto& start : starting_) {
    start->progress.signal = SIGKILL;
    if (const pid_t pid = start->progress.pid; pid > 0) script::Signal(pid, SIGKILL);
  }
  for (const auto& start : done_)
    if (start->child) KillAndReap(start->child->pid, start->child->pidfd.get());
  done_.clear();
  ::pthread_cond_broadcast(&changed_);
}

// With the lock held.
void Starter::AddThread() {
  if (threads_ >= kMostThreads) return;
  // cpuset(7) may have taken all of those processors away since then: where the caller runs is better than nowhere.
  if (!BeginThread(cpus_) && !(cpus_ && BeginThread(std::nullopt))) return;
  threads_++;
  idle_++;
}

bool Starter::BeginThread(const std::optional<cpu_set_t>& cpus) {
  auto self = std::make_unique<std::shared_ptr<Starter>>(shared_from_this());
  const auto run = [](void* argument) -> void* {
    const std::unique_ptr<std::shared_ptr<Starter>> starter(static_cast<std::shared_ptr<Starter>*>(argument));
    (*starter)->Run();
    return nullptr;
  };
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStackBytes);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  if (cpus) ::pthread_attr_setaffinity_np(&attributes, sizeof *cpus, &*cpus);
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the threads that expect them
  pthread_t thread;
  const int err = ::pthread_create(&thread, &attributes, run, self.get());
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_attr_destroy(&attributes);
  if (err != 0) return false;
  [[maybe_unused]] auto* given = self.release();
  return true;
}

void Starter::Run() {
  const Stack stack;
  while (std::shared_ptr<Start> start = Next()) {
    start->child = Spawn(start->command, stack, start->progress, start->failure);
    const Lock lock(mutex_);
    std::erase(starting_, start);
    idle_++;
    Finish(std::move(start));  // and goes on with the next itself
  }
}

std::shared_ptr<Start> Starter::Next() {
  const Lock lock(mutex_);
  while (!closed_) {
    if (waiting_.empty()) {
      ::pthread_cond_wait(&changed_, &mutex_);
      continue;
    }
    // One at a time, as long as that goes well: many threads in execve would take processors from those with adverts.
    const timespec unusual = starting_.empty() ? timespec{} : After(starting_.back()->begun, kUsualMs);
    const timespec now = Now();
    if (Before(now, unusual)) {
      watching_++;
      ::pthread_cond_timedwait(&changed_, &mutex_, &unusual);
      watching_--;
      continue;
    }
    std::shared_ptr<Start> start = std::move(waiting_.front());
    waiting_.pop_front();
    start->begun = now;
    starting_.push_back(start);  // the youngest is the last
    idle_--;
    if (idle_ == 0) AddThread();  // who looks at the clock while this one waits
    if (!waiting_.empty() && watching_ == 0) ::pthread_cond_signal(&changed_);
    return start;
  }
  threads_--;
  idle_--;
  return nullptr;
}

// With the lock held.
void Starter::Finish(std::shared_ptr<Start> start) {
  if (closed_) {
    if (start->child) KillAndReap(start->child->pid, start->child->pidfd.get());
    return;
  }
  done_.push_back(std::move(start));
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(done_event_.get(), &one, sizeof one);
}

}  // namespace script
