// What the end of the daemon means for the launcher. Pure; the rules are those of PROTOCOL.md.
#pragma once
#include <sys/wait.h>

#include <string_view>

namespace launcher {

// How a process ended: by `exit(code)` or by a signal.
struct Ending {
  bool signalled = false;
  int value = 0;

  static Ending FromStatus(int status) {
    return WIFSIGNALED(status) ? Ending{true, WTERMSIG(status)} : Ending{false, WEXITSTATUS(status)};
  }
  // As a shell reports it.
  constexpr int ExitCode() const { return signalled ? 128 + value : value; }
};

struct Situation {
  bool was_ready = false;       // some daemon of this launcher has said `ready`
  bool stopping = false;        // the daemon said `stopping`, or was asked to stop
  bool may_respawn = true;      // no --dont-respawn
};

enum class Verdict { kFinal, kPermanentError, kRespawn, kNoRespawn };

// keepalived's codes for errors that a restart cannot cure: 1 fatal, 2 configuration, 4 missing permission.
constexpr bool IsPermanent(const Ending& ending) {
  return !ending.signalled && (ending.value == 1 || ending.value == 2 || ending.value == 4);
}

constexpr std::string_view PermanentErrorName(int code) {
  return code == 2 ? "CONFIG" : code == 4 ? "missing permission" : "FATAL";
}

constexpr Verdict Judge(const Ending& ending, const Situation& situation) {
  if (situation.stopping || !situation.was_ready) return Verdict::kFinal;
  if (IsPermanent(ending)) return Verdict::kPermanentError;
  return situation.may_respawn ? Verdict::kRespawn : Verdict::kNoRespawn;
}

}  // namespace launcher
