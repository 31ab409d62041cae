#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "../src/unique_fd.h"

namespace launcher {

// `ok`, `busy` (pid 0: the holder has not written it) or `failed` (a positive errno), as in PROTOCOL.md.
struct Claim {
  enum class Outcome { kOk, kBusy, kFailed } outcome = Outcome::kFailed;
  int detail = 0;
};

// Pid files, locked while we live. A lock, not the file, says that somebody runs: a left-over file is taken over.
class PidFiles {
 public:
  PidFiles() = default;
  PidFiles(const PidFiles&) = delete;
  PidFiles& operator=(const PidFiles&) = delete;
  ~PidFiles() { Release(); }

  // Creates (0644 whatever the umask, its directory and the one above 0755), locks, and writes "PID\n". What is ours already is ok.
  Claim Take(const std::string& path, pid_t pid);
  // Path of the one that was taken first; empty: none.
  std::string First() const { return held_.empty() ? std::string() : held_.front().path; }
  // Unlinks what is still ours, removes the directories made for it, and lets go of the locks.
  void Release();

 private:
  void MakeDirectoriesOf(const std::string& path);
  void Hold(const std::string& path, UniqueFd fd);

  struct Held {
    std::string path;  // absolute: the launcher changes its directory
    UniqueFd fd;
  };
  std::vector<Held> held_;
  std::vector<std::string> made_;  // directories, outer ones first
};

}  // namespace launcher
