#pragma once
#include <fcntl.h>
#include <poll.h>

#include <chrono>
#include <cstring>
#include <string>

#include "../../native-bindings/probe/tls.h"

// A probe's way through a connection, as the engine goes it.
namespace tls_test {

inline std::span<const std::byte> BytesOf(const std::string& text) { return std::as_bytes(std::span(text)); }

// Repeats a step until it neither waits for the socket, nor for more than ten seconds.
template <typename Step>
probe::TlsStep Drive(int fd, Step&& step) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (;;) {
    const probe::TlsStep now = step();
    if (now != probe::TlsStep::kWantRead && now != probe::TlsStep::kWantWrite) return now;
    if (std::chrono::steady_clock::now() > until) return now;
    pollfd wait{fd, static_cast<short>(now == probe::TlsStep::kWantRead ? POLLIN : POLLOUT), 0};
    ::poll(&wait, 1, 1000);
  }
}

struct Went {
  probe::TlsStep handshake, read;  // read: how the answer ended
  std::string answer;
  std::string error;  // OpenSSL's words, or errno's
};

inline std::string ErrorOf(const probe::TlsSession& session) {
  if (session.system_error() != 0) return std::strerror(session.system_error());
  return session.error() == 0 ? "" : probe::TlsErrorText(session.error());
}

struct Asks {
  std::string server_name = {};
  probe::TlsMemory* memory = nullptr;
  bool compliant = false;
  std::string request = "GET / HTTP/1.0\r\n\r\n";
  size_t at_most = 1 << 20;  // octets of the answer
};

inline Went Ask(probe::TlsSession& session, probe::TlsContext& context, int fd, const Asks& asks = {}) {
  using probe::TlsStep;
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  Went went{TlsStep::kError, TlsStep::kError, "", ""};
  if (!session.Begin(context, fd, asks.server_name, asks.memory)) return went;
  went.handshake = Drive(fd, [&] { return session.Handshake(); });
  if (went.handshake == TlsStep::kDone && Drive(fd, [&] { return session.Write(BytesOf(asks.request)); }) == TlsStep::kDone) {
    do {
      std::byte bytes[4096];
      size_t length = 0;
      went.read = Drive(fd, [&] { return session.Read(bytes, length); });
      if (went.read == TlsStep::kDone) went.answer.append(reinterpret_cast<const char*>(bytes), length);
    } while (went.read == TlsStep::kDone && went.answer.size() < asks.at_most);
  }
  went.error = ErrorOf(session);
  if (asks.compliant) Drive(fd, [&] { return session.Shutdown(); });
  session.End();
  return went;
}

}  // namespace tls_test
