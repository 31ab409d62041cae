#pragma once
#include <openssl/types.h>

#include <memory>

#include "tls.h"
#include "tls_certificates.h"
#include "tls_library.h"

namespace probe {

struct TlsContext::Parts {
  std::unique_ptr<TlsLibrary> library;
  std::unique_ptr<TlsCertificates> certificates;  // null: the context of handshakes reads them itself
  SSL_CTX* context = nullptr;
  ~Parts();
};

}  // namespace probe
