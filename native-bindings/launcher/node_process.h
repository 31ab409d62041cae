#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "../src/unique_fd.h"

namespace launcher {

// Everything about Node that does not change while the launcher lives.
struct NodeCommand {
  std::string node;               // path, or a name to look up in PATH
  std::string argv0;              // what ps shows: the name the launcher was started under
  std::string name;               // HOLDFAST_NAME
  std::string script;
  std::vector<std::string> args;  // the user's, unchanged
  std::string directory;          // where the user started it: relative file names stay valid after a restart
  bool capture_output = false;    // background: standard streams are pipes to the launcher
  bool short_job = false;         // see CommandLine
  std::string network_namespace;  // HOLDFAST_NAMESPACE; empty: where the launcher is
  UniqueFd namespace_fd;          // which it is; its name may be given to another one meanwhile
};

struct StartRequest {
  int restarts = 0;      // HOLDFAST_RESTARTS
  bool standby = false;  // HOLDFAST_STANDBY=1
  bool upgrade = false;  // HOLDFAST_UPGRADE=1
  int nice = 0;          // added to ours
  int state_fd = -1;     // borrowed; becomes descriptor 4
  std::string pid_file;  // HOLDFAST_PID_FILE: the first one that is held; empty: none
};

struct StartedNode {
  pid_t pid = -1;
  UniqueFd link;    // our end of the socket pair, non-blocking
  UniqueFd output;  // standard output and error with capture_output, non-blocking
};

// What the child exits with when Node cannot be run; not one of the codes that are final.
inline constexpr int kCannotRunNode = 70;

NodeCommand DescribeNode(int argc, char* const* argv, bool capture_output);

// Forks and runs Node. It gets SIGTERM when the launcher dies. Nothing when fork or socketpair fail (errno says why).
std::optional<StartedNode> StartNode(const NodeCommand& command, const StartRequest& request);

// What ps, top and pgrep show for this process: the last part of `name`.
void SetOwnName(const std::string& name);

// Whether a raised nice value can be lowered again: CAP_SYS_NICE, or RLIMIT_NICE allows it.
bool CanLowerNice();

// Sets the nice value of all threads of a process (Linux keeps it by thread).
void SetNiceOfProcess(pid_t pid, int nice);

}  // namespace launcher
