#pragma once
#include <openssl/types.h>

#include <memory>

#include "tls.h"
#include "tls_library.h"

namespace probe {

struct TlsContext::Parts {
  std::unique_ptr<TlsLibrary> library;
  SSL_CTX* context = nullptr;
  ~Parts();
};

}  // namespace probe
