#include "datagram_age.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <time.h>

#include <cmath>

#include "args.h"

double DatagramAgeMs(int fd) {
  timespec stamp{};
  timespec now{};
  // socket(7): without SO_TIMESTAMP the time of the last datagram that was passed to the user, in the time of day.
  if (::ioctl(fd, SIOCGSTAMPNS, &stamp) != 0 || ::clock_gettime(CLOCK_REALTIME, &now) != 0) return std::nan("");
  const double age =
      static_cast<double>(now.tv_sec - stamp.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec - stamp.tv_nsec) / 1e6;
  return age >= 0 ? age : std::nan("");
}

namespace {

Napi::Value Age(const Napi::CallbackInfo& info) {
  const auto fd = args::Integer<int>(info[0]);
  if (!fd) {
    args::ThrowUsage(info.Env(), "datagramAge(fd: integer)");
    return {};
  }
  return Napi::Number::New(info.Env(), DatagramAgeMs(*fd));
}

}  // namespace

void DefineDatagramAge(Napi::Env env, Napi::Object exports) {
  exports.Set("datagramAge", Napi::Function::New<Age>(env, "datagramAge"));
}
