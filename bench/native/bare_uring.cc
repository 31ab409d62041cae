#include "bare_uring.h"

#ifndef HOLDFAST_LIBURING

namespace bench {
std::string RunUring(const Plan&, Pace&) { return "built without liburing"; }
}  // namespace bench

#else

#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "http_text.h"

namespace bench {
namespace {

constexpr unsigned kEntries = 4096;
constexpr unsigned kEntriesPerCheck = 4;

enum class Step : uint8_t { kConnect, kSend, kReceive, kClose };

struct Place {
  int fd = -1;
  bool bad = false;
  uint64_t start_ns = 0;
  sockaddr_in address{};
  std::array<char, 4096> bytes{};
};

// A check is one chain of requests, whatever comes of its links: connect, [send, receive to the end,] close. Only the step that tells
// the outcome completes aloud, the others when they fail. There is no request for SO_LINGER (nor, before Linux 6.7, for any option).
class UringLoop {
 public:
  UringLoop(const Plan& plan, Pace& pace) : plan_(plan), pace_(pace), places_(plan.concurrency) {
    for (uint32_t i = plan.concurrency; i > 0; --i) free_.push_back(i - 1);
    error_ = io_uring_queue_init(kEntries, &ring_, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
    if (error_ == -EINVAL) error_ = io_uring_queue_init(kEntries, &ring_, 0);  // before Linux 6.1
  }
  ~UringLoop() {
    if (error_ == 0) io_uring_queue_exit(&ring_);
  }
  UringLoop(const UringLoop&) = delete;
  UringLoop& operator=(const UringLoop&) = delete;

  int error() const { return -error_; }

  void Run() {
    while (!pace_.finished()) {
      for (uint64_t due = pace_.Due(); due > 0; --due) Start();
      __kernel_timespec wait{.tv_sec = pace_.WaitMs() / 1000, .tv_nsec = pace_.WaitMs() % 1000 * 1'000'000};
      io_uring_cqe* first = nullptr;
      const int submitted = io_uring_submit_and_wait_timeout(&ring_, &first, 1, &wait, nullptr);
      if (Complete() == 0 && submitted < 0 && pace_.stuck()) return pace_.GiveUp();
    }
  }

 private:
  void Start() {
    if (io_uring_sq_space_left(&ring_) < kEntriesPerCheck) io_uring_submit(&ring_);
    const uint64_t n = pace_.Start();
    const uint32_t index = free_.back();
    free_.pop_back();
    Place& place = places_[index];
    place.start_ns = MonotonicNs();
    place.bad = false;
    place.address = TargetOf(plan_, n);
    place.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const linger abrupt{.l_onoff = 1, .l_linger = 0};
    setsockopt(place.fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
    Queue(index, place);
  }

  void Queue(uint32_t index, Place& place) {
    const bool http = plan_.check == Check::kHttp;
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    io_uring_prep_connect(sqe, place.fd, reinterpret_cast<const sockaddr*>(&place.address), sizeof place.address);
    Link(sqe, index, Step::kConnect, !http);
    if (http) {
      sqe = io_uring_get_sqe(&ring_);
      io_uring_prep_send(sqe, place.fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL);
      Link(sqe, index, Step::kSend, false);
      sqe = io_uring_get_sqe(&ring_);
      io_uring_prep_recv(sqe, place.fd, place.bytes.data(), place.bytes.size(), MSG_WAITALL);
      Link(sqe, index, Step::kReceive, true);
    }
    sqe = io_uring_get_sqe(&ring_);
    io_uring_prep_close(sqe, place.fd);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = Tag(index, Step::kClose);
  }

  static uint64_t Tag(uint32_t index, Step step) { return uint64_t{index} << 8 | static_cast<uint64_t>(step); }

  static void Link(io_uring_sqe* sqe, uint32_t index, Step step, bool aloud) {
    sqe->flags |= static_cast<uint8_t>(IOSQE_IO_HARDLINK | (aloud ? 0 : IOSQE_CQE_SKIP_SUCCESS));
    sqe->user_data = Tag(index, step);
  }

  unsigned Complete() {
    unsigned head = 0, count = 0;
    io_uring_cqe* cqe = nullptr;
    io_uring_for_each_cqe(&ring_, head, cqe) {
      OnCompletion(*cqe);
      ++count;
    }
    io_uring_cq_advance(&ring_, count);
    return count;
  }

  void OnCompletion(const io_uring_cqe& cqe) {
    const auto index = static_cast<uint32_t>(cqe.user_data >> 8);
    const auto step = static_cast<Step>(cqe.user_data & 0xff);
    Place& place = places_[index];
    const bool last = step == (plan_.check == Check::kHttp ? Step::kReceive : Step::kConnect);
    if (step == Step::kClose) return;
    if (cqe.res < 0 || (step == Step::kReceive && cqe.res == 0)) place.bad = true;
    if (!last) return;
    pace_.End(!place.bad, place.start_ns);
    free_.push_back(index);
  }

  const Plan& plan_;
  Pace& pace_;
  std::vector<Place> places_;
  std::vector<uint32_t> free_;
  io_uring ring_{};
  int error_ = 0;
};

}  // namespace

std::string RunUring(const Plan& plan, Pace& pace) {
  if (plan.check == Check::kTls) return "no TLS over io_uring";
  UringLoop loop(plan, pace);
  if (loop.error() != 0) return std::string("io_uring_setup: ") + std::strerror(loop.error());
  loop.Run();
  return {};
}

}  // namespace bench

#endif
