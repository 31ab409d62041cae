#include "background.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "signals.h"
#include "systemd.h"

namespace launcher {
namespace {

struct Report {
  unsigned char ready = 0;
  unsigned char code = 1;  // what a launcher that died without a word counts as
};

// TimeoutStartSec ends us, too.
constexpr int kManagerBusyMs = 60'000;

volatile sig_atomic_t launcher_pid = -1;

void PassOn(int signal) { ::kill(launcher_pid, signal); }

// They were blocked by main(); what came meanwhile is delivered now, so nothing is lost over the fork.
void PassSignalsTo(pid_t pid) {
  launcher_pid = pid;
  struct sigaction action{};
  action.sa_handler = PassOn;
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGRTMIN + 2, SIGRTMAX - 1, SIGRTMAX})
    ::sigaction(signal, &action, nullptr);
  UnblockSignals();
}

// With NotifyAccess=main systemd believes only us, so that the last word of ours names our successor.
void NameSuccessor(pid_t pid) {
  SystemdNotifier systemd(::getpid());
  systemd.Send("MAINPID=" + std::to_string(pid) + "\nREADY=1");
  for (int waited = 0; systemd.waits() && waited < kManagerBusyMs; waited += SystemdNotifier::kRetryMs) {
    ::poll(nullptr, 0, SystemdNotifier::kRetryMs);
    systemd.Flush();
  }
}

[[noreturn]] void WaitAndExit(UniqueFd pipe, pid_t pid) {
  PassSignalsTo(pid);
  Report report;
  ssize_t got = 0;
  do got = ::read(pipe.get(), &report, sizeof report);
  while (got < 0 && errno == EINTR);
  if (got != sizeof report) report = {};
  if (report.ready != 0) NameSuccessor(pid);
  ::_exit(report.code);
}

}  // namespace

void Foreground::Release(bool ready, int code) {
  const Report report{static_cast<unsigned char>(ready), static_cast<unsigned char>(code)};
  if (pipe_) [[maybe_unused]] const ssize_t written = ::write(pipe_.get(), &report, sizeof report);
  pipe_.Reset();
}

Foreground GoToBackground() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    std::perror("holdfast: pipe");
    std::exit(1);
  }
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) {
    std::perror("holdfast: fork");
    std::exit(1);
  }
  if (pid == 0) {
    ::setsid();
    return Foreground(std::move(write_end));
  }
  write_end.Reset();
  WaitAndExit(std::move(read_end), pid);
}

void LetGoOfTerminal() {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int fd = 0; fd <= 2 && null; fd++) ::dup2(null.get(), fd);
  if (::chdir("/") != 0) return;  // then it stays where it is, which is merely impolite to umount
}

}  // namespace launcher
