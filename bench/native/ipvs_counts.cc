#include "ipvs_counts.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "monotonic.h"

namespace bench {
namespace {

constexpr size_t kBytes = kIpvsCommands * sizeof(IpvsCommandCount);

IpvsCommandCount* MapCounts() {
  const char* path = std::getenv("HOLDFAST_IPVS_COUNTS");
  if (path == nullptr) return nullptr;
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return nullptr;
  void* memory = ftruncate(fd, kBytes) == 0 ? mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
  close(fd);
  return memory == MAP_FAILED ? nullptr : static_cast<IpvsCommandCount*>(memory);
}

}  // namespace

void CountIpvsCommand(uint8_t command) {
  static IpvsCommandCount* const counts = MapCounts();
  if (counts == nullptr || command >= kIpvsCommands) return;
  IpvsCommandCount& entry = counts[command];
  const uint64_t now = MonotonicNs();
  if (entry.count == 0) entry.first_ns = now;
  entry.last_ns = now;
  entry.count += 1;
}

}  // namespace bench
