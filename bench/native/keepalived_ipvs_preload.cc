// Lets keepalived's checker run on a kernel without IPVS: with this library in LD_PRELOAD, its generic netlink requests to the
// family IPVS are answered with success and counted (ipvs_counts.h); everything else, checks first of all, stays real.
// Written from libnl's public interface (netlink/netlink.h, netlink/handlers.h, netlink/genl/ctrl.h) and linux/ip_vs.h.
#include <dlfcn.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>

#include <array>
#include <cstring>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "ipvs_counts.h"

#define EXPORTED extern "C" __attribute__((visibility("default")))

// libnl's, declared here so that its headers are not needed; keepalived brings the library itself.
struct nl_sock;
struct nl_msg;
using Callback = int (*)(nl_msg*, void*);
extern "C" {
nlmsghdr* nlmsg_hdr(nl_msg* message);
nl_msg* nlmsg_alloc();
void nlmsg_free(nl_msg* message);
void* genlmsg_put(nl_msg* message, uint32_t port, uint32_t seq, int family, int header, int flags, uint8_t command, uint8_t version);
int nla_put(nl_msg* message, int type, int length, const void* data);
}

namespace {

constexpr int kFamily = 0x3fff;  // no kernel gives it away: dynamic ids start at 16 and go up one by one
constexpr uint32_t kIpvsVersion = 0x010201;
constexpr uint32_t kTableSize = 4096;

// Kinds of callback: NL_CB_VALID, NL_CB_FINISH, NL_CB_ACK.
enum Kind : uint8_t { kValid = 0, kFinish = 1, kAck = 4, kKinds = 16 };

enum class Request : uint8_t { kOther, kPlain, kDump };

// What keepalived has told libnl of a socket, and what it asked last.
struct Socket {
  std::array<std::pair<Callback, void*>, kKinds> callbacks{};
  Request request = Request::kOther;
  uint8_t command = 0;

  void Call(Kind kind, nl_msg* message) const {
    const auto& [function, argument] = callbacks[kind];
    if (function != nullptr) function(message, argument);
  }
};

std::unordered_map<nl_sock*, Socket> sockets;  // the checker has one thread

template <typename Function>
Function Real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

// The answer to IPVS_CMD_GET_INFO, asked at start. Dumps are answered as an empty table.
void AnswerInfo(const Socket& socket) {
  nl_msg* answer = nlmsg_alloc();
  if (answer == nullptr) return;
  genlmsg_put(answer, 0, 0, kFamily, 0, 0, IPVS_CMD_SET_INFO, IPVS_GENL_VERSION);
  nla_put(answer, IPVS_INFO_ATTR_VERSION, sizeof kIpvsVersion, &kIpvsVersion);
  nla_put(answer, IPVS_INFO_ATTR_CONN_TAB_SIZE, sizeof kTableSize, &kTableSize);
  socket.Call(kValid, answer);
  nlmsg_free(answer);
}

uint8_t CommandOf(const nlmsghdr& header) {
  genlmsghdr generic{};
  std::memcpy(&generic, reinterpret_cast<const char*>(&header) + NLMSG_HDRLEN, sizeof generic);
  return generic.cmd;
}

}  // namespace

EXPORTED int genl_ctrl_resolve(nl_sock* socket, const char* name) {
  if (std::string_view(name) == IPVS_GENL_NAME) return kFamily;
  return Real<int (*)(nl_sock*, const char*)>("genl_ctrl_resolve")(socket, name);
}

EXPORTED int nl_socket_modify_cb(nl_sock* socket, int type, int kind, Callback callback, void* argument) {
  if (type >= 0 && type < kKinds) sockets[socket].callbacks[static_cast<size_t>(type)] = {callback, argument};
  return Real<int (*)(nl_sock*, int, int, Callback, void*)>("nl_socket_modify_cb")(socket, type, kind, callback, argument);
}

EXPORTED int nl_send_auto(nl_sock* socket, nl_msg* message) {
  const nlmsghdr& header = *nlmsg_hdr(message);
  Socket& known = sockets[socket];
  if (header.nlmsg_type != kFamily) {
    known.request = Request::kOther;
    return Real<int (*)(nl_sock*, nl_msg*)>("nl_send_auto")(socket, message);
  }
  known.request = (header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP ? Request::kDump : Request::kPlain;
  known.command = CommandOf(header);
  bench::CountIpvsCommand(known.command);
  return static_cast<int>(header.nlmsg_len);
}

// keepalived calls it until one of its callbacks has seen the end of the answer.
EXPORTED int nl_recvmsgs_default(nl_sock* socket) {
  const Socket known = sockets[socket];  // a copy: a callback may change what it is made of
  if (known.request == Request::kOther) return Real<int (*)(nl_sock*)>("nl_recvmsgs_default")(socket);
  if (known.command == IPVS_CMD_GET_INFO) AnswerInfo(known);
  static nl_msg* const end = nlmsg_alloc();
  known.Call(known.request == Request::kDump ? kFinish : kAck, end);
  return 0;
}

EXPORTED void nl_socket_free(nl_sock* socket) {
  sockets.erase(socket);
  Real<void (*)(nl_sock*)>("nl_socket_free")(socket);
}
