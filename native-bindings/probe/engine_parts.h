#pragma once
#include <sys/epoll.h>

#include <array>
#include <optional>

#include "admission.h"
#include "attempt.h"
#include "phase_grid.h"
#include "ping.h"
#include "slab.h"
#include "slot.h"
#include "timing_wheel.h"

// The engine from inside. engine.cc: checks and results; engine_turn.cc: what happens when; engine_attempt.cc: one attempt from
// start to end; engine_response.cc: the part of it that speaks HTTP; engine_exchange.cc: the part that
// speaks anything else.
namespace probe {

// CLOCK_MONOTONIC.
uint64_t NowUs();

// Microseconds between two instants, at least 1.
uint32_t Elapsed(uint64_t from_us, uint64_t to_us);

// A failed system call as a verdict.
Verdict VerdictOfErrno(int err);
// The same where the error came from outside, after something was sent.
Verdict VerdictOfNetwork(int err);

struct Engine::Parts {
  Parts(const Limits& limits, UniqueFd epoll);
  ~Parts();

  // Attempts.
  void Start(uint32_t slot);
  void OnEvent(uint64_t tag, uint32_t events);
  void OnEvent(Attempt& attempt, uint32_t events);
  void OnPingAnswer(uint32_t slot, int err);
  void OnTimeout(uint32_t slot);
  void Abort(uint32_t slot);  // without a result
  int Begin(Attempt& attempt, const Slot& slot);
  int Open(Attempt& attempt, const Slot& slot);
  int OpenNew(Attempt& attempt, const Slot& slot, bool is_pooled);
  int Ping(Attempt& attempt, const Slot& slot);
  PingSockets::Hooks PingHooks();
  void Enter(Attempt& attempt, Step step, Stage stage);
  void End(Attempt& attempt, const Verdict& verdict);
  void Release(Attempt& attempt);
  uint64_t Instant(const Attempt& attempt) const;
  bool RepeatQuietly(Slot& slot, bool up, uint64_t ended_us);
  void HandOver(const Attempt& attempt, const Verdict& verdict);
  uint64_t TagOf(const Attempt& attempt) const;
  uint32_t NextGeneration() { return last_generation = last_generation % kGenerations + 1; }
  int Register(int fd, uint64_t tag);

  // The part that speaks: does what can be done without waiting. A verdict ends the attempt.
  using Ending = std::optional<Verdict>;
  Ending Proceed(Attempt& attempt);
  Ending Connected(Attempt& attempt, uint32_t happened);
  Ending Handshake(Attempt& attempt);
  template <typename Step>
  TlsStep TakeStep(Attempt& attempt, Step&& step);
  bool Waits(Attempt& attempt, TlsStep step);
  Ending SendRequest(Attempt& attempt);
  Ending SendPlain(Attempt& attempt, std::span<const std::byte> request);
  Ending SendTls(Attempt& attempt, std::span<const std::byte> request);
  Ending Read(Attempt& attempt);
  void ReadLater(Attempt& attempt);
  Ending ReadPlain(Attempt& attempt);
  Ending ReadTls(Attempt& attempt);
  Ending Answered(Attempt& attempt);
  Ending Shutdown(Attempt& attempt);
  const Url& UrlOf(const Attempt& attempt) const { return (*slots[attempt.slot].urls)[attempt.url]; }
  bool Feed(Attempt& attempt, size_t length);

  // Other protocols than HTTP (engine_exchange.cc).
  int SendDatagram(Attempt& attempt, const Slot& slot);
  Ending Hear(Attempt& attempt);
  Ending Talk(Attempt& attempt);
  Ending Say(Attempt& attempt);

  // Turns.
  void Resume();
  bool IsTimeUp() const { return NowUs() > until_us; }
  bool HandleEvents();
  void OnDue(uint32_t slot, bool behind);
  void Appoint(uint32_t slot, uint64_t due_us) { wheel.Set(slot, (due_us + 999) / 1000); }
  uint64_t NextRandom();
  uint64_t JitterUs(uint32_t jitter_ms);
  uint64_t OnGrid(const Slot& slot, uint64_t due_us, bool up) const;
  void LeaveGrid(const Slot& slot);

  // As much as one attempt reads in one turn, so that an endless answer holds up nobody.
  static constexpr size_t kReadBytes = 64 * 1024;
  static constexpr int kEventsPerFetch = 64;
  // A turn fetches events and searches pages for so long: handshakes cost half a millisecond each, one piece of a page up to 100, and
  // results want to be heard.
  static constexpr uint64_t kEventsUs = 5000;
  // Tags of epoll: 32 bits number of the attempt, 30 bits its generation; or the same of a socket of the pool; or a tag of the ping
  // sockets.
  static constexpr uint64_t kPoolTag = uint64_t{1} << 62;
  static constexpr uint64_t kPingTag = uint64_t{1} << 63;
  static constexpr uint32_t kGenerations = (1 << 30) - 1;

  Limits limits;
  UniqueFd epoll;
  TimingWheel wheel;  // one appointment per slot: the next attempt is due, or the stage has taken too long
  PhaseGrid grid;     // of all checks without jitter
  Admission admission;
  Slab<Slot> slots;
  Slab<Attempt> attempts;
  Pool<HttpReader> readers;
  Pool<TlsSession> sessions;
  Pool<SmtpDialogue> dialogues;
  SocketPool sockets;
  std::unique_ptr<PingSockets> pings;  // from the first ping on
  Tally tally;
  uint64_t completed = 0;
  uint64_t passed = 0;
  uint64_t no_resources = 0;
  std::vector<Result> results;
  size_t results_taken = 0;
  uint32_t last_generation = 0;
  uint64_t random;
  uint64_t event_us = 0;      // when the events at hand were fetched
  uint64_t until_us = 0;      // what takes long waits for the next turn from then on
  bool has_stirred = false;   // since then sockets were connected or disconnected: there may be more to fetch
  uint32_t turns_behind = 0;  // one after another that did not get to the end of the events
  std::vector<uint64_t> unfinished;  // tags of attempts with more to read, each once
  std::array<epoll_event, kEventsPerFetch> events;
  std::unique_ptr<std::byte[]> buffer;
};

}  // namespace probe
