// With this library in LD_PRELOAD, keepalived's IPVS commands go to the kernel as ever, and are counted with their times
// (ipvs_counts.h). Written from libnl's public interface (netlink/netlink.h, netlink/genl/ctrl.h) and linux/ip_vs.h.
#include <dlfcn.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>

#include <cstring>
#include <string_view>

#include "ipvs_counts.h"

#define EXPORTED extern "C" __attribute__((visibility("default")))

// libnl's, declared here so that its headers are not needed; keepalived brings the library itself.
struct nl_sock;
struct nl_msg;
extern "C" nlmsghdr* nlmsg_hdr(nl_msg* message);

namespace {

int ipvs_family = -1;

template <typename Function>
Function Real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

EXPORTED int genl_ctrl_resolve(nl_sock* socket, const char* name) {
  const int family = Real<int (*)(nl_sock*, const char*)>("genl_ctrl_resolve")(socket, name);
  if (std::string_view(name) == IPVS_GENL_NAME) ipvs_family = family;
  return family;
}

EXPORTED int nl_send_auto(nl_sock* socket, nl_msg* message) {
  static const auto real = Real<int (*)(nl_sock*, nl_msg*)>("nl_send_auto");
  const nlmsghdr& header = *nlmsg_hdr(message);
  if (header.nlmsg_type == ipvs_family) {
    genlmsghdr generic{};
    std::memcpy(&generic, reinterpret_cast<const char*>(&header) + NLMSG_HDRLEN, sizeof generic);
    bench::CountIpvsCommand(generic.cmd);
  }
  return real(socket, message);
}
