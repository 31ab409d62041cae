#include "script_spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
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

constexpr size_t kStackBytes = 64 * 1024;

// The kernel's signal set and handler record (not libc's): every signal, also the two that libc keeps for itself.
using KernelSignalSet = uint64_t;
constexpr int kLastSignal = 64;
struct alignas(8) KernelSigaction {
  unsigned char zero[64]{};  // SIG_DFL, no flags, empty mask; at least as large as any architecture's
};

// Shared with the child, which runs in our memory while we are suspended.
struct Plan {
  char* const* argv = nullptr;
  char* const* env = nullptr;
  uid_t uid = 0;
  gid_t gid = 0;
  const std::vector<gid_t>* groups = nullptr;
  bool change_credentials = false;
  int null_fd = -1;
  pid_t parent = -1;
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

bool StandardStreams(int null_fd) {
  for (int fd = 0; fd <= 2; fd++)
    if (::dup2(null_fd, fd) < 0) return false;
  return true;
}

bool CloseFrom(unsigned first) {
  if (::syscall(SYS_close_range, first, UINT_MAX, 0) == 0) return true;
  if (errno != ENOSYS) return false;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  for (unsigned fd = first; fd < limit.rlim_cur; fd++) ::close(static_cast<int>(fd));
  return true;
}

int RunChild(void* argument) {
  auto& plan = *static_cast<Plan*>(argument);
  const auto failed = [&plan](const char* step) {
    plan.failure = {errno, step};
    ::_exit(127);
  };
  if (::setpgid(0, 0) != 0) failed("setpgid");
  if (!NormalScheduling()) failed("sched_setscheduler");
  if (plan.change_credentials) {
    if (::syscall(SYS_setgroups, plan.groups->size(), plan.groups->data()) != 0) failed("setgroups");
    if (::syscall(SYS_setgid, plan.gid) != 0) failed("setgid");
    if (::syscall(SYS_setuid, plan.uid) != 0) failed("setuid");
  }
  // After the credentials, whose change clears it. If the daemon is gone by now, nobody would ever send it.
  if (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) failed("prctl");
  if (::getppid() != plan.parent) failed("getppid");
  if (!StandardStreams(plan.null_fd)) failed("dup2");
  if (!CloseFrom(3)) failed("close_range");
  if (!ResetSignals()) failed("rt_sigprocmask");
  ::execve(plan.argv[0], plan.argv, plan.env);
  failed("execve");
  return 127;
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));  // execve does not write to them
  out.push_back(nullptr);
  return out;
}

class Stack {
 public:
  Stack() : base_(::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, kFlags, -1, 0)) {}
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  ~Stack() {
    if (ok()) ::munmap(base_, kStackBytes);
  }
  bool ok() const { return base_ != MAP_FAILED; }
  void* top() const { return static_cast<char*>(base_) + kStackBytes; }

 private:
  static constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK;
  void* base_;
};

// A handler of the daemon must not run in the child, which shares our memory: no signal until it has reset them.
pid_t CloneWithSignalsBlocked(Plan& plan, const Stack& stack, int& pidfd) {
  const KernelSignalSet all = ~KernelSignalSet{0};
  KernelSignalSet before = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
  const pid_t pid =
      ::clone(RunChild, stack.top(), CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, static_cast<void*>(&plan), &pidfd);
  const int err = errno;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, nullptr, sizeof before);
  errno = err;
  return pid;
}

// A descriptor above the standard ones, so that dup2 over them cannot destroy it.
UniqueFd OpenNull() {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  return null ? UniqueFd(::fcntl(null.get(), F_DUPFD_CLOEXEC, 3)) : UniqueFd();
}

// Unprivileged and running scripts as ourselves: there is nothing to drop, and setgroups would be refused.
bool MustChangeCredentials(const Command& command) {
  return ::geteuid() == 0 || command.uid != ::geteuid() || command.gid != ::getegid();
}

}  // namespace

std::optional<Child> Spawn(const Command& command, Failure& failure) {
  const auto fail = [&failure](const char* step) -> std::optional<Child> {
    failure = {errno, step};
    return std::nullopt;
  };
  const std::vector<char*> argv = Pointers(command.argv), env = Pointers(command.env);
  const UniqueFd null = OpenNull();
  if (!null) return fail("open");
  const Stack stack;
  if (!stack.ok()) return fail("mmap");
  Plan plan{argv.data(), env.data(), command.uid, command.gid, &command.groups, MustChangeCredentials(command),
            null.get(), ::getpid(), {}};
  int pidfd = -1;
  const pid_t pid = CloneWithSignalsBlocked(plan, stack, pidfd);
  if (pid < 0) return fail("clone");
  Child child{pid, UniqueFd(pidfd)};
  if (plan.failure.err == 0) return child;
  failure = plan.failure;
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

}  // namespace script
