#pragma once
#include <charconv>
#include <optional>
#include <string_view>

namespace bench {

// A whole decimal number and nothing else.
template <typename Number>
std::optional<Number> ParseNumber(std::string_view text, Number lowest, Number highest) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < lowest || value > highest) return std::nullopt;
  return value;
}

}  // namespace bench
