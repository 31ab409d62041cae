#include "http_header.h"

#include <algorithm>
#include <cstring>

namespace probe {
namespace {

constexpr std::string_view kName = "content-length:";
constexpr size_t kMostDigits = 15;  // exact in a double too, so every reader of the number agrees

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsName(std::string_view text) {
  // Bit 5 makes a letter small, and '\r' a '-': so only letters are compared that way.
  return std::equal(kName.begin(), kName.end(), text.begin(), [](char want, char got) {
    return got == want || (want >= 'a' && want <= 'z' && (got | 0x20) == want);
  });
}

}  // namespace

std::optional<size_t> HeaderEnd(std::string_view bytes, size_t from) {
  // The last three octets that were seen before may be the beginning of an end.
  size_t at = bytes.find('\n', from > 3 ? from - 3 : 0);
  for (; at != std::string_view::npos; at = bytes.find('\n', at + 1)) {
    const std::string_view next = bytes.substr(at + 1);
    if (next.starts_with('\n')) return at + 2;
    if (at > 0 && bytes[at - 1] == '\r' && next.starts_with("\r\n")) return at + 3;
  }
  return std::nullopt;
}

uint16_t StatusOf(std::string_view header) {
  const size_t blank = header.find_first_of(" \r\n");
  if (blank == std::string_view::npos || header[blank] != ' ') return 0;
  const std::string_view code = header.substr(blank + 1, 4);
  if (code.size() < 4 || !IsDigit(code[0]) || !IsDigit(code[1]) || !IsDigit(code[2]) || code[3] != ' ') return 0;
  return static_cast<uint16_t>((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
}

uint64_t ContentLengthOf(std::string_view header) {
  for (size_t at = header.find('\n'); at != std::string_view::npos; at = header.find('\n', at + 1)) {
    std::string_view line = header.substr(at + 1);
    if (line.size() <= kName.size() || !IsName(line)) continue;
    line.remove_prefix(kName.size());
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    uint64_t value = 0;
    size_t digits = 0;
    for (; digits < std::min(line.size(), kMostDigits) && IsDigit(line[digits]); digits++)
      value = value * 10 + static_cast<uint64_t>(line[digits] - '0');
    if (digits > 0) return value;
  }
  return kUnknownLength;
}

}  // namespace probe
