// Network namespaces by the names of ip-netns(8).
#pragma once
#include <string>

#include "../src/unique_fd.h"

namespace launcher {

// Opens the namespace of that name, and makes sure that a process of ours can enter it. @returns nothing when it cannot (`err`).
UniqueFd OpenNetworkNamespace(const std::string& name, int& err);

// Takes this process, which must have one thread, into it, with a /sys that shows its interfaces: like `ip netns exec`.
// @returns 0 or a positive errno.
int EnterNetworkNamespace(int fd);

}  // namespace launcher
