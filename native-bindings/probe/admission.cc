#include "admission.h"

#include <netinet/in.h>

#include <cstring>

namespace probe {
namespace {

HostKey KeyOf(const sockaddr* target) {
  HostKey key;
  key.family_scope = target->sa_family;
  if (target->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, target, sizeof v4);
    key.low = v4.sin_addr.s_addr;
  } else {
    sockaddr_in6 v6;
    std::memcpy(&v6, target, sizeof v6);
    key.family_scope |= uint64_t{v6.sin6_scope_id} << 32;
    std::memcpy(&key.high, v6.sin6_addr.s6_addr, 8);
    std::memcpy(&key.low, v6.sin6_addr.s6_addr + 8, 8);
  }
  return key;
}

}  // namespace

// Addresses of a farm differ in few bits; multiplying by an odd constant spreads them (Knuth, 6.4).
size_t Admission::HashHost::operator()(const HostKey& key) const {
  constexpr uint64_t kGolden = 0x9e3779b97f4a7c15;
  uint64_t hash = (key.family_scope ^ key.high) * kGolden;
  hash = (hash ^ (hash >> 32) ^ key.low) * kGolden;
  return hash ^ (hash >> 32);
}

void Admission::Join(uint32_t slot, const sockaddr* target) {
  if (members_.size() <= slot) members_.resize(slot + 1);
  members_[slot] = Member();
  if (host_cap_ == 0) return;
  const auto [at, is_new] = host_of_.try_emplace(KeyOf(target), 0);
  if (is_new) {
    at->second = hosts_.Take();
    hosts_[at->second].key = at->first;
  }
  members_[slot].host = at->second;
  hosts_[at->second].members++;
}

void Admission::Leave(uint32_t slot) {
  const uint32_t host = members_[slot].host;
  members_[slot] = Member();
  if (host == kNone || --hosts_[host].members > 0) return;
  host_of_.erase(hosts_[host].key);
  hosts_.Give(host);
}

void Admission::Append(Line& line, uint32_t slot, Place place) {
  members_[slot].place = place;
  members_[slot].next = kNone;
  members_[slot].prev = line.last;
  (line.last == kNone ? line.first : members_[line.last].next) = slot;
  line.last = slot;
}

void Admission::Unlink(uint32_t slot) {
  Member& member = members_[slot];
  Line& line = LineOf(member);
  (member.prev == kNone ? line.first : members_[member.prev].next) = member.next;
  (member.next == kNone ? line.last : members_[member.next].prev) = member.prev;
  member.place = Place::kIdle;
}

Admission::Line& Admission::LineOf(const Member& member) {
  if (member.place == Place::kAtHost) return hosts_[member.host].waiting;
  return member.place == Place::kHanded ? handed_ : ready_;
}

void Admission::Queue(uint32_t slot) {
  Append(ready_, slot, Place::kReady);
  queued_++;
}

bool Admission::IsQueued(uint32_t slot) const {
  const Place place = members_[slot].place;
  return place != Place::kIdle && place != Place::kUnderWay;
}

void Admission::Withdraw(uint32_t slot) {
  if (!IsQueued(slot)) return;
  const bool has_place = members_[slot].place == Place::kHanded;
  Unlink(slot);
  queued_--;
  if (has_place) LeaveHostPlace(members_[slot].host);
}

std::optional<uint32_t> Admission::Next() {
  while (MayStart()) {
    const bool has_place = handed_.first != kNone;
    const uint32_t slot = has_place ? handed_.first : ready_.first;
    const uint32_t host = members_[slot].host;
    Unlink(slot);
    if (host != kNone && !has_place) {
      if (hosts_[host].in_flight >= host_cap_) {
        Append(hosts_[host].waiting, slot, Place::kAtHost);
        continue;
      }
      hosts_[host].in_flight++;
    }
    members_[slot].place = Place::kUnderWay;
    queued_--;
    in_flight_++;
    return slot;
  }
  return std::nullopt;
}

void Admission::Ended(uint32_t slot) {
  members_[slot].place = Place::kIdle;
  in_flight_--;
  if (members_[slot].host != kNone) LeaveHostPlace(members_[slot].host);
}

// The first one that waits for the host gets the place at once.
void Admission::LeaveHostPlace(uint32_t host) {
  const uint32_t first = hosts_[host].waiting.first;
  if (first == kNone) {
    hosts_[host].in_flight--;
    return;
  }
  Unlink(first);
  Append(handed_, first, Place::kHanded);
}

}  // namespace probe
