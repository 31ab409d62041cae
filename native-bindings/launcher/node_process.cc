#include "node_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "network_namespace.h"
#include "signals.h"

extern char** environ;

namespace launcher {
namespace {

// Marking goes on in helper threads: alone (--single-threaded-gc) the main thread stopped for 20 to 40 ms of its own time while it
// took over 37,000 other real servers, with them for 6 to 12. Adverts beside 5,000 checks are as regular with either. With the
// main thread SCHED_RR, busy processors and the helpers SCHED_RR too: with them 1 to 4 ms while 20,000 servers die, alone 13 to 23.
// --no-parallel-scavenge: for young objects it does not wait for helper threads, which on busy processors do not get to run.
// --max-semi-space-size, MiB: the main thread waits while living young objects are copied, and a reload makes many. Measured with
// a reload of 37,000 real servers: 10 to 52 ms at a time with the usual 16, mostly 1 to 5 ms with 1. Reading a configuration takes
// as long with either (docs/decisions/0006-reload.md).
// --minor-gc-task-trigger, percent: between two turns of the loop, half a full space is collected: less lives in it, so it is shorter.
// --no-compact: a full collection that also moves objects together holds the main thread up for 7 to 16 ms more, of 100 MB that live;
// without it, that part takes 1 ms. The price is memory: after 14 reloads of 37,000 real servers the process had 680 MB instead of 590.
// --interrupt-budget, octets of bytecode: a function is optimized after so many. With V8's own 67,584 a quarter of a start's processor
// time went into compiling what then runs a few times more: until the full table of 5,000 real servers 0.62 s of processor time instead
// of 0.85, of 37,000 1.45 instead of 1.64 (500,000 and 1,500,000 are the same; 5,000,000 or --no-opt make reading 37,000 slower). The
// daemon goes back to V8's own when its start is over (main/control/start-compiler.ts).
// --no-concurrent-array-buffer-sweeping: every scavenge of every thread puts a task into the queue of V8's helpers, whose lock a checker
// thread then holds while it waits for a busy processor: the main thread waited for it for up to 46 ms (docs/decisions/0010-real-time.md).
// --no-warnings: standard error is for what an operator can act on.
constexpr std::array kNodeFlags = {"--no-parallel-scavenge", "--max-semi-space-size=1",
                                   "--minor-gc-task-trigger=50", "--no-compact", "--no-flush-bytecode", "--interrupt-budget=500000",
                                   "--no-concurrent-array-buffer-sweeping", "--no-warnings"};

// What ends by itself has no adverts to be late with: it collects rarely, with all helpers (MiB).
// --preserve-symlinks: does not look up the real path of each of a hundred modules; a short job imports none of other packages.
constexpr std::array kShortJobFlags = {"--initial-heap-size=256", "--min-semi-space-size=8", "--max-semi-space-size=8",
                                       "--parallel-scavenge", "--preserve-symlinks", "--preserve-symlinks-main"};

// mallopt(3): what is larger than 1 MiB, above all configurations on their way between threads, goes back to the system when it is
// freed. By default glibc raises the limit to the largest that it has seen; 40 MB then stayed after a start with 50,000 real servers.
constexpr const char* kMmapThreshold = "MALLOC_MMAP_THRESHOLD_";
constexpr const char* kMmapThresholdBytes = "1048576";

// PROTOCOL.md; a daemon of another version looks whether it can speak it.
constexpr int kProtocol = 1;

constexpr int kLinkFd = 3;
constexpr int kStateFd = 4;
constexpr int kFirstFree = 5;

std::string EnvironmentOr(const char* name, const std::string& otherwise) {
  const char* value = ::secure_getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// dist/main/control/cli.js beside build/Release/, wherever the package lies.
std::string DefaultScript() {
  std::array<char, PATH_MAX> self{};
  if (::readlink("/proc/self/exe", self.data(), self.size() - 1) <= 0) return "dist/main/control/cli.js";
  const std::string path = self.data();
  return path.substr(0, path.rfind('/')) + "/../../dist/main/control/cli.js";
}

std::string CurrentDirectory() {
  std::array<char, PATH_MAX> directory{};
  return ::getcwd(directory.data(), directory.size()) == nullptr ? "/" : directory.data();
}

std::vector<std::string> Arguments(const NodeCommand& command) {
  std::vector<std::string> out{command.argv0};
  out.insert(out.end(), kNodeFlags.begin(), kNodeFlags.end());
  if (command.short_job) out.insert(out.end(), kShortJobFlags.begin(), kShortJobFlags.end());
  out.push_back(command.script);
  out.insert(out.end(), command.args.begin(), command.args.end());
  return out;
}

std::vector<std::string> Environment(const NodeCommand& command, const StartRequest& request) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; entry++) {
    const std::string_view text = *entry;
    const bool ours = text.starts_with("HOLDFAST_LAUNCHER=") || text.starts_with("HOLDFAST_RESTARTS=") ||
                      text.starts_with("HOLDFAST_NAME=") || text.starts_with("HOLDFAST_STANDBY=") ||
                      text.starts_with("HOLDFAST_NAMESPACE=") || text.starts_with("HOLDFAST_PID_FILE=") ||
                      text.starts_with("HOLDFAST_UPGRADE=") || text.starts_with("HOLDFAST_PROTOCOL=");
    if (!ours) out.emplace_back(text);
  }
  out.emplace_back("HOLDFAST_LAUNCHER=1");
  out.emplace_back("HOLDFAST_RESTARTS=" + std::to_string(request.restarts));
  out.emplace_back("HOLDFAST_NAME=" + command.name);
  if (!command.network_namespace.empty()) out.emplace_back("HOLDFAST_NAMESPACE=" + command.network_namespace);
  if (!request.pid_file.empty()) out.emplace_back("HOLDFAST_PID_FILE=" + request.pid_file);
  out.emplace_back("HOLDFAST_PROTOCOL=" + std::to_string(kProtocol));
  if (request.upgrade) out.emplace_back("HOLDFAST_UPGRADE=1");
  if (request.standby) out.emplace_back("HOLDFAST_STANDBY=1");
  if (::getenv(kMmapThreshold) == nullptr) out.push_back(std::string(kMmapThreshold) + "=" + kMmapThresholdBytes);
  return out;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& s : strings) out.push_back(s.data());
  out.push_back(nullptr);
  return out;
}

struct Pair {
  UniqueFd ours, theirs;
};

void Unblock(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

// Their end goes above the numbers that the child fills, so that no dup2 overwrites a source.
std::optional<Pair> MakePair(bool socket) {
  std::array<int, 2> ends{};
  const int rc =
      socket ? ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) : ::pipe2(ends.data(), O_CLOEXEC);
  if (rc != 0) return std::nullopt;
  Pair pair{UniqueFd(ends[0]), UniqueFd()};
  const UniqueFd low(ends[1]);
  pair.theirs = UniqueFd(::fcntl(low.get(), F_DUPFD_CLOEXEC, kFirstFree));
  Unblock(pair.ours.get());
  return pair.theirs ? std::optional<Pair>(std::move(pair)) : std::nullopt;
}

struct ChildPlan {
  const char* node;
  char* const* argv;
  char* const* env;
  const char* directory;
  pid_t launcher;
  int link_fd, output_fd, state_fd, namespace_fd, nice;
};

void Say(const char* text) {
  [[maybe_unused]] const ssize_t written = ::write(2, text, std::strlen(text));
}

// In the forked child. An own process group: Ctrl-C in a terminal reaches the daemon once, through the launcher.
[[noreturn]] void BecomeNode(const ChildPlan& plan) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != plan.launcher) ::_exit(kCannotRunNode);  // it died before the line above
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null > 0) ::dup2(null, 0);
  if (plan.output_fd >= 0) {
    ::dup2(plan.output_fd, 1);
    ::dup2(plan.output_fd, 2);
  }
  if (plan.namespace_fd >= 0 && EnterNetworkNamespace(plan.namespace_fd) != 0) {
    Say("holdfast: the network namespace can no longer be entered\n");
    ::_exit(1);
  }
  ::dup2(plan.link_fd, kLinkFd);
  ::dup2(plan.state_fd, kStateFd);
  if (plan.nice != 0) ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + plan.nice);
  if (::chdir(plan.directory) != 0) Say("holdfast: the directory it was started in is gone; relative names may fail\n");
  ResetSignalsForExec();
  ::execvpe(plan.node, plan.argv, plan.env);
  Say("holdfast: cannot run Node.js: ");
  Say(plan.node);
  Say(errno == ENOENT ? ": not found; install it or set HOLDFAST_NODE to its path\n" : ": not executable\n");
  ::_exit(kCannotRunNode);
}

}  // namespace

NodeCommand DescribeNode(int argc, char* const* argv, bool capture_output) {
  NodeCommand out;
  out.node = EnvironmentOr("HOLDFAST_NODE", "node");
  out.argv0 = argc > 0 ? argv[0] : "holdfast";
  out.name = BaseName(out.argv0) == "keepalived" ? "keepalived" : "holdfast";
  out.script = EnvironmentOr("HOLDFAST_DAEMON_SCRIPT", DefaultScript());
  if (argc > 1) out.args.assign(argv + 1, argv + argc);
  out.directory = CurrentDirectory();
  out.capture_output = capture_output;
  return out;
}

std::optional<StartedNode> StartNode(const NodeCommand& command, const StartRequest& request) {
  std::vector<std::string> args = Arguments(command), environment = Environment(command, request);
  const std::vector<char*> argv = Pointers(args), env = Pointers(environment);
  auto link = MakePair(true);
  auto output = command.capture_output ? MakePair(false) : std::optional<Pair>(Pair{});
  const UniqueFd state(::fcntl(request.state_fd, F_DUPFD_CLOEXEC, kFirstFree));
  if (!link || !output || !state) return std::nullopt;
  const ChildPlan plan{command.node.c_str(),       argv.data(),          env.data(),
                       command.directory.c_str(),  ::getpid(),           link->theirs.get(),
                       output->theirs.get(),       state.get(),          command.namespace_fd.get(),
                       request.nice};
  BlockSignals();
  const pid_t pid = ::fork();
  if (pid == 0) BecomeNode(plan);
  const int err = errno;
  UnblockSignals();
  errno = err;
  if (pid < 0) return std::nullopt;
  return StartedNode{pid, std::move(link->ours), std::move(output->ours)};
}

void SetOwnName(const std::string& name) {
  ::prctl(PR_SET_NAME, std::string(BaseName(name)).c_str());
}

bool CanLowerNice() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  const bool known = ::syscall(SYS_capget, &header, sets.data()) == 0;
  if (known && (sets[0].effective & (1U << CAP_SYS_NICE)) != 0) return true;
  rlimit limit{};
  const int needed = 20 - ::getpriority(PRIO_PROCESS, 0);  // getrlimit(2): the ceiling is 20 - RLIMIT_NICE
  return ::getrlimit(RLIMIT_NICE, &limit) == 0 && limit.rlim_cur >= static_cast<rlim_t>(needed);
}

void SetNiceOfProcess(pid_t pid, int nice) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(pid), nice);  // first: threads that it makes from now on inherit it
  DIR* dir = ::opendir(tasks.c_str());
  if (dir == nullptr) return;
  while (const dirent* entry = ::readdir(dir)) {
    const int thread = std::atoi(entry->d_name);
    if (thread > 0) ::setpriority(PRIO_PROCESS, static_cast<id_t>(thread), nice);
  }
  ::closedir(dir);
}

}  // namespace launcher
