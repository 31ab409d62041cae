#pragma once
#include <cstdint>

// IPVS commands as a bench sees them from outside: a file of kIpvsCommands records in the order of IPVS_CMD_* in linux/ip_vs.h
// (5 NEW_DEST, 6 SET_DEST, 7 DEL_DEST ...). It is written in place through a shared mapping, so reading it costs keepalived nothing.
namespace bench {

inline constexpr uint32_t kIpvsCommands = 32;

// Host byte order, as a BigUint64Array reads it.
struct IpvsCommandCount {
  uint64_t count;
  uint64_t first_ns;  // CLOCK_MONOTONIC, as process.hrtime.bigint() of Node; 0: never
  uint64_t last_ns;
};
static_assert(sizeof(IpvsCommandCount) == 24);

// The file is named by HOLDFAST_IPVS_COUNTS; without it, or when it cannot be made, nothing is counted. A restarted process
// (keepalived's own respawn) goes on in the same file.
void CountIpvsCommand(uint8_t command);

}  // namespace bench
