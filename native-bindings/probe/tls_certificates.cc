#include "tls_certificates.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <functional>
#include <string_view>
#include <utility>

namespace probe {

TlsCertificates::~TlsCertificates() {
  for (auto& [hash, known] : known_) X509_free(known.certificate);
}

void TlsCertificates::Serve(SSL_CTX* handshakes) { SSL_CTX_set_cert_verify_callback(handshakes, OnVerify, this); }

// libssl asks this with the peer's chain, and takes the peer's key out of the first of that chain afterwards. No chain is built, and
// nothing is verified here.
int TlsCertificates::OnVerify(X509_STORE_CTX* chain, void* self) {
  STACK_OF(X509)* const sent = X509_STORE_CTX_get0_untrusted(chain);
  X509* const first = X509_STORE_CTX_get0_cert(chain);
  if (sk_X509_num(sent) < 1 || sk_X509_value(sent, 0) != first) return 1;
  X509* const read = static_cast<TlsCertificates*>(self)->Find(first);
  if (read == nullptr) return 1;  // the handshake fails for want of a key
  X509_up_ref(read);
  sk_X509_set(sent, 0, read);
  X509_STORE_CTX_set_cert(chain, read);
  X509_free(first);
  return 1;
}

X509* TlsCertificates::Find(X509* undecoded) {
  const int length = i2d_X509(undecoded, nullptr);
  if (length <= 0) return nullptr;
  octets_.resize(static_cast<size_t>(length));
  unsigned char* at = octets_.data();
  if (i2d_X509(undecoded, &at) != length) return nullptr;
  const uint64_t hash = std::hash<std::string_view>()({reinterpret_cast<const char*>(octets_.data()), octets_.size()});
  const auto found = known_.find(hash);
  if (found != known_.end() && found->second.octets == octets_) return found->second.certificate;
  X509* const read = Read();
  if (read == nullptr) return nullptr;
  if (found != known_.end()) Forget(found);
  // Any one goes: which are seen most nobody counts.
  while (!known_.empty() && (known_.size() >= kMost || held_ + octets_.size() > kMostOctets)) Forget(known_.begin());
  known_[hash] = {octets_, read};
  held_ += octets_.size();
  return read;
}

void TlsCertificates::Forget(Place place) {
  held_ -= place->second.octets.size();
  X509_free(place->second.certificate);
  known_.erase(place);
}

// Null where its key cannot be used.
X509* TlsCertificates::Read() const {
  X509* read = X509_new_ex(library_, nullptr);
  const unsigned char* at = octets_.data();
  if (read == nullptr || d2i_X509(&read, &at, static_cast<long>(octets_.size())) == nullptr) {
    X509_free(read);
    return nullptr;
  }
  if (X509_get0_pubkey(read) != nullptr) return read;
  X509_free(read);
  return nullptr;
}

}  // namespace probe
