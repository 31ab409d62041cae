#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "target_counts.h"
#include "target_options.h"

namespace bench {

class TargetLoop;

// What one port does with its connections, in one thread. Descriptors are non-blocking; state is kept by descriptor, in vectors
// as long as the limit of open files.
class Target {
 public:
  Target(TargetLoop& loop, TargetCounts& counts) : loop_(loop), counts_(counts) {}
  virtual ~Target() = default;
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  // The descriptor is the target's from here on.
  virtual void OnAccept(int fd) = 0;
  virtual void OnReady(int fd) = 0;
  // Once a second where wants_seconds().
  virtual void OnSecond() {}
  virtual bool wants_seconds() const { return false; }

  TargetCounts& counts() { return counts_; }

 protected:
  // Reads and forgets what is there. False: the peer has closed or reset.
  bool Discard(int fd);
  // False: that failed, and the descriptor is closed.
  bool Watch(int fd);
  void Close(int fd);
  // Close() with RST.
  void Reset(int fd);

  TargetLoop& loop_;
  TargetCounts& counts_;
};

std::unique_ptr<Target> MakeTarget(Mode mode, TargetLoop& loop, TargetCounts& counts);

// The parts of MakeTarget(), a file each.
std::unique_ptr<Target> MakeQuietTarget(TargetLoop& loop, TargetCounts& counts);
std::unique_ptr<Target> MakeResetTarget(TargetLoop& loop, TargetCounts& counts);
std::unique_ptr<Target> MakeHttpTarget(TargetLoop& loop, TargetCounts& counts);
std::unique_ptr<Target> MakeNeverFinTarget(TargetLoop& loop, TargetCounts& counts);
std::unique_ptr<Target> MakeTlsTarget(TargetLoop& loop, TargetCounts& counts);
std::unique_ptr<Target> MakeTrickleTarget(TargetLoop& loop, TargetCounts& counts, bool tls);

// Descriptors are below this number.
size_t DescriptorLimit();

}  // namespace bench
