// Sockets that serve one attempt after another: does any attempt hear of what was before it? Every verdict is compared with the truth.
// Built and run by probe-core.test.ts. Usage: probe_reuse_test [SECONDS of the storm, else 3]
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cinttypes>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include "../../native-bindings/probe/md5.h"
#include "probe_stand.h"

namespace {

using namespace stand;

int IntOption(int fd, int level, int option) {
  int value = -1;
  socklen_t length = sizeof value;
  ::getsockopt(fd, level, option, &value, &length);
  return value;
}

Endpoint EndpointOn(uint16_t port) { return EndpointOf(SpecOf(Kind::kTcp, port).target); }

bool IsReady(int fd, short what, int ms = 20'000) {
  pollfd one{fd, what, 0};
  return ::poll(&one, 1, ms) == 1;
}

// What the kernel has to forget, on whatever version of it this runs.
void DisconnectForgets() {
  Listener first(8), second(8);
  const Opened opened = OpenSocket(AF_INET, SOCK_STREAM, nullptr);
  const int fd = opened.fd.get();
  const int quick_ack = IntOption(fd, IPPROTO_TCP, TCP_QUICKACK);
  CHECK(StartConnect(fd, EndpointOn(first.port), true) == 0);
  const UniqueFd peer(::accept4(first.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  Say(peer.get(), "left over");
  CHECK(IsReady(fd, POLLIN));
  constexpr int kLater = 0;
  ::setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &kLater, sizeof kLater);
  CHECK(IntOption(fd, IPPROTO_TCP, TCP_QUICKACK) != quick_ack);  // must not stay so: a TCP check has nothing to say later

  CHECK(Disconnect(fd));
  char byte = 0;
  CHECK(IsReady(peer.get(), POLLIN) && ::recv(peer.get(), &byte, 1, 0) == -1 && errno == ECONNRESET);
  CHECK(IntOption(fd, IPPROTO_TCP, TCP_QUICKACK) == quick_ack);
  sockaddr_in local{};
  socklen_t length = sizeof local;
  CHECK(::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &length) == 0 && local.sin_addr.s_addr == 0);

  CHECK(StartConnect(fd, EndpointOn(second.port), false) == 0);  // the error of the disconnect is still pending
  CHECK(IsReady(fd, POLLOUT) && PendingError(fd) == 0);
  CHECK(::recv(fd, &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
  const UniqueFd other(::accept4(second.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  Say(other.get(), "!");
  CHECK(IsReady(fd, POLLIN) && ::recv(fd, &byte, 1, 0) == 1 && byte == '!');
}

// Descriptors held for later attempts are given up for present ones, and after a second without use.
void IdleSocketsGoBack() {
  constexpr uint32_t kBurst = 20;
  const size_t before = OpenFiles();
  Listener up(1024);
  Bench bench({.in_flight = kBurst + 2});
  Engine& engine = *bench.engine;
  const size_t without = OpenFiles();
  std::vector<uint32_t> slots;
  for (uint32_t i = 0; i < kBurst; i++) slots.push_back(engine.Add(SpecOf(Kind::kTcp, up.port)));
  for (uint32_t round = 0; round < 3; round++) {
    for (const uint32_t slot : slots) engine.Arm(slot, round, 0, 0, Quiet::kNothing);
    Bench::AwaitDue();  // all at once: each needs a socket of its own
    bench.UntilResults(kBurst * (round + 1));
    CHECK(OpenFiles() == without + kBurst);
  }

  // A check that wants a socket of its own, at the limit of open files.
  Spec own = SpecOf(Kind::kTcp, up.port);
  own.close_with = CloseWith::kFin;
  const uint32_t last = engine.Add(own);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  rlimit full = limit;
  full.rlim_cur = 1024;
  ::setrlimit(RLIMIT_NOFILE, &full);
  std::vector<UniqueFd> others;
  for (UniqueFd one(::dup(0)); one; one = UniqueFd(::dup(0))) others.push_back(std::move(one));
  engine.Arm(last, 100, 0, 0, Quiet::kNothing);
  bench.UntilResults(3 * kBurst + 1);
  CHECK(OutcomeOf(bench.results.back()) == Outcome::kUp);
  others.clear();
  ::setrlimit(RLIMIT_NOFILE, &limit);

  for (const uint32_t slot : slots) engine.Arm(slot, 200, 0, 0, Quiet::kNothing);
  Bench::AwaitDue();
  bench.UntilResults(4 * kBurst + 1);
  CHECK(OpenFiles() == without + kBurst);
  bench.Until([&] { return engine.NextRun() == -1; });
  CHECK(OpenFiles() == without);
  CHECK(before < without);
  for (const Result& result : bench.results) CHECK(OutcomeOf(result) == Outcome::kUp);
}

// A port that is ours, so that nobody else's listener turns up there, and on which nobody listens.
struct Refusal {
  Refusal() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = Loopback(0);
    CHECK(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    socklen_t length = sizeof address;
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length);
    port = ntohs(address.sin_port);
  }
  UniqueFd fd;
  uint16_t port = 0;
};

// A listener of IPv6; port 0: there is no IPv6 here.
struct Listener6 {
  Listener6() : fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    socklen_t length = sizeof address;
    if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0 || ::listen(fd.get(), 4096) != 0) return;
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length);
    port = ntohs(address.sin6_port);
  }
  UniqueFd fd;
  uint16_t port = 0;
};

// Accepts, and counts, and sees from where. On shutdown it takes what waits.
struct Door {
  explicit Door(int listener) : fd(listener), thread([this] { Serve(); }) {}
  void Close() {
    ::shutdown(fd, SHUT_RD);
    thread.join();
  }
  void Serve() {
    for (;;) {
      sockaddr_in from{};
      socklen_t length = sizeof from;
      const UniqueFd peer(::accept4(fd, reinterpret_cast<sockaddr*>(&from), &length, SOCK_CLOEXEC));
      if (!peer) return;
      accepted++;
      ports.push_back(from.sin_port);
    }
  }
  int fd;
  std::atomic<uint64_t> accepted = 0;
  std::vector<uint16_t> ports;  // of interest after Close()
  std::thread thread;
};

// Lines of /proc/net/tcp in TIME_WAIT with this port on either side.
size_t TimeWaits(uint16_t port) {
  std::ifstream file("/proc/net/tcp");
  size_t count = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string number, local, remote, state;
    words >> number >> local >> remote >> state;
    const auto port_of = [](const std::string& text) { return std::strtoul(text.c_str() + text.find(':') + 1, nullptr, 16); };
    if (state == "06" && (port_of(local) == port || port_of(remote) == port)) count++;
  }
  return count;
}

struct Truth {
  Spec spec;
  std::vector<Outcome> outcomes;  // one of these
  uint64_t heard = 0;
};

Spec SpecOf6(uint16_t port) {
  Spec spec = SpecOf(Kind::kTcp, port);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  address.sin6_port = htons(port);
  std::memcpy(&spec.target.storage, &address, sizeof address);
  spec.target.length = sizeof address;
  return spec;
}

void Storm(uint64_t seconds, bool tells) {
  const auto request = [](int fd) {
    char bytes[256];
    return ::recv(fd, bytes, sizeof bytes, 0) > 0;
  };
  Server page([&](int fd) {
    if (request(fd)) Say(fd, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  });
  Server parts([&](int fd) {
    if (!request(fd)) return;
    Say(fd, "HTTP/1.0 200 OK\r\n\r\nhel");
    ::usleep(300);
    Say(fd, "lo");
  });
  Server error([&](int fd) {
    if (request(fd)) Say(fd, "HTTP/1.0 503 No\r\n\r\n" + std::string(20'000, 'x'));
  });
  Server reset([&](int fd) {
    constexpr linger kAtOnce{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &kAtOnce, sizeof kAtOnce);
  });
  Silence silence;
  Refusal refusal;
  Listener listener(4096);
  Door up(listener.fd.get());
  Listener6 listener6;
  std::optional<Door> up6;
  if (listener6.port != 0) up6.emplace(listener6.fd.get());

  std::vector<Truth> truths;
  const auto add = [&](size_t copies, Spec spec, std::vector<Outcome> outcomes) {
    spec.timeout_ms = outcomes[0] == Outcome::kTimeout ? 3 : 20'000;
    truths.insert(truths.end(), copies, Truth{spec, outcomes});
  };
  const auto digested = [](uint16_t port) {
    Spec spec = Page(port);
    auto urls = std::make_shared<std::vector<Url>>(*spec.urls);
    probe::Md5Hash hash;
    const std::string_view text = "hello";
    hash.Update(std::as_bytes(std::span(text)));
    const Md5 digest = hash.Final();
    for (Url& url : *urls) url.expect.digest = digest;
    spec.urls = urls;
    return spec;
  };
  constexpr size_t kCounted = 8;  // the first ones: they are never removed
  add(kCounted, SpecOf(Kind::kTcp, listener.port), {Outcome::kUp});
  add(6, SpecOf(Kind::kTcp, refusal.port), {Outcome::kRefused});
  add(2, Page(refusal.port), {Outcome::kRefused});
  add(2, SpecOf(Kind::kTcp, silence.port), {Outcome::kTimeout});
  add(4, digested(page.port), {Outcome::kUp});
  add(2, SpecOf(Kind::kTcp, page.port), {Outcome::kUp});
  add(2, digested(parts.port), {Outcome::kUp});
  add(2, Page(error.port), {Outcome::kBadStatus});
  add(2, Page(reset.port), {Outcome::kReset});
  add(2, SpecOf(Kind::kTcp, reset.port), {Outcome::kUp, Outcome::kReset});  // who is faster
  if (up6) add(4, SpecOf6(listener6.port), {Outcome::kUp});
  if (up6) add(2, SpecOf6(refusal.port), {Outcome::kRefused});  // ours in IPv4 only, and as good as free

  Bench bench({.in_flight = 8});
  Engine& engine = *bench.engine;
  std::vector<uint32_t> slots;
  for (uint32_t i = 0; i < truths.size(); i++) {
    slots.push_back(engine.Add(truths[i].spec));
    engine.Arm(slots[i], i, 0, 0, Quiet::kNothing);
  }
  const size_t files = OpenFiles();
  size_t most_files = 0;
  uint64_t completed = 0, removed = 0, wrong = 0;
  uint32_t random = 1;
  const uint64_t end = NowUs() + seconds * 1'000'000;
  const uint64_t limit = end + 30'000'000;  // on a busy machine it takes longer to see enough
  const auto is_enough = [&] {
    return removed > 0 && completed > 100 * truths.size() && most_files > files &&
           std::all_of(truths.begin(), truths.end(), [](const Truth& truth) { return truth.heard > 5; });
  };
  std::array<Result, 64> some;
  while (NowUs() < end || (NowUs() < limit && !is_enough())) {
    const int wait = engine.Run();
    while (const size_t count = engine.TakeResults(some)) {
      for (size_t i = 0; i < count; i++) {
        Truth& truth = truths[some[i].arming];
        const Outcome outcome = OutcomeOf(some[i]);
        truth.heard++;
        completed++;
        if (std::find(truth.outcomes.begin(), truth.outcomes.end(), outcome) == truth.outcomes.end() && ++wrong <= 20)
          std::fprintf(stderr, "%u: %u instead of %u, detail %u\n", some[i].arming, static_cast<unsigned>(outcome),
                       static_cast<unsigned>(truth.outcomes[0]), some[i].detail);
        engine.Arm(some[i].slot, some[i].arming, 0, 0, Quiet::kNothing);
      }
    }
    random = random * 1664525 + 1013904223;
    if (random >> 26 == 0) {  // one comes and goes, whatever it is about
      const size_t at = kCounted + (random >> 8) % (truths.size() - kCounted);
      engine.Remove(slots[at]);
      slots[at] = engine.Add(truths[at].spec);
      engine.Arm(slots[at], static_cast<uint32_t>(at), 0, 0, Quiet::kNothing);
      removed++;
    }
    if (random >> 28 == 0) most_files = std::max(most_files, OpenFiles());
    pollfd readable{engine.fd(), POLLIN, 0};
    if (wait != 0) ::poll(&readable, 1, wait);
  }
  CHECK(wrong == 0);
  CHECK(engine.counters().no_resources == 0);
  CHECK(removed > 0 && completed > 100 * truths.size());
  for (const Truth& truth : truths) CHECK(truth.heard > 5);
  CHECK(most_files > files && most_files <= files + 8 + 4 + 8);  // in flight, and the servers' ends; their backlogs are no descriptors

  uint64_t ups = 0;
  for (size_t i = 0; i < kCounted; i++) ups += truths[i].heard;
  for (const uint32_t slot : slots) engine.Remove(slot);
  // Every connection that was up was there for the other side too: the handshake was acknowledged before the reset.
  for (int i = 0; i < 3000 && up.accepted < ups; i++) ::usleep(10'000);
  up.Close();
  if (up6) up6->Close();
  CHECK(up.accepted >= ups && up.accepted <= ups + kCounted);
  const size_t sample = std::min<size_t>(up.ports.size(), 5000);
  const std::set<uint16_t> ports(up.ports.begin(), up.ports.begin() + static_cast<ptrdiff_t>(sample));
  CHECK(ports.size() > sample * 3 / 4);  // as spread as with new sockets
  CHECK(TimeWaits(listener.port) == 0 && TimeWaits(page.port) == 0);
  if (tells)
    std::fprintf(stderr, "%" PRIu64 " verdicts, %" PRIu64 " removed, %" PRIu64 " accepted of %" PRIu64 " up, %zu ports of %zu\n",
                 completed, removed, up.accepted.load(), ups, ports.size(), sample);
}

}  // namespace

int main(int argc, char** argv) {
  DisconnectForgets();
  IdleSocketsGoBack();
  Storm(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 3, argc > 1);
  return Report();
}
