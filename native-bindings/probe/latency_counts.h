#pragma once
#include <cstdint>
#include <memory>
#include <vector>

// Latencies counted as HdrHistogram counts them (lowest 1 us, highest 600 s, two significant digits), so that merging the
// buckets into one of hdr-histogram-js loses nothing.
namespace probe {

inline constexpr uint64_t kHighestUs = 600'000'000;

// Index of the bucket of HdrHistogram (countsArrayIndex) for a value in microseconds, clamped to the range.
uint32_t BucketOf(uint64_t us);
inline constexpr uint32_t kBuckets = 3072;

// One histogram. Memory grows by blocks of half a sub-bucket range, only where something was counted.
class LatencyCounts {
 public:
  void Add(uint64_t us);
  uint64_t total() const { return total_; }
  // Appends (bucket, count) pairs of all non-empty buckets, ascending. A count stops at UINT32_MAX.
  void AppendTo(std::vector<uint32_t>& pairs) const;

 private:
  static constexpr uint32_t kBlock = 128;
  std::vector<std::unique_ptr<uint32_t[]>> blocks_;
  uint64_t total_ = 0;
};

}  // namespace probe
