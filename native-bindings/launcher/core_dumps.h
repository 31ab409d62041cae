// --core-dump and --core-dump-pattern: what is left of a daemon that crashed. See core(5).
#pragma once
#include <string>

#include "command_line.h"

namespace launcher {

// In force as long as it lives, for every process that is started meanwhile.
class CoreDumps {
 public:
  explicit CoreDumps(const CommandLine& options);
  ~CoreDumps();
  CoreDumps(const CoreDumps&) = delete;
  CoreDumps& operator=(const CoreDumps&) = delete;

  // What could not be done, for the log; empty: nothing.
  const std::string& trouble() const { return trouble_; }

 private:
  std::string pattern_;  // ours; empty: the kernel's is as it was
  std::string before_;
  std::string trouble_;
};

}  // namespace launcher
