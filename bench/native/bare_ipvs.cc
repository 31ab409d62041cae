// The floor of IPVS programming: destinations added, reweighted and removed by the plainest loop, BATCH requests to a sendmsg(2), each
// acknowledged. Usage: bare_ipvs SERVICES DESTINATIONS-OF-EACH BATCH; prints microseconds as JSON. The table is as before afterwards.
#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <vector>

namespace {

[[noreturn]] void Die(const char* what, int error) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(error));
  std::exit(1);
}

uint64_t NowUs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

// Requests one behind the other, with room for many.
class Messages {
 public:
  void Begin(uint16_t type, uint8_t command, uint8_t version, uint16_t flags) {
    message_ = bytes_.size();
    const nlmsghdr header{0, type, static_cast<uint16_t>(NLM_F_REQUEST | flags), ++sequence_, 0};
    const genlmsghdr generic{command, version, 0};
    Append(&header, sizeof header);
    Append(&generic, sizeof generic);
    ++count_;
  }
  void End() {
    const auto length = static_cast<uint32_t>(bytes_.size() - message_);
    std::memcpy(bytes_.data() + message_, &length, sizeof length);
  }
  template <typename T>
  void Put(uint16_t type, const T& value) {
    PutBytes(type, &value, sizeof value);
  }
  void PutBytes(uint16_t type, const void* value, size_t length) {
    const nlattr attribute{static_cast<uint16_t>(NLA_HDRLEN + length), type};
    Append(&attribute, sizeof attribute);
    Append(value, length);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  }
  template <typename Body>
  void Nest(uint16_t type, Body&& body) {
    const size_t start = bytes_.size();
    PutBytes(type | NLA_F_NESTED, nullptr, 0);
    body();
    const auto length = static_cast<uint16_t>(bytes_.size() - start);
    std::memcpy(bytes_.data() + start, &length, sizeof length);
  }
  void Clear() {
    bytes_.clear();
    count_ = 0;
  }
  const std::vector<char>& bytes() const { return bytes_; }
  size_t count() const { return count_; }

 private:
  void Append(const void* data, size_t length) {
    const size_t end = bytes_.size();
    bytes_.resize(end + length);
    if (length > 0) std::memcpy(bytes_.data() + end, data, length);
  }

  std::vector<char> bytes_;
  size_t message_ = 0, count_ = 0;
  uint32_t sequence_ = 0;
};

class Ipvs {
 public:
  explicit Ipvs(size_t batch) : fd_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC)), batch_(batch) {
    if (fd_ < 0) Die("socket", errno);
    const int size = 4 << 20;
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    family_ = Family();
  }

  void Service(uint32_t service, uint8_t command) {
    messages_.Begin(family_, command, IPVS_GENL_VERSION, NLM_F_ACK);
    messages_.Nest(IPVS_CMD_ATTR_SERVICE, [&] {
      ServiceId(service);
      messages_.PutBytes(IPVS_SVC_ATTR_SCHED_NAME, "rr", 3);
      messages_.Put(IPVS_SVC_ATTR_FLAGS, ip_vs_flags{0, ~0U});
      messages_.Put(IPVS_SVC_ATTR_TIMEOUT, uint32_t{0});
      messages_.Put(IPVS_SVC_ATTR_NETMASK, uint32_t{0xffffffff});
    });
    Done();
  }

  void Destination(uint32_t service, uint32_t destination, uint8_t command, uint32_t weight) {
    messages_.Begin(family_, command, IPVS_GENL_VERSION, NLM_F_ACK);
    messages_.Nest(IPVS_CMD_ATTR_SERVICE, [&] { ServiceId(service); });
    messages_.Nest(IPVS_CMD_ATTR_DEST, [&] {
      Address(IPVS_DEST_ATTR_ADDR, 0x0a010000U + destination);
      messages_.Put(IPVS_DEST_ATTR_PORT, htons(80));
      messages_.Put(IPVS_DEST_ATTR_FWD_METHOD, uint32_t{IP_VS_CONN_F_DROUTE});
      messages_.Put(IPVS_DEST_ATTR_WEIGHT, weight);
      messages_.Put(IPVS_DEST_ATTR_U_THRESH, uint32_t{0});
      messages_.Put(IPVS_DEST_ATTR_L_THRESH, uint32_t{0});
    });
    Done();
  }

  void Flush() {
    if (messages_.count() == 0) return;
    const auto& bytes = messages_.bytes();
    if (send(fd_, bytes.data(), bytes.size(), 0) < 0) Die("send", errno);
    for (size_t acknowledged = 0; acknowledged < messages_.count();) acknowledged += Acknowledgements();
    messages_.Clear();
  }

 private:
  void ServiceId(uint32_t service) {
    messages_.Put(IPVS_SVC_ATTR_AF, uint16_t{AF_INET});
    messages_.Put(IPVS_SVC_ATTR_PROTOCOL, uint16_t{IPPROTO_TCP});
    Address(IPVS_SVC_ATTR_ADDR, 0x64000001U + service);
    messages_.Put(IPVS_SVC_ATTR_PORT, htons(80));
  }
  void Address(uint16_t type, uint32_t host) {
    std::array<uint32_t, 4> address{htonl(host), 0, 0, 0};
    messages_.Put(type, address);
  }
  void Done() {
    messages_.End();
    if (messages_.count() == batch_) Flush();
  }

  size_t Acknowledgements() {
    const ssize_t length = recv(fd_, buffer_.data(), buffer_.size(), 0);
    if (length < 0) Die("recv", errno);
    size_t count = 0;
    for (size_t at = 0; at + sizeof(nlmsghdr) <= static_cast<size_t>(length); ++count) {
      nlmsghdr header{};
      std::memcpy(&header, buffer_.data() + at, sizeof header);
      int error = 0;
      std::memcpy(&error, buffer_.data() + at + NLMSG_HDRLEN, sizeof error);
      if (header.nlmsg_type == NLMSG_ERROR && error != 0) Die("IPVS", -error);
      at += NLMSG_ALIGN(header.nlmsg_len);
    }
    return count;
  }

  uint16_t Family() {
    messages_.Begin(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, 0);
    messages_.PutBytes(CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME, sizeof IPVS_GENL_NAME);
    messages_.End();
    const auto& bytes = messages_.bytes();
    if (send(fd_, bytes.data(), bytes.size(), 0) < 0) Die("send", errno);
    messages_.Clear();
    const ssize_t length = recv(fd_, buffer_.data(), buffer_.size(), 0);
    const auto end = static_cast<size_t>(length < 0 ? 0 : length);
    for (size_t at = NLMSG_HDRLEN + GENL_HDRLEN; at + NLA_HDRLEN <= end;) {
      nlattr attribute{};
      std::memcpy(&attribute, buffer_.data() + at, sizeof attribute);
      uint16_t id = 0;
      std::memcpy(&id, buffer_.data() + at + NLA_HDRLEN, sizeof id);
      if (attribute.nla_type == CTRL_ATTR_FAMILY_ID) return id;
      if (attribute.nla_len == 0) break;
      at += NLMSG_ALIGN(attribute.nla_len);
    }
    Die("no IPVS in this kernel", ENOENT);
  }

  int fd_;
  size_t batch_;
  uint16_t family_ = 0;
  Messages messages_;
  std::array<char, 1 << 16> buffer_{};
};

uint64_t Timed(Ipvs& ipvs, const std::function<void()>& work) {
  const uint64_t start = NowUs();
  work();
  ipvs.Flush();
  return NowUs() - start;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: bare_ipvs SERVICES DESTINATIONS-OF-EACH BATCH\n", stderr);
    return 2;
  }
  const auto number = [argv](int i) { return static_cast<uint32_t>(std::strtoul(argv[i], nullptr, 10)); };
  const uint32_t services = number(1), each = number(2);
  Ipvs ipvs(number(3));
  const auto all = [&](uint8_t command, uint32_t weight) {
    for (uint32_t s = 0; s < services; ++s)
      for (uint32_t d = 0; d < each; ++d) ipvs.Destination(s, s * each + d, command, weight);
  };
  for (uint32_t s = 0; s < services; ++s) ipvs.Service(s, IPVS_CMD_NEW_SERVICE);
  ipvs.Flush();
  const uint64_t added = Timed(ipvs, [&] { all(IPVS_CMD_NEW_DEST, 1); });
  const uint64_t reweighted = Timed(ipvs, [&] { all(IPVS_CMD_SET_DEST, 2); });
  const uint64_t removed = Timed(ipvs, [&] { all(IPVS_CMD_DEL_DEST, 2); });
  for (uint32_t s = 0; s < services; ++s) ipvs.Service(s, IPVS_CMD_DEL_SERVICE);
  ipvs.Flush();
  std::printf(R"({"added_us":%llu,"reweighted_us":%llu,"removed_us":%llu})" "\n", static_cast<unsigned long long>(added),
              static_cast<unsigned long long>(reweighted), static_cast<unsigned long long>(removed));
  return 0;
}
