// Starting a script without copying the daemon's page tables, without N-API.
#pragma once
#include <sys/mman.h>
#include <sys/types.h>

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "unique_fd.h"

namespace script {

struct Command {
  std::vector<std::string> argv;  // argv[0] is the file to run; PATH is not searched
  std::vector<std::string> env;   // NAME=value
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

struct Child {
  pid_t pid = -1;
  UniqueFd pidfd;
};

// `step` is a literal naming the system call that failed, `err` its positive errno.
struct Failure {
  int err = 0;
  const char* step = "";
};

// What another thread may know and want while Spawn waits.
struct Progress {
  std::atomic<pid_t> pid = 0;  // of the child, as soon as it leads its group; 0 again when it could not be started
  std::atomic<int> signal = 0;  // one that was sent when there was no group yet: the child sends it to itself
};

// What a child runs on until execve. Kept by the thread that starts scripts: to unmap one, the kernel interrupts every
// processor on which the daemon has a thread.
class Stack {
 public:
  Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  ~Stack();

  bool ok() const { return base_ != MAP_FAILED; }
  int err() const { return err_; }
  void* top() const { return static_cast<char*>(base_) + kBytes; }

 private:
  static constexpr size_t kBytes = 64 * 1024;
  void* base_;
  int err_;
};

// The calling thread waits until the child has run execve or failed (vfork semantics), so the result is definite. With a
// file on a file server that does not answer that may be never: see script_starter.h. A file that names no interpreter
// is run by the shell. The child leads its own process group and is killed with SIGTERM when the calling thread ends.
std::optional<Child> Spawn(const Command& command, const Stack& stack, Progress& progress, Failure& failure);

// How a child ended: exactly one is >= 0.
struct Exit {
  int status = -1;
  int signal = -1;
};

// Collects the child if it has ended. Nothing while it runs.
std::optional<Exit> Reap(int pidfd);

// To the child's group; and to the child itself, should it have joined another group. Its number is its own until it is reaped.
// Returns 0 or a positive errno.
int Signal(pid_t pid, int signal);

// SIGKILL to the whole group. One that is stuck in the kernel is not waited for.
void KillAndReap(pid_t pid, int pidfd);

}  // namespace script
