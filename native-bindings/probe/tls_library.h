#pragma once
#include <openssl/types.h>

#include <memory>

// The OpenSSL library context of our handshakes, with a provider of its own. With each certificate OpenSSL 3.0 looks at every key type
// and decoder that its library context knows, which costs more than to verify a signature; so ours knows what a TLS client may need
// and no more. The implementations are those of OpenSSL's default provider, but for the key schedule (tls_key_schedule.h).
namespace probe {

class TlsLibrary {
 public:
  // Null: out of memory, or an OpenSSL without a default provider; see ERR_get_error().
  static std::unique_ptr<TlsLibrary> Create();
  ~TlsLibrary();
  TlsLibrary(const TlsLibrary&) = delete;
  TlsLibrary& operator=(const TlsLibrary&) = delete;

  OSSL_LIB_CTX* trimmed() const { return trimmed_; }
  // All that the default provider has: to read key files takes more than a handshake.
  OSSL_LIB_CTX* whole() const { return whole_; }

 private:
  TlsLibrary() = default;
  OSSL_LIB_CTX* whole_ = nullptr;
  OSSL_PROVIDER* default_ = nullptr;  // in whole_
  OSSL_LIB_CTX* trimmed_ = nullptr;
  OSSL_PROVIDER* probe_ = nullptr;  // in trimmed_, with default_'s state: goes first
};

}  // namespace probe
