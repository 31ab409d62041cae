#include "bare_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <vector>

#include "http_text.h"

namespace bench {

struct BareTls::Parts {
  struct Place {
    SSL* ssl = nullptr;
    uint32_t address = 0;
    bool asked = false;
  };
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  std::vector<Place> places;
  std::vector<SSL_SESSION*> sessions;  // by address; empty: none is kept
  uint64_t resumed = 0;

  static int Keep(SSL* ssl, SSL_SESSION* session) {
    auto* parts = static_cast<Parts*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    const auto* place = static_cast<Place*>(SSL_get_app_data(ssl));
    SSL_SESSION*& kept = parts->sessions[place->address];
    SSL_SESSION_free(kept);
    kept = session;
    return 1;  // the reference is ours now
  }

  Step Wait(SSL* ssl, int result) const {
    const int error = SSL_get_error(ssl, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? Step::kWait : Step::kFailed;
  }
};

BareTls::BareTls(uint32_t places, uint32_t addresses, bool resume) : parts_(std::make_unique<Parts>()) {
  SSL_CTX* const context = parts_->context;
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_app_data(context, parts_.get());
  SSL_CTX_set_session_cache_mode(context, resume ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL : SSL_SESS_CACHE_OFF);
  if (resume) {
    SSL_CTX_sess_set_new_cb(context, &Parts::Keep);
    parts_->sessions.resize(addresses);
  }
  parts_->places.resize(places);
}

BareTls::~BareTls() {
  for (const Parts::Place& place : parts_->places) SSL_free(place.ssl);
  for (SSL_SESSION* const session : parts_->sessions) SSL_SESSION_free(session);
  SSL_CTX_free(parts_->context);
}

void BareTls::Begin(uint32_t index, int fd, uint32_t address) {
  Parts::Place& place = parts_->places[index];
  if (place.ssl == nullptr) place.ssl = SSL_new(parts_->context);
  SSL_set_shutdown(place.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // else SSL_clear() makes the session not resumable
  SSL_clear(place.ssl);
  place.address = address;
  place.asked = false;
  SSL_set_app_data(place.ssl, &place);
  SSL_set_session(place.ssl, parts_->sessions.empty() ? nullptr : parts_->sessions[address]);
  SSL_set_fd(place.ssl, fd);
  SSL_set_connect_state(place.ssl);
}

BareTls::Step BareTls::Go(uint32_t index) {
  Parts::Place& place = parts_->places[index];
  ERR_clear_error();
  if (!place.asked) {
    const int done = SSL_do_handshake(place.ssl);
    if (done != 1) return parts_->Wait(place.ssl, done);
    if (SSL_session_reused(place.ssl) == 1) ++parts_->resumed;
    const int n = SSL_write(place.ssl, kRequest.data(), static_cast<int>(kRequest.size()));
    if (n <= 0) return parts_->Wait(place.ssl, n);
    place.asked = true;
  }
  std::array<char, 4096> bytes;
  for (;;) {
    const int n = SSL_read(place.ssl, bytes.data(), static_cast<int>(bytes.size()));
    if (n > 0) continue;
    return SSL_get_error(place.ssl, n) == SSL_ERROR_ZERO_RETURN ? Step::kDone : parts_->Wait(place.ssl, n);
  }
}

uint64_t BareTls::resumed() const { return parts_->resumed; }

}  // namespace bench
