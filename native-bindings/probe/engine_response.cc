// The part of an attempt that speaks HTTP: handshake, request, response.
#include <sys/socket.h>

#include <cerrno>

#include "engine_parts.h"

namespace probe {
namespace {

Verdict TlsVerdict(const TlsSession& session, TlsStep step) {
  if (step == TlsStep::kError && session.system_error() != 0) return VerdictOfErrno(session.system_error());
  Verdict verdict;
  verdict.outcome = Outcome::kTlsError;
  verdict.detail = static_cast<uint32_t>(session.error());
  verdict.reason = step == TlsStep::kClosed || verdict.detail == 0 ? Reason::kClosed : Reason::kTls;
  return verdict;
}

}  // namespace

// One step of TLS, with what the events so far said of the socket.
template <typename Step>
TlsStep Engine::Parts::TakeStep(Attempt& attempt, Step&& step) {
  attempt.tls->Expect(attempt.readable, attempt.peer_closed);
  const TlsStep taken = step(*attempt.tls);
  attempt.readable = attempt.tls->HasMore();
  return taken;
}

// TLS reads so much in one step, not all there is, and the event does not come again.
bool Engine::Parts::Waits(Attempt& attempt, TlsStep step) {
  if (step != TlsStep::kWantRead && step != TlsStep::kWantWrite) return false;
  if (step == TlsStep::kWantRead && attempt.readable && !attempt.unfinished) ReadLater(attempt);
  return true;
}

Engine::Parts::Ending Engine::Parts::Proceed(Attempt& attempt) {
  switch (attempt.step) {
    case Step::kHandshaking:
      return Handshake(attempt);
    case Step::kSending:
      return SendRequest(attempt);
    case Step::kReading:
      return Read(attempt);
    case Step::kClosing:
      return Shutdown(attempt);
    case Step::kExchanging:
      return Hear(attempt);
    case Step::kTalking:
      return Talk(attempt);
    case Step::kConnecting:
    case Step::kPinging:
      break;
  }
  return std::nullopt;
}

Engine::Parts::Ending Engine::Parts::Handshake(Attempt& attempt) {
  const TlsStep step = TakeStep(attempt, [](TlsSession& tls) { return tls.Handshake(); });
  if (Waits(attempt, step)) return std::nullopt;
  if (step != TlsStep::kDone) return TlsVerdict(*attempt.tls, step);
  attempt.times.tls = Elapsed(attempt.started_us, Instant(attempt));
  Enter(attempt, Step::kSending, Stage::kResponse);
  return SendRequest(attempt);
}

Engine::Parts::Ending Engine::Parts::SendRequest(Attempt& attempt) {
  const Url& url = UrlOf(attempt);
  const auto request = std::as_bytes(std::span(url.request)).subspan(attempt.sent);
  const Ending ending = attempt.tls != nullptr ? SendTls(attempt, request) : SendPlain(attempt, request);
  if (ending || attempt.sent < url.request.size()) return ending;
  attempt.reader = readers.Take();
  attempt.reader->Begin(url.expect);
  attempt.step = Step::kReading;
  // An event that came before the request was sent does not come again.
  const bool has_more = attempt.readable || (attempt.tls != nullptr && attempt.tls->HasBuffered());
  return has_more ? Read(attempt) : std::nullopt;
}

Engine::Parts::Ending Engine::Parts::SendPlain(Attempt& attempt, std::span<const std::byte> request) {
  const ssize_t sent = ::send(attempt.fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
  if (sent >= 0) {
    attempt.sent += static_cast<uint32_t>(sent);
  } else if (errno != EAGAIN) {
    return VerdictOfErrno(errno);
  }
  return std::nullopt;
}

Engine::Parts::Ending Engine::Parts::SendTls(Attempt& attempt, std::span<const std::byte> request) {
  const TlsStep step = TakeStep(attempt, [=](TlsSession& tls) { return tls.Write(request); });
  if (Waits(attempt, step)) return std::nullopt;
  if (step != TlsStep::kDone) return TlsVerdict(*attempt.tls, step);
  attempt.sent += static_cast<uint32_t>(request.size());
  return std::nullopt;
}

Engine::Parts::Ending Engine::Parts::Read(Attempt& attempt) {
  if (attempt.unfinished) return std::nullopt;  // it is its turn soon
  if (UrlOf(attempt).expect.pattern != nullptr && IsTimeUp()) {
    ReadLater(attempt);
    return std::nullopt;
  }
  return attempt.tls != nullptr ? ReadTls(attempt) : ReadPlain(attempt);
}

void Engine::Parts::ReadLater(Attempt& attempt) {
  attempt.unfinished = true;
  unfinished.push_back(TagOf(attempt));
}

// @returns true when the answer is complete.
bool Engine::Parts::Feed(Attempt& attempt, size_t length) {
  if (attempt.times.first_byte == 0) attempt.times.first_byte = Elapsed(attempt.started_us, Instant(attempt));
  return attempt.reader->Feed({buffer.get(), length});
}

Engine::Parts::Ending Engine::Parts::ReadPlain(Attempt& attempt) {
  const ssize_t length = ::recv(attempt.fd.get(), buffer.get(), kReadBytes, 0);
  if (length < 0) return errno == EAGAIN ? Ending() : VerdictOfErrno(errno);
  const auto bytes = static_cast<size_t>(length);
  if (bytes > 0 && Feed(attempt, bytes)) return Answered(attempt);
  if (bytes == kReadBytes) {
    ReadLater(attempt);
    return std::nullopt;
  }
  // Less than asked for was all there is (epoll(7)): with the peer's FIN in, one more call would only say so.
  if (bytes > 0 && !attempt.peer_closed) return std::nullopt;
  attempt.reader->End();
  return Answered(attempt);
}

Engine::Parts::Ending Engine::Parts::ReadTls(Attempt& attempt) {
  for (size_t read = 0; read < kReadBytes;) {
    size_t length = 0;
    const TlsStep step = TakeStep(attempt, [&](TlsSession& tls) { return tls.Read({buffer.get(), kReadBytes}, length); });
    if (Waits(attempt, step)) return std::nullopt;
    if (step == TlsStep::kError) return TlsVerdict(*attempt.tls, step);
    if (step == TlsStep::kClosed) attempt.reader->End();
    if (step == TlsStep::kClosed || Feed(attempt, length)) return Answered(attempt);
    read += length;
  }
  ReadLater(attempt);
  return std::nullopt;
}

Engine::Parts::Ending Engine::Parts::Answered(Attempt& attempt) {
  attempt.verdict = attempt.reader->verdict();
  if (attempt.tls == nullptr || !UrlOf(attempt).tls_compliant) return attempt.verdict;
  attempt.step = Step::kClosing;
  return Shutdown(attempt);
}

// The verdict stands; how the peer says good-bye, or whether at all, does not change it.
Engine::Parts::Ending Engine::Parts::Shutdown(Attempt& attempt) {
  const TlsStep step = TakeStep(attempt, [](TlsSession& tls) { return tls.Shutdown(); });
  return Waits(attempt, step) ? Ending() : attempt.verdict;
}

}  // namespace probe
