// The target of all benches, so cheap that it is not what is measured.
// Usage: target_server --MODE PORT ... [--threads N]
//   MODE   tcp, http, https, silent, reset, never-fin, trickle, tls-trickle, accept-never (target_options.h says what they do)
//   PORT   on all addresses of both families, so all of 127/8 at once; 0: any free one
// Lines on standard output are a word and JSON. First: ready {"ports":[{"mode":"http","port":8080}, ...]}
// One command per line on standard input, one line of answer to each; the end of standard input ends the server:
//   down PORT   from now on refuses connects          down {"port":8080,"atNs":...}   (CLOCK_MONOTONIC, when it is done)
//   up PORT     accepts again                         up {"port":8080,"atNs":...}
//   stats       counts by port, since the start       stats {"atNs":...,"cpuUs":...,"ports":[{"mode":"http","port":8080,"accepted":...
#include <sys/resource.h>

#include <algorithm>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <thread>

#include "monotonic.h"
#include "numbers.h"
#include "target_loop.h"

namespace bench {
namespace {

// One port in all threads.
struct Port {
  Mode mode{};
  uint16_t number = 0;
  std::vector<std::unique_ptr<Listener>> listeners;
  std::vector<std::unique_ptr<TargetCounts>> counts;  // one per thread
  std::vector<std::unique_ptr<Target>> targets;
};

class TargetServer {
 public:
  explicit TargetServer(const TargetOptions& options) {
    for (uint32_t i = 0; i < options.threads; ++i) loops_.push_back(std::make_unique<TargetLoop>());
    for (const PortOption& port : options.ports) OpenPort(port);
  }

  void Start() {
    for (const auto& loop : loops_) std::thread([&loop] { loop->Run(); }).detach();
  }

  void PrintReady() const {
    std::printf("ready {\"ports\":[");
    const char* comma = "";
    for (const Port& port : ports_) {
      std::printf("%s{\"mode\":\"%s\",\"port\":%u}", comma, NameOf(port.mode).data(), port.number);
      comma = ",";
    }
    std::puts("]}");
  }

  void Obey(const std::string& line) {
    if (line == "stats") return PrintStats();
    const bool down = line.starts_with("down ");
    const bool up = line.starts_with("up ");
    const auto port = ParseNumber<uint16_t>(std::string_view(line).substr(down ? 5 : up ? 3 : 0), 1, UINT16_MAX);
    if (!port || !Has(*port)) return void(std::puts("error {\"message\":\"unknown command or port\"}"));
    bool done = true;
    for (const auto& loop : loops_) {
      if (down) loop->Down(*port);
      else done = loop->Up(*port) && done;
    }
    std::printf("%s {\"port\":%u,\"atNs\":%" PRIu64 "}\n", done ? (down ? "down" : "up") : "error", *port, MonotonicNs());
  }

 private:
  bool Has(uint16_t number) const {
    return std::any_of(ports_.begin(), ports_.end(), [number](const Port& port) { return port.number == number; });
  }

  void OpenPort(const PortOption& option) {
    Port& port = ports_.emplace_back();
    port.mode = option.mode;
    port.number = option.port;
    // A full queue is one queue: a second listener of the port would have room again.
    const size_t threads = option.mode == Mode::kAcceptNever ? 1 : loops_.size();
    for (size_t i = 0; i < threads; ++i) {
      TargetCounts& counts = *port.counts.emplace_back(std::make_unique<TargetCounts>());
      Target& target = *port.targets.emplace_back(MakeTarget(option.mode, *loops_[i], counts));
      OpenListener(port, AF_INET, *loops_[i], target);
      OpenListener(port, AF_INET6, *loops_[i], target);
    }
  }

  // A host without IPv6 is served without it.
  void OpenListener(Port& port, sa_family_t family, TargetLoop& loop, Target& target) {
    Listener& listener = *port.listeners.emplace_back(std::make_unique<Listener>(port.mode, loops_.size() > 1));
    const int error = listener.Open(family, port.number);
    if (error == EAFNOSUPPORT && family == AF_INET6) return;
    if (error != 0 || !loop.Add(listener, target)) {
      std::fprintf(stderr, "port %u: %s\n", port.number, std::strerror(error != 0 ? error : errno));
      std::exit(1);
    }
    port.number = listener.port();
  }

  void PrintStats() const {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto us = [](const timeval& t) { return static_cast<uint64_t>(t.tv_sec) * 1'000'000 + static_cast<uint64_t>(t.tv_usec); };
    std::printf("stats {\"atNs\":%" PRIu64 ",\"cpuUs\":%" PRIu64 ",\"ports\":[", MonotonicNs(), us(usage.ru_utime) + us(usage.ru_stime));
    const char* comma = "";
    for (const Port& port : ports_) {
      std::printf("%s{\"mode\":\"%s\",\"port\":%u", comma, NameOf(port.mode).data(), port.number);
      PrintCounts(port);
      comma = "},";
    }
    std::puts("}]}");
  }

  static void PrintCounts(const Port& port) {
    const auto sum = [&port](std::atomic<uint64_t> TargetCounts::*field) {
      uint64_t total = 0;
      for (const auto& counts : port.counts) total += ((*counts).*field).load(std::memory_order_relaxed);
      return total;
    };
    const uint64_t closed = sum(&TargetCounts::closed);  // before `accepted`: what is open is never negative
    const uint64_t accepted = sum(&TargetCounts::accepted);
    std::printf(",\"accepted\":%" PRIu64 ",\"open\":%" PRIu64, accepted, accepted - closed);
    std::printf(",\"requests\":%" PRIu64 ",\"received\":%" PRIu64, sum(&TargetCounts::requests), sum(&TargetCounts::received));
    std::printf(",\"sent\":%" PRIu64 ",\"handshakes\":%" PRIu64, sum(&TargetCounts::sent), sum(&TargetCounts::handshakes));
    std::printf(",\"resumed\":%" PRIu64 ",\"failed\":%" PRIu64, sum(&TargetCounts::resumed), sum(&TargetCounts::failed));
  }

  std::vector<std::unique_ptr<TargetLoop>> loops_;
  std::vector<Port> ports_;
};

void RaiseDescriptorLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const auto options = bench::ParseTargetOptions(argc, argv);
  if (!options) {
    std::fputs("usage: target_server --MODE PORT ... [--threads N]\n", stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes with write(2)
  bench::RaiseDescriptorLimit();
  bench::TargetServer server(*options);
  server.Start();
  server.PrintReady();
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    server.Obey(line);
    std::fflush(stdout);
  }
  std::_Exit(0);  // the threads have no end of their own
}
