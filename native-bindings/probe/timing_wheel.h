#pragma once
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
  bool IsSet(uint32_t item) const;
  // Calls `due(item)` for all items whose tick is at most `tick`, in the order of ticks; each is cancelled first. `due` may call Set and Cancel.
  template <typename Due>
  void Advance(uint64_t tick, Due&& due);
  // A tick at which something may be due, never later than the first appointment; UINT64_MAX: none.
  uint64_t Next() const;
};

}  // namespace probe
