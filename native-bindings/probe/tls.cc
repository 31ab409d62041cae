#include "tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <string_view>
#include <utility>

#include "tls_context.h"
#include "tls_transport.h"

namespace probe {
namespace {

// Handshake messages of one connection: a full handshake with a client certificate and a HelloRetryRequest has 12, then come tickets.
// A peer that goes on and on (KeyUpdate, HelloRequest, NewSessionTicket) is not heard any longer.
constexpr uint32_t kMessages = 64;

}  // namespace

TlsMemory::TlsMemory() = default;
TlsMemory::~TlsMemory() { Forget(); }
TlsMemory::TlsMemory(TlsMemory&& other) noexcept
    : context_(std::move(other.context_)), session_(std::exchange(other.session_, nullptr)) {}
TlsMemory& TlsMemory::operator=(TlsMemory&& other) noexcept {
  std::swap(context_, other.context_);
  std::swap(session_, other.session_);
  return *this;
}

void TlsMemory::Forget() {
  SSL_SESSION_free(static_cast<SSL_SESSION*>(std::exchange(session_, nullptr)));
  context_.reset();
}

struct TlsSession::Parts {
  TlsTransport transport;
  SSL* ssl = nullptr;
  TlsContext* context = nullptr;
  TlsMemory* memory = nullptr;
  uint32_t messages = 0;
  bool request_taken = false;  // OpenSSL has it, the kernel perhaps not yet
  unsigned long error = 0;
  int system_error = 0;

  static int OnNewSession(SSL* ssl, SSL_SESSION* session);
  static void OnMessage(int sent, int version, int type, const void* bytes, size_t length, SSL* ssl, void* arg);
  void NewStep();
  TlsStep Failed();
  bool Blocked(int result, TlsStep& step);
};

// 1: the reference is ours now. With TLS 1.3 it comes after the handshake, once for each ticket; the last one is kept.
int TlsSession::Parts::OnNewSession(SSL* ssl, SSL_SESSION* session) {
  auto* parts = static_cast<Parts*>(SSL_get_app_data(ssl));
  if (parts == nullptr || parts->memory == nullptr) return 0;
  parts->memory->Forget();
  parts->memory->session_ = session;
  parts->memory->context_ = parts->context->shared_from_this();
  return 1;
}

void TlsSession::Parts::OnMessage(int sent, int, int type, const void*, size_t, SSL* ssl, void*) {
  if (sent != 0 || type != SSL3_RT_HANDSHAKE) return;
  auto* parts = static_cast<Parts*>(SSL_get_app_data(ssl));
  if (parts != nullptr && ++parts->messages > kMessages) parts->transport.Refuse();
}

void TlsSession::Parts::NewStep() {
  ERR_clear_error();
  error = 0;
  system_error = 0;
  transport.Renew();
}

TlsStep TlsSession::Parts::Failed() {
  if (messages > kMessages) {
    error = ERR_PACK(ERR_LIB_SSL, 0, SSL_R_UNEXPECTED_MESSAGE);
  } else {
    system_error = transport.system_error();
    if (system_error == 0) error = ERR_get_error();
  }
  ERR_clear_error();
  return TlsStep::kError;
}

// After a call of OpenSSL that did not succeed. False: what kept it has been sent, call again.
bool TlsSession::Parts::Blocked(int result, TlsStep& step) {
  switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
      step = transport.Flush();
      if (step == TlsStep::kDone) step = TlsStep::kWantRead;
      break;
    case SSL_ERROR_WANT_WRITE:
      step = transport.Flush();
      if (step == TlsStep::kDone) return false;
      break;
    case SSL_ERROR_ZERO_RETURN:
      step = TlsStep::kClosed;
      break;
    default:
      transport.Flush();  // the alert that tells why, if it can go at once
      step = TlsStep::kError;
  }
  if (step == TlsStep::kError) step = Failed();
  return true;
}

TlsSession::TlsSession() : parts_(std::make_unique<Parts>()) {}
TlsSession::~TlsSession() { End(); }

void TlsSession::Prepare(TlsContext& context) {
  SSL_CTX* ssl_context = context.parts_->context;
  SSL_CTX_sess_set_new_cb(ssl_context, Parts::OnNewSession);
  SSL_CTX_set_msg_callback(ssl_context, Parts::OnMessage);
}

bool TlsSession::Begin(TlsContext& context, int fd, const std::string& server_name, TlsMemory* memory) {
  End();
  ERR_clear_error();
  Parts& parts = *parts_;
  BIO* bio = parts.transport.bio();
  parts.ssl = bio == nullptr ? nullptr : SSL_new(context.parts_->context);
  if (parts.ssl == nullptr) return false;
  BIO_up_ref(bio);
  SSL_set_bio(parts.ssl, bio, bio);
  SSL_set_app_data(parts.ssl, &parts);
  SSL_set_connect_state(parts.ssl);
  if (!server_name.empty() && SSL_set_tlsext_host_name(parts.ssl, server_name.c_str()) != 1) return false;
  parts.transport.Open(fd);
  parts.context = &context;
  parts.memory = memory;
  if (memory == nullptr || memory->session_ == nullptr) return true;
  // A session of settings that were replaced is of no use.
  if (memory->context_.get() == &context) SSL_set_session(parts.ssl, static_cast<SSL_SESSION*>(memory->session_));
  return true;
}

void TlsSession::Expect(bool readable, bool peer_closed) { parts_->transport.Expect(readable, peer_closed); }
bool TlsSession::HasMore() const { return parts_->transport.HasMore(); }
bool TlsSession::HasBuffered() const { return SSL_has_pending(parts_->ssl) == 1; }

TlsStep TlsSession::Handshake() {
  Parts& parts = *parts_;
  parts.NewStep();
  TlsStep step;
  for (;;) {
    const int result = SSL_do_handshake(parts.ssl);
    if (result == 1) return TlsStep::kDone;  // the end of our side leaves with the request
    if (parts.Blocked(result, step)) break;
  }
  // A server that chokes on its own ticket gets a full handshake next time.
  if ((step == TlsStep::kError || step == TlsStep::kClosed) && parts.memory != nullptr) parts.memory->Forget();
  return step;
}

TlsStep TlsSession::Write(std::span<const std::byte> bytes) {
  Parts& parts = *parts_;
  parts.NewStep();
  TlsStep step;
  while (!parts.request_taken && !bytes.empty()) {
    size_t written = 0;
    const int result = SSL_write_ex(parts.ssl, bytes.data(), bytes.size(), &written);
    parts.request_taken = result == 1;
    if (result != 1 && parts.Blocked(result, step)) return step;
  }
  step = parts.transport.Flush();
  if (step == TlsStep::kDone) parts.request_taken = false;
  return step == TlsStep::kError ? parts.Failed() : step;
}

TlsStep TlsSession::Read(std::span<std::byte> into, size_t& length) {
  Parts& parts = *parts_;
  parts.NewStep();
  TlsStep step;
  for (;;) {
    const int result = SSL_read_ex(parts.ssl, into.data(), into.size(), &length);
    if (result == 1) return TlsStep::kDone;
    if (parts.Blocked(result, step)) return step;
  }
}

TlsStep TlsSession::Shutdown() {
  Parts& parts = *parts_;
  parts.NewStep();
  TlsStep step;
  while ((SSL_get_shutdown(parts.ssl) & SSL_SENT_SHUTDOWN) == 0) {
    const int result = SSL_shutdown(parts.ssl);
    if (result < 0 && parts.Blocked(result, step)) return step;
  }
  step = parts.transport.Flush();
  if (step != TlsStep::kDone) return step == TlsStep::kError ? parts.Failed() : step;
  // What else the server had to say is read past, as much of it as one step may.
  while ((SSL_get_shutdown(parts.ssl) & SSL_RECEIVED_SHUTDOWN) == 0) {
    std::array<std::byte, 4096> rest;
    size_t length = 0;
    const int result = SSL_read_ex(parts.ssl, rest.data(), rest.size(), &length);
    if (result != 1 && parts.Blocked(result, step)) return step == TlsStep::kClosed ? TlsStep::kDone : step;
  }
  return TlsStep::kDone;
}

void TlsSession::End() {
  Parts& parts = *parts_;
  if (parts.ssl != nullptr) {
    SSL_set_shutdown(parts.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // else its session would count as broken
    SSL_free(std::exchange(parts.ssl, nullptr));
  }
  parts.transport.Close();
  parts.context = nullptr;
  parts.memory = nullptr;
  parts.messages = 0;
  parts.request_taken = false;
}

unsigned long TlsSession::error() const { return parts_->error; }
int TlsSession::system_error() const { return parts_->system_error; }

}  // namespace probe
