#include "timing_wheel.h"

#include <algorithm>
#include <bit>

namespace probe {

TimingWheel::TimingWheel(uint64_t now_tick) : now_(now_tick), nodes_(kFirstItem) {
  for (uint32_t list = 0; list < kFirstItem; list++) nodes_[list] = {list, list};
}

void TimingWheel::Resize(uint32_t items) {
  nodes_.resize(kFirstItem + items);
  ticks_.resize(items, kNever);
}

void TimingWheel::Append(uint32_t list, uint32_t node) {
  const uint32_t last = nodes_[list].prev;
  nodes_[node] = {list, last};
  nodes_[last].next = node;
  nodes_[list].prev = node;
}

void TimingWheel::Unlink(uint32_t node) {
  const Node links = nodes_[node];
  nodes_[links.prev].next = links.next;
  nodes_[links.next].prev = links.prev;
}

void TimingWheel::Set(uint32_t item, uint64_t tick) {
  Cancel(item);
  ticks_[item] = std::min(tick, kNever - 1);
  if (tick <= now_) return Append(kOverdue, kFirstItem + item);
  const uint32_t slot = SlotOf(ticks_[item]);
  Append(slot, kFirstItem + item);
  occupied_[slot / 64] |= uint64_t{1} << (slot % 64);
}

void TimingWheel::Cancel(uint32_t item) {
  if (!IsSet(item)) return;
  Unlink(kFirstItem + item);
  // Its list may have been another one; a bit that stands for a slot that is not empty is never cleared.
  const uint32_t slot = SlotOf(ticks_[item]);
  if (IsEmpty(slot)) occupied_[slot / 64] &= ~(uint64_t{1} << (slot % 64));
  ticks_[item] = kNever;
}

void TimingWheel::CollectDue(uint64_t tick) {
  while (!IsEmpty(kOverdue)) {
    const uint32_t node = nodes_[kOverdue].next;
    Unlink(node);
    Append(kDue, node);
  }
  if (tick <= now_) return;
  if (tick - now_ >= kSlots) {
    CollectRound(tick);
  } else {
    for (uint64_t at = now_ + 1; at <= tick; at++) CollectSlot(SlotOf(at), at);
  }
  now_ = tick;
}

void TimingWheel::CollectSlot(uint32_t slot, uint64_t tick) {
  if ((occupied_[slot / 64] >> (slot % 64) & 1) == 0) return;
  for (uint32_t node = nodes_[slot].next; node != slot;) {
    const uint32_t next = nodes_[node].next;
    if (ticks_[node - kFirstItem] <= tick) {
      Unlink(node);
      Append(kDue, node);
    }
    node = next;
  }
  if (IsEmpty(slot)) occupied_[slot / 64] &= ~(uint64_t{1} << (slot % 64));
}

// After a pause of a whole round or more: slot by slot would mix up the rounds.
void TimingWheel::CollectRound(uint64_t tick) {
  std::vector<uint32_t> nodes;
  for (uint32_t slot = 0; slot < kSlots; slot++)
    for (uint32_t node = nodes_[slot].next; node != slot; node = nodes_[node].next)
      if (ticks_[node - kFirstItem] <= tick) nodes.push_back(node);
  std::stable_sort(nodes.begin(), nodes.end(),
                   [&](uint32_t a, uint32_t b) { return ticks_[a - kFirstItem] < ticks_[b - kFirstItem]; });
  for (const uint32_t node : nodes) {
    const uint32_t slot = SlotOf(ticks_[node - kFirstItem]);
    Unlink(node);
    Append(kDue, node);
    if (IsEmpty(slot)) occupied_[slot / 64] &= ~(uint64_t{1} << (slot % 64));
  }
}

// The first slot at or after `slot`, in a circle, that is not empty; kSlots: all are empty.
uint32_t TimingWheel::NextOccupied(uint32_t slot) const {
  constexpr uint32_t kWords = kSlots / 64;
  uint64_t word = occupied_[slot / 64] & (~uint64_t{0} << (slot % 64));
  for (uint32_t i = 0; i <= kWords; i++) {
    const uint32_t at = (slot / 64 + i) % kWords;
    if (i > 0) word = occupied_[at];
    if (word != 0) return at * 64 + static_cast<uint32_t>(std::countr_zero(word));
  }
  return kSlots;
}

uint64_t TimingWheel::Next() const {
  if (!IsEmpty(kOverdue)) return now_;
  const uint32_t from = SlotOf(now_ + 1);
  const uint32_t slot = NextOccupied(from);
  if (slot == kSlots) return kNever;
  return now_ + 1 + ((slot - from) & (kSlots - 1));
}

}  // namespace probe
