#pragma once
#include <netinet/in.h>

#include <cstdint>

#include "../src/unique_fd.h"
#include "spec.h"

// The socket of one attempt.
namespace probe {

// An IPv4 or IPv6 address with its port, in a fifth of the room of sockaddr_storage.
union Endpoint {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6{};

  socklen_t length() const { return any.sa_family == AF_INET ? sizeof v4 : sizeof v6; }
};
Endpoint EndpointOf(const Address& address);
Address AddressOf(const Endpoint& endpoint);

struct Opened {
  UniqueFd fd;  // empty: `err` says why
  int err = 0;
};
// `type`: SOCK_STREAM or SOCK_DGRAM.
Opened OpenSocket(sa_family_t family, int type, const SocketOptions* options);

// Starts to connect: 0 or an errno. `speaks_first`: a request follows at once, and the acknowledgement of the handshake may ride on it.
int StartConnect(int fd, const Endpoint& target, bool speaks_first);

// Ends a connection, or the attempt at one, as ResetAndClose() does, and leaves the socket as if it were new: with no options but those
// of OpenSocket(), and with an error pending that the next connect(2) forgets. False: it is good for nothing but to be closed.
bool Disconnect(int fd);

// Whether a connection ends where it begins: a local port of the kernel's choice may be the target's, and where nobody listens the socket
// of a check then connects to itself.
bool IsSelfConnected(int fd, const Endpoint& target);

// SO_ERROR, which clears it.
int PendingError(int fd);

// With RST, if the connection stands; nothing waits for the peer in either way.
void ResetAndClose(UniqueFd fd);

}  // namespace probe
