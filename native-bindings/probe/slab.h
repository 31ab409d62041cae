#pragma once
#include <sys/mman.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace probe {

// Items with small numbers that are used again, at addresses that never change. Grows by chunks, so never holds twice what it needs.
template <typename T>
class Slab {
 public:
  uint32_t Take() {
    if (free_.empty()) Grow();
    const uint32_t index = free_.back();
    free_.pop_back();
    return index;
  }
  // The item is as new at once: what it owned is gone.
  void Give(uint32_t index) {
    (*this)[index] = T();
    free_.push_back(index);
  }
  T& operator[](uint32_t index) { return chunks_[index / kChunk][index % kChunk]; }
  const T& operator[](uint32_t index) const { return chunks_[index / kChunk][index % kChunk]; }
  // From now on its items stay in memory, as far as the limit allows (RLIMIT_MEMLOCK).
  void KeepInMemory() { is_kept_ = true; }
  // All numbers are below it.
  uint32_t capacity() const { return static_cast<uint32_t>(chunks_.size()) * kChunk; }

 private:
  static constexpr uint32_t kChunk = 256;

  void Grow() {
    const uint32_t first = capacity();
    chunks_.push_back(std::make_unique<T[]>(kChunk));
    if (is_kept_) ::mlock(chunks_.back().get(), kChunk * sizeof(T));
    for (uint32_t i = kChunk; i > 0; i--) free_.push_back(first + i - 1);
  }

  std::vector<std::unique_ptr<T[]>> chunks_;
  bool is_kept_ = false;
  std::vector<uint32_t> free_;  // the last one given is the first one taken: its memory is warm
};

}  // namespace probe
