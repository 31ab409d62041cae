#pragma once
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "../../native-bindings/src/unique_fd.h"

// A TLS server for one connection, in a thread of its own over a socket pair, and certificates for it.
namespace tls_test {

struct Identity {
  EVP_PKEY* key;
  X509* certificate;
};

// Self-signed, by name of the key type: "EC", "RSA", "ED25519". Made once; `subject` is its common name.
inline Identity MakeIdentity(const std::string& type, const char* subject = "server") {
  EVP_PKEY* key = type == "RSA" ? EVP_RSA_gen(2048) : type == "EC" ? EVP_EC_gen("P-256") : EVP_PKEY_Q_keygen(nullptr, nullptr, type.c_str());
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), -60);  // over already: nobody looks
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(subject), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, type == "ED25519" ? nullptr : EVP_sha256());
  return {key, certificate};
}

inline Identity IdentityOf(const std::string& type) {
  static const Identity ec = MakeIdentity("EC"), rsa = MakeIdentity("RSA"), ed = MakeIdentity("ED25519");
  return type == "RSA" ? rsa : type == "EC" ? ec : ed;
}

inline constexpr char kAnswer[] = "HTTP/1.0 200 OK\r\n\r\nhello";

struct Saw {
  bool accepted = false, reused = false, close_notify = false;
  std::string request, server_name, client;  // client: common name of its certificate
};

// After accept: what the server does. The usual one reads the request, answers, sends close_notify and waits for the end.
using Talk = std::function<void(SSL*, Saw&)>;

inline void Answer(SSL* ssl, Saw& saw) {
  char bytes[4096];
  const int n = SSL_read(ssl, bytes, sizeof bytes);
  if (n > 0) saw.request.assign(bytes, static_cast<size_t>(n));
  SSL_write(ssl, kAnswer, sizeof kAnswer - 1);
  SSL_shutdown(ssl);
  while (SSL_read(ssl, bytes, sizeof bytes) > 0) {
  }
  saw.close_notify = (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

inline SSL_CTX* ServerContext(const std::string& type = "EC") {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
  SSL_CTX_set_dh_auto(context, 1);
  SSL_CTX_use_PrivateKey(context, IdentityOf(type).key);
  SSL_CTX_use_certificate(context, IdentityOf(type).certificate);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("test"), 4);
  return context;
}

inline std::pair<UniqueFd, UniqueFd> SocketPair() {
  int fds[2] = {-1, -1};
  ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
  const timeval seconds{20, 0};
  ::setsockopt(fds[1], SOL_SOCKET, SO_RCVTIMEO, &seconds, sizeof seconds);
  ::setsockopt(fds[1], SOL_SOCKET, SO_SNDTIMEO, &seconds, sizeof seconds);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// The client's end; the server's lives in the thread, which Finish() waits for.
class Server {
 public:
  // Takes no ownership of `context`.
  explicit Server(SSL_CTX* context, Talk talk = Answer) {
    auto [client, own] = SocketPair();
    client_ = std::move(client);
    thread_ = std::thread([this, context, talk = std::move(talk), fd = std::move(own)] {
      SSL* ssl = SSL_new(context);
      SSL_set_fd(ssl, fd.get());
      saw_.accepted = SSL_accept(ssl) == 1;
      saw_.reused = SSL_session_reused(ssl) == 1;
      const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
      if (name != nullptr) saw_.server_name = name;
      if (const X509* client_certificate = SSL_get0_peer_certificate(ssl); client_certificate != nullptr) {
        char text[64] = "";
        X509_NAME_get_text_by_NID(X509_get_subject_name(client_certificate), NID_commonName, text, sizeof text);
        saw_.client = text;
      }
      if (saw_.accepted) talk(ssl, saw_);
      SSL_free(ssl);
    });
  }
  // A server that is no OpenSSL: `talk` gets the socket.
  explicit Server(std::function<void(int fd)> talk) {
    auto [client, own] = SocketPair();
    client_ = std::move(client);
    thread_ = std::thread([talk = std::move(talk), fd = std::move(own)] { talk(fd.get()); });
  }
  ~Server() { Finish(); }

  int fd() const { return client_.get(); }
  const Saw& Finish() {
    client_.Reset();
    if (thread_.joinable()) thread_.join();
    return saw_;
  }

 private:
  UniqueFd client_;
  Saw saw_;
  std::thread thread_;
};

}  // namespace tls_test
