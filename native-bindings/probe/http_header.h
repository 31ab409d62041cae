#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

// The three things a check wants of an HTTP/1.x header. Any bytes may be in it.
namespace probe {

// keepalived reads into 4 KB with a NUL at the end.
inline constexpr size_t kMaxHeader = 4095;

inline constexpr uint64_t kUnknownLength = std::numeric_limits<uint64_t>::max();

// Where the body begins: behind the first empty line, with or without carriage returns. `from`: so many octets are known to hold no
// whole end, for one that comes in pieces.
std::optional<size_t> HeaderEnd(std::string_view bytes, size_t from);

// Three digits between the first blank and the next; anything else is 0, as keepalived has it.
uint16_t StatusOf(std::string_view header);

// kUnknownLength when there is none. Field names are case-insensitive (RFC 9110 5.1).
uint64_t ContentLengthOf(std::string_view header);

}  // namespace probe
