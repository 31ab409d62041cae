#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <deque>

#include "http_text.h"
#include "monotonic.h"
#include "target.h"
#include "target_loop.h"

namespace bench {
namespace {

class HttpTarget : public Target {
 public:
  HttpTarget(TargetLoop& loop, TargetCounts& counts) : Target(loop, counts), requests_(DescriptorLimit()) {}

  void OnAccept(int fd) override {
    requests_[static_cast<size_t>(fd)] = {};
    if (Serve(fd)) Watch(fd);
  }

  void OnReady(int fd) override { Serve(fd); }

 protected:
  // After a request has been answered. True: more may come.
  virtual bool AfterAnswer(int fd) {
    Close(fd);
    return false;
  }

  virtual bool AfterEnd(int fd) {
    TargetCounts::Add(counts_.failed, 1);
    Close(fd);
    return false;
  }

 private:
  // False: the descriptor is not to be watched (any more).
  bool Serve(int fd) {
    std::array<char, 4096> bytes;
    const ssize_t n = recv(fd, bytes.data(), bytes.size(), 0);
    if (n < 0 && errno == EAGAIN) return true;
    if (n <= 0) return n == 0 ? AfterEnd(fd) : Broken(fd);
    TargetCounts::Add(counts_.received, static_cast<uint64_t>(n));
    if (!requests_[static_cast<size_t>(fd)].Feed({bytes.data(), static_cast<size_t>(n)})) return true;
    return Answer(fd);
  }

  bool Answer(int fd) {
    const ssize_t n = send(fd, kResponse.data(), kResponse.size(), MSG_NOSIGNAL);
    if (n != static_cast<ssize_t>(kResponse.size())) return Broken(fd);
    TargetCounts::Add(counts_.sent, static_cast<uint64_t>(n));
    TargetCounts::Add(counts_.requests, 1);
    return AfterAnswer(fd);
  }

  bool Broken(int fd) {
    TargetCounts::Add(counts_.failed, 1);
    Close(fd);
    return false;
  }

  std::vector<RequestEnd> requests_;
};

// Keeps its side open whatever the peer does, until the peer resets, or has left a minute ago.
class NeverFinTarget final : public HttpTarget {
 public:
  using HttpTarget::HttpTarget;
  bool wants_seconds() const override { return true; }

  void OnSecond() override {
    const uint64_t now = MonotonicNs();
    while (!left_.empty() && (left_.front().at_ns + kKeepNs < now || left_.size() > kKept)) {
      Reset(left_.front().fd);
      left_.pop_front();
    }
  }

 protected:
  bool AfterAnswer(int) override { return true; }

  bool AfterEnd(int fd) override {
    loop_.Forget(fd);
    left_.push_back({fd, MonotonicNs()});
    return false;
  }

 private:
  static constexpr uint64_t kKeepNs = 60'000'000'000;
  static constexpr size_t kKept = 8000;
  struct Left {
    int fd;
    uint64_t at_ns;
  };
  std::deque<Left> left_;
};

}  // namespace

std::unique_ptr<Target> MakeHttpTarget(TargetLoop& loop, TargetCounts& counts) {
  return std::make_unique<HttpTarget>(loop, counts);
}

std::unique_ptr<Target> MakeNeverFinTarget(TargetLoop& loop, TargetCounts& counts) {
  return std::make_unique<NeverFinTarget>(loop, counts);
}

}  // namespace bench
