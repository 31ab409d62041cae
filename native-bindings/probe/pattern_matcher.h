#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "pattern_parts.h"

// One call of pcre2_match(), with its limits. What it needs besides the pattern is shared by all searches of a thread.
namespace probe {

// Backtracking steps from one beginning of a match. The first suffices for nearly all patterns and pages, and a whole block costs
// little even if every beginning uses it up; the second is for the others, who are watched meanwhile.
inline constexpr uint32_t kQuickSteps = 500;
inline constexpr uint32_t kMostSteps = 1'000'000;
// Of the interpreter, which keeps its backtracking on the heap; the just-in-time code has its stack instead.
inline constexpr uint32_t kMostDepth = 50'000;
inline constexpr uint32_t kMostHeapKiB = 8192;
// `regex_stack` beyond it is cut.
inline constexpr uint32_t kMostStack = 16 << 20;

struct MatchTask {
  const pcre2_code* code;
  std::span<const std::byte> subject;
  size_t start;         // where the search begins
  size_t offset_limit;  // the last beginning of a match; PCRE2_UNSET: any
  uint32_t options;     // PCRE2_PARTIAL_HARD, or 0
  uint32_t steps;
};

class PatternMatcher {
 public:
  // The one of this thread.
  static PatternMatcher& Get();

  // At least so much stack for just-in-time code from now on; both 0: whatever there is.
  void WantStack(uint32_t start, uint32_t max);
  // As pcre2_match(): 0 or more for a match, else PCRE2_ERROR_*.
  int Run(const MatchTask& task);
  // After PCRE2_ERROR_PARTIAL: where the match begins that may be completed.
  size_t PartialStart() const;
  // After an error of UTF-8: where it is.
  size_t BadCharacter() const;

 private:
  struct FreeData {
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  };
  struct FreeContext {
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
  };
  struct FreeStack {
    void operator()(pcre2_jit_stack* stack) const { pcre2_jit_stack_free(stack); }
  };

  PatternMatcher();

  std::unique_ptr<pcre2_match_data, FreeData> data_;
  std::unique_ptr<pcre2_jit_stack, FreeStack> stack_;
  std::unique_ptr<pcre2_match_context, FreeContext> context_;  // refers to stack_
  uint32_t stack_start_ = 0;
  uint32_t stack_max_ = 0;
};

}  // namespace probe
