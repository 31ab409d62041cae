#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "target.h"

namespace bench {
namespace {

using std::string_view_literals::operator""sv;

// A header line that never ends, and a handshake record that announces 16 KB of a server hello.
constexpr std::string_view kSlowHttp = "HTTP/1.1 200 OK\r\nX-Slow: "sv;
constexpr std::string_view kSlowTls = "\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03"sv;

class TrickleTarget final : public Target {
 public:
  TrickleTarget(TargetLoop& loop, TargetCounts& counts, std::string_view text)
      : Target(loop, counts), text_(text), position_(DescriptorLimit()) {}

  bool wants_seconds() const override { return true; }

  void OnAccept(int fd) override {
    if (!Watch(fd)) return;
    position_[static_cast<size_t>(fd)] = 0;
    open_.push_back(fd);
  }

  void OnReady(int fd) override {
    if (Discard(fd)) return;
    gone_.push_back(fd);
    Sweep();
  }

  void OnSecond() override {
    for (const int fd : open_) SendOne(fd);
    Sweep();
  }

 private:
  void SendOne(int fd) {
    uint32_t& position = position_[static_cast<size_t>(fd)];
    const char c = position < text_.size() ? text_[position] : 'x';
    const ssize_t n = send(fd, &c, 1, MSG_NOSIGNAL);
    if (n == 1) TargetCounts::Add(counts_.sent, 1);
    if (n == 1) ++position;
    else if (errno != EAGAIN) gone_.push_back(fd);
  }

  void Sweep() {
    for (const int fd : gone_) {
      std::erase(open_, fd);
      Close(fd);
    }
    gone_.clear();
  }

  std::string_view text_;
  std::vector<uint32_t> position_;
  std::vector<int> open_;
  std::vector<int> gone_;
};

}  // namespace

std::unique_ptr<Target> MakeTrickleTarget(TargetLoop& loop, TargetCounts& counts, bool tls) {
  return std::make_unique<TrickleTarget>(loop, counts, tls ? kSlowTls : kSlowHttp);
}

}  // namespace bench
