#include "bare_epoll.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "../../native-bindings/src/unique_fd.h"
#include "bare_tls.h"
#include "http_text.h"

namespace bench {
namespace {

enum class Stage : uint8_t { kIdle, kConnect, kTls, kResponse };

struct Place {
  int fd = -1;  // kept between checks with --reuse
  Stage stage = Stage::kConnect;
  uint64_t start_ns = 0;
  uint32_t address = 0;
};

// What a check must do and no more: no time-outs, no retries, no look at what was answered.
class EpollLoop {
 public:
  EpollLoop(const Plan& plan, Pace& pace) : plan_(plan), pace_(pace), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    places_.resize(plan.concurrency);
    for (uint32_t i = plan.concurrency; i > 0; --i) free_.push_back(i - 1);
    if (plan.check == Check::kTls) tls_.emplace(plan.concurrency, plan.addresses, plan.resume);
  }

  bool ok() const { return static_cast<bool>(epoll_); }
  uint64_t resumed() const { return tls_ ? tls_->resumed() : 0; }

  void Run() {
    std::array<epoll_event, 512> events;
    while (!pace_.finished()) {
      for (uint64_t due = pace_.Due(); due > 0; --due) Start();
      const int n = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), pace_.WaitMs());
      for (int i = 0; i < n; ++i) OnReady(events[static_cast<size_t>(i)].data.u32);
      if (n == 0 && pace_.stuck()) return pace_.GiveUp();
    }
  }

 private:
  void Start() {
    const uint64_t n = pace_.Start();
    const uint32_t index = free_.back();
    free_.pop_back();
    const sockaddr_in address = TargetOf(plan_, n);
    Place& place = places_[index];
    const int kept = place.fd;
    place = {.fd = kept >= 0 ? kept : socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
             .stage = Stage::kConnect,
             .start_ns = MonotonicNs(),
             .address = static_cast<uint32_t>(n % plan_.addresses)};
    const int connected = connect(place.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (connected != 0 && errno != EINPROGRESS) return End(index, false);
    if (kept >= 0) return;
    epoll_event event{};  // edge-triggered for both directions at once: no second epoll_ctl for the response
    event.events = plan_.check == Check::kTcp && !plan_.reuse ? uint32_t{EPOLLOUT} : EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u32 = index;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, place.fd, &event) != 0) End(index, false);
  }

  void OnReady(uint32_t index) {
    Place& place = places_[index];
    switch (place.stage) {
      case Stage::kIdle: return;  // it was disconnected
      case Stage::kConnect: return OnConnected(index);
      case Stage::kTls: return OnTls(index);
      case Stage::kResponse: return OnResponse(index);
    }
  }

  void OnConnected(uint32_t index) {
    Place& place = places_[index];
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(place.fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0 || plan_.check == Check::kTcp) return End(index, error == 0);
    if (plan_.check == Check::kTls) {
      place.stage = Stage::kTls;
      tls_->Begin(index, place.fd, place.address);
      return OnTls(index);
    }
    place.stage = Stage::kResponse;
    const ssize_t n = send(place.fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL);
    if (n != static_cast<ssize_t>(kRequest.size())) End(index, false);
  }

  void OnTls(uint32_t index) {
    const BareTls::Step step = tls_->Go(index);
    if (step != BareTls::Step::kWait) End(index, step == BareTls::Step::kDone);
  }

  void OnResponse(uint32_t index) {
    std::array<char, 4096> bytes;
    for (;;) {
      const ssize_t n = recv(places_[index].fd, bytes.data(), bytes.size(), 0);
      if (n > 0) continue;
      if (n == 0 || errno != EAGAIN) End(index, n == 0);
      return;
    }
  }

  void End(uint32_t index, bool good) {
    Place& place = places_[index];
    if (plan_.reuse) Disconnect(place.fd);
    else Close(place.fd);
    place.stage = Stage::kIdle;
    pace_.End(good, place.start_ns);
    free_.push_back(index);
  }

  static void Disconnect(int fd) {
    const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
    connect(fd, &nobody, sizeof nobody);
  }

  static void Close(int& fd) {
    const linger abrupt{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
    close(fd);
    fd = -1;
  }

  const Plan& plan_;
  Pace& pace_;
  UniqueFd epoll_;
  std::vector<Place> places_;
  std::vector<uint32_t> free_;
  std::optional<BareTls> tls_;
};

}  // namespace

bool RunEpoll(const Plan& plan, Pace& pace, uint64_t& resumed) {
  EpollLoop loop(plan, pace);
  if (!loop.ok()) return false;
  loop.Run();
  resumed = loop.resumed();
  return true;
}

}  // namespace bench
