#include "target_options.h"

#include <algorithm>

#include "numbers.h"

namespace bench {
namespace {

std::optional<Mode> ModeNamed(std::string_view name) {
  const auto found = std::find(kModeNames.begin(), kModeNames.end(), name);
  if (found == kModeNames.end()) return std::nullopt;
  return static_cast<Mode>(found - kModeNames.begin());
}

bool Apply(TargetOptions& options, std::string_view name, std::string_view value) {
  if (name == "threads") {
    const auto threads = ParseNumber<uint32_t>(value, 1, 64);
    if (threads) options.threads = *threads;
    return threads.has_value();
  }
  const auto mode = ModeNamed(name);
  const auto port = ParseNumber<uint16_t>(value, 0, UINT16_MAX);
  if (!mode || !port) return false;
  options.ports.push_back({*mode, *port});
  return true;
}

}  // namespace

std::optional<TargetOptions> ParseTargetOptions(int argc, char** argv) {
  TargetOptions options;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (!name.starts_with("--") || i + 1 == argc || !Apply(options, name.substr(2), argv[i + 1])) return std::nullopt;
  }
  if (options.ports.empty()) return std::nullopt;
  return options;
}

}  // namespace bench
