// The probe engine against servers of its own on loopback, as plain C++ with sanitizers: built and run by probe-core.test.ts.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>
#include <string>
#include <variant>
#include <vector>

#include "../../native-bindings/probe/body_pattern.h"
#include "../../native-bindings/probe/cpu_budget.h"
#include "probe_stand.h"

namespace {

using namespace stand;

void TcpOutcomes() {
  const size_t before = OpenFiles();
  {
    Listener up(64);
    Silence silence;
    Bench bench;
    Engine& engine = *bench.engine;
    const uint32_t good = engine.Add(SpecOf(Kind::kTcp, up.port));
    const uint32_t refused = engine.Add(SpecOf(Kind::kTcp, RefusingPort()));
    const uint32_t silent = engine.Add(Impatient(SpecOf(Kind::kTcp, silence.port)));
    engine.Arm(good, 1, 0, 0, Quiet::kNothing);
    engine.Arm(refused, 2, 0, 0, Quiet::kNothing);
    engine.Arm(silent, 3, 0, 0, Quiet::kNothing);
    bench.UntilResults(3);
    std::map<uint32_t, Result> by_arming;
    for (const Result& result : bench.results) by_arming[result.arming] = result;
    CHECK(OutcomeOf(by_arming[1]) == Outcome::kUp && by_arming[1].connect_us > 0);
    CHECK(OutcomeOf(by_arming[2]) == Outcome::kRefused && by_arming[2].detail == ECONNREFUSED);
    CHECK(OutcomeOf(by_arming[3]) == Outcome::kTimeout && by_arming[3].total_us >= 300'000 && by_arming[3].connect_us == 0);
    CHECK(engine.counters().in_flight == 0);
    bench.Until([&] { return engine.NextRun() == -1; });  // idle sockets are closed by then
    CHECK(engine.counters().completed == 3 && engine.counters().passed == 1);
  }
  CHECK(OpenFiles() == before);
}

void QuietRepeats() {
  Listener up(4096);
  Bench bench;
  Engine& engine = *bench.engine;
  Spec spec = SpecOf(Kind::kTcp, up.port);
  spec.groups = {7, 9};
  const uint32_t good = engine.Add(spec);
  const uint32_t bad = engine.Add(SpecOf(Kind::kTcp, RefusingPort()));
  engine.Arm(good, 1, 0, 0, Quiet::kPass);
  engine.Arm(bad, 2, 0, 0, Quiet::kFail);
  bench.Until([&] { return engine.counters().completed >= 60; });
  CHECK(bench.results.empty() && engine.counters().passed >= 10);
  const uint64_t counted = engine.tally().ByKind(Kind::kTcp, Phase::kConnect).total();
  CHECK(counted == engine.counters().passed);
  CHECK(engine.tally().ByGroup(7, Phase::kTotal)->total() == counted && engine.tally().ByGroup(9, Phase::kTls) == nullptr);
  CHECK(engine.tally().ByKind(Kind::kTcp, Phase::kLateness).total() == engine.counters().completed);
  engine.Arm(good, 3, 0, 0, Quiet::kFail);  // passing is news now
  bench.UntilResults(1);
  CHECK(bench.results[0].arming == 3 && OutcomeOf(bench.results[0]) == Outcome::kUp);
}

// A result of an earlier arming, or of a check that is gone, never arrives; numbers of slots and attempts are used again.
// Checks that were armed at different times come together from their second attempt on.
void PhasesMeet() {
  constexpr uint32_t kChecks = 8;
  Listener up(4096);
  Bench bench;
  Engine& engine = *bench.engine;
  Spec spec = SpecOf(Kind::kTcp, up.port);
  constexpr uint64_t kIntervalUs = 4'000'000, kStepUs = 200'000;
  spec.interval_ms = kIntervalUs / 1000;
  std::vector<uint32_t> slots;
  const uint64_t begun_us = NowUs();
  for (uint32_t i = 0; i < kChecks; i++) {
    slots.push_back(engine.Add(spec));
    engine.Arm(slots[i], i + 1, 40'000 * i, 0, Quiet::kPass);
  }
  bench.Until([&] { return engine.counters().passed == kChecks; });
  const uint64_t ended_us = NowUs();
  // When the second ones are due, not when they are made: a machine may be late, and answers may take two turns.
  for (const uint32_t slot : slots) {
    const uint64_t before_us = NowUs();
    const uint64_t until_us = engine.UntilDueUs(slot);
    const uint64_t latest_us = NowUs() + until_us;
    const uint64_t instant_us = latest_us - latest_us % kStepUs;
    CHECK(until_us > 0 && instant_us >= before_us + until_us);  // on the grid
    CHECK(instant_us + kStepUs > begun_us + kIntervalUs);       // early by less than a step
    CHECK(instant_us <= ended_us + kIntervalUs);
  }
}

void VoidResults() {
  Listener up(4096);
  Silence silence;
  Bench bench;
  Engine& engine = *bench.engine;
  const uint32_t slot = engine.Add(Impatient(SpecOf(Kind::kTcp, silence.port)));
  engine.Arm(slot, 1, 0, 0, Quiet::kNothing);
  engine.Run();
  bench.Until([&] { return engine.counters().in_flight == 1; });
  engine.Arm(slot, 2, 0, 0, Quiet::kNothing);  // takes effect when the attempt has ended
  bench.UntilResults(1);
  CHECK(bench.results[0].arming == 2 && engine.counters().completed == 2);
  bench.results.clear();
  for (uint32_t round = 0; round < 200; round++) {
    const uint32_t one = engine.Add(SpecOf(Kind::kTcp, up.port));
    engine.Arm(one, 1000 + round, 0, 0, Quiet::kNothing);
    const uint64_t before = engine.counters().completed;
    const auto runs = [&] { return round % 2 == 0 && engine.counters().in_flight == 1; };
    while (!runs() && engine.counters().completed == before) engine.Run();
    engine.Remove(one);  // its event is in the epoll, or its result in the list
    const uint32_t other = engine.Add(SpecOf(Kind::kTcp, up.port));
    CHECK(other == one && !engine.Has(other + 1));
    engine.Arm(other, 5000 + round, 0, 0, Quiet::kNothing);
    bench.UntilResults(round + 1);
    CHECK(bench.results.size() == round + 1 && bench.results.back().arming == 5000 + round);
    CHECK(OutcomeOf(bench.results.back()) == Outcome::kUp);
    engine.Remove(other);
    while (::accept4(up.fd.get(), nullptr, nullptr, SOCK_CLOEXEC) >= 0) break;
  }
}

void CapsAndTurns() {
  Silence silence;
  Bench bench({.in_flight = 5, .in_flight_per_host = 3, .starts_per_turn = 2});
  Engine& engine = *bench.engine;
  Spec spec = SpecOf(Kind::kTcp, silence.port);
  spec.timeout_ms = 50;
  for (uint32_t i = 0; i < 10; i++) engine.Arm(engine.Add(spec), i, 0, 0, Quiet::kNothing);
  Bench::AwaitDue();
  bench.Until([&] { return engine.counters().in_flight == 3; });
  CHECK(engine.counters().queued + engine.counters().completed == 7);  // who was kept waiting may have timed out
  bench.Until([&] {
    CHECK(engine.counters().in_flight <= 3);
    return bench.results.size() == 10;
  });
  for (uint32_t i = 0; i < 10; i++) CHECK(bench.results[i].arming == i);  // in the order in which they were due
  CHECK(bench.results[9].lateness_us >= 3 * 50'000);
}

// No descriptor is left: the check says so by name, and the next one works again.
void NoDescriptors() {
  Listener up(64);
  Bench bench;
  Engine& engine = *bench.engine;
  const uint32_t slot = engine.Add(SpecOf(Kind::kTcp, up.port));
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  rlimit none = limit;
  none.rlim_cur = 3;
  ::setrlimit(RLIMIT_NOFILE, &none);
  engine.Arm(slot, 1, 0, 0, Quiet::kFail);  // never quiet
  bench.UntilResults(1);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  CHECK(OutcomeOf(bench.results[0]) == Outcome::kNoResources && ReasonOf(bench.results[0]) == Reason::kEngine);
  CHECK(bench.results[0].detail == EMFILE && engine.counters().no_resources == 1);
  engine.Arm(slot, 2, 0, 0, Quiet::kNothing);
  bench.UntilResults(2);
  CHECK(OutcomeOf(bench.results[1]) == Outcome::kUp);
}

// connect(2) as the kernel answers it, or once as it would for want of buffers: no traffic makes TCP say so.
int next_connect_error = 0;

void NoBuffers() {
  Listener up(64);
  Bench bench;
  Engine& engine = *bench.engine;
  const uint32_t slot = engine.Add(SpecOf(Kind::kTcp, up.port));
  const size_t before = OpenFiles();
  next_connect_error = ENOBUFS;
  engine.Arm(slot, 1, 0, 0, Quiet::kFail);  // never quiet
  bench.UntilResults(1);
  CHECK(OutcomeOf(bench.results[0]) == Outcome::kNoResources && ReasonOf(bench.results[0]) == Reason::kEngine);
  CHECK(bench.results[0].detail == ENOBUFS && engine.counters().no_resources == 1 && OpenFiles() == before);
  engine.Arm(slot, 2, 0, 0, Quiet::kNothing);
  bench.UntilResults(2);
  CHECK(OutcomeOf(bench.results[1]) == Outcome::kUp);
}

// Nobody listens, and the local port is the target's: TCP connects such a socket to itself (RFC 9293 §3.5, simultaneous open).
void SelfConnectionIsRefused() {
  for (const Kind kind : {Kind::kTcp, Kind::kHttp}) {
    Bench bench;
    const uint16_t port = RefusingPort();
    Spec spec = kind == Kind::kTcp ? SpecOf(Kind::kTcp, port) : Page(port);
    SocketOptions options;
    options.bind = spec.target;
    spec.socket = std::make_shared<const SocketOptions>(options);
    bench.engine->Arm(bench.engine->Add(spec), 1, 0, 0, Quiet::kNothing);
    bench.UntilResults(1);
    CHECK(OutcomeOf(bench.results[0]) == Outcome::kRefused && bench.results[0].detail == ECONNREFUSED);
  }
}

void NoLocalAddress() {
  Listener up(64);
  Bench bench;
  Spec spec = SpecOf(Kind::kTcp, up.port);
  SocketOptions options;
  sockaddr_in from = Loopback(0);
  from.sin_addr.s_addr = htonl(0xc0000201);  // 192.0.2.1, of nobody
  options.bind.emplace();
  std::memcpy(&options.bind->storage, &from, sizeof from);
  options.bind->length = sizeof from;
  spec.socket = std::make_shared<const SocketOptions>(options);
  bench.engine->Arm(bench.engine->Add(spec), 1, 0, 0, Quiet::kFail);
  bench.UntilResults(1);
  CHECK(OutcomeOf(bench.results[0]) == Outcome::kNoResources && ReasonOf(bench.results[0]) == Reason::kErrno);
  CHECK(bench.results[0].detail == EADDRNOTAVAIL);
}

void PagesInTurn() {
  Server server([](int fd) {
    char request[256];
    if (::recv(fd, request, sizeof request, 0) > 0) Say(fd, "HTTP/1.0 200 OK\r\n\r\nhello");
  });
  Bench bench;
  Engine& engine = *bench.engine;
  const uint32_t slot = engine.Add(Page(server.port));
  CHECK(engine.UrlCount(slot) == 2);
  engine.Arm(slot, 1, 0, 1, Quiet::kPass);
  bench.Until([&] { return engine.counters().passed >= 5; });
  engine.Arm(slot, 2, 0, 1, Quiet::kNothing);
  bench.UntilResults(1);
  CHECK(OutcomeOf(bench.results[0]) == Outcome::kUp && bench.results[0].status == 200);
  CHECK(bench.results[0].outcome_url >> 16 == 1 && bench.results[0].first_byte_us >= bench.results[0].connect_us);
  std::vector<uint32_t> last;
  engine.AppendLast(last);
  CHECK((last == std::vector<uint32_t>{slot, bench.results[0].total_us}));
}

// The stage as a whole has the time-out; an octet now and then buys none.
void DrippedBytes() {
  Server server([](int fd) {
    Say(fd, "HTTP/1.0 200 OK\r\nX: ");
    char octet;
    while (::recv(fd, &octet, 1, MSG_DONTWAIT) != 0 && ::send(fd, "x", 1, MSG_NOSIGNAL) == 1) ::usleep(20'000);
  });
  Bench bench;
  bench.engine->Arm(bench.engine->Add(Impatient(Page(server.port))), 1, 0, 0, Quiet::kNothing);
  bench.UntilResults(1);
  CHECK(OutcomeOf(bench.results[0]) == Outcome::kTimeout && bench.results[0].total_us < 1'000'000);
  CHECK((bench.results[0].outcome_url >> 8 & 15) == static_cast<uint32_t>(Stage::kResponse));
}

// More than one turn's share, and more than one socket buffer.
void LongAnswer() {
  Server server([](int fd) {
    char request[256];
    if (::recv(fd, request, sizeof request, 0) <= 0) return;
    Say(fd, "HTTP/1.0 200 OK\r\nContent-Length: 9000000\r\n\r\n");
    Say(fd, std::string(9'000'000, 'x'));
    ::recv(fd, request, sizeof request, 0);  // leaves the closing to the engine
  });
  Bench bench;
  bench.engine->Arm(bench.engine->Add(Page(server.port)), 1, 0, 0, Quiet::kNothing);
  bench.UntilResults(1);
  CHECK(OutcomeOf(bench.results[0]) == Outcome::kUp);
}

// Of this thread.
uint64_t ProcessorNs() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// Somebody sends without end, as fast as we read; others are served on time meanwhile.
void EndlessAnswer() {
  Server server([](int fd) {
    const std::string much(1 << 20, 'x');
    Say(fd, "HTTP/1.0 200 OK\r\n\r\n");
    while (::send(fd, much.data(), much.size(), MSG_NOSIGNAL) > 0) continue;
  });
  Listener up(64);
  Bench bench;
  Engine& engine = *bench.engine;
  engine.Arm(engine.Add(Page(server.port)), 1, 0, 0, Quiet::kNothing);
  const uint32_t other = engine.Add(SpecOf(Kind::kTcp, up.port));
  for (uint32_t i = 0; i < 20; i++) {
    const uint64_t before = ProcessorNs();  // whose turn it is among threads, the sender's too, is the machine's matter
    engine.Arm(other, 100 + i, 5000, 0, Quiet::kNothing);
    bench.Until([&] { return !bench.results.empty() && bench.results.back().arming == 100 + i; });
    CHECK(ProcessorNs() - before < 100'000'000);
  }
  bench.Until([&] { return engine.counters().in_flight == 0; });
  CHECK(engine.counters().completed == 21);
}

// Pages that take long to search wait for each other: their owner has other things to do, and so has the engine.
void SlowSearches() {
  constexpr uint32_t kPages = 24;
  Server server([](int fd) {
    char request[256];
    if (::recv(fd, request, sizeof request, 0) > 0) Say(fd, "HTTP/1.0 200 OK\r\n\r\n" + std::string(20'000, 'a'));
  });
  auto compiled = BodyPattern::Compile({.pattern = "(a|aa)+[bc]"});
  Spec spec = Page(server.port);
  auto urls = *spec.urls;
  urls[0].expect.pattern = std::get<std::shared_ptr<const BodyPattern>>(compiled);
  spec.urls = std::make_shared<const std::vector<Url>>(urls);
  Bench bench;
  Engine& engine = *bench.engine;
  for (uint32_t i = 0; i < kPages; i++) engine.Arm(engine.Add(spec), 1, 0, 0, Quiet::kNothing);
  uint64_t longest_ns = 0;
  uint64_t all_ns = 0;
  const uint64_t deadline = NowUs() + 60'000'000;
  while (engine.counters().completed < kPages && NowUs() < deadline) {
    const uint64_t before = ProcessorNs();
    engine.Run();
    const uint64_t took = ProcessorNs() - before;
    longest_ns = std::max(longest_ns, took);
    all_ns += took;
    ::usleep(20'000);  // so that several pages wait to be read
  }
  CHECK(engine.counters().completed == kPages);
  CHECK(all_ns > 2 * CpuBudget::kBaseNs);  // else the pattern is too easy to show anything
  CHECK(longest_ns < all_ns / 4);
  bench.UntilResults(kPages);
  for (const Result& result : bench.results) CHECK(ReasonOf(result) == Reason::kMatchLimit);
}

}  // namespace

extern "C" int connect(int fd, const sockaddr* address, socklen_t length) {
  if (const int error = std::exchange(next_connect_error, 0); error != 0) {
    errno = error;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_connect, fd, address, length));
}

int main() {
  TcpOutcomes();
  QuietRepeats();
  PhasesMeet();
  VoidResults();
  CapsAndTurns();
  NoDescriptors();
  NoBuffers();
  SelfConnectionIsRefused();
  NoLocalAddress();
  PagesInTurn();
  DrippedBytes();
  LongAnswer();
  EndlessAnswer();
  SlowSearches();
  return Report();
}
