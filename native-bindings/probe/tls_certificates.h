#pragma once
#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

// The certificates that servers showed, decoded once. A check sees the same certificate for months, and OpenSSL 3.0 spends a sixth of a
// handshake on finding out how to read the key in it. So the library context of handshakes has no decoders at all (tls_library.h), and
// when the server's certificate is there, the one with the same octets that was read before takes its place. What the key is used
// for is as ever: it verifies the signature of this very handshake.
namespace probe {

class TlsCertificates {
 public:
  // `library` reads those that are new.
  explicit TlsCertificates(OSSL_LIB_CTX* library) : library_(library) {}
  ~TlsCertificates();
  TlsCertificates(const TlsCertificates&) = delete;
  TlsCertificates& operator=(const TlsCertificates&) = delete;

  // Lets `handshakes` ask here. It must not outlive this.
  void Serve(SSL_CTX* handshakes);
  // The same certificate with its key, good until the next call; null where the key cannot be used.
  X509* Find(X509* undecoded);

 private:
  static constexpr size_t kMost = 1024;  // some 5 KB each
  // As they came; decoded they take three times as much, and a peer may send 100 KB.
  static constexpr size_t kMostOctets = size_t{2} << 20;
  struct Known {
    std::vector<unsigned char> octets;
    X509* certificate = nullptr;
  };

  using Place = std::unordered_map<uint64_t, Known>::iterator;

  static int OnVerify(X509_STORE_CTX* chain, void* self);
  X509* Read() const;
  void Forget(Place place);

  OSSL_LIB_CTX* library_;
  std::unordered_map<uint64_t, Known> known_;  // by a hash of the octets
  size_t held_ = 0;                            // octets of all of them
  std::vector<unsigned char> octets_;          // of the one that is looked for
};

}  // namespace probe
