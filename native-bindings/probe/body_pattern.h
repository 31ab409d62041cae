#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "verdict.h"

// A `regex` of an HTTP check: PCRE2, searched while the body arrives.
namespace probe {

struct PatternRules {
  std::string_view pattern;
  uint32_t options = 0;      // PCRE2_* compile options
  bool no_match = false;     // the page must not match
  uint32_t min_offset = 0;   // octets of the body
  uint32_t max_offset = 0;   // 0: to the end
  uint32_t stack_start = 0;  // of the just-in-time matcher, octets; 0: its default
  uint32_t stack_max = 0;
};

struct PatternError {
  std::string message;  // PCRE2's
  size_t offset;        // in the pattern
};

// Compiled once, shared by all checks with the same rules of one engine.
class BodyPattern {
 public:
  static std::variant<std::shared_ptr<const BodyPattern>, PatternError> Compile(const PatternRules& rules);
  ~BodyPattern();
  BodyPattern(const BodyPattern&) = delete;
  BodyPattern& operator=(const BodyPattern&) = delete;

 private:
  friend class PatternSearch;
  BodyPattern() = default;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// One search through one body, fed in pieces. Keeps only what a match that has begun may still need, within a bound.
class PatternSearch {
 public:
  explicit PatternSearch(std::shared_ptr<const BodyPattern> pattern);
  ~PatternSearch();
  // Returns true when more bytes cannot change the verdict.
  bool Feed(std::span<const std::byte> bytes);
  void End();
  // kUp, or kNoMatch with its reason: kNone (detail 0: no match; else PCRE2's code for bad UTF-8, a negative number), kUnwantedMatch,
  // kMatchLimit (detail likewise), kLongBody. Valid after End() or a true Feed().
  Verdict verdict() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace probe
