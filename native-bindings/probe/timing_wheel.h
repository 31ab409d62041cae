#pragma once
#include <array>
#include <cstdint>
#include <vector>

// A hashed timing wheel (Varghese and Lauck, scheme 6) with ticks of a millisecond: one appointment per item, O(1) to make and to
// cancel, nothing allocated after Resize().
namespace probe {

class TimingWheel {
 public:
  static constexpr uint32_t kSlots = 8192;  // a power of two; an appointment further away waits for its round
  explicit TimingWheel(uint64_t now_tick);
  void Resize(uint32_t items);
  // Replaces the item's appointment. A tick that is past is due at the next Advance().
  void Set(uint32_t item, uint64_t tick);
  void Cancel(uint32_t item);
  bool IsSet(uint32_t item) const { return ticks_[item] != kNever; }
  // Calls `due(item)` for all items whose tick is at most `tick`, in the order of ticks; each is cancelled first. `due` may call Set
  // and Cancel; what it sets to a tick that is past waits for the next Advance(), so this ends.
  template <typename Due>
  void Advance(uint64_t tick, Due&& due) {
    CollectDue(tick);
    while (nodes_[kDue].next != kDue) {
      const uint32_t item = nodes_[kDue].next - kFirstItem;
      Cancel(item);
      due(item);
    }
  }
  // A tick at which something may be due, never later than the first appointment; UINT64_MAX: none.
  uint64_t Next() const;

 private:
  // Circular lists through one array of nodes: a list per wheel slot, then the two below, then the items.
  struct Node {
    uint32_t next;
    uint32_t prev;
  };
  static constexpr uint32_t kOverdue = kSlots;  // set to a tick that was past already
  static constexpr uint32_t kDue = kSlots + 1;  // being told by Advance()
  static constexpr uint32_t kFirstItem = kSlots + 2;
  static constexpr uint64_t kNever = UINT64_MAX;

  static uint32_t SlotOf(uint64_t tick) { return static_cast<uint32_t>(tick & (kSlots - 1)); }
  bool IsEmpty(uint32_t list) const { return nodes_[list].next == list; }
  void Append(uint32_t list, uint32_t node);
  void Unlink(uint32_t node);
  void CollectDue(uint64_t tick);
  void CollectSlot(uint32_t slot, uint64_t tick);
  void CollectRound(uint64_t tick);
  uint32_t NextOccupied(uint32_t slot) const;

  uint64_t now_;
  std::vector<Node> nodes_;
  std::vector<uint64_t> ticks_;
  std::array<uint64_t, kSlots / 64> occupied_{};  // a bit per slot that is not empty
};

}  // namespace probe
