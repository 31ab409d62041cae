// Any pattern and any page: no crash, bounded time, and a verdict that does not depend on the pieces. Input: eight octets of
// control, the pattern, and behind the first octet 0xfe the page. Compiled with PROBE_PATTERN_BLOCK=8, so that small pages have
// many blocks.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "../../../native-bindings/probe/body_pattern.h"

namespace {

using probe::BodyPattern;
using probe::PatternSearch;
using probe::Reason;
using probe::Verdict;
using Bytes = std::span<const std::byte>;

constexpr size_t kControl = 8;
constexpr size_t kMaxPattern = 64;  // longer ones find no more, and may take seconds to compile
constexpr size_t kMaxPage = 4096;

constexpr uint32_t kOptions[]{
    PCRE2_ALLOW_EMPTY_CLASS,  PCRE2_ALT_BSUX,       PCRE2_AUTO_CALLOUT,      PCRE2_CASELESS,          PCRE2_DOLLAR_ENDONLY,
    PCRE2_DOTALL,             PCRE2_DUPNAMES,       PCRE2_EXTENDED,          PCRE2_FIRSTLINE,         PCRE2_MATCH_UNSET_BACKREF,
    PCRE2_MULTILINE,          PCRE2_NEVER_UCP,      PCRE2_NO_AUTO_CAPTURE,   PCRE2_NO_AUTO_POSSESS,   PCRE2_NO_DOTSTAR_ANCHOR,
    PCRE2_NO_START_OPTIMIZE,  PCRE2_UCP,            PCRE2_UNGREEDY,          PCRE2_UTF,               PCRE2_ALT_CIRCUMFLEX,
};

Verdict Search(const std::shared_ptr<const BodyPattern>& pattern, Bytes page, size_t piece) {
  PatternSearch search(pattern);
  bool done = false;
  for (; !page.empty() && !done; page = page.subspan(std::min(piece, page.size())))
    done = search.Feed(page.first(std::min(piece, page.size())));
  if (!done) search.End();
  return search.verdict();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kControl) return -1;
  const auto* text = reinterpret_cast<const char*>(data) + kControl;
  const size_t left = size - kControl;
  const void* mark = std::memchr(text, 0xfe, left);
  const size_t length = mark == nullptr ? left : static_cast<size_t>(static_cast<const char*>(mark) - text);
  if (length > kMaxPattern) return -1;
  const size_t skipped = std::min(left, length + 1);
  const Bytes page = Bytes(reinterpret_cast<const std::byte*>(text), left).subspan(skipped, std::min(left - skipped, kMaxPage));

  probe::PatternRules rules{.pattern = {text, length}};
  const uint32_t bits = static_cast<uint32_t>(data[0] | data[1] << 8 | data[2] << 16);
  for (size_t i = 0; i < std::size(kOptions); i++)
    if ((bits >> i & 1) != 0) rules.options |= kOptions[i];
  rules.no_match = (data[3] & 1) != 0;
  rules.min_offset = data[4] % 64;
  rules.max_offset = data[5];
  rules.stack_max = data[6] * 1024;
  rules.stack_start = rules.stack_max / 2;

  const auto compiled = BodyPattern::Compile(rules);
  const auto* pattern = std::get_if<0>(&compiled);
  if (pattern == nullptr) return 0;
  const Verdict whole = Search(*pattern, page, std::max<size_t>(page.size(), 1));
  for (const size_t piece : {size_t{1}, size_t{data[7]} + 1}) {
    const Verdict cut = Search(*pattern, page, piece);
    // The limit is of processor time, and so it may be met once and not again.
    if (cut.reason == Reason::kMatchLimit || whole.reason == Reason::kMatchLimit) continue;
    if (cut.outcome != whole.outcome || cut.reason != whole.reason || cut.detail != whole.detail) std::abort();
  }
  return 0;
}
