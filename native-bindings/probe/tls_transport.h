#pragma once
#include <openssl/types.h>

#include <cstddef>
#include <span>
#include <vector>

#include "tls.h"

// What OpenSSL reads from and writes to: the socket, with a bound. Written records wait for Flush(), so that the end of the handshake
// and the request leave in one segment. Each step of a connection reads a bounded number of octets, whatever the peer sends.
namespace probe {

class TlsTransport {
 public:
  TlsTransport();
  ~TlsTransport();
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;

  BIO* bio() const { return bio_; }  // null: out of memory
  void Open(int fd);
  void Close();
  // A new step: may read as much again.
  void Renew();
  // What epoll said of the socket, for the next step alone: a read that is known to find nothing is not made. Unsaid: it is tried.
  void Expect(bool readable, bool peer_closed);
  // The step ended with more to read.
  bool HasMore() const { return readable_; }
  // kDone, kWantWrite or kError with system_error().
  TlsStep Flush();
  // From now on the peer is not read any more.
  void Refuse() { refused_ = true; }
  int system_error() const { return error_; }

 private:
  static constexpr size_t kOctetsPerStep = 64 * 1024;  // several of the longest records
  static constexpr size_t kUnsentOctets = 256 * 1024;  // a peer that makes us answer and does not read
  friend struct TlsTransportMethods;
  int Read(std::span<std::byte> into);
  int Write(std::span<const std::byte> bytes);

  BIO* bio_ = nullptr;
  int fd_ = -1;
  int error_ = 0;
  bool ended_ = false;
  bool refused_ = false;
  size_t allowance_ = 0;
  bool is_told_ = false;  // by Expect(), for the step to come
  bool readable_ = true;
  bool peer_closed_ = true;  // so less than asked for need not be all there is
  size_t sent_ = 0;  // of unsent_, its first octets
  std::vector<std::byte> unsent_;
};

}  // namespace probe
