#include "socket_pool.h"

#include <algorithm>
#include <utility>

namespace probe {

bool SocketPool::Suits(const Endpoint& target) {
  if (target.any.sa_family == AF_INET) return true;
  return target.v6.sin6_scope_id == 0 && !IN6_IS_ADDR_LINKLOCAL(&target.v6.sin6_addr) && !IN6_IS_ADDR_V4MAPPED(&target.v6.sin6_addr);
}

SocketPool::Loan SocketPool::Borrow(sa_family_t family, uint32_t attempt) {
  Idle& idle = IdleOf(family);
  if (idle.numbers.empty()) return {};
  const uint32_t number = idle.numbers.back();
  idle.numbers.pop_back();
  idle.fewest = std::min(idle.fewest, idle.numbers.size());
  members_[number].attempt = attempt;
  return {std::move(members_[number].fd), number};
}

uint32_t SocketPool::Enroll(sa_family_t family, uint32_t attempt, uint32_t generation) {
  const uint32_t number = members_.Take();
  Member& member = members_[number];
  member.attempt = attempt;
  member.generation = generation;
  member.family = family;
  return number;
}

void SocketPool::Return(Loan loan, uint64_t now_us) {
  if (!Disconnect(loan.fd.get())) {
    ResetAndClose(std::move(loan.fd));
    return Strike(loan.number);
  }
  Member& member = members_[loan.number];
  member.attempt = kNone;
  member.fd = std::move(loan.fd);
  IdleOf(member.family).numbers.push_back(loan.number);
  if (next_trim_us_ == kNever) next_trim_us_ = now_us + kTrimUs;
}

uint32_t SocketPool::AttemptOf(uint32_t number, uint32_t generation) const {
  const Member& member = members_[number];
  return member.generation == generation ? member.attempt : kNone;
}

void SocketPool::CloseOldest(Idle& idle, size_t count) {
  const auto end = idle.numbers.begin() + static_cast<ptrdiff_t>(count);
  std::for_each(idle.numbers.begin(), end, [this](uint32_t number) { members_.Give(number); });
  idle.numbers.erase(idle.numbers.begin(), end);
  idle.fewest -= std::min(idle.fewest, count);
}

void SocketPool::Shrink(size_t most) {
  for (Idle& idle : idle_)
    if (this->idle() > most) CloseOldest(idle, std::min(idle.numbers.size(), this->idle() - most));
}

void SocketPool::Trim(uint64_t now_us) {
  if (now_us < next_trim_us_) return;
  for (Idle& idle : idle_) CloseOldest(idle, std::min(idle.fewest, kClosedAtOnce));
  if (idle_[0].fewest + idle_[1].fewest > 0) {
    next_trim_us_ = now_us + kNextPartUs;
    return;
  }
  for (Idle& idle : idle_) idle.fewest = idle.numbers.size();
  next_trim_us_ = idle() == 0 ? kNever : now_us + kTrimUs;
}

}  // namespace probe
