#include "script_spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <climits>

#ifndef P_PIDFD
#define P_PIDFD static_cast<idtype_t>(3)
#endif

namespace script {
namespace {

// A killed process is gone within microseconds; one stuck in the kernel must not hold up the end of a worker.
constexpr int kKillWaitMs = 100;

// The kernel's signal set and handler record (not libc's): every signal, also the two that libc keeps for itself.
using KernelSignalSet = uint64_t;
constexpr int kLastSignal = 64;
struct alignas(8) KernelSigaction {
  unsigned char zero[64]{};  // SIG_DFL, no flags, empty mask; at least as large as any architecture's
};

// Shared with the child, which runs in our memory while we are suspended.
struct Plan {
  char* const* argv = nullptr;
  char* const* shell_argv = nullptr;  // the same, by way of the shell
  char* const* env = nullptr;
  uid_t uid = 0;
  gid_t gid = 0;
  const std::vector<gid_t>* groups = nullptr;
  bool change_credentials = false;
  pid_t parent = -1;
  Progress* progress = nullptr;
  Failure failure;
};

// Raw system calls where libc would act on all threads of the process (setuid and its kin), or refuses a signal.
// Nothing here allocates or takes a lock: the address space is the daemon's.
bool ResetSignals() {
  const KernelSigaction by_default;
  for (int signal = 1; signal <= kLastSignal; signal++)  // SIGKILL and SIGSTOP refuse: they have their default anyway
    ::syscall(SYS_rt_sigaction, signal, &by_default, nullptr, sizeof(KernelSignalSet));
  const KernelSignalSet none = 0;
  return ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none) == 0;
}

bool NormalScheduling() {
  const sched_param param{};
  ::setpriority(PRIO_PROCESS, 0, 0);  // refused only where we may not be faster, then the daemon is not slower either
  return ::sched_setscheduler(0, SCHED_OTHER, &param) == 0;
}

// The child begins with the daemon's own table of descriptors: a copy would cost it each of its thousands of sockets
// twice, to take and to close. From here on it has an empty one.
bool LeaveDescriptors() {
  if (::syscall(SYS_close_range, 0U, UINT_MAX, CLOSE_RANGE_UNSHARE) == 0) return true;
  if (errno != ENOSYS) return false;
  rlimit limit{};
  if (::unshare(CLONE_FILES) != 0 || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  for (unsigned fd = 0; fd < limit.rlim_cur; fd++) ::close(static_cast<int>(fd));
  return true;
}

bool StandardStreams() {
  const int null = ::open("/dev/null", O_RDWR);  // the lowest there is: 0
  return null == 0 && ::dup2(null, 1) == 1 && ::dup2(null, 2) == 2;
}

int RunChild(void* argument) {
  auto& plan = *static_cast<Plan*>(argument);
  const auto failed = [&plan](const char* step) {
    plan.failure = {errno, step};
    ::_exit(127);
  };
  if (::setpgid(0, 0) != 0) failed("setpgid");
  plan.progress->pid = ::getpid();
  if (!LeaveDescriptors()) failed("close_range");
  if (!StandardStreams()) failed("open");
  if (!NormalScheduling()) failed("sched_setscheduler");
  if (plan.change_credentials) {
    if (::syscall(SYS_setgroups, plan.groups->size(), plan.groups->data()) != 0) failed("setgroups");
    if (::syscall(SYS_setgid, plan.gid) != 0) failed("setgid");
    if (::syscall(SYS_setuid, plan.uid) != 0) failed("setuid");
  }
  // After the credentials, whose change clears it. If the daemon is gone by now, nobody would ever send it.
  if (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) failed("prctl");
  if (::getppid() != plan.parent) failed("getppid");
  if (!ResetSignals()) failed("rt_sigprocmask");
  if (const int signal = plan.progress->signal; signal != 0) ::kill(::getpid(), signal);
  ::execve(plan.argv[0], plan.argv, plan.env);
  if (errno == ENOEXEC) ::execve(plan.shell_argv[0], plan.shell_argv, plan.env);  // as shells and keepalived do
  failed("execve");
  return 127;
}

std::vector<char*> Pointers(const std::vector<std::string>& strings, const char* first = nullptr) {
  std::vector<char*> out;
  out.reserve(strings.size() + 2);
  if (first != nullptr) out.push_back(const_cast<char*>(first));
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));  // execve does not write to them
  out.push_back(nullptr);
  return out;
}

// A handler of the daemon must not run in the child, which shares our memory: no signal until it has reset them.
pid_t CloneWithSignalsBlocked(Plan& plan, const Stack& stack, int& pidfd) {
  const KernelSignalSet all = ~KernelSignalSet{0};
  KernelSignalSet before = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
  constexpr int kFlags = CLONE_VM | CLONE_FILES | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
  const pid_t pid = ::clone(RunChild, stack.top(), kFlags, static_cast<void*>(&plan), &pidfd);
  const int err = errno;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, nullptr, sizeof before);
  errno = err;
  return pid;
}

// Unprivileged and running scripts as ourselves: there is nothing to drop, and setgroups would be refused.
bool MustChangeCredentials(const Command& command) {
  return ::geteuid() == 0 || command.uid != ::geteuid() || command.gid != ::getegid();
}

}  // namespace

Stack::Stack()
    : base_(::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)),
      err_(ok() ? 0 : errno) {}

Stack::~Stack() {
  if (ok()) ::munmap(base_, kBytes);
}

std::optional<Child> Spawn(const Command& command, const Stack& stack, Progress& progress, Failure& failure) {
  const auto fail = [&failure](const char* step) -> std::optional<Child> {
    failure = {errno, step};
    return std::nullopt;
  };
  const std::vector<char*> argv = Pointers(command.argv), env = Pointers(command.env);
  const std::vector<char*> shell_argv = Pointers(command.argv, "/bin/sh");
  if (!stack.ok()) {
    failure = {stack.err(), "mmap"};
    return std::nullopt;
  }
  Plan plan{argv.data(), shell_argv.data(), env.data(), command.uid, command.gid, &command.groups,
            MustChangeCredentials(command), ::getpid(), &progress, {}};
  int pidfd = -1;
  const pid_t pid = CloneWithSignalsBlocked(plan, stack, pidfd);
  if (pid < 0) return fail("clone");
  Child child{pid, UniqueFd(pidfd)};
  if (plan.failure.err == 0) return child;
  failure = plan.failure;
  progress.pid = 0;  // its number is given away as soon as it is collected
  siginfo_t info{};
  ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED);  // it has called _exit: this does not wait
  return std::nullopt;
}

std::optional<Exit> Reap(int pidfd) {
  siginfo_t info{};
  int rc = 0;
  do rc = ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG);
  while (rc != 0 && errno == EINTR);
  // Somebody else collected it (waitpid(-1) in another add-on): it ended, how is lost, so not as a success.
  if (rc != 0) return Exit{255, -1};
  if (info.si_pid == 0) return std::nullopt;
  return info.si_code == CLD_EXITED ? Exit{info.si_status, -1} : Exit{-1, info.si_status};
}

int Signal(pid_t pid, int signal) {
  int err = ::kill(-pid, signal) == 0 ? 0 : errno;
  if (const pid_t group = ::getpgid(pid); group >= 0 && group != pid) err = ::kill(pid, signal) == 0 ? 0 : errno;
  return err;
}

void KillAndReap(pid_t pid, int pidfd) {
  Signal(pid, SIGKILL);
  pollfd ended{pidfd, POLLIN, 0};
  if (::poll(&ended, 1, kKillWaitMs) == 1) Reap(pidfd);
}

}  // namespace script
