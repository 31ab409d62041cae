#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "backoff.h"
#include "background.h"
#include "command_line.h"
#include "daemon.h"
#include "journal.h"
#include "node_process.h"
#include "pid_file.h"
#include "signals.h"
#include "systemd.h"
#include "verdict.h"
#include "watchdog.h"

namespace launcher {

struct Setup {
  CommandLine options;
  NodeCommand node;
  Foreground foreground;  // who waits for us when we are in the background
  bool keep_spare = true;
};

// The launcher proper: one poll(2) loop that keeps one daemon running. PROTOCOL.md is its specification.
class Supervisor {
 public:
  Supervisor(Setup setup, pid_t started_as);
  // @returns the exit code of the launcher.
  int Run();

 private:
  // What happens (supervisor.cc).
  bool Prepare();
  void Turn();
  void TakeSignals();
  void TakeSignal(int signal);
  void CollectChildren();
  void RunDueTimers();
  int PollTimeoutMs() const;
  enum class Role { kDaemon, kSpare, kCandidate };
  void Serve(std::optional<Daemon>& which, Role role);

  // The daemon's life (supervisor_life.cc).
  void StartDaemon();
  void StartSpare();
  void Promote();
  void ResumeAfterCrash();
  void DaemonEnded(const Ending& ending);
  void SpareEnded();
  void LastWords(std::optional<Daemon>& of, Role role);
  void ReportCrash(const Ending& ending, pid_t pid);
  void ScheduleRestart(int64_t lived_ms);
  void Finish(int code);
  void FeedWatchdog();

  // Another version in the place of the daemon (supervisor_upgrade.cc).
  void OnUpgrade();
  void OnCandidateMessage(std::string_view line);
  void CandidateEnded(const Ending& ending);
  void CandidateIsLate();
  void RefuseUpgrade(const std::string& sentence);
  void DropCandidate();
  void PromoteCandidate(pid_t former);

  // Messages (supervisor_messages.cc).
  void OnMessage(std::string_view line);
  void OnPidFile(std::string_view path);
  void OnNamespace(std::string_view name);
  void OnReady();
  void DeliverSignals();
  void RelayOutput(Daemon& from, Role role);

  CommandLine options_;
  NodeCommand node_;
  Foreground foreground_;
  bool keep_spare_;
  bool background_;
  std::optional<SignalPipe> signals_;
  SystemdNotifier systemd_;
  Watchdog watchdog_;
  Journal journal_;
  PidFiles pid_files_;
  UniqueFd state_;

  std::optional<Daemon> daemon_;
  std::optional<Daemon> spare_;
  std::optional<Daemon> candidate_;  // of the files that are on disk now; becomes the daemon when it has loaded them
  Backoff daemon_backoff_;
  Backoff spare_backoff_;
  std::optional<int64_t> restart_at_ms_;  // the daemon is down until then; monotonic, like every time here
  std::optional<int64_t> spare_at_ms_;
  std::optional<int64_t> candidate_until_ms_;
  std::deque<int> pending_signals_;  // not delivered yet, in order of arrival
  int restarts_ = 0;
  bool was_ready_ = false;
  bool stopping_ = false;
  bool candidate_loaded_ = false;
  std::string refusal_;  // what the candidate said; carried out when it is no longer being read
  bool moving_ = false;  // the daemon will end, and the next one begins in the namespace that it named
  std::optional<int> exit_code_;
};

// Milliseconds of CLOCK_MONOTONIC.
int64_t NowMs();

}  // namespace launcher
