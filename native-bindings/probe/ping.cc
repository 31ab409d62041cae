#include "ping.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <unordered_map>
#include <utility>

#include "ping_socket.h"

namespace probe {
namespace {

// Sockets that wait for nothing are kept up to this number, for the next round of checks needs them again.
constexpr size_t kSocketsKept = 32;

// Family and socket options: requests that may share a socket have the same.
std::string KeyOf(int family, const SocketOptions* options) {
  std::string key(1, family == AF_INET6 ? '6' : '4');
  if (options == nullptr) return key;
  key.append(reinterpret_cast<const char*>(&options->mark), sizeof options->mark);
  key.append(options->interface).push_back('\0');
  if (options->bind) key.append(reinterpret_cast<const char*>(&options->bind->storage), options->bind->length);
  return key;
}

struct Opened {
  uint64_t tag;
  std::shared_ptr<PingSocket> socket;
};

struct Request {
  std::shared_ptr<PingSocket> socket;
  uint16_t sequence;
};

}  // namespace

struct PingSockets::State {
  Hooks hooks;
  uint64_t next_tag = 0;  // never used twice: an event may still be under way for one that was closed
  std::multimap<std::string, Opened> sockets;
  std::unordered_map<uint64_t, std::shared_ptr<PingSocket>> by_tag;
  std::unordered_map<uint32_t, Request> requests;  // by slot

  std::shared_ptr<PingSocket> SocketFor(int family, const SocketOptions* options, int& error);
  void CloseIdle();
};

std::shared_ptr<PingSocket> PingSockets::State::SocketFor(int family, const SocketOptions* options, int& error) {
  const std::string key = KeyOf(family, options);
  const auto [first, end] = sockets.equal_range(key);
  for (auto i = first; i != end; i++) {
    if (!i->second.socket->full()) return i->second.socket;
  }
  if (sockets.size() >= kSocketsKept) CloseIdle();
  std::shared_ptr<PingSocket> socket = PingSocket::Open(family, options, error);
  if (socket == nullptr) return nullptr;
  const uint64_t tag = next_tag++;
  error = hooks.watch(socket->fd(), tag);
  if (error != 0) return nullptr;
  sockets.emplace(key, Opened{tag, socket});
  by_tag.emplace(tag, socket);
  return socket;
}

void PingSockets::State::CloseIdle() {
  std::erase_if(sockets, [this](const auto& entry) {
    const bool idle = entry.second.socket->idle();
    if (idle) by_tag.erase(entry.second.tag);
    return idle;
  });
}

PingSockets::PingSockets(Hooks hooks) : state_(std::make_unique<State>()) { state_->hooks = std::move(hooks); }
PingSockets::~PingSockets() = default;

int PingSockets::Send(uint32_t slot, const Spec& spec) {
  Forget(slot);
  const int family = spec.target.storage.ss_family;
  if (family != AF_INET && family != AF_INET6) return EAFNOSUPPORT;
  int error = 0;
  std::shared_ptr<PingSocket> socket = state_->SocketFor(family, spec.socket.get(), error);
  if (socket == nullptr) return error;
  uint16_t sequence = 0;
  error = socket->Send(slot, spec.target, sequence);
  if (error == 0) state_->requests[slot] = {std::move(socket), sequence};
  return error;
}

void PingSockets::Forget(uint32_t slot) {
  const auto found = state_->requests.find(slot);
  if (found == state_->requests.end()) return;
  found->second.socket->Forget(found->second.sequence);
  state_->requests.erase(found);
}

void PingSockets::OnReady(uint64_t tag) {
  const auto found = state_->by_tag.find(tag);
  if (found == state_->by_tag.end()) return;
  const std::shared_ptr<PingSocket> socket = found->second;  // an answer may end in CloseIdle()
  socket->Receive([this](uint32_t slot, int error) {
    state_->requests.erase(slot);
    state_->hooks.on_answer(slot, error);
  });
}

}  // namespace probe
