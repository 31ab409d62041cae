#pragma once
#include "bare_pace.h"

namespace bench {

// False: no epoll to be had. `resumed`: TLS handshakes that were.
bool RunEpoll(const Plan& plan, Pace& pace, uint64_t& resumed);

}  // namespace bench
