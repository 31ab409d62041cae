#include "tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace probe {
namespace {

// X25519 first, for its key share is what goes out and nearly all servers take it; another group costs a round trip.
constexpr const char* kGroups = "X25519:P-256:P-384:P-521";
// The shortest keys and hash first, where the server leaves the choice to us.
constexpr const char* kSuites13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kSuites12 = "DEFAULT:@SECLEVEL=0";

int AnyCertificate(X509_STORE_CTX*, void*) { return 1; }

// Never asks at a terminal. 0: no password.
int Password(char* into, int size, int, void* from) {
  const auto* password = static_cast<const std::string*>(from);
  if (password == nullptr || size < 0 || password->size() > static_cast<size_t>(size)) return 0;
  std::memcpy(into, password->data(), password->size());
  return static_cast<int>(password->size());
}

bool Configure(SSL_CTX* context, const TlsSettings& settings) {
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_cert_verify_callback(context, AnyCertificate, nullptr);  // no chain is built either
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_security_level(context, 0);
  if (!settings.resumption) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  } else {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  }
  return SSL_CTX_set_min_proto_version(context, TLS1_VERSION) == 1 && SSL_CTX_set_max_proto_version(context, 0) == 1 &&
         SSL_CTX_set1_groups_list(context, kGroups) == 1 && SSL_CTX_set_ciphersuites(context, kSuites13) == 1 &&
         SSL_CTX_set_cipher_list(context, kSuites12) == 1;
}

// What is wrong with the files, empty when nothing.
std::string LoadFiles(SSL_CTX* context, const TlsSettings& settings) {
  const std::string &ca = settings.ca_file, &certificate = settings.certificate_file, &key = settings.key_file;
  if (!ca.empty() && SSL_CTX_load_verify_locations(context, ca.c_str(), nullptr) != 1) return "ca " + ca;
  if (!certificate.empty() && SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) return "certificate " + certificate;
  if (!key.empty() && SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) return "key " + key;
  if (!certificate.empty() && !key.empty() && SSL_CTX_check_private_key(context) != 1) return "key " + key;
  return {};
}

TlsError Failure(const std::string& what) {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  return {code, what + ": " + (code == 0 ? "out of memory" : TlsErrorText(code))};
}

}  // namespace

TlsContext::Parts::~Parts() { SSL_CTX_free(context); }  // before its library

TlsContext::~TlsContext() = default;

std::variant<std::shared_ptr<TlsContext>, TlsError> TlsContext::Create(const TlsSettings& settings) {
  ERR_clear_error();
  std::shared_ptr<TlsContext> made(new TlsContext);
  made->parts_ = std::make_unique<Parts>();
  Parts& parts = *made->parts_;
  parts.library = TlsLibrary::Create();
  if (parts.library == nullptr) return Failure("TLS library");
  const bool files = !(settings.ca_file.empty() && settings.certificate_file.empty() && settings.key_file.empty());
  OSSL_LIB_CTX* library = files ? parts.library->whole() : parts.library->trimmed();
  parts.context = SSL_CTX_new_ex(library, nullptr, TLS_client_method());
  if (parts.context == nullptr || !Configure(parts.context, settings)) return Failure("TLS settings");
  if (library == parts.library->trimmed() && parts.library->reader() != nullptr) {
    parts.certificates = std::make_unique<TlsCertificates>(parts.library->reader());
    parts.certificates->Serve(parts.context);
  }
  std::string password = settings.password;
  SSL_CTX_set_default_passwd_cb(parts.context, Password);
  SSL_CTX_set_default_passwd_cb_userdata(parts.context, &password);
  const std::string wrong = LoadFiles(parts.context, settings);
  SSL_CTX_set_default_passwd_cb_userdata(parts.context, nullptr);
  OPENSSL_cleanse(password.data(), password.size());
  if (!wrong.empty()) return Failure(wrong);
  TlsSession::Prepare(*made);
  ERR_clear_error();
  return made;
}

std::string TlsErrorText(unsigned long code) {
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(static_cast<int>(ERR_GET_REASON(code)));
  const char* reason = ERR_reason_error_string(code);
  if (reason != nullptr) return reason;
  char text[64];
  std::snprintf(text, sizeof text, "error %08lX", code);
  return text;
}

}  // namespace probe
