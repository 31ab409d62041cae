#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace probe {

// The compile option of PCRE2 behind a word of `regex_options` in keepalived.conf(5): PCRE2_CASELESS for `caseless`. Nothing for a
// word that is none, or that this PCRE2 does not know.
std::optional<uint32_t> PatternOption(std::string_view word);

}  // namespace probe
