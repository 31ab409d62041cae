// What strangers say to checks by SMTP, DNS and UDP. Input: an octet that chooses whom, then
// SMTP: the server's octets; an octet 0xff ends a piece, as they arrive. A dialogue ends within its bounds, and octets that arrive one by
// one, where nothing had to be said in between, mean what they mean in one piece.
// DNS and UDP: what is expected, then the datagram, which is judged as its first octets say.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "../../../native-bindings/probe/exchange.h"
#include "../../../native-bindings/probe/smtp_dialogue.h"

namespace {

using namespace probe;
using Bytes = std::span<const std::byte>;
using Next = SmtpDialogue::Next;

void Must(bool holds) {
  if (!holds) std::abort();
}

bool Same(const Verdict& a, const Verdict& b) {
  return a.outcome == b.outcome && a.reason == b.reason && a.status == b.status && a.detail == b.detail;
}

// The rest of a piece that makes us speak is dropped.
Next HearSingly(SmtpDialogue& dialogue, Bytes piece) {
  for (size_t i = 0; i < piece.size(); i++) {
    const Next next = dialogue.Feed(piece.subspan(i, 1));
    if (next != Next::kListen) return next;
  }
  return Next::kListen;
}

void Smtp(Bytes said) {
  SmtpDialogue whole;
  SmtpDialogue single;
  size_t heard = 0;
  size_t spoken = 0;
  whole.Begin();
  single.Begin();
  while (!said.empty()) {
    const auto end = std::find(said.begin(), said.end(), std::byte{0xff});
    const Bytes piece(said.begin(), end);
    said = said.subspan(std::min(said.size(), piece.size() + 1));
    const Next next = whole.Feed(piece);
    Must(HearSingly(single, piece) == next && single.stage() == whole.stage());
    heard = next == Next::kListen ? heard + piece.size() : 0;
    Must(heard <= 512 * 100);  // lines and octets of a reply are bounded
    if (next == Next::kSpeak) Must(++spoken <= 2);
    if (next != Next::kEnd) continue;
    Must(Same(whole.verdict(), single.verdict()));
    Must(whole.verdict().outcome == Outcome::kUp ? spoken == 2 : whole.verdict().outcome == Outcome::kBadResponse);
    return;
  }
  whole.End();
  single.End();
  Must(Same(whole.verdict(), single.verdict()));
  Must((whole.verdict().outcome == Outcome::kUp) == (spoken == 2));
}

void Dns(Bytes input) {
  const size_t asked = std::min<size_t>(input.size(), 2);
  uint16_t id = 0;
  for (const std::byte octet : input.first(asked)) id = static_cast<uint16_t>(id << 8 | std::to_integer<uint16_t>(octet));
  const Bytes datagram = input.subspan(asked);
  const std::optional<Verdict> verdict = JudgeReply(Kind::kDns, Exchange(), id, datagram);
  const auto octet = [&](size_t i) { return std::to_integer<uint32_t>(datagram[i]); };
  const bool is_answer = datagram.size() >= kDnsHeaderOctets && (octet(0) << 8 | octet(1)) == id && octet(2) >= 0x80;
  Must(verdict.has_value() == is_answer);
  if (is_answer) Must((verdict->outcome == Outcome::kUp) == ((octet(3) & 15) == 0));
}

// Three octets of bounds and options, then the pattern, then its mask, then the datagram, of equal parts.
void Udp(Bytes input) {
  if (input.size() < 3) return;
  Exchange exchange;
  exchange.require_reply = (std::to_integer<int>(input[0]) & 1) != 0;
  exchange.min_reply = std::to_integer<uint32_t>(input[1]);
  exchange.max_reply = std::to_integer<uint32_t>(input[2]);
  input = input.subspan(3);
  const size_t part = input.size() / 3;
  for (size_t i = 0; i < part; i++) {
    const auto mask = std::to_integer<uint8_t>(input[part + i]);
    exchange.mask.push_back(static_cast<char>(mask));
    exchange.reply.push_back(static_cast<char>(std::to_integer<uint8_t>(input[i]) & mask));
  }
  const Bytes datagram = input.subspan(2 * part);
  const std::optional<Verdict> verdict = JudgeReply(Kind::kUdp, exchange, 0, datagram);
  Must(verdict.has_value());
  const bool fits = datagram.size() >= exchange.min_reply && datagram.size() <= exchange.max_reply;
  if (!exchange.require_reply) Must(verdict->outcome == Outcome::kUp);
  else if (!fits) Must(verdict->reason == Reason::kWrongLength && verdict->detail == datagram.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return -1;
  const Bytes input(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      Smtp(input);
      break;
    case 1:
      Dns(input);
      break;
    default:
      Udp(input);
  }
  return 0;
}
