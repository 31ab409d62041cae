#pragma once
#include <string>

#include "bare_pace.h"

namespace bench {

// Empty, or why there is no such loop here: built without liburing, refused by the kernel, TLS (OpenSSL does its own reads).
std::string RunUring(const Plan& plan, Pace& pace);

}  // namespace bench
