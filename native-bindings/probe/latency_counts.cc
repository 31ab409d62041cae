#include "latency_counts.h"

#include <algorithm>
#include <bit>

namespace probe {
namespace {

// Two significant digits need 200 steps of one unit, so 256 sub-buckets (HdrHistogram: subBucketCount). The first bucket has all of
// them; of each further one, whose steps are twice as wide, the lower half is covered by those before it.
constexpr uint32_t kHalf = 128;
constexpr uint32_t kMask = 2 * kHalf - 1;

constexpr uint32_t Index(uint64_t us) {
  const auto width = static_cast<uint32_t>(std::bit_width(us | kMask) - std::bit_width(uint64_t{kMask}));
  return width * kHalf + static_cast<uint32_t>(us >> width);
}
// HdrHistogram makes room for whole buckets: enough that 256 << 22 is beyond the highest value.
static_assert(Index(kHighestUs) < kBuckets && kBuckets == (22 + 2) * kHalf && (uint64_t{256} << 21) <= kHighestUs);

}  // namespace

uint32_t BucketOf(uint64_t us) { return Index(std::clamp<uint64_t>(us, 1, kHighestUs)); }

void LatencyCounts::Add(uint64_t us) {
  const uint32_t bucket = BucketOf(us);
  const uint32_t block = bucket / kBlock;
  if (blocks_.size() <= block) blocks_.resize(block + 1);
  if (blocks_[block] == nullptr) blocks_[block] = std::make_unique<uint32_t[]>(kBlock);
  uint32_t& count = blocks_[block][bucket % kBlock];
  if (count != UINT32_MAX) count++;
  total_++;
}

void LatencyCounts::AppendTo(std::vector<uint32_t>& pairs) const {
  for (uint32_t block = 0; block < blocks_.size(); block++) {
    if (blocks_[block] == nullptr) continue;
    for (uint32_t i = 0; i < kBlock; i++)
      if (blocks_[block][i] != 0) pairs.insert(pairs.end(), {block * kBlock + i, blocks_[block][i]});
  }
}

}  // namespace probe
