#include "tls_transport.h"

#include <openssl/bio.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace probe {

// The functions that a BIO is made of.
struct TlsTransportMethods {
  static TlsTransport& Of(BIO* bio) { return *static_cast<TlsTransport*>(BIO_get_data(bio)); }

  static int Read(BIO* bio, char* into, int length) {
    BIO_clear_retry_flags(bio);
    return Of(bio).Read(std::as_writable_bytes(std::span(into, static_cast<size_t>(std::max(length, 0)))));
  }

  static int Write(BIO* bio, const char* bytes, int length) {
    BIO_clear_retry_flags(bio);
    return Of(bio).Write(std::as_bytes(std::span(bytes, static_cast<size_t>(std::max(length, 0)))));
  }

  static long Control(BIO* bio, int command, long, void*) {
    switch (command) {
      case BIO_CTRL_FLUSH:  // the session knows when
        return 1;
      case BIO_CTRL_EOF:
        return Of(bio).ended_ ? 1 : 0;
      default:
        return 0;
    }
  }

  static int Create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }

  // Made by the first thread that comes; constant from then on, and never freed, for other threads may still use it at exit.
  static const BIO_METHOD* Methods() {
    static const BIO_METHOD* const methods = [] {
      BIO_METHOD* m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "probe");
      if (m == nullptr) return m;
      BIO_meth_set_read(m, Read);
      BIO_meth_set_write(m, Write);
      BIO_meth_set_ctrl(m, Control);
      BIO_meth_set_create(m, Create);
      return m;
    }();
    return methods;
  }
};

TlsTransport::TlsTransport() {
  const BIO_METHOD* methods = TlsTransportMethods::Methods();
  if (methods != nullptr) bio_ = BIO_new(methods);
  if (bio_ != nullptr) BIO_set_data(bio_, this);
}

TlsTransport::~TlsTransport() { BIO_free(bio_); }

void TlsTransport::Open(int fd) {
  Close();
  fd_ = fd;
}

void TlsTransport::Close() {
  fd_ = -1;
  error_ = 0;
  ended_ = refused_ = false;
  sent_ = 0;
  unsent_.clear();
  is_told_ = false;
}

void TlsTransport::Expect(bool readable, bool peer_closed) {
  is_told_ = true;
  readable_ = readable;
  peer_closed_ = peer_closed;
}

void TlsTransport::Renew() {
  allowance_ = kOctetsPerStep;
  if (!std::exchange(is_told_, false)) readable_ = peer_closed_ = true;
}

int TlsTransport::Read(std::span<std::byte> into) {
  if (refused_ || fd_ < 0) return -1;
  const size_t length = std::min(into.size(), allowance_);
  if (length == 0 || !readable_) {
    BIO_set_retry_read(bio_);
    return -1;
  }
  ssize_t n;
  do {
    n = ::recv(fd_, into.data(), length, 0);
  } while (n < 0 && errno == EINTR);
  if (n > 0) {
    allowance_ -= static_cast<size_t>(n);
    if (static_cast<size_t>(n) < length && !peer_closed_) readable_ = false;  // epoll(7)
    return static_cast<int>(n);
  }
  if (n == 0) {
    ended_ = true;
    return 0;
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    readable_ = false;
    BIO_set_retry_read(bio_);
  } else {
    error_ = errno;
  }
  return -1;
}

int TlsTransport::Write(std::span<const std::byte> bytes) {
  if (fd_ < 0) return -1;
  if (unsent_.size() - sent_ >= kUnsentOctets) {
    BIO_set_retry_write(bio_);
    return -1;
  }
  unsent_.insert(unsent_.end(), bytes.begin(), bytes.end());
  return static_cast<int>(bytes.size());
}

TlsStep TlsTransport::Flush() {
  while (sent_ < unsent_.size()) {
    const ssize_t n = ::send(fd_, unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL);
    if (n >= 0) {
      sent_ += static_cast<size_t>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<ptrdiff_t>(sent_));
      sent_ = 0;
      return TlsStep::kWantWrite;
    } else if (errno != EINTR) {
      error_ = errno;
      return TlsStep::kError;
    }
  }
  sent_ = 0;
  unsent_.clear();
  return TlsStep::kDone;
}

}  // namespace probe
