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

  OSSL_LIB_CTX* trimmed() const { return trimmed_.context; }
  // Null, or where certificates have to be read because trimmed() cannot (tls_certificates.h).
  OSSL_LIB_CTX* reader() const { return reader_.context; }
  // All that the default provider has: to read key files takes more than a handshake.
  OSSL_LIB_CTX* whole() const { return whole_; }

 private:
  struct Trimmed {
    OSSL_LIB_CTX* context = nullptr;
    OSSL_PROVIDER* provider = nullptr;  // in `context`, with default_'s state: goes first
  };
  TlsLibrary() = default;
  // Until OpenSSL 3.2 remembers how to decode a kind of key, it asks all decoders with each certificate.
  static bool NeedsReader();

  OSSL_LIB_CTX* whole_ = nullptr;
  OSSL_PROVIDER* default_ = nullptr;  // in whole_
  Trimmed trimmed_;
  Trimmed reader_;
};

}  // namespace probe
