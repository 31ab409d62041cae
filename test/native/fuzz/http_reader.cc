// Any response, in any pieces, gets the verdict it gets in one. Input: an octet that chooses what is expected, one that says how
// many octets after it are lengths of pieces, then the response.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "../../../native-bindings/probe/body_pattern.h"
#include "../../../native-bindings/probe/http_reader.h"

namespace {

using probe::Expectation;
using probe::HttpReader;
using probe::Reason;
using probe::Verdict;
using Bytes = std::span<const std::byte>;

std::shared_ptr<const probe::BodyPattern> Compile(std::string_view pattern, bool no_match) {
  return std::get<0>(probe::BodyPattern::Compile({.pattern = pattern, .no_match = no_match}));
}

// Four bits of the control octet: digest, pattern, its opposite, a status list.
std::array<Expectation, 16> Expectations() {
  std::array<Expectation, 16> all;
  for (size_t bits = 0; bits < all.size(); bits++) {
    if ((bits & 1) != 0) all[bits].digest = probe::Md5{};
    if ((bits & 2) != 0) all[bits].pattern = Compile("a[^b]*b|\\bc$", (bits & 4) != 0);
    if ((bits & 8) != 0) all[bits].status = {{200, 299}, {404, 404}};
  }
  return all;
}

bool Same(const Verdict& a, const Verdict& b) {
  return a.outcome == b.outcome && a.reason == b.reason && a.status == b.status && a.detail == b.detail && a.md5 == b.md5;
}

// Pieces of the lengths given, again and again; none: all at once.
Verdict Hear(HttpReader& reader, const Expectation& expect, Bytes response, Bytes lengths) {
  reader.Begin(expect);
  bool judged = false;
  for (size_t turn = 0; !response.empty() && !judged; turn++) {
    const size_t wanted = lengths.empty() ? response.size() : std::to_integer<size_t>(lengths[turn % lengths.size()]) + 1;
    const Bytes piece = response.first(std::min(wanted, response.size()));
    judged = reader.Feed(piece);
    response = response.subspan(piece.size());
  }
  if (!judged) reader.End();
  return reader.verdict();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::array<Expectation, 16> expectations = Expectations();
  static HttpReader reader;  // used again, as by the engine
  if (size < 2) return -1;
  const Bytes input{reinterpret_cast<const std::byte*>(data), size};
  const Expectation& expect = expectations[data[0] % expectations.size()];
  const size_t cuts = std::min<size_t>(data[1] % 8, size - 2);
  const Bytes response = input.subspan(2 + cuts);
  const Verdict whole = Hear(reader, expect, response, {});
  constexpr std::array kSingle{std::byte{0}};
  for (const Bytes lengths : {input.subspan(2, cuts), Bytes(kSingle)}) {
    if (!Same(Hear(reader, expect, response, lengths), whole)) std::abort();
  }
  return 0;
}
