#pragma once
#include <openssl/ssl.h>

#include <memory>

namespace bench {

struct TlsContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContextPtr = std::unique_ptr<SSL_CTX, TlsContextDeleter>;

// A server of TLS 1.3 with session tickets and a self-signed ECDSA P-256 certificate made on the spot. Null: OpenSSL refused.
TlsContextPtr MakeServerContext();

}  // namespace bench
