#include "pattern_options.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>

namespace probe {
namespace {

struct Word {
  std::string_view name;
  uint32_t option;
};

// Those of `regexOptions` in main/config/model-checks.ts; PCRE2 has had all of them since 10.30.
constexpr std::array kWords{
    Word{"allow_empty_class", PCRE2_ALLOW_EMPTY_CLASS},
    Word{"alt_bsux", PCRE2_ALT_BSUX},
    Word{"auto_callout", PCRE2_AUTO_CALLOUT},
    Word{"caseless", PCRE2_CASELESS},
    Word{"dollar_endonly", PCRE2_DOLLAR_ENDONLY},
    Word{"dotall", PCRE2_DOTALL},
    Word{"dupnames", PCRE2_DUPNAMES},
    Word{"extended", PCRE2_EXTENDED},
    Word{"firstline", PCRE2_FIRSTLINE},
    Word{"match_unset_backref", PCRE2_MATCH_UNSET_BACKREF},
    Word{"multiline", PCRE2_MULTILINE},
    Word{"never_ucp", PCRE2_NEVER_UCP},
    Word{"never_utf", PCRE2_NEVER_UTF},
    Word{"no_auto_capture", PCRE2_NO_AUTO_CAPTURE},
    Word{"no_auto_possess", PCRE2_NO_AUTO_POSSESS},
    Word{"no_dotstar_anchor", PCRE2_NO_DOTSTAR_ANCHOR},
    Word{"no_start_optimize", PCRE2_NO_START_OPTIMIZE},
    Word{"ucp", PCRE2_UCP},
    Word{"ungreedy", PCRE2_UNGREEDY},
    Word{"utf", PCRE2_UTF},
    Word{"never_backslash_c", PCRE2_NEVER_BACKSLASH_C},
    Word{"alt_circumflex", PCRE2_ALT_CIRCUMFLEX},
    Word{"alt_verbnames", PCRE2_ALT_VERBNAMES},
    Word{"use_offset_limit", PCRE2_USE_OFFSET_LIMIT},
};

}  // namespace

std::optional<uint32_t> PatternOption(std::string_view word) {
  const auto found = std::find_if(kWords.begin(), kWords.end(), [word](const Word& known) { return known.name == word; });
  if (found == kWords.end()) return std::nullopt;
  return found->option;
}

}  // namespace probe
