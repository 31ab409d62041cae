#include <openssl/err.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "http_text.h"
#include "target.h"
#include "tls_identity.h"

namespace bench {
namespace {

struct TlsDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

struct TlsConnection {
  std::unique_ptr<SSL, TlsDeleter> ssl;
  RequestEnd request;
};

// One identity for all ports and threads, so that a ticket of one is good for the others.
SSL_CTX* SharedContext() {
  static const TlsContextPtr context = MakeServerContext();
  if (!context) {
    std::fputs("OpenSSL makes no certificate\n", stderr);
    std::exit(1);
  }
  return context.get();
}

class TlsTarget final : public Target {
 public:
  TlsTarget(TargetLoop& loop, TargetCounts& counts)
      : Target(loop, counts), context_(SharedContext()), connections_(DescriptorLimit()) {}

  void OnAccept(int fd) override {
    TlsConnection& connection = connections_[static_cast<size_t>(fd)];
    connection = {std::unique_ptr<SSL, TlsDeleter>(SSL_new(context_)), {}};
    if (!connection.ssl || SSL_set_fd(connection.ssl.get(), fd) != 1) return Broken(fd);
    SSL_set_accept_state(connection.ssl.get());
    if (!Watch(fd)) connection.ssl.reset();
  }

  void OnReady(int fd) override {
    ERR_clear_error();
    SSL* const ssl = connections_[static_cast<size_t>(fd)].ssl.get();
    if (!SSL_is_init_finished(ssl) && !Handshake(fd, ssl)) return;
    Serve(fd, ssl);
  }

 private:
  bool Handshake(int fd, SSL* ssl) {
    const int done = SSL_do_handshake(ssl);
    if (done != 1) {
      WaitOrBreak(fd, ssl, done);
      return false;
    }
    TargetCounts::Add(counts_.handshakes, 1);
    if (SSL_session_reused(ssl) == 1) TargetCounts::Add(counts_.resumed, 1);
    return true;
  }

  void Serve(int fd, SSL* ssl) {
    std::array<char, 4096> bytes;
    for (;;) {
      const int n = SSL_read(ssl, bytes.data(), static_cast<int>(bytes.size()));
      if (n <= 0) return WaitOrBreak(fd, ssl, n);
      TargetCounts::Add(counts_.received, static_cast<uint64_t>(n));
      if (connections_[static_cast<size_t>(fd)].request.Feed({bytes.data(), static_cast<size_t>(n)})) break;
    }
    if (SSL_write(ssl, kResponse.data(), static_cast<int>(kResponse.size())) <= 0) return Broken(fd);
    TargetCounts::Add(counts_.sent, kResponse.size());
    TargetCounts::Add(counts_.requests, 1);
    SSL_shutdown(ssl);
    End(fd);
  }

  // Nothing that a check sends fills a socket's buffer, so there is nothing else to wait for than the peer.
  void WaitOrBreak(int fd, SSL* ssl, int result) {
    if (SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ) Broken(fd);
  }

  void Broken(int fd) {
    TargetCounts::Add(counts_.failed, 1);
    End(fd);
  }

  void End(int fd) {
    connections_[static_cast<size_t>(fd)].ssl.reset();
    Close(fd);
  }

  SSL_CTX* context_;
  std::vector<TlsConnection> connections_;
};

}  // namespace

std::unique_ptr<Target> MakeTlsTarget(TargetLoop& loop, TargetCounts& counts) {
  return std::make_unique<TlsTarget>(loop, counts);
}

}  // namespace bench
