// Signals as bytes in a pipe: sigaction and a self-pipe, because signalfd would need them blocked in the children too.
#pragma once
#include <optional>

#include "../src/unique_fd.h"

namespace launcher {

// Blocks every signal that the launcher handles. Called first of all: what arrives from then on stays pending, also
// across execve, until a SignalPipe is made.
void BlockSignals();

// Unblocks all signals.
void UnblockSignals();

// For a forked child about to exec, which was forked with them blocked: our handlers would write to the pipe that it
// shares with us. Defaults first, then an empty mask.
void ResetSignalsForExec();

// PROTOCOL.md's NAME of a signal that is forwarded to the daemon; null for others.
const char* ForwardedName(int signal);

// Installs the handlers and unblocks. There is one per process: a handler needs a place that it can find.
class SignalPipe {
 public:
  SignalPipe();
  SignalPipe(const SignalPipe&) = delete;
  SignalPipe& operator=(const SignalPipe&) = delete;

  bool ok() const { return static_cast<bool>(read_end_); }
  int fd() const { return read_end_.get(); }  // readable while a signal waits
  std::optional<int> Next();                  // in order of arrival

 private:
  UniqueFd read_end_;
  UniqueFd write_end_;
};

}  // namespace launcher
