// What the daemon says, and what it is told.
#include <syslog.h>

#include <cerrno>
#include <string>

#include "network_namespace.h"

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
    case Verb::kName: SetOwnName(message.text == "-" ? node_.argv0 : std::string(message.text)); break;
    case Verb::kNamespace: OnNamespace(message.text); break;
    case Verb::kAlive: FeedWatchdog(); break;
    case Verb::kUpgrade: OnUpgrade(); break;
    case Verb::kLoaded: case Verb::kUnfit: break;  // of a spare, on its way when it was told `go`
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

// Threads cannot be moved, and Node has some before it reads its first line: so the process is started again.
void Supervisor::OnNamespace(std::string_view text) {
  const std::string name(text);
  int err = EALREADY;
  if (node_.network_namespace.empty()) node_.namespace_fd = OpenNetworkNamespace(name, err);
  if (err != 0) return daemon_->Send("no-namespace " + std::to_string(err) + " " + name);
  node_.network_namespace = name;
  moving_ = true;
  daemon_->Send("ok namespace " + name);
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
  while (daemon_ && !moving_ && daemon_->has_spoken() && !pending_signals_.empty()) {
    daemon_->Send(std::string("signal ") + ForwardedName(pending_signals_.front()));
    pending_signals_.pop_front();
  }
}

// Until `ready` the user sees it; afterwards the log does, line by line: it is what a crash printed.
void Supervisor::RelayOutput(Daemon& from, Role role) {
  from.ReadOutput([&](std::string_view bytes) {
    if (foreground_.waiting() && role == Role::kDaemon) {
      [[maybe_unused]] const ssize_t written = ::write(2, bytes.data(), bytes.size());
      return;
    }
    from.output_lines().Feed(bytes, [&](std::string_view line) { journal_.Stray(line); });
  });
}

}  // namespace launcher
