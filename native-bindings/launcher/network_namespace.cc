#include "network_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include <cerrno>

namespace launcher {
namespace {

constexpr const char* kDirectory = "/var/run/netns/";

// A name is one part of a path: nothing else is a namespace of ip-netns(8).
bool IsName(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
}

// setns(2) may be refused for several reasons; a child that tries it tells which. @returns 0 or a positive errno.
int TryToEnter(int fd) {
  const pid_t pid = ::fork();
  if (pid < 0) return errno;
  if (pid == 0) ::_exit(::setns(fd, CLONE_NEWNET) == 0 ? 0 : errno);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return errno;
  return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

// sysfs shows the interfaces of the namespace in which it was mounted. Where it cannot be mounted, as in some containers, the
// daemon goes on with the one that is there: it only asks it whether interfaces exist when it reads a configuration.
void MountOwnSys() {
  if (::unshare(CLONE_NEWNS) != 0) return;
  if (::mount("", "/", "none", MS_SLAVE | MS_REC, nullptr) != 0) return;  // what the host mounts later is seen here too
  struct statvfs before{};
  const bool read_only = ::statvfs("/sys", &before) == 0 && (before.f_flag & ST_RDONLY) != 0;
  const UniqueFd groups(::open("/sys/fs/cgroup", O_PATH | O_CLOEXEC));
  unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (read_only) flags |= MS_RDONLY;
  if (::mount("sysfs", "/sys", "sysfs", flags, nullptr) != 0 || !groups) return;
  // The new /sys has an empty directory where control groups are mounted.
  const std::string old = "/proc/self/fd/" + std::to_string(groups.get());
  ::mount(old.c_str(), "/sys/fs/cgroup", nullptr, MS_BIND | MS_REC, nullptr);
}

}  // namespace

UniqueFd OpenNetworkNamespace(const std::string& name, int& err) {
  err = EINVAL;
  if (!IsName(name)) return {};
  UniqueFd fd(::open((kDirectory + name).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  err = fd ? TryToEnter(fd.get()) : errno;
  return err == 0 ? std::move(fd) : UniqueFd();
}

int EnterNetworkNamespace(int fd) {
  if (::setns(fd, CLONE_NEWNET) != 0) return errno;
  MountOwnSys();
  return 0;
}

}  // namespace launcher
