#include "netlink_namespace.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>

#include <cerrno>

namespace nl {
namespace {

struct Order {
  int namespace_fd;
  int protocol;
  int receive_buffer_bytes;
  Failure failure;
  UniqueFd socket;
};

void* Carry(void* argument) {
  Order& order = *static_cast<Order*>(argument);
  if (::setns(order.namespace_fd, CLONE_NEWNET) != 0) order.failure = {errno, "setns"};
  else order.socket = Open(order.protocol, order.receive_buffer_bytes, order.failure);
  return nullptr;
}

}  // namespace

UniqueFd OpenIn(const std::string& path, int protocol, int receive_buffer_bytes, Failure& failure) {
  const UniqueFd place(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!place) {
    failure = {errno, "open"};
    return {};
  }
  Order order{place.get(), protocol, receive_buffer_bytes, {}, {}};
  pthread_t thread{};
  if (const int err = ::pthread_create(&thread, nullptr, Carry, &order); err != 0) {
    failure = {err, "pthread_create"};
    return {};
  }
  ::pthread_join(thread, nullptr);  // some 50 µs, once
  failure = order.failure;
  return std::move(order.socket);
}

}  // namespace nl
