// Starting a script without copying the daemon's page tables, without N-API.
#pragma once
#include <sys/types.h>

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

// The calling thread waits until the child has run execve or failed (vfork semantics), so the result is definite.
// The child leads its own process group and is killed with SIGTERM when the calling thread ends.
std::optional<Child> Spawn(const Command& command, Failure& failure);

// How a child ended: exactly one is >= 0.
struct Exit {
  int status = -1;
  int signal = -1;
};

// Collects the child if it has ended. Nothing while it runs.
std::optional<Exit> Reap(int pidfd);

}  // namespace script
