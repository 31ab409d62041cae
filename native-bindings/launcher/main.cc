// holdfast-launcher: what bin/holdfast runs. See PROTOCOL.md.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <string.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "supervisor.h"

namespace {

// A shell script cannot choose argv[0] of what it runs, so it passes the name by HOLDFAST_ARGV0 and we run ourselves
// once more under it: tools find the daemon by its name in ps. Blocked signals stay pending meanwhile.
void TakeName(char** argv) {
  const char* wanted = ::secure_getenv("HOLDFAST_ARGV0");
  if (wanted == nullptr) return;
  std::string name = wanted;
  ::unsetenv("HOLDFAST_ARGV0");
  argv[0] = name.data();
  ::execv("/proc/self/exe", argv);
  argv[0] = ::strdup(name.c_str());  // without /proc the name is right everywhere but in ps
}

// Standard error may be a file that the daemon's log thread appends to (`-l > FILE 2>&1`): our own lines must not overwrite it.
void AppendToFiles() {
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat status {};
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags >= 0 && ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) ::fcntl(fd, F_SETFL, flags | O_APPEND);
  }
}

}  // namespace

int main(int argc, char** argv) {
  launcher::BlockSignals();
  AppendToFiles();
  if (argc > 0) TakeName(argv);
  const pid_t started_as = ::getpid();
  launcher::Setup setup;
  setup.options = launcher::ScanCommandLine(argc, argv);
  setup.node = launcher::DescribeNode(argc, argv, setup.options.background);
  setup.node.short_job = setup.options.short_job;
  setup.keep_spare = ::secure_getenv("HOLDFAST_NO_STANDBY") == nullptr;
  const std::string& name = setup.node.argv0;
  ::prctl(PR_SET_NAME, name.c_str() + name.rfind('/') + 1);  // comm; rfind's npos + 1 is 0
  if (setup.options.background) setup.foreground = launcher::GoToBackground();
  launcher::Supervisor supervisor(std::move(setup), started_as);
  return supervisor.Run();
}
