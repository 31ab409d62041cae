#pragma once
#include <napi.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "../probe/body_pattern.h"
#include "../probe/spec.h"
#include "../probe/tls.h"

// Things that many checks have in common, by their description. They live as long as a check has them.
template <typename T>
class Interned {
 public:
  std::shared_ptr<T> Find(const std::string& key) const {
    const auto at = items_.find(key);
    return at == items_.end() ? nullptr : at->second.lock();
  }
  void Put(const std::string& key, const std::shared_ptr<T>& item) {
    if (items_.size() >= 2 * swept_ + 64) Sweep();
    items_[key] = item;
  }

 private:
  // What nobody has any more goes, before the map has doubled.
  void Sweep() {
    std::erase_if(items_, [](const auto& entry) { return entry.second.expired(); });
    swept_ = items_.size();
  }

  std::map<std::string, std::weak_ptr<T>> items_;
  size_t swept_ = 0;
};

// What could not be made a moment ago is not tried again for each of thousands of checks: files are read once a second at most.
class RecentFailures {
 public:
  // Null: none, or it is long ago.
  const std::string* Find(const std::string& key);
  const std::string& Put(const std::string& key, std::string why);

 private:
  static constexpr std::chrono::seconds kKept{1};
  static constexpr size_t kMost = 256;
  struct Failure {
    std::string why;
    std::chrono::steady_clock::time_point until;
  };
  std::map<std::string, Failure> failures_;
};

// Reads what JavaScript says of a check: ProbeSpec of native-bindings/probe.ts. 100,000 checks mostly ask for the same pages, so
// pages, patterns and certificates are made once.
class SpecReader {
 public:
  // Nothing: an exception is pending. Getters of the object may run any JavaScript.
  std::optional<probe::Spec> Read(const Napi::Value& value);

 private:
  probe::UrlList Urls(class Fields& spec);
  std::shared_ptr<const probe::BodyPattern> Pattern(Napi::Env env, const struct PatternText& text);
  std::shared_ptr<probe::TlsContext> Tls(const Napi::Value& value);
  std::shared_ptr<const probe::SocketOptions> Socket(class Fields& spec, int family);
  std::shared_ptr<const probe::Exchange> Exchange(const Napi::Value& value);

  Interned<const std::vector<probe::Url>> url_lists_;
  Interned<const probe::BodyPattern> patterns_;
  Interned<probe::TlsContext> tls_contexts_;
  RecentFailures tls_failures_;
  Interned<const probe::SocketOptions> sockets_;
  Interned<const probe::Exchange> exchanges_;
};

// An array of group numbers; nothing: it is none, and an exception may be pending.
std::optional<std::vector<uint32_t>> ReadGroups(const Napi::Value& value);

// compilePattern(pattern) of probe.ts: undefined, or what is wrong with it.
Napi::Value CompilePattern(const Napi::CallbackInfo& info);
