#include "signals.h"

#include <fcntl.h>
#include <signal.h>

#include <array>
#include <cerrno>
#include <vector>

namespace launcher {
namespace {

// SIGRTMIN is a function call in glibc: the first two belong to its threads.
std::vector<int> Handled() {
  return {SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGCHLD, SIGRTMIN + 2, SIGRTMAX - 1, SIGRTMAX};
}

sigset_t HandledSet() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : Handled()) sigaddset(&set, signal);
  return set;
}

volatile sig_atomic_t pipe_for_handler = -1;

void OnSignal(int signal) {
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(signal);
  // A full pipe (65,536 unread signals) drops it: the loop is far behind anyway.
  [[maybe_unused]] const ssize_t written = ::write(pipe_for_handler, &byte, 1);
  errno = saved;
}

}  // namespace

void BlockSignals() {
  const sigset_t set = HandledSet();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

void UnblockSignals() {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void ResetSignalsForExec() {
  struct sigaction by_default{};
  by_default.sa_handler = SIG_DFL;
  for (const int signal : Handled()) ::sigaction(signal, &by_default, nullptr);
  ::sigaction(SIGPIPE, &by_default, nullptr);
  // Node cannot hear these; sent to every process of the name they would end the daemon.
  struct sigaction ignored{};
  ignored.sa_handler = SIG_IGN;
  for (const int signal : {SIGRTMIN + 2, SIGRTMAX - 1, SIGRTMAX}) ::sigaction(signal, &ignored, nullptr);
  UnblockSignals();
}

const char* ForwardedName(int signal) {
  switch (signal) {
    case SIGHUP: return "HUP";
    case SIGTERM: return "TERM";
    case SIGINT: return "INT";
    case SIGUSR1: return "USR1";
    case SIGUSR2: return "USR2";
    default: break;
  }
  if (signal == SIGRTMIN + 2) return "JSON";
  if (signal == SIGRTMAX - 1) return "STATS_CLEAR";
  if (signal == SIGRTMAX) return "TDUMP";
  return nullptr;
}

SignalPipe::SignalPipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return;
  read_end_ = UniqueFd(ends[0]);
  write_end_ = UniqueFd(ends[1]);
  pipe_for_handler = write_end_.get();
  struct sigaction action{};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  action.sa_mask = HandledSet();
  for (const int signal : Handled()) ::sigaction(signal, &action, nullptr);
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &action, nullptr);
  UnblockSignals();
}

std::optional<int> SignalPipe::Next() {
  unsigned char signal = 0;
  if (::read(read_end_.get(), &signal, 1) != 1) return std::nullopt;
  return signal;
}

}  // namespace launcher
