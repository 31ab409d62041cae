// The floors of what a check costs: the plainest loops over epoll and io_uring, against a target_server.
// Usage: bare_loops tcp|http|tls --target ADDRESS:PORT [--addresses N] [--concurrency C] [--count K] [--rate R]
//                   [--loop epoll|io_uring] [--reuse] [--resume]
// Prints one line of JSON. {"error":"why", ...}: there is no such loop here.
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <string>

#include "bare_epoll.h"
#include "bare_uring.h"

namespace bench {
namespace {

uint64_t Us(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000 + static_cast<uint64_t>(time.tv_usec);
}

uint32_t Quantile(const std::vector<uint32_t>& sorted, double q) {
  if (sorted.empty()) return 0;
  const auto rank = static_cast<size_t>(q * static_cast<double>(sorted.size()));
  return sorted[std::min(rank, sorted.size() - 1)];
}

struct Reckoning {
  rusage before{}, after{};
  uint64_t wall_ns = 0;
  uint64_t resumed = 0;
};

void Print(const Plan& plan, Pace& pace, const Reckoning& reckoning) {
  std::vector<uint32_t>& latencies = pace.latencies_us();
  std::sort(latencies.begin(), latencies.end());
  std::printf("{\"check\":\"%s\",\"loop\":\"%s\"", std::array{"tcp", "http", "tls"}[static_cast<size_t>(plan.check)],
              plan.loop == Loop::kEpoll ? "epoll" : "io_uring");
  std::printf(",\"rate\":%u,\"completed\":%zu,\"failed\":%" PRIu64 ",\"resumed\":%" PRIu64, plan.rate, latencies.size(), pace.failed(),
              reckoning.resumed);
  std::printf(",\"cpu_us_user\":%" PRIu64 ",\"cpu_us_system\":%" PRIu64 ",\"wall_us\":%" PRIu64,
              Us(reckoning.after.ru_utime) - Us(reckoning.before.ru_utime), Us(reckoning.after.ru_stime) - Us(reckoning.before.ru_stime),
              reckoning.wall_ns / 1000);
  std::printf(",\"latency_us\":{");
  for (const auto& [name, q] : {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}}) {
    std::printf("\"%s\":%u,", name, Quantile(latencies, q));
  }
  std::printf("\"max\":%u}}\n", Quantile(latencies, 1));
}

int Unavailable(const std::string& why) {
  std::printf("{\"error\":\"%s\",\"completed\":0,\"failed\":0}\n", why.c_str());
  return 0;
}

int Run(const Plan& plan) {
  Reckoning reckoning;
  getrusage(RUSAGE_SELF, &reckoning.before);
  Pace pace(plan);
  if (plan.loop == Loop::kUring) {
    const std::string why = RunUring(plan, pace);
    if (!why.empty()) return Unavailable(why);
  } else if (!RunEpoll(plan, pace, reckoning.resumed)) {
    return Unavailable("no epoll");
  }
  getrusage(RUSAGE_SELF, &reckoning.after);
  reckoning.wall_ns = MonotonicNs() - pace.began_ns();
  Print(plan, pace, reckoning);
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const auto plan = bench::ParsePlan(argc, argv);
  if (!plan) {
    std::fputs("usage: bare_loops tcp|http|tls --target ADDRESS:PORT [--addresses N] [--concurrency C] [--count K] [--rate R]\n"
               "                  [--loop epoll|io_uring] [--reuse] [--resume]\n", stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes with write(2)
  return bench::Run(*plan);
}
