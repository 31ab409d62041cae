// ICMP echo of the probe engine, in the network namespace that ping.test.ts makes: 10.77.0.2 and fd77::2 answer; they know no way to
// 10.78.0.1 and fd78::1 and say so; what is for 10.79.0.1 they drop; nobody has 10.77.0.9 and fd77::9. Built with AddressSanitizer and UndefinedBehaviorSanitizer.
#include <arpa/inet.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "../../native-bindings/probe/ping.h"
#include "../../native-bindings/probe/ping_packet.h"
#include "../../native-bindings/src/unique_fd.h"
#include "check.h"

namespace {

using probe::PingSockets;
using probe::Spec;

// For what comes at once, on a machine that may be busy.
constexpr int kPatienceMs = 20'000;

// What the engine is to it.
struct Stand {
  std::map<uint64_t, int> watched;
  std::map<uint32_t, std::vector<int>> answers;  // by slot
  int watch_error = 0;
  PingSockets sockets{{
      .watch =
          [this](int fd, uint64_t tag) {
            if (watch_error == 0) watched[tag] = fd;
            return watch_error;
          },
      .on_answer = [this](uint32_t slot, int error) { answers[slot].push_back(error); },
  }};

  // Hears what comes until `slots` have an answer, or `limit` ms have passed.
  void Hear(size_t slots, int limit) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(limit);
    while (answers.size() < slots && std::chrono::steady_clock::now() < until) {
      for (const auto& [tag, fd] : std::map(watched)) {
        pollfd wait{fd, POLLIN, 0};
        if (::poll(&wait, 1, 5) == 1) sockets.OnReady(tag);
      }
    }
  }
};

Spec To(const std::string& address, std::shared_ptr<const probe::SocketOptions> options = nullptr) {
  Spec spec;
  spec.kind = probe::Kind::kPing;
  spec.socket = std::move(options);
  auto& v4 = reinterpret_cast<sockaddr_in&>(spec.target.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(spec.target.storage);
  if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    spec.target.length = sizeof v4;
  } else {
    CHECK(::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1);
    v6.sin6_family = AF_INET6;
    spec.target.length = sizeof v6;
  }
  return spec;
}

const std::vector<int> kReply = {0};

// A link that has just come up does not carry at once.
void AwaitTheNetwork() {
  for (const char* address : {"10.77.0.2", "fd77::2"}) {
    Stand stand;
    for (int i = 0; i < 50 && stand.answers[1] != kReply; i++) {
      stand.answers.clear();
      CHECK(stand.sockets.Send(1, To(address)) == 0);
      stand.Hear(1, 200);
    }
    CHECK(stand.answers[1] == kReply);
  }
}

void EachReplyFindsItsRequest() {
  Stand stand;
  for (uint32_t i = 1; i <= 200; i++) CHECK(stand.sockets.Send(i, To("127.0.0." + std::to_string(i))) == 0);
  CHECK(stand.sockets.Send(201, To("::1")) == 0);
  CHECK(stand.sockets.Send(202, To("10.77.0.2")) == 0);
  CHECK(stand.sockets.Send(203, To("fd77::2")) == 0);
  stand.Hear(203, kPatienceMs);
  CHECK(stand.answers.size() == 203 && stand.watched.size() == 2);
  for (const auto& [slot, answer] : stand.answers) CHECK(answer == kReply);
  stand.answers.clear();
  for (uint32_t i = 1; i <= 200; i++) CHECK(stand.sockets.Send(i, To("127.0.0.1")) == 0);  // again, over the same sockets
  stand.Hear(200, kPatienceMs);
  CHECK(stand.answers.size() == 200 && stand.watched.size() == 2);
}

// The request that an ICMP error is about fails at once, and no other.
void UnreachableFailsItsRequest() {
  Stand stand;
  std::vector<std::string> targets = {"10.77.0.2", "10.77.0.9", "127.0.0.1", "fd77::2", "fd78::1", "::1", "fd77::9"};
  for (int round = 0; round < 10; round++) {
    if (round == 8) targets.push_back("10.78.0.1");  // a router says so five times, then once a second (ip_error() of Linux)
    stand.answers.clear();
    for (uint32_t i = 0; i < targets.size(); i++) CHECK(stand.sockets.Send(i, To(targets[i])) == 0);
    stand.Hear(targets.size(), kPatienceMs);
    for (uint32_t i = 0; i < targets.size(); i++) {
      const std::vector<int>& answer = stand.answers[i];
      const bool fails = targets[i].find("78") != std::string::npos || targets[i].ends_with('9');
      const bool right = fails ? answer == std::vector{EHOSTUNREACH} || answer == std::vector{ENETUNREACH} : answer == kReply;
      if (!right) std::fprintf(stderr, "%s, round %d: %d\n", targets[i].c_str(), round, answer.empty() ? -1 : answer[0]);
      CHECK(right);
    }
  }
}

// The right numbers from a wrong address are no reply. A raw socket overhears the identifier, and forges one.
void AReplyOfAnotherIsNone() {
  Stand stand;
  const UniqueFd ear(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
  const timeval seconds{5, 0};
  ::setsockopt(ear.get(), SOL_SOCKET, SO_RCVTIMEO, &seconds, sizeof seconds);
  CHECK(stand.sockets.Send(1, To("127.0.0.1")) == 0);
  std::array<std::byte, 256> heard{};
  const ssize_t length = ::recv(ear.get(), heard.data(), heard.size(), 0);
  CHECK(length > 0);
  const auto request = probe::ReadEcho(probe::WithoutIpHeader(std::span(heard).first(static_cast<size_t>(length))));
  CHECK(request && request->type == 8);
  if (!request) return;
  stand.Hear(1, kPatienceMs);
  stand.answers.clear();
  CHECK(stand.sockets.Send(2, To("10.79.0.1")) == 0);
  probe::PingPacket forged = probe::EchoRequest(AF_INET, request->identifier, static_cast<uint16_t>(request->sequence + 1));
  forged[0] = std::byte{0};  // a reply; its checksum grows by what the type is less
  forged[2] = static_cast<std::byte>(std::to_integer<unsigned>(forged[2]) + 8);
  const Spec here = To("127.0.0.1");
  const auto* to = reinterpret_cast<const sockaddr*>(&here.target.storage);
  CHECK(::sendto(ear.get(), forged.data(), forged.size(), 0, to, here.target.length) > 0);
  stand.Hear(1, 300);
  CHECK(stand.answers.empty());
}

void WhatIsForgottenIsNotHeard() {
  Stand stand;
  CHECK(stand.sockets.Send(1, To("127.0.0.1")) == 0);
  CHECK(stand.sockets.Send(2, To("127.0.0.1")) == 0);
  CHECK(stand.sockets.Send(3, To("10.79.0.1")) == 0);
  stand.sockets.Forget(1);
  stand.sockets.Forget(1);
  stand.sockets.Forget(99);
  CHECK(stand.sockets.Send(2, To("127.0.0.2")) == 0);  // replaces the first
  stand.Hear(1, kPatienceMs);
  stand.Hear(3, 300);
  CHECK(stand.answers.size() == 1 && stand.answers[2] == kReply);
}

void ManyInFlightHaveDifferentNumbers() {
  Stand stand;
  constexpr uint32_t kMany = 66'000;
  for (uint32_t i = 0; i < kMany; i++) CHECK(stand.sockets.Send(i, To("10.79.0.1")) == 0);
  CHECK(stand.watched.size() == 2);
  CHECK(stand.sockets.Send(kMany, To("127.0.0.1")) == 0);
  stand.Hear(1, kPatienceMs);
  CHECK(stand.answers.size() == 1 && stand.answers[kMany] == kReply);
  for (uint32_t i = 0; i < kMany; i++) stand.sockets.Forget(i);
  CHECK(stand.sockets.Send(1, To("127.0.0.1")) == 0);
  stand.Hear(2, kPatienceMs);
  CHECK(stand.answers[1] == kReply && stand.watched.size() == 2);
}

std::shared_ptr<const probe::SocketOptions> From(const std::string& address, const std::string& interface) {
  auto options = std::make_shared<probe::SocketOptions>();
  if (!address.empty()) options->bind = To(address).target;
  options->interface = interface;
  options->mark = 7;
  return options;
}

void SocketOptionsAreApplied() {
  Stand stand;
  CHECK(stand.sockets.Send(1, To("10.77.0.2", From("10.77.0.1", ""))) == 0);
  CHECK(stand.sockets.Send(2, To("10.77.0.2", From("10.77.0.1", "wire"))) == 0);
  CHECK(stand.sockets.Send(3, To("fd77::2", From("fd77::1", "wire"))) == 0);
  stand.Hear(3, kPatienceMs);
  CHECK(stand.answers.size() == 3 && stand.watched.size() == 3);
  CHECK(stand.sockets.Send(4, To("10.77.0.2", From("10.99.0.1", ""))) == EADDRNOTAVAIL);
  CHECK(stand.sockets.Send(4, To("10.77.0.2", From("", "nowhere"))) == ENODEV);
  CHECK(stand.sockets.Send(4, To("10.99.0.1")) == ENETUNREACH);
  CHECK(stand.sockets.Send(4, Spec()) == EAFNOSUPPORT);
  stand.watch_error = EMFILE;
  CHECK(stand.sockets.Send(4, To("10.77.0.2", From("10.77.0.1", "lo"))) == EMFILE);
}

// Sockets of options that are no longer used do not pile up.
void IdleSocketsAreClosed() {
  Stand stand;
  for (uint32_t i = 0; i < 200; i++) {
    stand.answers.clear();
    stand.watched.clear();
    CHECK(stand.sockets.Send(i, To("127.0.0.1", From("127.0.1." + std::to_string(i + 1), ""))) == 0);
    stand.Hear(1, kPatienceMs);
    CHECK(stand.answers[i] == kReply);
  }
  const int next = ::dup(0);
  CHECK(next < 100);  // the descriptors before it are in use
  ::close(next);
}

void PacketsAreAsTheyWere() {
  const probe::PingPacket packet = probe::EchoRequest(AF_INET, 0x1234, 0xfedc);
  const auto* bytes = reinterpret_cast<const unsigned char*>(packet.data());
  uint32_t sum = 0;
  for (size_t i = 0; i < packet.size(); i += 2) sum += static_cast<uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  CHECK(packet.size() == 136 && (sum & 0xffff) + (sum >> 16) == 0xffff);  // RFC 1071
  const auto header = probe::ReadEcho(packet);
  CHECK(header && header->type == 8 && header->identifier == 0x1234 && header->sequence == 0xfedc);
  CHECK(std::string(reinterpret_cast<const char*>(bytes) + 8, 38) == "keepalived check - keepalived check - ");
  CHECK(probe::EchoRequest(AF_INET6, 0, 1)[0] == std::byte{128});
  CHECK(!probe::ReadEcho(std::span(packet).first(7)));
  for (const auto& [first, length, left] : {std::tuple{0x45, 20, 0}, {0x46, 30, 6}, {0x45, 19, 0}, {0x44, 30, 0}, {0x4f, 59, 0}}) {
    std::vector<std::byte> datagram(static_cast<size_t>(length));
    datagram[0] = static_cast<std::byte>(first);
    CHECK(probe::WithoutIpHeader(datagram).size() == static_cast<size_t>(left));
  }
  CHECK(probe::WithoutIpHeader({}).empty());
}

// Of this network namespace alone.
void AdmitGroups(const char* range) {
  std::ofstream file("/proc/sys/net/ipv4/ping_group_range");
  file << range;
  file.close();
  CHECK(file.good());
}

}  // namespace

int main() {
  PacketsAreAsTheyWere();
  for (const char* groups : {"0\t2147483647", "1\t0"}) {  // datagram sockets; then, for nobody may have them, raw ones
    AdmitGroups(groups);
    AwaitTheNetwork();
    EachReplyFindsItsRequest();
    UnreachableFailsItsRequest();
    AReplyOfAnotherIsNone();
    WhatIsForgottenIsNotHeard();
    ManyInFlightHaveDifferentNumbers();
    SocketOptionsAreApplied();
    IdleSocketsAreClosed();
  }
  CHECK(::setresuid(65534, 65534, 65534) == 0);
  Stand stand;
  CHECK(stand.sockets.Send(1, To("127.0.0.1")) == EACCES);
  CHECK(stand.sockets.Send(1, To("::1")) == EACCES);
  return Report();
}
