// What a network device says of its link when it is asked, in a thread of libuv's pool: reading a PHY over MDIO takes milliseconds.
#include "link_state.h"

#include <linux/ethtool.h>
#include <linux/mii.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "args.h"
#include "unique_fd.h"

namespace {

// As native-bindings/link-state.ts has them. kAuto tries all.
enum Method : uint8_t { kAuto, kMii, kEthtool, kIoctl };

struct State {
  int err = 0;
  bool up = false;
};

State AskMii(int fd, ifreq request) {
  // struct mii_ioctl_data lies where the union of ifreq does: linux/mii.h if_mii.
  static_assert(sizeof(mii_ioctl_data) <= sizeof request.ifr_ifru);
  mii_ioctl_data data{};
  if (::ioctl(fd, SIOCGMIIPHY, &request) != 0) return {errno};
  std::memcpy(&data, &request.ifr_ifru, sizeof data);
  data.reg_num = MII_BMSR;
  // A lost link is latched until it is read: the second answer is of now.
  for (int i = 0; i < 2; i++) {
    std::memcpy(&request.ifr_ifru, &data, sizeof data);
    if (::ioctl(fd, SIOCGMIIREG, &request) != 0) return {errno};
  }
  std::memcpy(&data, &request.ifr_ifru, sizeof data);
  return {0, (data.val_out & BMSR_LSTATUS) != 0};
}

State AskEthtool(int fd, ifreq request) {
  ethtool_value value{ETHTOOL_GLINK, 0};
  request.ifr_data = reinterpret_cast<char*>(&value);
  if (::ioctl(fd, SIOCETHTOOL, &request) != 0) return {errno};
  return {0, value.data != 0};
}

State AskFlags(int fd, ifreq request) {
  if (::ioctl(fd, SIOCGIFFLAGS, &request) != 0) return {errno};
  const auto flags = static_cast<unsigned>(request.ifr_flags);
  return {0, (flags & IFF_UP) != 0 && (flags & IFF_RUNNING) != 0};
}

State Ask(int fd, const ifreq& request, Method method) {
  if (method == kMii) return AskMii(fd, request);
  return method == kEthtool ? AskEthtool(fd, request) : AskFlags(fd, request);
}

class LinkPoll final : public Napi::AsyncWorker {
 public:
  LinkPoll(Napi::Function& done, std::string name, Method first)
      : Napi::AsyncWorker(done, "holdfast.pollLink"), name_(std::move(name)), first_(first) {}

  void Execute() override {
    ifreq request{};
    const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd) {
      state_ = {errno};
      return;
    }
    name_.copy(request.ifr_name, sizeof request.ifr_name - 1);
    for (const Method method : {first_, kMii, kEthtool, kIoctl}) {
      if (method == kAuto) continue;
      state_ = Ask(fd.get(), request, method);
      answered_ = method;
      if (state_.err == 0 || state_.err == ENODEV) return;
    }
  }

  void OnOK() override {
    Callback().Call({Napi::Number::New(Env(), state_.err), Napi::Boolean::New(Env(), state_.up),
                     Napi::Number::New(Env(), answered_)});
  }

 private:
  const std::string name_;
  const Method first_;
  State state_;
  uint8_t answered_ = kAuto;
};

void PollLink(const Napi::CallbackInfo& info) {
  const auto name = args::CString(info[0]);
  const auto method = args::Integer<uint8_t>(info[1]);
  if (!name || name->empty() || name->size() >= IFNAMSIZ || !method || *method > kIoctl || !info[2].IsFunction()) {
    return args::ThrowUsage(info.Env(), "pollLink(name: string of 1..15 octets, method: 0..3, done: function)");
  }
  Napi::Function done = info[2].As<Napi::Function>();
  (new LinkPoll(done, *name, static_cast<Method>(*method)))->Queue();  // deletes itself after OnOK
}

}  // namespace

void DefineLinkState(Napi::Env env, Napi::Object exports) {
  exports.Set("pollLink", Napi::Function::New<PollLink>(env, "pollLink"));
}
