#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>

// TLS over our own non-blocking sockets, with the OpenSSL that Node exports to add-ons (or the system's, in tools and tests).
namespace probe {

enum class TlsStep : uint8_t { kDone, kWantRead, kWantWrite, kClosed, kError };

struct TlsSettings {
  bool resumption = false;        // offer the session of the last handshake with the same target and server name
  std::string ca_file;            // the block SSL of keepalived.conf; empty: none
  std::string certificate_file;
  std::string key_file;
  std::string password;
};

struct TlsError {
  unsigned long code;
  std::string message;
};

// An SSL_CTX. No certificate is verified, any version is spoken: what is old or self-signed still has to be checked.
class TlsContext {
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

// The session that the next handshake of the same probe may resume; lives in the probe's slot.
class TlsMemory {
 public:
  TlsMemory();
  ~TlsMemory();
  TlsMemory(TlsMemory&& other) noexcept;
  TlsMemory& operator=(TlsMemory&& other) noexcept;

 private:
  friend class TlsSession;
  void* session_ = nullptr;  // SSL_SESSION
};

// One connection. Reused from probe to probe (Begin ... End), for an SSL object costs more than a connect.
class TlsSession {
 public:
  TlsSession();
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // `fd` is connected, non-blocking and stays the caller's. `memory` may be null. False: out of memory.
  bool Begin(TlsContext& context, int fd, const std::string& server_name, TlsMemory* memory);
  TlsStep Handshake();
  // The whole request is one record. kDone: all of it is with the kernel.
  TlsStep Write(std::span<const std::byte> bytes);
  // kDone: `length` bytes (at least 1) are in `into`. kClosed: close_notify, or the peer's plain end.
  TlsStep Read(std::span<std::byte> into, size_t& length);
  // Sends close_notify; kDone when the peer's is there too. Only for `tls_compliant`.
  TlsStep Shutdown();
  // Without close_notify, as keepalived. After it Begin() may be called again.
  void End();
  unsigned long error() const;  // of the last kError; 0 with errno in system_error(), or both 0
  int system_error() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// OpenSSL's words for a code: "wrong version number".
std::string TlsErrorText(unsigned long code);

}  // namespace probe
