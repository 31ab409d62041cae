#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>

// TLS over our own non-blocking sockets, with the OpenSSL that Node exports to add-ons (or the system's, in tools and tests).
// Whatever the peer sends, a step reads at most 64 KiB and then says kWantRead although more may be there already: see HasMore().
// One thread uses a context and all that was made with it.
namespace probe {

enum class TlsStep : uint8_t { kDone, kWantRead, kWantWrite, kClosed, kError };

struct TlsSettings {
  bool resumption = false;        // offer the session of the last handshake with the same target and server name
  std::string ca_file = {};       // the block SSL of keepalived.conf; empty: none
  std::string certificate_file = {};
  std::string key_file = {};
  std::string password = {};
};

struct TlsError {
  unsigned long code;
  std::string message;
};

// An SSL_CTX. No certificate is verified, any version is spoken: what is old or self-signed still has to be checked. It has an OpenSSL
// library context of its own (tls_library.h), so share it between all checks with the same settings.
class TlsContext : public std::enable_shared_from_this<TlsContext> {
 public:
  static std::variant<std::shared_ptr<TlsContext>, TlsError> Create(const TlsSettings& settings);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsSession;
  TlsContext() = default;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// The session that the next handshake with the same target and server name may resume; lives in the probe's slot, and stays where it
// is between Begin() and End().
class TlsMemory {
 public:
  TlsMemory();
  ~TlsMemory();
  TlsMemory(TlsMemory&& other) noexcept;
  TlsMemory& operator=(TlsMemory&& other) noexcept;

  void Forget();

 private:
  friend class TlsSession;
  std::shared_ptr<TlsContext> context_;  // of session_, whose keys live in its library context
  void* session_ = nullptr;              // SSL_SESSION
};

// One connection, to be reused from probe to probe (Begin ... End).
class TlsSession {
 public:
  TlsSession();
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // `fd` is connected, non-blocking and stays the caller's. `memory` may be null. False: out of memory.
  bool Begin(TlsContext& context, int fd, const std::string& server_name, TlsMemory* memory);
  // What epoll said of the socket, for the next step alone; unsaid, the step finds out itself.
  void Expect(bool readable, bool peer_closed);
  // After kWantRead: an edge-triggered epoll will not say so, but there is more to read.
  bool HasMore() const;
  // Octets were read that no step has used yet.
  bool HasBuffered() const;
  // kClosed: the peer ended it. After kDone the last octets of our side wait for the Write() that must follow.
  TlsStep Handshake();
  // The whole request is one record. kDone: all of it is with the kernel; else call again with the same bytes.
  TlsStep Write(std::span<const std::byte> bytes);
  // kDone: `length` bytes (at least 1) are in `into`. kClosed: close_notify, or the peer's plain end.
  TlsStep Read(std::span<std::byte> into, size_t& length);
  // Sends close_notify; kDone when the peer's, or its end, is there too. Only for `tls_compliant`.
  TlsStep Shutdown();
  // Without close_notify, as keepalived. After it Begin() may be called again.
  void End();
  unsigned long error() const;  // of the last kError; 0 with errno in system_error(), or both 0
  int system_error() const;

 private:
  friend class TlsContext;
  static void Prepare(TlsContext& context);
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// OpenSSL's words for a code: "wrong version number".
std::string TlsErrorText(unsigned long code);

}  // namespace probe
