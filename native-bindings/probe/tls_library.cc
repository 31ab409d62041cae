#include "tls_library.h"

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>

#include <array>
#include <new>
#include <span>
#include <string_view>
#include <vector>

#include "tls_key_schedule.h"

namespace probe {
namespace {

using std::string_view;

constexpr const char* kProviderName = "holdfast-probe";
constexpr const char* kProperties = "provider=holdfast-probe";

// First names of the algorithms that are kept; of operations that are not listed, all. ARIA, Camellia, SEED, CCM and the ciphers that
// are older than they are in no default cipher list, so no handshake can miss them.
constexpr auto kKeys = std::to_array<string_view>({"EC", "RSA", "RSA-PSS", "ED25519", "ED448", "X25519", "DH", "HMAC"});
constexpr auto kPublicKeys = std::to_array<string_view>({"EC", "RSA", "RSA-PSS", "ED25519", "ED448"});
constexpr auto kDigests = std::to_array<string_view>(
    {"MD5", "MD5-SHA1", "SHA1", "SHA2-224", "SHA2-256", "SHA2-384", "SHA2-512", "NULL"});
constexpr auto kCiphers = std::to_array<string_view>(
    {"NULL", "AES-128-CBC", "AES-256-CBC", "AES-128-GCM", "AES-256-GCM", "id-aes128-GCM", "id-aes256-GCM", "ChaCha20-Poly1305",
     "DES-EDE3-CBC", "AES-128-CBC-HMAC-SHA1", "AES-256-CBC-HMAC-SHA1", "AES-128-CBC-HMAC-SHA256", "AES-256-CBC-HMAC-SHA256"});

bool OneOf(string_view name, std::span<const string_view> names) {
  for (const string_view candidate : names) {
    if (candidate == name) return true;
  }
  return false;
}

bool IsNeeded(int operation, const OSSL_ALGORITHM& algorithm) {
  const string_view names(algorithm.algorithm_names), first = names.substr(0, names.find(':'));
  const string_view properties(algorithm.property_definition == nullptr ? "" : algorithm.property_definition);
  switch (operation) {
    case OSSL_OP_KEYMGMT:
      return OneOf(first, kKeys);
    case OSSL_OP_DECODER:  // what stands in a certificate
      return OneOf(first, kPublicKeys) && properties.find("input=der") != string_view::npos &&
             properties.find("structure=SubjectPublicKeyInfo") != string_view::npos;
    case OSSL_OP_DIGEST:
      return OneOf(first, kDigests);
    case OSSL_OP_CIPHER:
      return OneOf(first, kCiphers);
    case OSSL_OP_KDF:
      return first == "TLS1-PRF";
    case OSSL_OP_ENCODER:
    case OSSL_OP_STORE:
      return false;
    default:
      return true;
  }
}

using Query = OSSL_FUNC_provider_query_operation_fn;

// What the default provider offers, and what we let through. All of it is constant data of libcrypto, the same for every instance.
struct Offer {
  Query* query = nullptr;  // of the default provider
  std::vector<OSSL_DISPATCH> dispatch;
  std::array<std::vector<OSSL_ALGORITHM>, OSSL_OP__HIGHEST + 1> algorithms;
};

Offer MakeOffer(OSSL_PROVIDER* from, Query* query) {
  Offer offer;
  for (const OSSL_DISPATCH* entry = OSSL_PROVIDER_get0_dispatch(from); entry != nullptr && entry->function_id != 0; entry++) {
    OSSL_DISPATCH ours = *entry;
    if (entry->function_id == OSSL_FUNC_PROVIDER_TEARDOWN) continue;  // its state is not ours to free
    if (entry->function_id == OSSL_FUNC_PROVIDER_QUERY_OPERATION) {
      offer.query = OSSL_FUNC_provider_query_operation(entry);
      ours.function = reinterpret_cast<void (*)()>(query);
    }
    offer.dispatch.push_back(ours);
  }
  offer.dispatch.push_back(OSSL_DISPATCH{0, nullptr});
  for (int operation = 1; offer.query != nullptr && operation <= OSSL_OP__HIGHEST; operation++) {
    std::vector<OSSL_ALGORITHM>& kept = offer.algorithms[static_cast<size_t>(operation)];
    int no_cache = 0;
    const OSSL_ALGORITHM* algorithm = offer.query(OSSL_PROVIDER_get0_provider_ctx(from), operation, &no_cache);
    for (; algorithm != nullptr && algorithm->algorithm_names != nullptr; algorithm++) {
      if (IsNeeded(operation, *algorithm)) kept.push_back(*algorithm);
    }
    if (operation == OSSL_OP_KDF) kept.push_back({"TLS13-KDF", kProperties, TlsKeySchedule(), nullptr});
    kept.push_back({nullptr, nullptr, nullptr, nullptr});
  }
  return offer;
}

template <bool kDecoders>
const OSSL_ALGORITHM* Ours(void*, int operation, int* no_cache);

// Made by the first thread that comes, constant from then on.
template <bool kDecoders>
const Offer& OfferOf(OSSL_PROVIDER* from) {
  static const Offer offer = MakeOffer(from, Ours<kDecoders>);
  return offer;
}

template <bool kDecoders>
const OSSL_ALGORITHM* Ours(void*, int operation, int* no_cache) {
  *no_cache = 0;
  const Offer& offer = OfferOf<kDecoders>(nullptr);  // it exists: the provider was made from it
  if (operation <= 0 || operation > OSSL_OP__HIGHEST) return nullptr;
  if (!kDecoders && operation == OSSL_OP_DECODER) return nullptr;
  return offer.algorithms[static_cast<size_t>(operation)].data();
}

// The default provider that the next Start() in this thread stands on: a provider's start has no argument for it.
thread_local OSSL_PROVIDER* stands_on = nullptr;

template <bool kDecoders>
int Start(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** dispatch, void** context) {
  if (stands_on == nullptr) return 0;
  const Offer& offer = OfferOf<kDecoders>(stands_on);
  if (offer.query == nullptr) return 0;
  *dispatch = offer.dispatch.data();
  *context = OSSL_PROVIDER_get0_provider_ctx(stands_on);
  return 1;
}

// A library context with our provider alone, made from `from`'s.
template <bool kDecoders>
bool MakeTrimmed(OSSL_PROVIDER* from, OSSL_LIB_CTX*& library, OSSL_PROVIDER*& provider) {
  library = OSSL_LIB_CTX_new();
  if (library == nullptr || OSSL_PROVIDER_add_builtin(library, kProviderName, Start<kDecoders>) != 1) return false;
  stands_on = from;
  provider = OSSL_PROVIDER_load(library, kProviderName);
  stands_on = nullptr;
  return provider != nullptr;
}

}  // namespace

bool TlsLibrary::NeedsReader() { return OPENSSL_version_major() == 3 && OPENSSL_version_minor() < 2; }

std::unique_ptr<TlsLibrary> TlsLibrary::Create() {
  std::unique_ptr<TlsLibrary> library(new (std::nothrow) TlsLibrary);
  if (library == nullptr) return nullptr;
  library->whole_ = OSSL_LIB_CTX_new();
  if (library->whole_ == nullptr) return nullptr;
  library->default_ = OSSL_PROVIDER_load(library->whole_, "default");
  if (library->default_ == nullptr) return nullptr;
  const bool split = NeedsReader();
  auto& [context, provider] = split ? library->reader_ : library->trimmed_;
  if (!MakeTrimmed<true>(library->default_, context, provider)) return nullptr;
  if (split && !MakeTrimmed<false>(library->default_, library->trimmed_.context, library->trimmed_.provider)) return nullptr;
  return library;
}

TlsLibrary::~TlsLibrary() {
  for (const Trimmed& ours : {trimmed_, reader_}) {
    if (ours.provider != nullptr) OSSL_PROVIDER_unload(ours.provider);
    OSSL_LIB_CTX_free(ours.context);
  }
  if (default_ != nullptr) OSSL_PROVIDER_unload(default_);
  OSSL_LIB_CTX_free(whole_);
}

}  // namespace probe
