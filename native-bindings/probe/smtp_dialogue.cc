#include "smtp_dialogue.h"

namespace probe {

void SmtpDialogue::Begin() { *this = SmtpDialogue(); }

SmtpDialogue::Next SmtpDialogue::Feed(std::span<const std::byte> octets) {
  heard_ = heard_ || !octets.empty();
  for (const std::byte octet : octets) {
    const Next next = Take(static_cast<char>(octet));
    if (next != Next::kListen) return next;
  }
  return Next::kListen;
}

// Three digits, then a blank, a hyphen where another line follows, or nothing (RFC 5321 §4.2).
SmtpDialogue::Next SmtpDialogue::Take(char c) {
  if (c == '\n') return LineEnded();
  if (++length_ >= kLongestLine) return Fail(Reason::kLongHeader);
  if (c == '\r') return Next::kListen;
  if (length_ <= 3) {
    well_formed_ = well_formed_ && c >= '0' && c <= '9';
    code_ = code_ * 10 + static_cast<uint32_t>(c - '0');
  } else if (length_ == 4) {
    continued_ = c == '-';
    well_formed_ = well_formed_ && (c == ' ' || c == '-');
  }
  return Next::kListen;
}

SmtpDialogue::Next SmtpDialogue::LineEnded() {
  if (stage_ == Stage::kQuit) return Next::kEnd;  // whatever it says to QUIT
  if (length_ < 3 || !well_formed_) {
    code_ = 0;
    return Fail(Reason::kReplyCode);
  }
  if (continued_ && ++lines_ >= kMostLines) return Fail(Reason::kLongHeader);
  const bool complete = !continued_;
  const Next next = complete ? Replied() : Next::kListen;
  if (next == Next::kEnd) return next;
  if (complete) lines_ = 0;
  length_ = 0;
  code_ = 0;
  continued_ = false;
  return next;
}

SmtpDialogue::Next SmtpDialogue::Replied() {
  switch (stage_) {
    case Stage::kGreeting:
      if (code_ != 220) return Fail(Reason::kReplyCode);
      stage_ = Stage::kHelo;
      return Next::kSpeak;
    case Stage::kHelo:
      if (code_ != 250) return Fail(Reason::kReplyCode);
      stage_ = Stage::kQuit;
      return Next::kSpeak;
    case Stage::kQuit:
      break;
  }
  return Next::kEnd;
}

SmtpDialogue::Next SmtpDialogue::Fail(Reason reason) {
  verdict_.outcome = Outcome::kBadResponse;
  verdict_.reason = reason;
  verdict_.status = static_cast<uint16_t>(code_);
  verdict_.detail = static_cast<uint32_t>(stage_);
  return Next::kEnd;
}

// Who has answered HELO and then hangs up instead of answering QUIT has shown that it works.
void SmtpDialogue::End() {
  if (stage_ != Stage::kQuit) Fail(heard_ ? Reason::kClosed : Reason::kNoData);
}

}  // namespace probe
