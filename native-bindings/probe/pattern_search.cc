#include <algorithm>
#include <utility>
#include <vector>

#include "body_pattern.h"
#include "cpu_budget.h"
#include "pattern_matcher.h"
#include "pattern_parts.h"

namespace probe {
namespace {

#ifdef PROBE_PATTERN_BLOCK
constexpr size_t kBlock = PROBE_PATTERN_BLOCK;  // tests: a small page has many
#else
constexpr size_t kBlock = 16384;
#endif
// Of what a match that has begun may still need.
constexpr size_t kMaxKept = 65536;

bool IsBadUtf(int error) { return error <= PCRE2_ERROR_UTF8_ERR1 && error >= PCRE2_ERROR_UTF8_ERR21; }
// The last character may be complete when more comes: 1 to 5 octets are missing.
bool IsCutUtf(int error) { return error <= PCRE2_ERROR_UTF8_ERR1 && error >= PCRE2_ERROR_UTF8_ERR5; }

bool IsLimit(int error) {
  return error != PCRE2_ERROR_NOMATCH && error != PCRE2_ERROR_BADUTFOFFSET && !IsBadUtf(error);
}

}  // namespace

// The page is searched in blocks of fixed size, however it comes in, and a page of one block in one go: so the verdict never
// depends on how the network cut it. From block to block this is PCRE2's multi-segment matching (pcre2partial). What a pattern
// asks about the search instead of the page (\G, (*COMMIT), (*SKIP)) it asks about each block.
struct PatternSearch::State {
  std::shared_ptr<const BodyPattern> pattern;
  const BodyPattern::Parts& rules;
  std::vector<std::byte> window;
  uint64_t base;         // octet of the body that window[0] is, or will be
  uint64_t start;        // octet of the body where the next match may begin
  uint64_t received = 0;
  size_t fresh = 0;      // octets since the last block was searched
  bool resumes = false;  // `start` follows the last beginning that failed
  bool done = false;
  CpuBudget budget;
  Verdict verdict;

  explicit State(std::shared_ptr<const BodyPattern> of, const BodyPattern::Parts& parts)
      : pattern(std::move(of)),
        rules(parts),
        base(parts.min_offset - std::min<uint64_t>(parts.min_offset, parts.look_back)),
        start(parts.min_offset) {}

  void Append(std::span<const std::byte>& bytes);
  void SearchBlock(bool last);
  int Try(size_t length, uint32_t options);
  int TryStepwise(size_t length, uint32_t options);
  int Match(size_t length, uint32_t options, uint32_t steps, uint64_t last_start);
  void SkipToBeginning();
  void Trim();
  void Found();
  void NotFound(int error);
};

// Takes from `bytes` what still belongs to this block.
void PatternSearch::State::Append(std::span<const std::byte>& bytes) {
  // Before regex_min_offset.
  const size_t skipped = std::min<uint64_t>(bytes.size(), base - std::min(base, received));
  received += skipped;
  bytes = bytes.subspan(skipped);
  const auto taken = bytes.first(std::min(bytes.size(), kBlock - fresh));
  window.insert(window.end(), taken.begin(), taken.end());
  received += taken.size();
  fresh += taken.size();
  bytes = bytes.subspan(taken.size());
}

void PatternSearch::State::SearchBlock(bool last) {
  fresh = 0;
  if (resumes) SkipToBeginning();
  if (start > rules.max_offset) return NotFound(PCRE2_ERROR_NOMATCH);
  if (start > base + window.size() || (!last && start == base + window.size())) {
    if (last) NotFound(PCRE2_ERROR_NOMATCH);
    return;
  }

  size_t length = window.size();
  if (!last) budget.Start();  // reading the clock takes longer than searching a usual page
  int result = Try(length, last ? 0 : PCRE2_PARTIAL_HARD);
  int broken = 0;
  if (IsBadUtf(result)) {
    // What is in front of the bad character counts, just as if it had come alone.
    if (last || !IsCutUtf(result)) broken = result;
    length = std::min(length, PatternMatcher::Get().BadCharacter());
    result = base + length > start ? Try(length, PCRE2_PARTIAL_HARD) : PCRE2_ERROR_PARTIAL;
    if (IsBadUtf(result)) broken = result;
  }
  budget.Stop();

  if (result >= 0) return Found();
  if (broken != 0) return NotFound(broken);
  if (result == PCRE2_ERROR_PARTIAL) {
    if (base + length > start) start = base + PatternMatcher::Get().PartialStart();
    resumes = false;
  } else if (result == PCRE2_ERROR_NOMATCH && !last && !rules.anchored && !rules.first_line) {
    start = base + length;
    resumes = true;
  } else {
    return NotFound(result);
  }
  if (budget.IsSpent(received)) return NotFound(PCRE2_ERROR_MATCHLIMIT);
  Trim();
}

int PatternSearch::State::Try(size_t length, uint32_t options) {
  if (base + length - start <= 2 * kBlock) {
    const int result = Match(length, options, kQuickSteps, rules.max_offset);
    if (result != PCRE2_ERROR_MATCHLIMIT) return result;
  }
  return TryStepwise(length, options);
}

// PCRE2 counts its steps anew for every beginning of a match, and what runs through the page without going back is not counted at
// all. So few beginnings are tried at a time, and the clock is read between.
int PatternSearch::State::TryStepwise(size_t length, uint32_t options) {
  if (rules.anchored) return Match(length, options, kMostSteps, rules.max_offset);
  // The first line is PCRE2's to find: all at a time, with less for each.
  if (rules.first_line) return Match(length, options, kMostSteps / 100, rules.max_offset);
  constexpr uint64_t kSwiftNs = 1'000'000;
  budget.Start();
  for (uint64_t beginnings = 16;;) {
    const uint64_t last_start = std::min(start + beginnings - 1, rules.max_offset);
    const int result = Match(length, options, kMostSteps, last_start);
    if (result != PCRE2_ERROR_NOMATCH || last_start == rules.max_offset || last_start >= base + length) return result;
    if (budget.Lap() < kSwiftNs) beginnings *= 2;
    if (budget.IsSpent(received)) return PCRE2_ERROR_MATCHLIMIT;
    start = last_start + 1;
    SkipToBeginning();
    if (start > base + length) return PCRE2_ERROR_NOMATCH;
  }
}

int PatternSearch::State::Match(size_t length, uint32_t options, uint32_t steps, uint64_t last_start) {
  const size_t limit = last_start == UINT64_MAX ? PCRE2_UNSET : last_start - base;
  // Just-in-time code for partial matching does not mind the limit (seen with PCRE2 10.42).
  if (options != 0 && limit < length) options |= PCRE2_NO_JIT;
  return PatternMatcher::Get().Run(
      {rules.code.get(), std::span(window).first(length), static_cast<size_t>(start - base), limit, options, steps});
}

// From `start` on, to where PCRE2 would begin next: not within a character, nor between CR and LF.
void PatternSearch::State::SkipToBeginning() {
  size_t at = start - base;
  if (rules.utf)
    while (at < window.size() && (window[at] & std::byte{0xc0}) == std::byte{0x80}) at++;
  if (rules.crlf && at > 0 && at < window.size() && window[at - 1] == std::byte{'\r'} && window[at] == std::byte{'\n'}) at++;
  start = base + at;
}

void PatternSearch::State::Trim() {
  const uint64_t first = std::max(base, start - std::min<uint64_t>(start, rules.look_back));
  window.erase(window.begin(), window.begin() + static_cast<ptrdiff_t>(first - base));
  base = first;
  if (window.size() <= kMaxKept) return;
  done = true;
  verdict.outcome = Outcome::kNoMatch;
  verdict.reason = Reason::kLongBody;
}

void PatternSearch::State::Found() {
  done = true;
  if (!rules.no_match) return;
  verdict.outcome = Outcome::kNoMatch;
  verdict.reason = Reason::kUnwantedMatch;
}

// Only a search that came to its end may say that something is not in the page.
void PatternSearch::State::NotFound(int error) {
  done = true;
  if (error == PCRE2_ERROR_NOMATCH && rules.no_match) return;
  verdict.outcome = Outcome::kNoMatch;
  verdict.reason = IsLimit(error) ? Reason::kMatchLimit : Reason::kNone;
  verdict.detail = error == PCRE2_ERROR_NOMATCH ? 0 : static_cast<uint32_t>(error);
}

PatternSearch::PatternSearch(std::shared_ptr<const BodyPattern> pattern) {
  const BodyPattern::Parts& parts = *pattern->parts_;
  state_ = std::make_unique<State>(std::move(pattern), parts);
  PatternMatcher::Get().WantStack(parts.stack_start, parts.stack_max);
}

PatternSearch::~PatternSearch() = default;

bool PatternSearch::Feed(std::span<const std::byte> bytes) {
  State& s = *state_;
  while (!s.done && !bytes.empty()) {
    // Only when more is there: the last block is searched by End(), as a whole.
    if (s.fresh == kBlock) s.SearchBlock(false);
    else s.Append(bytes);
  }
  if (s.done) s.window = {};
  return s.done;
}

void PatternSearch::End() {
  if (!state_->done) state_->SearchBlock(true);
  state_->done = true;
}

Verdict PatternSearch::verdict() const { return state_->verdict; }

}  // namespace probe
