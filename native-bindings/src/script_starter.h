// Threads that start scripts, without N-API: whoever starts a program waits for execve, and that may wait for a file
// server that is gone. The caller's thread has adverts or checks to make.
#pragma once
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "script_spawn.h"
#include "unique_fd.h"

namespace script {

// One script, from the request to the answer. The thread that asked must not read what follows `progress` before
// Starter::Take() has given the Start back.
struct Start {
  explicit Start(Command wanted) : command(std::move(wanted)) {}

  const Command command;
  Progress progress;
  timespec begun{};
  std::optional<Child> child;
  Failure failure;  // without a child; err is 0 when a signal came before there was one
};

// A thread starts one script after another. One that waits longer than usual is left to its wait, and the next thread
// goes on with the rest. They live as long as the Starter: a script gets SIGTERM when the thread that started it ends.
class Starter : public std::enable_shared_from_this<Starter> {
 public:
  // Null with `err` set when there is no descriptor left. `cpus`: where its threads run, and scripts; none: where the caller does.
  static std::shared_ptr<Starter> Open(const std::optional<cpu_set_t>& cpus, int& err);
  Starter(const Starter&) = delete;
  Starter& operator=(const Starter&) = delete;
  ~Starter();

  int fd() const { return done_event_.get(); }  // borrowed; readable when Take() has something

  void Submit(std::shared_ptr<Start> start);
  // What has been started, or has failed, since the last call.
  std::vector<std::shared_ptr<Start>> Take();
  // To the script's group, or to what will be it. One that waits for its turn is not started any more.
  // @returns 0 or a positive errno
  int Signal(const std::shared_ptr<Start>& start, int signal);
  // Nobody will take any more: what has been or will be started is killed.
  void Close();

 private:
  Starter(UniqueFd done_event, const std::optional<cpu_set_t>& cpus);
  void AddThread();
  bool BeginThread(const std::optional<cpu_set_t>& cpus);
  void Run();
  // The next script, when its turn has come. Null: closed.
  std::shared_ptr<Start> Next();
  void Finish(std::shared_ptr<Start> start);

  UniqueFd done_event_;
  const std::optional<cpu_set_t> cpus_;
  pthread_mutex_t mutex_;
  pthread_cond_t changed_;
  std::deque<std::shared_ptr<Start>> waiting_;
  std::vector<std::shared_ptr<Start>> starting_;
  std::vector<std::shared_ptr<Start>> done_;
  size_t threads_ = 0;
  size_t idle_ = 0;
  size_t watching_ = 0;  // of those: who wait for the youngest start to be unusual
  bool closed_ = false;
};

}  // namespace script
