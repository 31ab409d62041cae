// holdfast-launcher: what bin/holdfast runs. See PROTOCOL.md.
#include <fcntl.h>
#include <sys/stat.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "core_dumps.h"
#include "journal.h"
#include "network_namespace.h"
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

// For whoever started us, and for the log of a host that starts us at boot.
int RefuseNamespace(const launcher::CommandLine& options, int err) {
  const char* name = options.network_namespace.c_str();
  constexpr const char* kSentence = "Network namespace %s cannot be entered: %s - 'ip netns' lists those that exist";
  launcher::Journal(launcher::Journal::To::kConsole, options.facility).Line(LOG_ERR, kSentence, name, ::strerror(err));
  if (options.background && options.use_syslog)
    launcher::Journal(launcher::Journal::To::kSyslog, options.facility).Line(LOG_ERR, kSentence, name, ::strerror(err));
  return err == EPERM ? 4 : 1;
}

// In the background nobody reads the console.
void TellTrouble(const launcher::CommandLine& options, const std::string& what) {
  const auto to = options.background ? launcher::Journal::To::kSyslog : launcher::Journal::To::kConsole;
  if (!options.background || options.use_syslog)
    launcher::Journal(to, options.facility).Line(LOG_WARNING, "%s: the daemon runs without it", what.c_str());
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
  if (const std::string& wanted = setup.options.network_namespace; !wanted.empty()) {
    int err = 0;
    setup.node.network_namespace = wanted;
    setup.node.namespace_fd = launcher::OpenNetworkNamespace(wanted, err);
    if (err != 0 && !setup.options.short_job) return RefuseNamespace(setup.options, err);
    if (err != 0) setup.node.network_namespace.clear();  // a test of a configuration is done here; it says so
  }
  setup.keep_spare = ::secure_getenv("HOLDFAST_NO_STANDBY") == nullptr;
  launcher::SetOwnName(setup.node.argv0);
  if (setup.options.background) setup.foreground = launcher::GoToBackground();
  const launcher::CoreDumps dumps(setup.options);
  if (!dumps.trouble().empty()) TellTrouble(setup.options, dumps.trouble());
  launcher::Supervisor supervisor(std::move(setup), started_as);
  return supervisor.Run();
}
