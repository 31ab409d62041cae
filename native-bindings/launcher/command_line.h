// The little that the launcher must know of the command line before Node runs.
#pragma once
#include <string>

namespace launcher {

struct CommandLine {
  bool background = true;      // none of -n, -t, -v, -h, -T, --signum and the word `status`
  bool short_job = false;      // one of -t, -v, -h, -T, --signum and the word `status`: it never speaks to us
  bool may_respawn = true;     // no -R
  bool stops_on_int = true;    // no --ignore-sigint
  bool use_syslog = true;      // no -G
  bool dumps_core = false;     // -m
  std::string core_pattern;    // of -M; empty: as it is
  std::string network_namespace;  // of -s; empty: none
  int facility = 0;            // of syslog(3), from -S; LOG_DAEMON by default
};

// Understands options as getopt_long(3) does (combined letters, abbreviations, options after words), so that `-nlD` is
// foreground and `-f -n` is a file name. Wrong options are not its business: the daemon reports them.
CommandLine ScanCommandLine(int argc, char* const* argv);

}  // namespace launcher
