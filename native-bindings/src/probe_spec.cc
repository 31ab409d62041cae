#include "probe_spec.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cstring>

#include "../probe/pattern_options.h"
#include "fields.h"

namespace {

constexpr size_t kLongestRequest = 64 * 1024;
constexpr size_t kMostUrls = UINT16_MAX;  // a result has 16 bits for the index
constexpr size_t kMostGroups = UINT16_MAX;
constexpr size_t kLongestDatagram = UINT16_MAX;
constexpr uint32_t kLongestMs = 1u << 31;

// A description under construction: every part with its length before it, so that no two descriptions are equal by accident.
class Key {
 public:
  Key& Add(const std::string& part) {
    text_ += std::to_string(part.size()) + ':' + part;
    return *this;
  }
  Key& Add(uint64_t number) { return Add(std::to_string(number)); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::optional<uint32_t> OptionBit(const Napi::Value& value) {
  const auto word = args::CString(value);
  return word ? probe::PatternOption(*word) : std::nullopt;
}

std::optional<uint8_t> HexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

std::optional<probe::Md5> ParseMd5(const std::string& hex) {
  probe::Md5 digest;
  if (hex.size() != 2 * digest.size()) return std::nullopt;
  for (size_t i = 0; i < digest.size(); i++) {
    const auto high = HexDigit(hex[2 * i]);
    const auto low = HexDigit(hex[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    digest[i] = static_cast<uint8_t>(*high << 4 | *low);
  }
  return digest;
}

// IPv4 or IPv6 in text; a link-local one may name its interface: fe80::1%eth0.
std::optional<probe::Address> ParseAddress(const std::string& text, uint16_t port) {
  probe::Address address;
  sockaddr_in v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    address.length = sizeof v4;
    std::memcpy(&address.storage, &v4, sizeof v4);
    return address;
  }
  sockaddr_in6 v6{};
  const size_t percent = text.find('%');
  if (::inet_pton(AF_INET6, text.substr(0, percent).c_str(), &v6.sin6_addr) != 1) return std::nullopt;
  if (percent != std::string::npos) {
    v6.sin6_scope_id = ::if_nametoindex(text.c_str() + percent + 1);
    if (v6.sin6_scope_id == 0) return std::nullopt;
  }
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  address.length = sizeof v6;
  std::memcpy(&address.storage, &v6, sizeof v6);
  return address;
}

}  // namespace

struct PatternText {
  std::string pattern;
  probe::PatternRules rules;  // its `pattern` is set when it is used: a view of the string above

  std::string key() const {
    return Key()
        .Add(pattern)
        .Add(rules.options)
        .Add(rules.no_match)
        .Add(rules.min_offset)
        .Add(rules.max_offset)
        .Add(rules.stack_start)
        .Add(rules.stack_max)
        .text();
  }
};

namespace {

struct UrlText {
  probe::Url url;
  std::optional<PatternText> pattern;

  void AddTo(Key& key) const {
    key.Add(url.request).Add(url.server_name).Add(url.tls_compliant).Add(url.expect.status.size());
    for (const probe::StatusRange& range : url.expect.status) key.Add(range.from).Add(range.to);
    key.Add(url.expect.digest ? std::string(url.expect.digest->begin(), url.expect.digest->end()) : "");
    key.Add(pattern ? pattern->key() : "");
  }
};

std::optional<PatternText> ReadPattern(const Napi::Value& value) {
  Fields fields(value, "ProbePattern");
  PatternText text;
  text.pattern = fields.Text("pattern");
  for (const uint32_t bit : fields.List<uint32_t>("options", 64, &OptionBit)) text.rules.options |= bit;
  text.rules.no_match = fields.Flag("noMatch");
  text.rules.min_offset = fields.Number<uint32_t>("minOffset", 0, UINT32_MAX);
  if (fields.Has("maxOffset")) text.rules.max_offset = fields.Number<uint32_t>("maxOffset", 0, UINT32_MAX);
  if (fields.Has("stack")) {
    Fields stack(fields.Get("stack"), "ProbePattern.stack");
    text.rules.stack_start = stack.Number<uint32_t>("start", 0, 1u << 30);
    text.rules.stack_max = stack.Number<uint32_t>("max", 0, 1u << 30);
    if (!stack.ok()) return std::nullopt;
  }
  return fields.ok() ? std::optional(std::move(text)) : std::nullopt;
}

std::optional<probe::StatusRange> ReadStatusRange(const Napi::Value& value) {
  Fields fields(value, "StatusRange");
  probe::StatusRange range{};
  range.from = fields.Number<uint16_t>("from", 0, 999);
  range.to = fields.Number<uint16_t>("to", 0, 999);
  return fields.ok() ? std::optional(range) : std::nullopt;
}

std::optional<UrlText> ReadUrl(const Napi::Value& value) {
  Fields fields(value, "ProbeUrl");
  UrlText text;
  text.url.request = fields.Latin1("request", kLongestRequest);
  text.url.expect.status = fields.List<probe::StatusRange>("statusCodes", 1000, &ReadStatusRange);
  if (fields.Has("digest")) {
    text.url.expect.digest = ParseMd5(fields.Text("digest"));
    if (!text.url.expect.digest) fields.Refuse<Napi::TypeError>("digest", "not 32 hex digits");
  }
  if (fields.Has("body")) {
    text.pattern = ReadPattern(fields.Get("body"));
    if (!text.pattern) return std::nullopt;
  }
  text.url.server_name = fields.TextOr("serverName");
  text.url.tls_compliant = fields.Flag("tlsCompliant");
  if (text.url.request.empty()) fields.Refuse<Napi::RangeError>("request", "empty");
  return fields.ok() ? std::optional(std::move(text)) : std::nullopt;
}

std::optional<uint32_t> ReadGroup(const Napi::Value& value) {
  const auto group = args::Integer<int32_t>(value);
  return group && *group >= 0 ? std::optional(static_cast<uint32_t>(*group)) : std::nullopt;
}

std::variant<std::shared_ptr<const probe::BodyPattern>, probe::PatternError> Compile(const PatternText& text) {
  probe::PatternRules rules = text.rules;
  rules.pattern = text.pattern;
  return probe::BodyPattern::Compile(rules);
}

bool Exchanges(probe::Kind kind) {
  return kind == probe::Kind::kUdp || kind == probe::Kind::kDns || kind == probe::Kind::kSmtp;
}

void ThrowError(Napi::Env env, const std::string& message) {
  if (!env.IsExceptionPending()) Napi::Error::New(env, message).ThrowAsJavaScriptException();
}

}  // namespace

std::shared_ptr<const probe::BodyPattern> SpecReader::Pattern(Napi::Env env, const PatternText& text) {
  const std::string key = text.key();
  if (auto known = patterns_.Find(key)) return known;
  const auto compiled = Compile(text);
  if (const auto* error = std::get_if<probe::PatternError>(&compiled)) {
    ThrowError(env, "regex: " + error->message + " at offset " + std::to_string(error->offset));
    return nullptr;
  }
  patterns_.Put(key, std::get<0>(compiled));
  return std::get<0>(compiled);
}

probe::UrlList SpecReader::Urls(Fields& spec) {
  auto texts = spec.List<UrlText>("urls", kMostUrls, &ReadUrl);
  if (!spec.ok()) return nullptr;
  Key key;
  for (const UrlText& text : texts) text.AddTo(key);
  if (auto known = url_lists_.Find(key.text())) return known;
  auto urls = std::make_shared<std::vector<probe::Url>>();
  for (UrlText& text : texts) {
    if (text.pattern) {
      text.url.expect.pattern = Pattern(spec.env(), *text.pattern);
      if (text.url.expect.pattern == nullptr) return nullptr;
    }
    urls->push_back(std::move(text.url));
  }
  url_lists_.Put(key.text(), urls);
  return urls;
}

const std::string* RecentFailures::Find(const std::string& key) {
  const auto found = failures_.find(key);
  return found == failures_.end() || std::chrono::steady_clock::now() >= found->second.until ? nullptr : &found->second.why;
}

const std::string& RecentFailures::Put(const std::string& key, std::string why) {
  if (failures_.size() >= kMost) failures_.clear();
  Failure& failure = failures_[key];
  failure = {std::move(why), std::chrono::steady_clock::now() + kKept};
  return failure.why;
}

std::shared_ptr<probe::TlsContext> SpecReader::Tls(const Napi::Value& value) {
  Fields fields(value, "ProbeTls");
  probe::TlsSettings settings;
  settings.resumption = fields.Flag("resumption");
  settings.ca_file = fields.TextOr("caFile");
  settings.certificate_file = fields.TextOr("certificateFile");
  settings.key_file = fields.TextOr("keyFile");
  settings.password = fields.TextOr("password");
  if (!fields.ok()) return nullptr;
  const std::string key = Key()
                              .Add(settings.resumption)
                              .Add(settings.ca_file)
                              .Add(settings.certificate_file)
                              .Add(settings.key_file)
                              .Add(settings.password)
                              .text();
  if (auto known = tls_contexts_.Find(key)) return known;
  if (const std::string* why = tls_failures_.Find(key)) {
    ThrowError(fields.env(), *why);
    return nullptr;
  }
  const auto made = probe::TlsContext::Create(settings);
  if (const auto* error = std::get_if<probe::TlsError>(&made)) {
    ThrowError(fields.env(), tls_failures_.Put(key, "TLS: " + error->message));
    return nullptr;
  }
  tls_contexts_.Put(key, std::get<0>(made));
  return std::get<0>(made);
}

std::shared_ptr<const probe::SocketOptions> SpecReader::Socket(Fields& spec, int family) {
  const std::string from = spec.TextOr("bindAddress");
  const auto port = spec.Has("bindPort") ? spec.Number<uint16_t>("bindPort", 0, UINT16_MAX) : uint16_t{0};
  probe::SocketOptions options;
  options.interface = spec.TextOr("bindInterface");
  options.mark = spec.Number<uint32_t>("fwmark", 0, UINT32_MAX);
  if (options.interface.size() >= IFNAMSIZ) spec.Refuse<Napi::RangeError>("bindInterface", "too long");
  const bool binds = !from.empty() || port != 0;
  if (!spec.ok() || (!binds && options.interface.empty() && options.mark == 0)) return nullptr;
  if (binds) {
    options.bind = ParseAddress(!from.empty() ? from : family == AF_INET ? "0.0.0.0" : "::", port);
    if (!options.bind || options.bind->storage.ss_family != family) {
      spec.Refuse<Napi::RangeError>("bindAddress", "no address of the target's family");
      return nullptr;
    }
  }
  const std::string key = Key().Add(family).Add(from).Add(port).Add(options.interface).Add(options.mark).text();
  if (auto known = sockets_.Find(key)) return known;
  auto made = std::make_shared<const probe::SocketOptions>(std::move(options));
  sockets_.Put(key, made);
  return made;
}

std::shared_ptr<const probe::Exchange> SpecReader::Exchange(const Napi::Value& value) {
  Fields fields(value, "ProbeExchange");
  probe::Exchange exchange;
  exchange.request = fields.Latin1("request", kLongestDatagram);
  exchange.require_reply = fields.Flag("requireReply");
  exchange.reply = fields.Latin1("reply", kLongestDatagram);
  exchange.mask = fields.Latin1("mask", kLongestDatagram);
  exchange.min_reply = fields.Number<uint32_t>("minReply", 0, UINT16_MAX);
  exchange.max_reply = fields.Number<uint32_t>("maxReply", 0, UINT16_MAX);
  if (exchange.mask.size() != exchange.reply.size()) fields.Refuse<Napi::RangeError>("mask", "not as long as the reply");
  if (!fields.ok()) return nullptr;
  const std::string key = Key()
                              .Add(exchange.request)
                              .Add(exchange.require_reply)
                              .Add(exchange.reply)
                              .Add(exchange.mask)
                              .Add(exchange.min_reply)
                              .Add(exchange.max_reply)
                              .text();
  if (auto known = exchanges_.Find(key)) return known;
  auto made = std::make_shared<const probe::Exchange>(std::move(exchange));
  exchanges_.Put(key, made);
  return made;
}

std::optional<probe::Spec> SpecReader::Read(const Napi::Value& value) {
  Fields fields(value, "ProbeSpec");
  probe::Spec spec;
  spec.kind = static_cast<probe::Kind>(fields.Word("kind", {"tcp", "http", "https", "ping", "udp", "dns", "smtp"}));
  const bool has_port = spec.kind != probe::Kind::kPing;
  const auto port = fields.Number<uint16_t>("port", has_port ? 1 : 0, UINT16_MAX);
  const auto target = ParseAddress(fields.Text("address"), port);
  if (!target) fields.Refuse<Napi::RangeError>("address", "no IPv4 or IPv6 address");
  if (!fields.ok()) return std::nullopt;
  spec.target = *target;
  spec.socket = Socket(fields, target->storage.ss_family);
  spec.close_with = static_cast<probe::CloseWith>(fields.Word("closeWith", {"reset", "fin"}));
  spec.timeout_ms = fields.Number<uint32_t>("timeout", 1, kLongestMs);
  spec.interval_ms = fields.Number<uint32_t>("interval", 1, kLongestMs);
  spec.quiet_fail_interval_ms = fields.Number<uint32_t>("quietFailInterval", 1, kLongestMs);
  spec.jitter_ms = fields.Number<uint32_t>("jitter", 0, kLongestMs);
  spec.groups = fields.List<uint32_t>("groups", kMostGroups, &ReadGroup);
  if (spec.kind == probe::Kind::kHttp || spec.kind == probe::Kind::kHttps) {
    spec.urls = Urls(fields);
    if (spec.urls == nullptr) return std::nullopt;
    if (spec.urls->empty()) fields.Refuse<Napi::RangeError>("urls", "none");
  }
  if (Exchanges(spec.kind) && fields.ok()) {
    spec.exchange = Exchange(fields.Get("exchange"));
    if (spec.exchange == nullptr) return std::nullopt;
  }
  if (spec.kind == probe::Kind::kHttps && fields.ok()) {
    spec.tls = Tls(fields.Get("tls"));
    if (spec.tls == nullptr) return std::nullopt;
  }
  return fields.ok() ? std::optional(std::move(spec)) : std::nullopt;
}

std::optional<std::vector<uint32_t>> ReadGroups(const Napi::Value& value) {
  return args::Array<uint32_t>(value, &ReadGroup, kMostGroups);
}

Napi::Value CompilePattern(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto text = ReadPattern(info[0]);
  if (!text) return {};
  const auto compiled = Compile(*text);
  const auto* error = std::get_if<probe::PatternError>(&compiled);
  if (error == nullptr) return env.Undefined();
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("message", Napi::String::New(env, error->message));
  answer.Set("offset", Napi::Number::New(env, static_cast<double>(error->offset)));
  return answer;
}
