// The daemon's life: start, crash, back-off, spare, end.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <syslog.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "supervisor.h"

namespace launcher {
namespace {

constexpr int kSpareNice = 19;

}  // namespace

void Supervisor::StartDaemon() {
  restart_at_ms_.reset();
  auto node = StartNode(node_, {.restarts = restarts_, .standby = false, .nice = 0, .state_fd = state_.get(), .pid_file = pid_files_.First()});
  if (node) {
    daemon_.emplace(std::move(*node), NowMs());
    FeedWatchdog();  // it has the whole period to come up
    return;
  }
  journal_.Line(LOG_ALERT, "holdfast: cannot start the daemon: %s", std::strerror(errno));
  if (was_ready_ && !stopping_) ScheduleRestart(0);
  else Finish(1);
}

void Supervisor::StartSpare() {
  spare_at_ms_.reset();
  if (!keep_spare_ || stopping_ || spare_ || !options_.may_respawn) return;
  const int nice = CanLowerNice() ? kSpareNice : 0;
  auto node = StartNode(node_, {.restarts = restarts_ + 1, .standby = true, .nice = nice, .state_fd = state_.get(), .pid_file = pid_files_.First()});
  if (node) spare_.emplace(std::move(*node), NowMs());
  else spare_at_ms_ = NowMs() + 1000 * int64_t{spare_backoff_.Next(0)};
}

// The spare has Node's start-up behind it: it needs milliseconds.
void Supervisor::Promote() {
  restart_at_ms_.reset();
  SetNiceOfProcess(spare_->pid(), ::getpriority(PRIO_PROCESS, 0));
  daemon_ = std::move(spare_);
  spare_.reset();
  daemon_->MarkStarted(NowMs());
  daemon_->Send("go");
  FeedWatchdog();
}

// `stopping` may still be in the socket, and a stack trace in the pipe.
void Supervisor::LastWords(std::optional<Daemon>& of, Role role) {
  Serve(of, role);
  const std::string rest = of->output_lines().Rest();
  if (!rest.empty()) journal_.Stray(rest);
}

void Supervisor::ResumeAfterCrash() {
  restarts_++;
  if (spare_) Promote();
  else StartDaemon();
}

void Supervisor::DaemonEnded(const Ending& ending) {
  LastWords(daemon_, Role::kDaemon);
  const pid_t pid = daemon_->pid();
  const int64_t lived_ms = NowMs() - daemon_->started_ms();
  daemon_.reset();
  if (std::exchange(moving_, false)) return StartDaemon();
  if (candidate_loaded_ && !stopping_) return PromoteCandidate(pid);
  DropCandidate();
  const Verdict verdict = Judge(ending, {was_ready_, stopping_, options_.may_respawn});
  switch (verdict) {
    case Verdict::kFinal: return Finish(ending.ExitCode());
    case Verdict::kPermanentError: {
      const std::string_view error = PermanentErrorName(ending.value);
      journal_.Line(LOG_ERR, "Daemon exited with permanent error %.*s. Terminating", static_cast<int>(error.size()),
                    error.data());
      systemd_.Send(ending.value == 4 ? "ERRNO=1" : "ERRNO=22");  // EPERM, EINVAL
      return Finish(ending.ExitCode());
    }
    case Verdict::kRespawn:
      ScheduleRestart(lived_ms);
      return ReportCrash(ending, pid);
    case Verdict::kNoRespawn:
      journal_.Line(LOG_ALERT, "Daemon child process(%d) died: Exiting", static_cast<int>(pid));
      return Finish(ending.ExitCode());
  }
}

// After the restart is under way: a line may wait, a VIP may not.
void Supervisor::ReportCrash(const Ending& ending, pid_t pid) {
  if (ending.signalled) {
    journal_.Line(LOG_INFO, "Daemon exited due to signal %d (%s)", ending.value, ::strsignal(ending.value));
  } else {
    journal_.Line(LOG_INFO, "Daemon exited with status %d", ending.value);
  }
  journal_.Line(LOG_ALERT, "Daemon child process(%d) died: Respawning", static_cast<int>(pid));
  if (!restart_at_ms_) return;
  const auto seconds = static_cast<int>((*restart_at_ms_ - NowMs() + 999) / 1000);
  journal_.Line(LOG_INFO, "Restart of Daemon process delayed %d seconds to limit respawn rate", seconds);
}

void Supervisor::ScheduleRestart(int64_t lived_ms) {
  const int seconds = daemon_backoff_.Next(lived_ms);
  restart_at_ms_ = NowMs() + 1000 * int64_t{seconds};
  if (seconds == 0) ResumeAfterCrash();
}

void Supervisor::SpareEnded() {
  const int64_t lived_ms = NowMs() - spare_->started_ms();
  LastWords(spare_, Role::kSpare);
  spare_.reset();
  spare_at_ms_ = NowMs() + 1000 * int64_t{spare_backoff_.Next(lived_ms)};
}

// Beats of the daemon come here too, and so do the launcher's own while it waits to restart one.
void Supervisor::FeedWatchdog() {
  if (watchdog_.Beat(NowMs())) systemd_.Send("WATCHDOG=1");
}

void Supervisor::Finish(int code) {
  exit_code_ = code;
  if (spare_) {
    ::kill(spare_->pid(), SIGKILL);  // it holds nothing
    ::waitpid(spare_->pid(), nullptr, 0);
    spare_.reset();
  }
  DropCandidate();
  pid_files_.Release();
  foreground_.Release(false, code);
}

}  // namespace launcher
