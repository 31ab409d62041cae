// stat(2) with a time limit, which the kernel does not have: a thread of its own looks, and is left to its wait for a file
// server that is gone. It lives until that answers, or the process ends.
#include "disk_answers.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>

#include <cerrno>
#include <memory>
#include <string>

#include "args.h"
#include "unique_fd.h"

namespace {

constexpr size_t kStackBytes = 128 * 1024;

// Of the one who asks and of the thread: whoever is the last closes it.
struct Question {
  const std::string path;
  UniqueFd answered;
};

void* Look(void* held) {
  const std::unique_ptr<std::shared_ptr<Question>> own(static_cast<std::shared_ptr<Question>*>(held));
  const Question& question = **own;
  struct stat status{};
  [[maybe_unused]] const int found = ::stat(question.path.c_str(), &status);  // whatever it says, it says something
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t told = ::write(question.answered.get(), &one, sizeof one);
  return nullptr;
}

// No signal is for it: handlers are the affair of other threads.
bool Begin(const std::shared_ptr<Question>& question) {
  auto held = std::make_unique<std::shared_ptr<Question>>(question);
  sigset_t all, before;
  ::sigfillset(&all);
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  ::pthread_attr_setstacksize(&attributes, kStackBytes);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread{};
  const bool begun = ::pthread_create(&thread, &attributes, Look, held.get()) == 0;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_attr_destroy(&attributes);
  if (begun) held.release();
  return begun;
}

int64_t NowMs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

bool Wait(int fd, int limit_ms) {
  const int64_t until = NowMs() + limit_ms;
  for (int64_t left = limit_ms; left >= 0; left = until - NowMs()) {
    pollfd answered{fd, POLLIN, 0};
    const int ready = ::poll(&answered, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;
  }
  return false;
}

Napi::Value DiskAnswers(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto path = args::CString(info[0]);
  const auto limit = args::Integer<uint16_t>(info[1]);
  if (!path || !limit) {
    args::ThrowUsage(env, "diskAnswers(path: string, milliseconds: 0..65535)");
    return {};
  }
  const auto question = std::make_shared<Question>(Question{*path, UniqueFd(::eventfd(0, EFD_CLOEXEC))});
  if (question->answered.get() < 0 || !Begin(question)) return Napi::Boolean::New(env, true);  // nobody to ask
  return Napi::Boolean::New(env, Wait(question->answered.get(), *limit));
}

}  // namespace

void DefineDiskAnswers(Napi::Env env, Napi::Object exports) {
  exports.Set("diskAnswers", Napi::Function::New<DiskAnswers>(env, "diskAnswers"));
}
