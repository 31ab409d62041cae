#include "pattern_matcher.h"

#include <algorithm>

namespace probe {

// One pair of offsets: nobody asks what was captured.
PatternMatcher::PatternMatcher() : data_(pcre2_match_data_create(1, nullptr)), context_(pcre2_match_context_create(nullptr)) {
  if (!context_) return;
  pcre2_set_depth_limit(context_.get(), kMostDepth);
  pcre2_set_heap_limit(context_.get(), kMostHeapKiB);
}

PatternMatcher& PatternMatcher::Get() {
  // Per thread, for a stack of every pattern would be memory of which one piece at a time is in use.
  thread_local PatternMatcher matcher;
  return matcher;
}

void PatternMatcher::WantStack(uint32_t start, uint32_t max) {
  if (max == 0 || (max <= stack_max_ && start <= stack_start_)) return;
  max = std::min(std::max(max, stack_max_), kMostStack);
  start = std::clamp(start, std::max(stack_start_, uint32_t{1}), max);
  if (max == stack_max_ && start == stack_start_) return;
  stack_start_ = start;
  stack_max_ = max;
  if (!context_) return;
  pcre2_jit_stack_assign(context_.get(), nullptr, nullptr);
  stack_.reset(pcre2_jit_stack_create(start, max, nullptr));
  // Without memory for it the 32 KiB of the machine's stack stay in use.
  if (stack_) pcre2_jit_stack_assign(context_.get(), nullptr, stack_.get());
}

int PatternMatcher::Run(const MatchTask& task) {
  if (!data_ || !context_) return PCRE2_ERROR_NOMEMORY;
  pcre2_set_match_limit(context_.get(), task.steps);
  pcre2_set_offset_limit(context_.get(), task.offset_limit);
  // An empty page has no address, which PCRE2 before 10.40 refuses.
  static constexpr std::byte kNothing{};
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(task.subject.empty() ? &kNothing : task.subject.data());
  const auto run = [&](uint32_t options) {
    return pcre2_match(task.code, subject, task.subject.size(), task.start, options, data_.get(), context_.get());
  };
  const int result = run(task.options);
  // The interpreter has more room, and takes longer.
  return result == PCRE2_ERROR_JIT_STACKLIMIT ? run(task.options | PCRE2_NO_JIT) : result;
}

size_t PatternMatcher::PartialStart() const { return pcre2_get_ovector_pointer(data_.get())[0]; }

size_t PatternMatcher::BadCharacter() const { return pcre2_get_startchar(data_.get()); }

}  // namespace probe
