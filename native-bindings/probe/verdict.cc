#include "verdict.h"

#include <cerrno>

namespace probe {

Outcome OutcomeOfErrno(int err) {
  switch (err) {
    case ECONNREFUSED:
      return Outcome::kRefused;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
      return Outcome::kUnreachable;
    case ETIMEDOUT:
      return Outcome::kTimeout;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
      return Outcome::kReset;
    default:
      return Outcome::kNoResources;
  }
}

}  // namespace probe
