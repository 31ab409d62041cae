// Another version in the place of the daemon, without a restart: its code is loaded while the daemon still works.
#include <signal.h>
#include <sys/wait.h>
#include <syslog.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "supervisor.h"

namespace launcher {
namespace {

// Node and our code need 0.2 s on an idle machine; at nice 19 on a busy one, or from a cold disk, much more.
constexpr int64_t kLoadsWithinMs = 30'000;
// A reload that is under way comes first, and the log is written out.
constexpr int64_t kMakesWayWithinMs = 30'000;
constexpr int kCandidateNice = 19;

}  // namespace

// The spare stays meanwhile: it is of the version that works.
void Supervisor::OnUpgrade() {
  if (candidate_) return daemon_->Send("no-upgrade another upgrade is under way");
  const int nice = CanLowerNice() ? kCandidateNice : 0;
  auto node = StartNode(node_, {.restarts = restarts_ + 1, .standby = true, .upgrade = true, .nice = nice,
                                .state_fd = state_.get(), .pid_file = pid_files_.First()});
  if (!node) return daemon_->Send(std::string("no-upgrade it cannot be started: ") + std::strerror(errno));
  candidate_.emplace(std::move(*node), NowMs());
  candidate_until_ms_ = NowMs() + kLoadsWithinMs;
}

void Supervisor::OnCandidateMessage(std::string_view line) {
  const Message message = ParseMessage(line);
  if (message.verb == Verb::kUnfit) refusal_ = message.text;
  if (message.verb != Verb::kLoaded || !daemon_) return;
  candidate_loaded_ = true;
  candidate_until_ms_ = NowMs() + kMakesWayWithinMs;
  daemon_->Send("upgrade-to " + std::to_string(candidate_->pid()) + " " + std::string(message.text));
}

void Supervisor::CandidateEnded(const Ending& ending) {
  LastWords(candidate_, Role::kCandidate);
  if (!refusal_.empty()) return RefuseUpgrade(std::exchange(refusal_, {}));
  const std::string how = ending.signalled ? std::string("signal ") + std::to_string(ending.value)
                                           : "exit code " + std::to_string(ending.value);
  RefuseUpgrade("it ended while it loaded its code (" + how + "): what it printed is in the log");
}

void Supervisor::CandidateIsLate() {
  if (candidate_loaded_) return RefuseUpgrade("the daemon did not make way");
  RefuseUpgrade("it did not load its code within " + std::to_string(kLoadsWithinMs / 1000) + " s");
}

void Supervisor::RefuseUpgrade(const std::string& sentence) {
  journal_.Line(LOG_ERR, "Upgrade refused: %s. The daemon goes on", sentence.c_str());
  if (daemon_) daemon_->Send("no-upgrade " + sentence);
  DropCandidate();
}

// It holds nothing. CollectChildren sees its end, and knows it no more.
void Supervisor::DropCandidate() {
  if (candidate_) ::kill(candidate_->pid(), SIGKILL);
  candidate_.reset();
  candidate_until_ms_.reset();
  candidate_loaded_ = false;
  refusal_.clear();
}

// The daemon has made way. No back-off: this is no crash.
void Supervisor::PromoteCandidate(pid_t former) {
  if (spare_) ::kill(spare_->pid(), SIGKILL);  // of the version before
  spare_ = std::move(candidate_);
  candidate_.reset();
  DropCandidate();
  spare_at_ms_.reset();
  spare_backoff_ = Backoff();
  const int now = static_cast<int>(spare_->pid());
  ResumeAfterCrash();
  journal_.Line(LOG_NOTICE, "Daemon child process(%d) was upgraded: process %d goes on", static_cast<int>(former), now);
}

}  // namespace launcher
