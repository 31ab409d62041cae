// What the daemon says, and what it is told.
#include <syslog.h>

#include <string>

#include "supervisor.h"

namespace launcher {

void Supervisor::OnMessage(std::string_view line) {
  const Message message = ParseMessage(line);
  switch (message.verb) {
    case Verb::kPidFile: OnPidFile(message.text); break;
    case Verb::kFork: daemon_->Send("ok fork"); break;  // done at our start, where the command line wanted it
    case Verb::kReady: OnReady(); break;
    case Verb::kReloading: systemd_.SendReloading(); break;
    case Verb::kReloaded: systemd_.Send("READY=1"); break;
    case Verb::kStopping:
      stopping_ = true;
      systemd_.Send("STOPPING=1");
      break;
    case Verb::kStatus: systemd_.Send("STATUS=" + std::string(message.text)); break;
    case Verb::kAlive: FeedWatchdog(); break;
    case Verb::kUnknown:
      journal_.Line(LOG_WARNING, "holdfast: the daemon sent an unknown message: %.*s",
                    static_cast<int>(message.text.size()), message.text.data());
      break;
  }
  daemon_->MarkSpoken();
  DeliverSignals();
}

void Supervisor::OnPidFile(std::string_view path) {
  const std::string name(path);
  const Claim claim = pid_files_.Take(name, ::getpid());
  switch (claim.outcome) {
    case Claim::Outcome::kOk: return daemon_->Send("ok pidfile " + name);
    case Claim::Outcome::kBusy: return daemon_->Send("busy " + std::to_string(claim.detail) + " " + name);
    case Claim::Outcome::kFailed: return daemon_->Send("failed " + std::to_string(claim.detail) + " " + name);
  }
}

void Supervisor::OnReady() {
  systemd_.Send("READY=1\nMAINPID=" + std::to_string(::getpid()));
  was_ready_ = true;
  if (foreground_.waiting()) {
    foreground_.Release(true, 0);
    LetGoOfTerminal();
  }
  if (!spare_ && !spare_at_ms_) StartSpare();
}

// A daemon that has not spoken may not have its reader up yet.
void Supervisor::DeliverSignals() {
  while (daemon_ && daemon_->has_spoken() && !pending_signals_.empty()) {
    daemon_->Send(std::string("signal ") + ForwardedName(pending_signals_.front()));
    pending_signals_.pop_front();
  }
}

// Until `ready` the user sees it; afterwards the log does, line by line: it is what a crash printed.
void Supervisor::RelayOutput(Daemon& from, bool is_spare) {
  from.ReadOutput([&](std::string_view bytes) {
    if (foreground_.waiting() && !is_spare) {
      [[maybe_unused]] const ssize_t written = ::write(2, bytes.data(), bytes.size());
      return;
    }
    from.output_lines().Feed(bytes, [&](std::string_view line) { journal_.Stray(line); });
  });
}

}  // namespace launcher
