// A TCP target that knows when each of its addresses was connected to: what every checker looks like from outside, in the same way.
// Usage: arrival_target PORT NETWORK ADDRESSES    (addresses NETWORK + 0 .. ADDRESSES - 1; one listener serves them all)
// One command per line on standard input, one line of JSON for each on standard output:
//   period US    arrivals are to be US apart from now on; forgets the lateness counted so far, not the arrivals
//   stats        lateness of arrivals (time since the one before, less the period), quantiles in microseconds
//   down, up     closes and opens the listener, and the connections with it
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int kBacklog = 65535;
constexpr uint64_t kStdin = UINT64_MAX;
constexpr uint64_t kListener = UINT64_MAX - 1;

uint64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

// When each address was last connected to, and how late that was.
class Arrivals {
 public:
  Arrivals(uint32_t network, uint32_t addresses) : network_(network), last_(addresses, 0) {}

  void Note(uint32_t address) {
    const uint64_t now = NowNs();
    if (first_ == 0) first_ = now;
    newest_ = now;
    ++accepts_;
    const uint32_t index = address - network_;
    if (index >= last_.size()) return;
    uint64_t& last = last_[index];
    if (last == 0) ++distinct_;
    if (last != 0 && period_ns_ != 0) Count(now - last);
    last = now;
  }

  void SetPeriod(uint64_t us) {
    period_ns_ = us * 1000;
    lateness_us_.clear();
    early_ = 0;
    accepts_ = 0;
  }

  // Nobody is late for what was not there.
  void Forget() {
    std::fill(last_.begin(), last_.end(), 0);
    distinct_ = 0;
  }

  void Print() {
    std::sort(lateness_us_.begin(), lateness_us_.end());
    const auto late = lateness_us_.end() - std::upper_bound(lateness_us_.begin(), lateness_us_.end(), 100'000U);
    std::printf(R"({"accepts":%llu,"distinct":%llu,"firstNs":%llu,"newestNs":%llu,"nowNs":%llu,"gaps":%zu,"early":%llu,"late100ms":%lld,"overdue":%llu)",
                static_cast<unsigned long long>(accepts_), static_cast<unsigned long long>(distinct_),
                static_cast<unsigned long long>(first_), static_cast<unsigned long long>(newest_),
                static_cast<unsigned long long>(NowNs()), lateness_us_.size(), static_cast<unsigned long long>(early_),
                static_cast<long long>(late), static_cast<unsigned long long>(Overdue()));
    std::printf(R"(,"quantiles":[)");
    const char* separator = "";
    for (const double quantile : {0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1.0}) {
      std::printf("%s[%g,%u]", separator, quantile, At(quantile));
      separator = ",";
    }
    std::puts("]}");
  }

 private:
  void Count(uint64_t gap_ns) {
    if (gap_ns < period_ns_) ++early_;
    const uint64_t late_us = gap_ns < period_ns_ ? 0 : (gap_ns - period_ns_) / 1000;
    lateness_us_.push_back(static_cast<uint32_t>(std::min<uint64_t>(late_us, UINT32_MAX)));
  }

  uint32_t At(double quantile) const {
    if (lateness_us_.empty()) return 0;
    const auto rank = static_cast<size_t>(quantile * static_cast<double>(lateness_us_.size()));
    return lateness_us_[std::min(rank, lateness_us_.size() - 1)];
  }

  // Addresses that should have been connected to by now, by more than 100 ms: what never comes is late as well.
  uint64_t Overdue() const {
    if (period_ns_ == 0) return 0;
    const uint64_t limit = NowNs() - period_ns_ - 100'000'000;
    return static_cast<uint64_t>(
        std::count_if(last_.begin(), last_.end(), [limit](uint64_t last) { return last != 0 && last < limit; }));
  }

  uint32_t network_;
  std::vector<uint64_t> last_;
  std::vector<uint32_t> lateness_us_;
  uint64_t period_ns_ = 0, first_ = 0, newest_ = 0, accepts_ = 0, distinct_ = 0, early_ = 0;
};

class Target {
 public:
  Target(uint16_t port, Arrivals& arrivals) : port_(port), arrivals_(arrivals), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) Die("epoll_create1");
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    Watch(STDIN_FILENO, kStdin, EPOLLIN);
    Up();
  }

  // Until standard input ends.
  void Run() {
    std::array<epoll_event, 1024> events{};
    while (!ended_) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const uint64_t tag = events[static_cast<size_t>(i)].data.u64;
        if (tag == kListener) Accept();
        else if (tag == kStdin) ReadCommands();
        else Close(static_cast<int>(tag));
      }
    }
  }

 private:
  void Watch(int fd, uint64_t tag, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = tag;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) Die("epoll_ctl");
  }

  void Accept() {
    for (int i = 0; i < 256; ++i) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      sockaddr_in local{};
      socklen_t length = sizeof local;
      getsockname(fd, reinterpret_cast<sockaddr*>(&local), &length);
      arrivals_.Note(ntohl(local.sin_addr.s_addr));
      Watch(fd, static_cast<uint64_t>(fd), EPOLLIN | EPOLLRDHUP);  // a checker says nothing: the first event is its end
      if (static_cast<size_t>(fd) >= open_.size()) open_.resize(static_cast<size_t>(fd) + 1, false);
      open_[static_cast<size_t>(fd)] = true;
    }
  }

  void Close(int fd) {
    if (!open_[static_cast<size_t>(fd)]) return;
    open_[static_cast<size_t>(fd)] = false;
    close(fd);
  }

  void Up() {
    if (listener_ >= 0) return;
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(port_);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0) Die("bind");
    if (listen(listener_, kBacklog) != 0) Die("listen");
    Watch(listener_, kListener, EPOLLIN);
  }

  void Down() {
    if (listener_ < 0) return;
    close(listener_);
    listener_ = -1;
    for (size_t fd = 0; fd < open_.size(); ++fd) Close(static_cast<int>(fd));
    arrivals_.Forget();
  }

  void ReadCommands() {
    std::array<char, 4096> bytes{};
    const ssize_t length = read(STDIN_FILENO, bytes.data(), bytes.size());
    if (length == 0) ended_ = true;
    if (length > 0) partial_.append(bytes.data(), static_cast<size_t>(length));
    for (size_t end = partial_.find('\n'); end != std::string::npos; end = partial_.find('\n')) {
      Obey(std::string_view(partial_).substr(0, end));
      partial_.erase(0, end + 1);
    }
    std::fflush(stdout);
  }

  void Obey(std::string_view command) {
    if (command == "stats") return arrivals_.Print();
    if (command == "down") Down();
    else if (command == "up") Up();
    else if (command.starts_with("period ")) arrivals_.SetPeriod(std::strtoull(command.data() + 7, nullptr, 10));
    else return void(std::puts(R"({"error":"unknown command"})"));
    std::printf(R"({"nowNs":%llu})" "\n", static_cast<unsigned long long>(NowNs()));
  }

  uint16_t port_;
  Arrivals& arrivals_;
  int epoll_;
  int listener_ = -1;
  bool ended_ = false;
  std::vector<bool> open_;  // by descriptor: an event of one that was closed in the same batch means nothing
  std::string partial_;
};

void RaiseFileLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  in_addr network{};
  if (argc != 4 || inet_pton(AF_INET, argv[2], &network) != 1) {
    std::fputs("usage: arrival_target PORT NETWORK ADDRESSES\n", stderr);
    return 2;
  }
  RaiseFileLimit();
  Arrivals arrivals(ntohl(network.s_addr), static_cast<uint32_t>(std::strtoul(argv[3], nullptr, 10)));
  Target target(static_cast<uint16_t>(std::strtoul(argv[1], nullptr, 10)), arrivals);
  std::puts(R"({"ready":true})");
  std::fflush(stdout);
  target.Run();
  return 0;
}
