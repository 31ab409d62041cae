// The parts of add-on and launcher that know nothing of Node, as plain C++. Built and run by core.test.ts with
// AddressSanitizer and UndefinedBehaviorSanitizer.
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "../../native-bindings/launcher/backoff.h"
#include "../../native-bindings/launcher/command_line.h"
#include "../../native-bindings/launcher/message.h"
#include "../../native-bindings/launcher/verdict.h"
#include "../../native-bindings/launcher/watchdog.h"
#include "../../native-bindings/src/boot_time.h"
#include "../../native-bindings/src/netlink_receiver.h"
#include "../../native-bindings/src/script_spawn.h"

namespace {

int failures = 0;

void Check(bool holds, const char* what, int line) {
  if (holds) return;
  std::fprintf(stderr, "core_test.cc:%d: %s\n", line, what);
  failures++;
}
#define CHECK(condition) Check(static_cast<bool>(condition), #condition, __LINE__)

using launcher::CommandLine;
using launcher::Ending;
using launcher::Verb;
using launcher::Verdict;

void BackoffDoublesToAMinute() {
  launcher::Backoff backoff;
  for (const int want : {0, 1, 2, 4, 8, 16, 32, 60, 60}) CHECK(backoff.Next(0) == want);
  CHECK(backoff.Next(59'999) == 60);
  CHECK(backoff.Next(60'000) == 0);  // it had lived for a minute
  CHECK(backoff.Next(0) == 1);
}

void WatchdogIsFedEveryThird() {
  launcher::Watchdog off(0);
  CHECK(!off.enabled() && !off.Beat(0));
  launcher::Watchdog watchdog(3'000'000);
  CHECK(watchdog.Beat(5));
  CHECK(!watchdog.Beat(5) && !watchdog.Beat(1004));
  CHECK(watchdog.Beat(1005));
  CHECK(watchdog.Beat(9000) && !watchdog.Beat(9999) && watchdog.Beat(10'000));
}

// One row per rule of PROTOCOL.md, "Exit".
void VerdictRows() {
  struct Row {
    Ending ending;
    launcher::Situation situation;
    Verdict want;
  };
  const std::array rows = {
      Row{{false, 6}, {false, false, true}, Verdict::kFinal},          // before ready
      Row{{true, SIGSEGV}, {false, false, true}, Verdict::kFinal},     // before ready
      Row{{false, 9}, {true, true, true}, Verdict::kFinal},            // after stopping
      Row{{false, 1}, {true, false, true}, Verdict::kPermanentError},  // fatal
      Row{{false, 2}, {true, false, true}, Verdict::kPermanentError},  // configuration
      Row{{false, 4}, {true, false, true}, Verdict::kPermanentError},  // permission
      Row{{false, 3}, {true, false, true}, Verdict::kRespawn},         //
      Row{{false, 0}, {true, false, true}, Verdict::kRespawn},         // without `stopping`
      Row{{true, 2}, {true, false, true}, Verdict::kRespawn},          // a signal is no exit code
      Row{{false, 70}, {true, false, true}, Verdict::kRespawn},        // Node is missing: being upgraded, perhaps
      Row{{true, SIGSEGV}, {true, false, false}, Verdict::kNoRespawn}, // -R
  };
  for (const Row& row : rows) CHECK(launcher::Judge(row.ending, row.situation) == row.want);
  CHECK((Ending{true, 9}.ExitCode() == 137) && (Ending{false, 9}.ExitCode() == 9));
}

void Messages() {
  CHECK(launcher::ParseMessage("ready").verb == Verb::kReady);
  CHECK(launcher::ParseMessage("pidfile /run/a b.pid").text == "/run/a b.pid");
  for (const char* wrong : {"", " ", "ready x", "pidfile", "pidfile ", "Ready", "readyx", " ready", "status"})
    CHECK(launcher::ParseMessage(wrong).verb == Verb::kUnknown);
}

// Every way to cut a stream in two gives the same lines.
void LinesFromAnyPieces() {
  const std::string stream = "one\n\ntwo words\nthree\nrest";
  for (size_t cut = 0; cut <= stream.size(); cut++) {
    launcher::LineReader reader;
    std::vector<std::string> lines;
    const auto keep = [&](std::string_view line) { lines.emplace_back(line); };
    reader.Feed(std::string_view(stream).substr(0, cut), keep);
    reader.Feed(std::string_view(stream).substr(cut), keep);
    CHECK((lines == std::vector<std::string>{"one", "", "two words", "three"}));
    CHECK(reader.Rest() == "rest" && reader.Rest().empty());
  }
}

void EndlessLineIsDropped() {
  launcher::LineReader reader;
  std::vector<std::string> lines;
  const auto keep = [&](std::string_view line) { lines.emplace_back(line); };
  for (int i = 0; i < 100; i++) reader.Feed(std::string(1000, 'x'), keep);
  reader.Feed("tail\nnext\n", keep);
  CHECK((lines == std::vector<std::string>{"next"}));
  reader.Feed(std::string(launcher::LineReader::kLongest, 'y') + "\n", keep);
  CHECK(lines.size() == 2 && lines[1].size() == launcher::LineReader::kLongest);
}

CommandLine Scan(std::vector<std::string> words) {
  words.insert(words.begin(), "holdfast");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return launcher::ScanCommandLine(static_cast<int>(words.size()), argv.data());
}

void CommandLines() {
  const std::vector<std::vector<std::string>> foreground = {
      {"-n"}, {"-nlD"}, {"-lDn"}, {"--dont-fork"}, {"--dont-fo"}, {"-t"}, {"-tfile"}, {"--config-test=x"}, {"-v"},
      {"-h"}, {"--version"}, {"--help"}, {"--signum=STOP"}, {"--signum", "STOP"}, {"-f", "x", "-n"}, {"word", "-n"},
      {"-DDn"},
      {"--bogus", "-n"}, {"-g", "-n"}, {"status"},
  };
  for (const auto& words : foreground) CHECK(!Scan(words).background);
  const std::vector<std::vector<std::string>> background = {
      {}, {"-lD"}, {"-f", "-n"}, {"-fn"}, {"-p", "-n"}, {"--use-file", "-n"}, {"--", "-n"}, {"-Sn"}, {"-gn"},
      {"--dont-re"}, {"--bogus"}, {"-i", "-t"}, {"--control-socket", "-n"}, {"word", "status"}, {""},
  };
  for (const auto& words : background) CHECK(Scan(words).background);
  CHECK(Scan({}).may_respawn && !Scan({"-R"}).may_respawn && !Scan({"--dont-respawn"}).may_respawn);
  CHECK(Scan({}).stops_on_int && !Scan({"--ignore-sigint"}).stops_on_int);
  CHECK(Scan({}).use_syslog && !Scan({"-G"}).use_syslog);
  CHECK(Scan({}).facility == LOG_DAEMON && Scan({"-S3"}).facility == LOG_LOCAL3);
  CHECK(Scan({"-S", "local7"}).facility == LOG_LOCAL7 && Scan({"-S", "user"}).facility == LOG_USER);
  for (const char* wrong : {"8", "-1", "local", "local8", "3x", "mail"})
    CHECK(Scan({"-S", wrong}).facility == LOG_DAEMON);
}

void Expiries() {
  const auto ns = [](double ms) {
    const auto expiry = ExpiryAt(ms);
    return expiry ? expiry->it_value.tv_sec * 1'000'000'000 + expiry->it_value.tv_nsec : -1;
  };
  CHECK(ns(1500.25) == 1'500'250'000);
  CHECK(ns(0.0000004) == 1);  // rounded up: never early
  CHECK(ns(0) == 1 && ns(-5) == 1 && ns(-INFINITY) == 1);
  CHECK(ns(9e12) == 9'000'000'000'000'000'000);
  CHECK(ns(NAN) == -1 && ns(INFINITY) == -1 && ns(1e13) == -1);
}

// A dump of all links through the receiver, and mail from another process's port, which must be told apart.
void NetlinkReceiver() {
  nl::Failure failure;
  const UniqueFd ours = nl::Open(NETLINK_ROUTE, 1 << 16, failure);
  const UniqueFd theirs = nl::Open(NETLINK_ROUTE, 1 << 16, failure);
  CHECK(ours && theirs && nl::PortId(ours.get()) != 0);
  CHECK(!nl::Open(-1, 0, failure) && failure.err == EPROTONOSUPPORT && std::string(failure.syscall) == "socket");
  nl::Receiver receiver;
  CHECK(receiver.Receive(ours.get()) == 0);
  struct {
    nlmsghdr header;
    ifinfomsg body;
  } request{};
  request.header = {sizeof request, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0};
  CHECK(::send(ours.get(), &request, sizeof request, 0) == sizeof request);
  const int count = receiver.Receive(ours.get());
  CHECK(count > 0 && receiver.FromKernel(0) && !receiver.Truncated(0));
  CHECK(receiver.Datagram(0).size() > sizeof(nlmsghdr));
  CHECK(receiver.Receive(-1) == -EBADF);
  sockaddr_nl to{};
  to.nl_family = AF_NETLINK;
  to.nl_pid = nl::PortId(ours.get());
  while (receiver.Receive(ours.get()) > 0) continue;
  const ssize_t forged =
      ::sendto(theirs.get(), &request, sizeof request, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  if (forged < 0) return;  // without CAP_NET_ADMIN the kernel refuses it itself
  CHECK(receiver.Receive(ours.get()) == 1 && !receiver.FromKernel(0));
}

std::optional<script::Exit> RunToEnd(const script::Command& command, script::Failure& failure) {
  script::Progress progress;
  const script::Stack stack;
  auto child = script::Spawn(command, stack, progress, failure);
  if (!child) return std::nullopt;
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(child->pid), &info, WEXITED | WNOWAIT);
  return script::Reap(child->pidfd.get());
}

void Scripts() {
  const auto shell = [](const char* text) {
    return script::Command{{"/bin/sh", "-c", text}, {"NAME=value"}, ::geteuid(), ::getegid(), {}};
  };
  script::Failure failure;
  auto ended = RunToEnd(shell("exit 7"), failure);
  CHECK(ended && ended->status == 7 && ended->signal == -1);
  ended = RunToEnd(shell("kill -9 $$"), failure);
  CHECK(ended && ended->status == -1 && ended->signal == SIGKILL);
  ended = RunToEnd(shell("test \"$NAME\" = value"), failure);
  CHECK(ended && ended->status == 0);
  ended = RunToEnd(shell("read -r pid name state parent group rest < /proc/$$/stat && test $group = $$"), failure);
  CHECK(ended && ended->status == 0);
  script::Command missing = shell("");
  missing.argv[0] = "/no/such/file";
  CHECK(!RunToEnd(missing, failure) && failure.err == ENOENT && std::string(failure.step) == "execve");
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD);  // also failed ones are collected
}

}  // namespace

int main() {
  BackoffDoublesToAMinute();
  WatchdogIsFedEveryThird();
  VerdictRows();
  Messages();
  LinesFromAnyPieces();
  EndlessLineIsDropped();
  CommandLines();
  Expiries();
  NetlinkReceiver();
  Scripts();
  std::puts(failures == 0 ? "ok" : "failed");
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
