#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "probe_socket.h"
#include "slab.h"

// Sockets that serve one attempt after another. What is to end with RST ends with a connect(2) to nobody (connect(2), AF_UNSPEC): the
// kernel resets the connection, empties the queues, gives address and port back, and the socket is as new but for its place in the
// epoll. So an attempt needs neither socket(2) nor setsockopt(2), close(2), epoll_ctl(2).
//
// The tag in the epoll is the socket's, not the attempt's, and the disconnect is an event as well (EPOLLHUP, EPOLLERR). Still no attempt
// hears of what was before it: epoll_wait(2) says how a socket is when it is asked, not what once happened to it, and nobody may
// borrow between the asking and the handling.
namespace probe {

class SocketPool {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // A socket that went to a link-local address stays on its interface, and one of IPv6 that spoke IPv4 goes on with it.
  static bool Suits(const Endpoint& target);

  struct Loan {
    UniqueFd fd;  // empty: none is idle
    uint32_t number = kNone;
  };
  Loan Borrow(sa_family_t family, uint32_t attempt);
  // A new socket joins, lent to `attempt`. Returns its number.
  uint32_t Enroll(sa_family_t family, uint32_t attempt, uint32_t generation);
  // One that was lent is not one of ours any more.
  void Strike(uint32_t number) { members_.Give(number); }
  // Disconnects. A socket that cannot be disconnected is reset and closed.
  void Return(Loan loan, uint64_t now_us);

  // Of the socket with this number; kNone: nobody's, or it is another socket by now.
  uint32_t AttemptOf(uint32_t number, uint32_t generation) const;

  size_t idle() const { return idle_[0].numbers.size() + idle_[1].numbers.size(); }
  // Closes idle ones until at most `most` are left.
  void Shrink(size_t most);
  // After a storm descriptors go back, for the process has other uses for them: closes what nobody needed for a second, some at a time.
  void Trim(uint64_t now_us);
  // When Trim() is wanted next; UINT64_MAX: not at all.
  uint64_t next_trim_us() const { return next_trim_us_; }

 private:
  static constexpr uint64_t kTrimUs = 1'000'000;
  static constexpr uint64_t kNextPartUs = 10'000;
  static constexpr size_t kClosedAtOnce = 128;
  static constexpr uint64_t kNever = UINT64_MAX;

  struct Member {
    UniqueFd fd;  // while idle
    uint32_t attempt = kNone;
    uint32_t generation = 0;
    sa_family_t family = AF_INET;
  };
  // The last one to come is the first to go, so those that nobody needs are at the front.
  struct Idle {
    std::vector<uint32_t> numbers;
    size_t fewest = 0;  // since the last Trim()
  };

  Idle& IdleOf(sa_family_t family) { return idle_[family == AF_INET ? 0 : 1]; }
  void CloseOldest(Idle& idle, size_t count);

  Slab<Member> members_;
  std::array<Idle, 2> idle_;
  uint64_t next_trim_us_ = kNever;
};

}  // namespace probe
