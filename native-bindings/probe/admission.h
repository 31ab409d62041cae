#pragma once
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "slab.h"
#include "spec.h"

// Which of the checks that are due may start: caps on attempts under way, in total and per target host.
namespace probe {

// A host is an address without its port.
struct HostKey {
  uint64_t family_scope = 0;
  uint64_t high = 0;
  uint64_t low = 0;
  bool operator==(const HostKey&) const = default;
};

class Admission {
 public:
  Admission(uint32_t in_flight, uint32_t in_flight_per_host) : cap_(in_flight), host_cap_(in_flight_per_host) {}

  // A check comes and goes. Only one that waits for nothing may go.
  void Join(uint32_t slot, const sockaddr* target);
  void Leave(uint32_t slot);

  // It is due, and waits behind those that were due before.
  void Queue(uint32_t slot);
  // It does not wait any more. Nothing happens if it did not.
  void Withdraw(uint32_t slot);
  bool IsQueued(uint32_t slot) const;
  // The check that starts now: the longest waiting one whose host has room. Its place is taken until Ended().
  std::optional<uint32_t> Next();
  void Ended(uint32_t slot);

  // Whether Next() may find one. True although all who wait are of full hosts: Next() sorts that out.
  bool MayStart() const { return in_flight_ < cap_ && (handed_.first != kNone || ready_.first != kNone); }
  uint32_t in_flight() const { return in_flight_; }
  uint32_t queued() const { return queued_; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  enum class Place : uint8_t {
    kIdle,
    kReady,   // in ready_
    kHanded,  // in handed_
    kAtHost,  // in its host's line
    kUnderWay,
  };
  struct Member {
    uint32_t next = kNone;
    uint32_t prev = kNone;
    uint32_t host = kNone;  // none without a cap per host
    Place place = Place::kIdle;
  };
  struct Line {
    uint32_t first = kNone;
    uint32_t last = kNone;
  };
  struct Host {
    HostKey key;
    uint32_t members = 0;
    uint32_t in_flight = 0;
    Line waiting;
  };
  struct HashHost {
    size_t operator()(const HostKey& key) const;
  };

  void Append(Line& line, uint32_t slot, Place place);
  void Unlink(uint32_t slot);
  Line& LineOf(const Member& member);
  void LeaveHostPlace(uint32_t host);

  uint32_t cap_;
  uint32_t host_cap_;
  uint32_t in_flight_ = 0;
  uint32_t queued_ = 0;
  Line ready_;
  Line handed_;  // who waited for a host, and has been left a place there; all were due before those in ready_
  std::vector<Member> members_;  // by slot
  Slab<Host> hosts_;
  std::unordered_map<HostKey, uint32_t, HashHost> host_of_;
};

}  // namespace probe
