#pragma once
#include <openssl/core.h>

// The key schedule of TLS 1.3 (RFC 8446 §7.1) as a provider's implementation of OpenSSL's "TLS13-KDF". A handshake derives some 20
// secrets, and OpenSSL 3.0 makes two MAC objects with all their look-ups for each: a tenth of what a probe costs. Here it is HMAC
// on the stack. All parameters come with the call to derive, as libssl has it; none are kept.
namespace probe {

const OSSL_DISPATCH* TlsKeySchedule();

}  // namespace probe
