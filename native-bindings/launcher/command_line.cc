#include "command_line.h"

#include <getopt.h>
#include <syslog.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

namespace launcher {
namespace {

// Long options without a letter that mean something here.
enum LongOnly : int { kOther = 1000, kSignum, kIgnoreSigint };

// keepalived's letters, only to know which take a parameter.
constexpr const char* kShort = "f:PCBlDS:g::Gu:XVIRndp:r:c:b:axA:s:mM::ei:t::TLOvh";

// Complete, because getopt_long accepts any unambiguous abbreviation.
constexpr std::array kLong = {
    option{"use-file", required_argument, nullptr, 'f'},
    option{"vrrp", no_argument, nullptr, 'P'},
    option{"check", no_argument, nullptr, 'C'},
    option{"no_bfd", no_argument, nullptr, 'B'},
    option{"all", no_argument, nullptr, kOther},
    option{"log-console", no_argument, nullptr, 'l'},
    option{"log-detail", no_argument, nullptr, 'D'},
    option{"log-facility", required_argument, nullptr, 'S'},
    option{"log-file", optional_argument, nullptr, 'g'},
    option{"flush-log-file", no_argument, nullptr, kOther},
    option{"no-syslog", no_argument, nullptr, 'G'},
    option{"umask", required_argument, nullptr, 'u'},
    option{"release-vips", no_argument, nullptr, 'X'},
    option{"dont-release-vrrp", no_argument, nullptr, 'V'},
    option{"dont-release-ipvs", no_argument, nullptr, 'I'},
    option{"dont-respawn", no_argument, nullptr, 'R'},
    option{"dont-fork", no_argument, nullptr, 'n'},
    option{"dump-conf", no_argument, nullptr, 'd'},
    option{"pid", required_argument, nullptr, 'p'},
    option{"vrrp_pid", required_argument, nullptr, 'r'},
    option{"checkers_pid", required_argument, nullptr, 'c'},
    option{"bfd_pid", required_argument, nullptr, 'b'},
    option{"address-monitoring", no_argument, nullptr, 'a'},
    option{"snmp", no_argument, nullptr, 'x'},
    option{"snmp-agent-socket", required_argument, nullptr, 'A'},
    option{"namespace", required_argument, nullptr, 's'},
    option{"core-dump", no_argument, nullptr, 'm'},
    option{"core-dump-pattern", optional_argument, nullptr, 'M'},
    option{"all-config", no_argument, nullptr, 'e'},
    option{"config-id", required_argument, nullptr, 'i'},
    option{"config-test", optional_argument, nullptr, 't'},
    option{"config-fd", required_argument, nullptr, kOther},
    option{"signum", required_argument, nullptr, kSignum},
    option{"ignore-sigint", no_argument, nullptr, kIgnoreSigint},
    option{"take-over", no_argument, nullptr, kOther},
    option{"perf", optional_argument, nullptr, kOther},
    option{"debug", optional_argument, nullptr, kOther},
    option{"genhash", no_argument, nullptr, 'T'},
    option{"mem-check-log", no_argument, nullptr, 'L'},
    option{"no-mem-check", no_argument, nullptr, kOther},
    option{"openssl-mem-check", no_argument, nullptr, 'O'},
    option{"ipvs", required_argument, nullptr, kOther},
    option{"json", no_argument, nullptr, kOther},
    option{"log-json", required_argument, nullptr, kOther},
    option{"control-socket", required_argument, nullptr, kOther},
    option{"strict", no_argument, nullptr, kOther},
    option{"version", no_argument, nullptr, 'v'},
    option{"help", no_argument, nullptr, 'h'},
    option{nullptr, 0, nullptr, 0},
};

// `0`..`7`, `local0`..`local7`, `user` or `daemon`; the daemon warns about anything else and we keep the default.
int FacilityOf(std::string_view text) {
  if (text == "user") return LOG_USER;
  if (text.starts_with("local")) text.remove_prefix(5);
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool valid = error == std::errc() && end == text.data() + text.size() && number >= 0 && number <= 7;
  return valid ? (LOG_LOCAL0 + number * (LOG_LOCAL1 - LOG_LOCAL0)) : LOG_DAEMON;
}

// `-M=PATTERN` is what the manual shows, so the sign is no part of it.
std::string CorePatternOf(const char* value) {
  std::string_view text = value == nullptr ? "" : value;
  if (text.starts_with('=')) text.remove_prefix(1);
  return std::string(text.empty() ? "core" : text);
}

void Apply(int option, CommandLine& out) {
  switch (option) {
    case 'n': out.background = false; break;
    case 't': case 'v': case 'h': case 'T': case kSignum:
      out.background = false;
      out.short_job = true;
      break;
    case 'R': out.may_respawn = false; break;
    case 'G': out.use_syslog = false; break;
    case 'S': out.facility = FacilityOf(optarg); break;
    case 's': out.network_namespace = optarg; break;
    case 'm': out.dumps_core = true; break;
    case 'M': out.core_pattern = CorePatternOf(optarg); break;
    case kIgnoreSigint: out.stops_on_int = false; break;
    default: break;
  }
}

}  // namespace

CommandLine ScanCommandLine(int argc, char* const* argv) {
  CommandLine out;
  out.facility = LOG_DAEMON;
  std::vector<char*> words(argv, argv + argc);  // getopt_long reorders what it scans
  words.push_back(nullptr);
  opterr = 0;
  optind = 0;  // GNU: start anew
  for (int found = 0; (found = getopt_long(argc, words.data(), kShort, kLong.data(), nullptr)) != -1;)
    Apply(found, out);
  const std::string_view question = argc > 1 ? argv[1] : "";
  constexpr std::array<std::string_view, 5> kQuestions{"status", "servers", "why", "upgrade", "give-way"};
  if (std::ranges::find(kQuestions, question) != kQuestions.end()) {
    out.background = false;
    out.short_job = true;
  }
  return out;
}

}  // namespace launcher
