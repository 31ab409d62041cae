#pragma once
#include <string>

#include "netlink_receiver.h"

namespace nl {

// As Open, in the network namespace that the file at `path` stands for: a socket stays in the namespace in which it was made. A
// thread of its own goes there, so that the calling one never leaves its own.
UniqueFd OpenIn(const std::string& path, int protocol, int receive_buffer_bytes, Failure& failure);

}  // namespace nl
