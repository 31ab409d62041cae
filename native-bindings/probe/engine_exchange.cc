// The part of an attempt that speaks other protocols than HTTP: datagrams, and SMTP.
#include <sys/socket.h>

#include <cerrno>

#include "engine_parts.h"
#include "exchange.h"

namespace probe {
namespace {

// As many as one attempt hears in one turn.
constexpr int kDatagramsAtOnce = 16;

// ICMP errors that are not final are told too (ip(7), IP_RECVERR): no route, no such host.
int TellErrors(int fd, sa_family_t family) {
  constexpr int kOn = 1;
  const int err = family == AF_INET6 ? ::setsockopt(fd, SOL_IPV6, IPV6_RECVERR, &kOn, sizeof kOn)
                                     : ::setsockopt(fd, SOL_IP, IP_RECVERR, &kOn, sizeof kOn);
  return err == 0 ? 0 : errno;
}

// A server may hang up so fast that its FIN arrives as a reset: both are the end of what it says.
Verdict TalkBroken(SmtpDialogue& dialogue, int err) {
  if (dialogue.stage() != SmtpDialogue::Stage::kQuit || OutcomeOfErrno(err) != Outcome::kReset) return VerdictOfErrno(err);
  dialogue.End();
  return dialogue.verdict();
}

}  // namespace

// A socket of its own for every attempt: its port is what tells its answer from a late one.
int Engine::Parts::SendDatagram(Attempt& attempt, const Slot& slot) {
  attempt.step = Step::kExchanging;
  attempt.stage = Stage::kResponse;
  const sa_family_t family = slot.target.any.sa_family;
  Opened opened = OpenSocket(family, SOCK_DGRAM, slot.socket.get());
  if (!opened.fd) return opened.err;
  int err = TellErrors(opened.fd.get(), family);
  if (err == 0) err = StartConnect(opened.fd.get(), slot.target, false);
  if (err == 0 && IsSelfConnected(opened.fd.get(), slot.target)) err = ECONNREFUSED;
  if (err == 0) err = Register(opened.fd.get(), TagOf(attempt));
  if (err != 0) return err;
  attempt.fd = std::move(opened.fd);
  attempt.query_id = static_cast<uint16_t>(NextRandom());
  const std::string datagram = Datagram(slot.kind, *slot.exchange, attempt.query_id);
  return ::send(attempt.fd.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL) >= 0 ? 0 : errno;
}

Engine::Parts::Ending Engine::Parts::Hear(Attempt& attempt) {
  if (attempt.unfinished) return std::nullopt;  // it is its turn soon
  const Slot& slot = slots[attempt.slot];
  for (int i = 0; i < kDatagramsAtOnce; i++) {
    const ssize_t length = ::recv(attempt.fd.get(), buffer.get(), kReadBytes, 0);
    if (length < 0) return errno == EAGAIN ? Ending() : VerdictOfNetwork(errno);
    const std::span<const std::byte> datagram(buffer.get(), static_cast<size_t>(length));
    const Ending ending = JudgeReply(slot.kind, *slot.exchange, attempt.query_id, datagram);
    if (!ending) continue;
    attempt.times.first_byte = Elapsed(attempt.started_us, Instant(attempt));
    return ending;
  }
  ReadLater(attempt);
  return std::nullopt;
}

Engine::Parts::Ending Engine::Parts::Talk(Attempt& attempt) {
  if (attempt.unfinished) return std::nullopt;
  const ssize_t length = ::recv(attempt.fd.get(), buffer.get(), kReadBytes, 0);
  if (length < 0) return errno == EAGAIN ? Ending() : TalkBroken(*attempt.dialogue, errno);
  if (length == 0) {
    attempt.dialogue->End();
    return attempt.dialogue->verdict();
  }
  if (attempt.times.first_byte == 0) attempt.times.first_byte = Elapsed(attempt.started_us, Instant(attempt));
  const SmtpDialogue::Next next = attempt.dialogue->Feed({buffer.get(), static_cast<size_t>(length)});
  if (next == SmtpDialogue::Next::kEnd) return attempt.dialogue->verdict();
  if (next == SmtpDialogue::Next::kSpeak) {
    if (const Ending ending = Say(attempt)) return ending;
  }
  if (static_cast<size_t>(length) == kReadBytes || attempt.peer_closed) ReadLater(attempt);
  return std::nullopt;
}

// A line fits into a send buffer that is empty.
Engine::Parts::Ending Engine::Parts::Say(Attempt& attempt) {
  const bool hello = attempt.dialogue->stage() == SmtpDialogue::Stage::kHelo;
  const std::string line = hello ? "HELO " + slots[attempt.slot].exchange->request + "\r\n" : "QUIT\r\n";
  const ssize_t sent = ::send(attempt.fd.get(), line.data(), line.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(line.size()))
    return TalkBroken(*attempt.dialogue, sent < 0 && errno != EAGAIN ? errno : ENOBUFS);
  Enter(attempt, Step::kTalking, Stage::kResponse);
  return std::nullopt;
}

}  // namespace probe
