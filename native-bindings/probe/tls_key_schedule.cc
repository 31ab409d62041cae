// SHA256_Init and its like are deprecated for being bound to one implementation, which is what is wanted here.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "tls_key_schedule.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

namespace probe {
namespace {

using Bytes = std::span<const uint8_t>;

struct Sha256 {
  using Context = SHA256_CTX;
  static constexpr size_t kBlock = SHA256_CBLOCK, kSize = SHA256_DIGEST_LENGTH;
  static void Init(Context& c) { SHA256_Init(&c); }
  static void Update(Context& c, Bytes bytes) { SHA256_Update(&c, bytes.data(), bytes.size()); }
  static void Final(Context& c, uint8_t* out) { SHA256_Final(out, &c); }
};

struct Sha384 {
  using Context = SHA512_CTX;
  static constexpr size_t kBlock = SHA512_CBLOCK, kSize = SHA384_DIGEST_LENGTH;
  static void Init(Context& c) { SHA384_Init(&c); }
  static void Update(Context& c, Bytes bytes) { SHA384_Update(&c, bytes.data(), bytes.size()); }
  static void Final(Context& c, uint8_t* out) { SHA384_Final(out, &c); }
};

// What is secret on the stack goes as soon as it is not needed.
template <typename T>
struct Secret {
  T value{};
  Secret() = default;
  ~Secret() { OPENSSL_cleanse(&value, sizeof value); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
};

template <typename Hash>
using Digest = std::array<uint8_t, Hash::kSize>;

// RFC 2104. `key` is at most a block.
template <typename Hash>
void Hmac(Bytes key, std::initializer_list<Bytes> text, Digest<Hash>& out) {
  Secret<std::array<uint8_t, Hash::kBlock>> pad;
  Secret<typename Hash::Context> context;
  std::copy(key.begin(), key.end(), pad.value.begin());
  for (uint8_t& byte : pad.value) byte ^= 0x36;
  Hash::Init(context.value);
  Hash::Update(context.value, pad.value);
  for (const Bytes part : text) Hash::Update(context.value, part);
  Hash::Final(context.value, out.data());
  for (uint8_t& byte : pad.value) byte ^= 0x36 ^ 0x5c;
  Hash::Init(context.value);
  Hash::Update(context.value, pad.value);
  Hash::Update(context.value, out);
  Hash::Final(context.value, out.data());
}

// What libssl says with each call.
struct Derivation {
  int mode = -1;
  std::string_view digest;
  std::optional<Bytes> key, salt;
  Bytes prefix, label, data;
};

// RFC 8446 §7.1: HKDF-Expand-Label. `out` of any length up to 255 digests.
template <typename Hash>
bool ExpandLabel(Bytes secret, const Derivation& with, Bytes context, std::span<uint8_t> out) {
  const size_t label_size = with.prefix.size() + with.label.size();
  if (secret.size() > Hash::kBlock || label_size > 255 || context.size() > 255 || out.size() > 255 * Hash::kSize) return false;
  const std::array<uint8_t, 3> head = {static_cast<uint8_t>(out.size() >> 8), static_cast<uint8_t>(out.size()),
                                       static_cast<uint8_t>(label_size)};
  const std::array<uint8_t, 1> context_size = {static_cast<uint8_t>(context.size())};
  Secret<Digest<Hash>> block;
  size_t before = 0;  // octets of the block before, none in the first round
  for (std::array<uint8_t, 1> round = {1}; !out.empty(); round[0]++) {
    const Bytes previous(block.value.data(), before);
    Hmac<Hash>(secret, {previous, head, with.prefix, with.label, context_size, context, round}, block.value);
    before = Hash::kSize;
    const size_t length = std::min(out.size(), before);
    std::copy_n(block.value.begin(), length, out.begin());
    out = out.subspan(length);
  }
  return true;
}

// One step down the middle of the schedule: HKDF-Extract(Derive-Secret(salt, "derived", ""), key). Without a key, or a secret before
// it, zeros stand in its place.
template <typename Hash>
bool NextSecret(const Derivation& with, std::span<uint8_t> out) {
  if (out.size() != Hash::kSize) return false;
  Secret<Digest<Hash>> salt, secret;
  if (with.salt) {
    typename Hash::Context empty;
    Digest<Hash> of_nothing;
    Hash::Init(empty);
    Hash::Final(empty, of_nothing.data());
    if (!ExpandLabel<Hash>(*with.salt, with, of_nothing, salt.value)) return false;
  }
  const Digest<Hash> zeros{};
  Hmac<Hash>(salt.value, {with.key.value_or(Bytes(zeros))}, secret.value);
  std::copy(secret.value.begin(), secret.value.end(), out.begin());
  return true;
}

template <typename Hash>
bool DeriveWith(const Derivation& with, std::span<uint8_t> out) {
  if (with.mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY) return NextSecret<Hash>(with, out);
  if (with.mode != EVP_KDF_HKDF_MODE_EXPAND_ONLY || !with.key) return false;
  return ExpandLabel<Hash>(*with.key, with, with.data, out);
}

bool ReadParameters(const OSSL_PARAM* parameters, Derivation& with) {
  for (const OSSL_PARAM* p = parameters; p != nullptr && p->key != nullptr; p++) {
    const std::string_view name(p->key);
    const Bytes bytes(static_cast<const uint8_t*>(p->data), p->data == nullptr ? 0 : p->data_size);
    if (name == OSSL_KDF_PARAM_MODE) {
      if (OSSL_PARAM_get_int(p, &with.mode) != 1) return false;
    } else if (name == OSSL_KDF_PARAM_DIGEST) {
      with.digest = std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    } else if (name == OSSL_KDF_PARAM_KEY) {
      with.key = bytes;
    } else if (name == OSSL_KDF_PARAM_SALT) {
      with.salt = bytes;
    } else if (name == OSSL_KDF_PARAM_PREFIX) {
      with.prefix = bytes;
    } else if (name == OSSL_KDF_PARAM_LABEL) {
      with.label = bytes;
    } else if (name == OSSL_KDF_PARAM_DATA) {
      with.data = bytes;
    }
  }
  return true;
}

int Derive(void*, unsigned char* out, size_t length, const OSSL_PARAM* parameters) {
  Derivation with;
  if (!ReadParameters(parameters, with)) return 0;
  const std::span<uint8_t> room(out, length);
  if (with.digest == "SHA2-256" || with.digest == "SHA256") return DeriveWith<Sha256>(with, room);
  if (with.digest == "SHA2-384" || with.digest == "SHA384") return DeriveWith<Sha384>(with, room);
  return 0;  // no cipher suite of TLS 1.3 has another
}

// Nothing is kept between calls, so the provider's own context serves as that of each derivation.
void* NewContext(void* provider) { return provider; }
void FreeContext(void*) {}

template <typename Function>
constexpr OSSL_DISPATCH Entry(int id, Function* function) {
  return {id, reinterpret_cast<void (*)()>(function)};
}

}  // namespace

const OSSL_DISPATCH* TlsKeySchedule() {
  static const OSSL_DISPATCH functions[] = {
      Entry(OSSL_FUNC_KDF_NEWCTX, NewContext),
      Entry(OSSL_FUNC_KDF_FREECTX, FreeContext),
      Entry(OSSL_FUNC_KDF_DERIVE, Derive),
      OSSL_DISPATCH{0, nullptr},
  };
  return functions;
}

}  // namespace probe
