#pragma once
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "body_pattern.h"

// What compiling (body_pattern.cc) hands to searching (pattern_search.cc).
namespace probe {

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};

struct BodyPattern::Parts {
  std::unique_ptr<pcre2_code, FreeCode> code;
  bool no_match = false;
  uint64_t min_offset = 0;
  uint64_t max_offset = UINT64_MAX;
  uint32_t stack_start = 0;  // stack_max 0: none of its own
  uint32_t stack_max = 0;
  bool utf = false;        // also by (*UTF) in the pattern
  bool anchored = false;   // a match begins where the search does, or nowhere
  bool first_line = false; // or within the line there
  bool crlf = false;       // a match does not begin between carriage return and line feed
  size_t look_back = 0;    // octets before the beginning of a match that it may inspect
};

}  // namespace probe
