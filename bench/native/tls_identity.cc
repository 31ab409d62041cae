#include "tls_identity.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

namespace bench {
namespace {

struct KeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct CertificateDeleter {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyDeleter>;
using CertificatePtr = std::unique_ptr<X509, CertificateDeleter>;

constexpr long kOneDay = 86400;

bool Sign(X509* certificate, EVP_PKEY* key) {
  X509_NAME* const name = X509_get_subject_name(certificate);
  const auto* common_name = reinterpret_cast<const unsigned char*>("bench.example");
  return X509_set_version(certificate, X509_VERSION_3) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -kOneDay) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), kOneDay) != nullptr && X509_set_pubkey(certificate, key) == 1 &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1 && X509_sign(certificate, key, EVP_sha256()) > 0;
}

}  // namespace

TlsContextPtr MakeServerContext() {
  TlsContextPtr context(SSL_CTX_new(TLS_server_method()));
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertificatePtr certificate(X509_new());
  if (!context || !key || !certificate || !Sign(certificate.get(), key.get())) return nullptr;
  const auto* id = reinterpret_cast<const unsigned char*>("bench");
  const bool usable = SSL_CTX_use_certificate(context.get(), certificate.get()) == 1 &&
                      SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1 &&
                      SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) == 1 &&
                      SSL_CTX_set_num_tickets(context.get(), 1) == 1 &&
                      SSL_CTX_set_session_id_context(context.get(), id, 5) == 1;
  if (!usable) return nullptr;
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // stateless tickets
  return context;
}

}  // namespace bench
