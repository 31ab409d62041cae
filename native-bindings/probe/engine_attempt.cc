// One attempt from its start to its end.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine_parts.h"

namespace probe {
namespace {

uint32_t Difference(uint64_t from_us, uint64_t to_us) {
  return to_us <= from_us ? 0 : static_cast<uint32_t>(std::min<uint64_t>(to_us - from_us, UINT32_MAX));
}

bool SpeaksFirst(Kind kind) { return kind == Kind::kHttp || kind == Kind::kHttps; }

// Nothing is left of what the process or the host has for all.
bool IsShortage(int err) { return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM || err == ENOSPC; }

}  // namespace

// 0 stands for "did not come so far".
uint32_t Elapsed(uint64_t from_us, uint64_t to_us) { return std::max<uint32_t>(Difference(from_us, to_us), 1); }

Verdict VerdictOfErrno(int err) {
  Verdict verdict;
  verdict.outcome = OutcomeOfErrno(err);
  verdict.reason = IsShortage(err) ? Reason::kEngine : Reason::kErrno;
  verdict.detail = static_cast<uint32_t>(err);
  return verdict;
}

// Whatever comes back instead of an answer is a failure: routers and firewalls have many errors to choose from (RFC 792, RFC 4443).
Verdict VerdictOfNetwork(int err) {
  Verdict verdict = VerdictOfErrno(err);
  if (verdict.outcome == Outcome::kNoResources && verdict.reason == Reason::kErrno) verdict.outcome = Outcome::kUnreachable;
  return verdict;
}

void Engine::Parts::Start(uint32_t number) {
  Slot& slot = slots[number];
  slot.attempt = attempts.Take();
  Attempt& attempt = attempts[slot.attempt];
  attempt.slot = number;
  attempt.generation = NextGeneration();
  attempt.arming = slot.arming;
  attempt.url = slot.url;
  attempt.quiet = slot.quiet;
  attempt.started_us = NowUs();
  attempt.times.lateness = Difference(slot.due_us, attempt.started_us);
  int err = Begin(attempt, slot);
  if (IsShortage(err) && !attempt.fd && sockets.idle() > 0) {  // what is kept for later may be what is missing now
    sockets.Shrink(0);
    err = Begin(attempt, slot);
  }
  has_stirred = true;
  if (err != 0) {
    const bool was_sent = attempt.step == Step::kExchanging && attempt.fd;  // before that nothing has to do with the target
    return End(attempt, was_sent ? VerdictOfNetwork(err) : VerdictOfErrno(err));
  }
  Appoint(number, attempt.started_us + uint64_t{slot.timeout_ms} * 1000);
}

uint64_t Engine::Parts::TagOf(const Attempt& attempt) const {
  return uint64_t{attempt.generation} << 32 | slots[attempt.slot].attempt;
}

// @returns 0 or the errno of what failed.
int Engine::Parts::Begin(Attempt& attempt, const Slot& slot) {
  switch (slot.kind) {
    case Kind::kPing:
      return Ping(attempt, slot);
    case Kind::kUdp:
    case Kind::kDns:
      return SendDatagram(attempt, slot);
    default:
      return Open(attempt, slot);
  }
}

int Engine::Parts::Open(Attempt& attempt, const Slot& slot) {
  const bool is_pooled = slot.close_with == CloseWith::kReset && slot.socket == nullptr &&
                         SocketPool::Suits(slot.target);
  if (!is_pooled) return OpenNew(attempt, slot, false);
  SocketPool::Loan loan = sockets.Borrow(slot.target.any.sa_family, slot.attempt);
  if (!loan.fd) return OpenNew(attempt, slot, true);
  attempt.fd = std::move(loan.fd);
  attempt.pooled = loan.number;
  return StartConnect(attempt.fd.get(), slot.target, SpeaksFirst(slot.kind));
}

int Engine::Parts::OpenNew(Attempt& attempt, const Slot& slot, bool is_pooled) {
  // Idle sockets and those in use together are never more than may be in use.
  sockets.Shrink(limits.in_flight - std::min(limits.in_flight, admission.in_flight()));
  Opened opened = OpenSocket(slot.target.any.sa_family, SOCK_STREAM, slot.socket.get());
  if (!opened.fd) return opened.err;
  int err = StartConnect(opened.fd.get(), slot.target, SpeaksFirst(slot.kind));
  if (err != 0) return err;
  uint32_t number = SocketPool::kNone;
  uint64_t tag = TagOf(attempt);
  if (is_pooled) {
    const uint32_t generation = NextGeneration();
    number = sockets.Enroll(slot.target.any.sa_family, slot.attempt, generation);
    tag = kPoolTag | uint64_t{generation} << 32 | number;
  }
  err = Register(opened.fd.get(), tag);
  if (err != 0) {
    if (is_pooled) sockets.Strike(number);
    return err;
  }
  attempt.fd = std::move(opened.fd);
  attempt.pooled = number;
  return 0;
}

// Edge-triggered, so that it is said once for the whole attempt, and for all the attempts of a socket.
int Engine::Parts::Register(int fd, uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = tag;
  return ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

int Engine::Parts::Ping(Attempt& attempt, const Slot& slot) {
  attempt.step = Step::kPinging;
  Spec spec;
  spec.kind = Kind::kPing;
  spec.target = AddressOf(slot.target);
  spec.socket = slot.socket;
  if (pings == nullptr) pings = std::make_unique<PingSockets>(PingHooks());
  return pings->Send(attempt.slot, spec);
}

PingSockets::Hooks Engine::Parts::PingHooks() {
  return {[this](int fd, uint64_t tag) {
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.u64 = kPingTag | tag;
            return ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
          },
          [this](uint32_t slot, int err) { OnPingAnswer(slot, err); }};
}

void Engine::Parts::OnPingAnswer(uint32_t number, int err) {
  if (slots[number].attempt == kNoAttempt) return;
  Attempt& attempt = attempts[slots[number].attempt];
  if (attempt.step != Step::kPinging) return;
  attempt.times.connect = Elapsed(attempt.started_us, event_us);
  End(attempt, err == 0 ? Verdict() : VerdictOfNetwork(err));
}

void Engine::Parts::OnEvent(uint64_t tag, uint32_t happened) {
  if ((tag & kPingTag) != 0) return pings->OnReady(tag & ~kPingTag);
  const auto number = static_cast<uint32_t>(tag);
  const auto generation = static_cast<uint32_t>(tag >> 32) & kGenerations;
  if ((tag & kPoolTag) != 0) {
    const uint32_t attempt = sockets.AttemptOf(number, generation);
    if (attempt != SocketPool::kNone) OnEvent(attempts[attempt], happened);  // else it was disconnected
  } else if (attempts[number].generation == generation) {  // else it ended while its event was on the way
    OnEvent(attempts[number], happened);
  }
}

void Engine::Parts::OnEvent(Attempt& attempt, uint32_t happened) {
  if ((happened & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) attempt.readable = true;
  if ((happened & (EPOLLRDHUP | EPOLLHUP)) != 0) attempt.peer_closed = true;
  const Ending ending = attempt.step == Step::kConnecting ? Connected(attempt, happened) : Proceed(attempt);
  if (ending) End(attempt, *ending);
}

Engine::Parts::Ending Engine::Parts::Connected(Attempt& attempt, uint32_t happened) {
  // Without one of these two a connection that can be written to stands: SO_ERROR need not be asked for.
  if ((happened & (EPOLLERR | EPOLLHUP)) != 0) {
    const int err = PendingError(attempt.fd.get());
    if (err != 0) return VerdictOfNetwork(err);
  }
  if ((happened & EPOLLOUT) == 0) return std::nullopt;
  const Slot& slot = slots[attempt.slot];
  if (IsSelfConnected(attempt.fd.get(), slot.target)) return VerdictOfErrno(ECONNREFUSED);
  attempt.times.connect = Elapsed(attempt.started_us, event_us);
  if (slot.kind == Kind::kTcp) return Verdict();
  if (slot.kind == Kind::kHttp) {
    Enter(attempt, Step::kSending, Stage::kResponse);
    return SendRequest(attempt);
  }
  if (slot.kind == Kind::kSmtp) {
    attempt.dialogue = dialogues.Take();
    attempt.dialogue->Begin();
    Enter(attempt, Step::kTalking, Stage::kResponse);
    return attempt.readable ? Talk(attempt) : std::nullopt;
  }
  attempt.tls = sessions.Take();
  if (!attempt.tls->Begin(*slot.tls, attempt.fd.get(), UrlOf(attempt).server_name, &slot.sessions[attempt.url]))
    return VerdictOfErrno(ENOMEM);
  Enter(attempt, Step::kHandshaking, Stage::kHandshake);
  return Handshake(attempt);
}

// A new stage has the whole time-out before it.
void Engine::Parts::Enter(Attempt& attempt, Step step, Stage stage) {
  attempt.step = step;
  attempt.stage = stage;
  Appoint(attempt.slot, NowUs() + uint64_t{slots[attempt.slot].timeout_ms} * 1000);
}

void Engine::Parts::OnTimeout(uint32_t slot) {
  Attempt& attempt = attempts[slots[slot].attempt];
  if (attempt.step == Step::kClosing) return End(attempt, attempt.verdict);
  Verdict verdict;
  if (attempt.step != Step::kExchanging || slots[slot].kind != Kind::kUdp || slots[slot].exchange->require_reply)
    verdict.outcome = Outcome::kTimeout;  // else nobody said that the datagram was unwanted
  End(attempt, verdict);
}

// When what is being handled happened: as its event was fetched, however many were handled before it. Only TLS has work of its own
// that is a part of the matter.
uint64_t Engine::Parts::Instant(const Attempt& attempt) const {
  return attempt.tls != nullptr ? NowUs() : std::max(event_us, attempt.started_us);
}

void Engine::Parts::End(Attempt& attempt, const Verdict& verdict) {
  const uint32_t number = attempt.slot;
  Slot& slot = slots[number];
  const bool up = verdict.outcome == Outcome::kUp;
  const uint64_t ended_us = Instant(attempt);
  attempt.times.total = Elapsed(attempt.started_us, ended_us);
  tally.Add(slot.kind, slot.groups, attempt.times, up);
  completed++;
  if (up) {
    passed++;
    slot.last_total_us = attempt.times.total;
  }
  if (verdict.outcome == Outcome::kNoResources) no_resources++;
  wheel.Cancel(number);
  if (std::exchange(slot.rearmed, false)) {
    Appoint(number, slot.due_us);
  } else if (verdict.outcome == Outcome::kNoResources || !RepeatQuietly(slot, up, ended_us)) {
    HandOver(attempt, verdict);
  } else {
    Appoint(number, slot.due_us);
  }
  Release(attempt);
}

// @returns false when the owner wants to hear of it.
bool Engine::Parts::RepeatQuietly(Slot& slot, bool up, uint64_t ended_us) {
  if (slot.quiet != (up ? Quiet::kPass : Quiet::kFail)) return false;
  if (up && slot.urls != nullptr) slot.url = (slot.url + 1) % static_cast<uint32_t>(slot.urls->size());
  const uint32_t interval_ms = up ? slot.interval_ms : slot.quiet_fail_interval_ms;
  slot.due_us = OnGrid(slot, ended_us + uint64_t{interval_ms} * 1000, up) + JitterUs(slot.jitter_ms);
  return true;
}

void Engine::Parts::HandOver(const Attempt& attempt, const Verdict& verdict) {
  Result result{};
  result.slot = attempt.slot;
  result.arming = attempt.arming;
  result.outcome_url = static_cast<uint32_t>(verdict.outcome) | static_cast<uint32_t>(attempt.stage) << 8 |
                       static_cast<uint32_t>(verdict.reason) << 12 | attempt.url << 16;
  result.detail = verdict.detail;
  result.status = verdict.status;
  result.connect_us = attempt.times.connect;
  result.tls_us = attempt.times.tls;
  result.first_byte_us = attempt.times.first_byte;
  result.total_us = attempt.times.total;
  std::memcpy(result.md5, verdict.md5.data(), sizeof result.md5);
  result.lateness_us = attempt.times.lateness;
  results.push_back(result);
}

void Engine::Parts::Abort(uint32_t slot) { Release(attempts[slots[slot].attempt]); }

// The socket, the reader and the place go back.
void Engine::Parts::Release(Attempt& attempt) {
  const uint32_t number = attempt.slot;
  Slot& slot = slots[number];
  if (slot.kind == Kind::kPing) pings->Forget(number);
  if (attempt.tls != nullptr) {
    attempt.tls->End();
    sessions.Give(std::move(attempt.tls));
  }
  readers.Give(std::move(attempt.reader));
  dialogues.Give(std::move(attempt.dialogue));
  if (attempt.pooled != SocketPool::kNone) {
    sockets.Return({std::move(attempt.fd), attempt.pooled}, event_us);
    has_stirred = true;
  } else if (slot.close_with == CloseWith::kReset && attempt.times.connect != 0) {
    ResetAndClose(std::move(attempt.fd));  // where no connection stands nothing would be sent, so nothing needs to be said
  }
  attempts.Give(std::exchange(slot.attempt, kNoAttempt));
  admission.Ended(number);
}

}  // namespace probe
