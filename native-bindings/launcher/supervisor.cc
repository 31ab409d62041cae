#include "supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace launcher {
namespace {

constexpr off_t kStateBytes = 8 * 1024 * 1024;

// The file cannot shrink under a mapping, which would be a SIGBUS for the daemon; a daemon that needs more makes it grow.
UniqueFd MakeState() {
  UniqueFd fd(::memfd_create("holdfast-state", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd || ::ftruncate(fd.get(), kStateBytes) != 0) return {};
  ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL);
  return fd;
}

pollfd LinkOf(const std::optional<Daemon>& daemon) {
  if (!daemon) return {-1, 0, 0};
  return {daemon->link_fd(), static_cast<short>(daemon->wants_to_write() ? POLLIN | POLLOUT : POLLIN), 0};
}

Journal::To JournalFor(const CommandLine& options) {
  if (!options.background) return Journal::To::kConsole;
  return options.use_syslog ? Journal::To::kSyslog : Journal::To::kNowhere;
}

}  // namespace

int64_t NowMs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

Supervisor::Supervisor(Setup setup, pid_t started_as)
    : options_(setup.options),
      node_(std::move(setup.node)),
      foreground_(std::move(setup.foreground)),
      keep_spare_(setup.keep_spare),
      background_(setup.options.background),
      systemd_(started_as),
      watchdog_(systemd_.watchdog_us()),
      journal_(JournalFor(setup.options), setup.options.facility) {}

int Supervisor::Run() {
  if (Prepare()) StartDaemon();
  else Finish(1);
  while (!exit_code_) Turn();
  return *exit_code_;
}

bool Supervisor::Prepare() {
  signals_.emplace();
  state_ = MakeState();
  if (signals_->ok() && state_) return true;
  journal_.Line(LOG_ERR, "holdfast: cannot create %s: %s", signals_->ok() ? "the state memory" : "a pipe",
                std::strerror(errno));
  return false;
}

// One wait, then everything that it brought. A child's end is handled last: what it said before comes first.
void Supervisor::Turn() {
  std::array<pollfd, 7> watched{};
  watched[0] = {signals_->fd(), POLLIN, 0};
  watched[1] = LinkOf(daemon_);
  watched[2] = {daemon_ ? daemon_->output_fd() : -1, POLLIN, 0};
  watched[3] = LinkOf(spare_);
  watched[4] = {spare_ ? spare_->output_fd() : -1, POLLIN, 0};
  watched[5] = LinkOf(candidate_);
  watched[6] = {candidate_ ? candidate_->output_fd() : -1, POLLIN, 0};
  if (::poll(watched.data(), watched.size(), PollTimeoutMs()) < 0 && errno != EINTR) return Finish(1);
  Serve(daemon_, Role::kDaemon);
  Serve(spare_, Role::kSpare);
  Serve(candidate_, Role::kCandidate);
  if (!refusal_.empty()) RefuseUpgrade(std::exchange(refusal_, {}));
  TakeSignals();
  if (!exit_code_) RunDueTimers();
}

void Supervisor::Serve(std::optional<Daemon>& which, Role role) {
  if (!which) return;
  which->Flush();
  RelayOutput(*which, role);
  which->ReadLink([&](std::string_view line) {
    if (role == Role::kDaemon) OnMessage(line);
    if (role == Role::kCandidate) OnCandidateMessage(line);
    // a spare has nothing to say before `go`
  });
}

void Supervisor::TakeSignals() {
  while (const auto signal = signals_->Next()) TakeSignal(*signal);
}

void Supervisor::TakeSignal(int signal) {
  if (signal == SIGCHLD) return CollectChildren();
  const bool stop = signal == SIGTERM || (signal == SIGINT && options_.stops_on_int);
  const bool held_back = !daemon_;  // it crashed and waits for its restart
  // Asked twice before it can listen: it hangs. A short job (-t) never listens.
  if (stop && daemon_ && !daemon_->has_spoken() && (stopping_ || options_.short_job)) ::kill(daemon_->pid(), signal);
  if (stop) stopping_ = true;
  pending_signals_.push_back(signal);
  // The dead one left its addresses and IPVS entries in the kernel, and only a daemon can take them away.
  if (stop && held_back) return ResumeAfterCrash();
  DeliverSignals();
}

// Also children that are not ours: as process 1 of a container we inherit every orphan.
void Supervisor::CollectChildren() {
  int status = 0;
  for (pid_t pid = 0; !exit_code_ && (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (daemon_ && daemon_->pid() == pid) DaemonEnded(Ending::FromStatus(status));
    else if (spare_ && spare_->pid() == pid) SpareEnded();
    else if (candidate_ && candidate_->pid() == pid) CandidateEnded(Ending::FromStatus(status));
  }
}

void Supervisor::RunDueTimers() {
  const int64_t now = NowMs();
  if (restart_at_ms_ && *restart_at_ms_ <= now) ResumeAfterCrash();
  else if (restart_at_ms_) FeedWatchdog();  // nobody else does while no daemon runs
  if (spare_at_ms_ && *spare_at_ms_ <= now) StartSpare();
  if (candidate_until_ms_ && *candidate_until_ms_ <= now) CandidateIsLate();
  systemd_.Flush();
}

int Supervisor::PollTimeoutMs() const {
  int64_t until = INT64_MAX;
  if (restart_at_ms_) until = *restart_at_ms_;
  if (spare_at_ms_) until = std::min(until, *spare_at_ms_);
  if (candidate_until_ms_) until = std::min(until, *candidate_until_ms_);
  if (systemd_.waits()) until = std::min(until, NowMs() + SystemdNotifier::kRetryMs);
  if (until == INT64_MAX) return -1;
  int64_t wait = until - NowMs();
  if (restart_at_ms_ && watchdog_.enabled()) wait = std::min(wait, watchdog_.interval_ms());
  return static_cast<int>(std::clamp<int64_t>(wait, 0, 60'000));
}

}  // namespace launcher
