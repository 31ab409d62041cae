#include "body_pattern.h"

#include <algorithm>
#include <array>
#include <utility>

#include "pattern_parts.h"

namespace probe {
namespace {

using Code = std::unique_ptr<pcre2_code, FreeCode>;

struct FreeContext {
  void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
};

// Octets of a pattern; a line of configuration is shorter.
constexpr size_t kMaxPattern = 16384;

PatternError ErrorOf(int code, size_t offset) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return {reinterpret_cast<const char*>(text.data()), offset};
}

uint32_t Info(const pcre2_code* code, uint32_t what) {
  uint32_t value = 0;
  pcre2_pattern_info(code, what, &value);
  return value;
}

std::variant<Code, PatternError> CompileCode(std::string_view pattern, uint32_t options) {
  const std::unique_ptr<pcre2_compile_context, FreeContext> context(pcre2_compile_context_create(nullptr));
  if (!context) return ErrorOf(PCRE2_ERROR_NOMEMORY, 0);
  pcre2_set_max_pattern_length(context.get(), kMaxPattern);
  int error = 0;
  size_t offset = 0;
  const auto* text = reinterpret_cast<PCRE2_SPTR>(pattern.empty() ? "" : pattern.data());
  Code code(pcre2_compile(text, pattern.size(), options, &error, &offset, context.get()));
  if (!code) return ErrorOf(error, offset);
  return code;
}

// Where the pattern calls CRLF one end of a line, PCRE2 does not begin a match at the LF, unless CR or LF is in the pattern.
bool SkipsLineFeed(const pcre2_code* code) {
  const uint32_t newline = Info(code, PCRE2_INFO_NEWLINE);
  const bool pairs = newline == PCRE2_NEWLINE_CRLF || newline == PCRE2_NEWLINE_ANY || newline == PCRE2_NEWLINE_ANYCRLF;
  return pairs && Info(code, PCRE2_INFO_HASCRORLF) == 0;
}

// PCRE2 tells the longest single lookbehind, in characters. They may be nested, and `^`, `\b` and `\X` look back without being
// counted, so there is room for four in a row.
size_t LookBack(const pcre2_code* code) { return size_t{4} * (Info(code, PCRE2_INFO_MAXLOOKBEHIND) + 4); }

}  // namespace

BodyPattern::~BodyPattern() = default;

std::variant<std::shared_ptr<const BodyPattern>, PatternError> BodyPattern::Compile(const PatternRules& rules) {
  // The page is somebody else's: its UTF-8 is always checked.
  uint32_t options = (rules.options & ~PCRE2_NO_UTF_CHECK) | PCRE2_USE_OFFSET_LIMIT;
  auto compiled = CompileCode(rules.pattern, options);
  if (auto* error = std::get_if<PatternError>(&compiled)) return std::move(*error);
  uint32_t in_force = Info(std::get<Code>(compiled).get(), PCRE2_INFO_ALLOPTIONS);
  if ((in_force & PCRE2_UTF) != 0 && (in_force & PCRE2_NEVER_BACKSLASH_C) == 0) {
    // \C leaves a match in the middle of a character, where what PCRE2 does is undefined (pcre2unicode).
    compiled = CompileCode(rules.pattern, options | PCRE2_NEVER_BACKSLASH_C);
    if (auto* error = std::get_if<PatternError>(&compiled)) return std::move(*error);
  }
  Code code = std::get<Code>(std::move(compiled));
  // Where memory may not be made executable this fails, and the interpreter matches.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD);

  std::shared_ptr<BodyPattern> pattern(new BodyPattern());
  pattern->parts_ = std::make_unique<Parts>();
  Parts& parts = *pattern->parts_;
  parts.no_match = rules.no_match;
  parts.min_offset = rules.min_offset;
  if (rules.max_offset > 0) parts.max_offset = rules.max_offset;
  parts.stack_start = rules.stack_start;
  parts.stack_max = rules.stack_max;
  parts.utf = (in_force & PCRE2_UTF) != 0;
  parts.anchored = (in_force & PCRE2_ANCHORED) != 0;
  parts.first_line = (in_force & PCRE2_FIRSTLINE) != 0;
  parts.crlf = SkipsLineFeed(code.get());
  parts.look_back = LookBack(code.get());
  parts.code = std::move(code);
  return pattern;
}

}  // namespace probe
