// The TLS of the probe engine against OpenSSL's servers and against nobody's. Built and run by tls.test.ts with AddressSanitizer and
// UndefinedBehaviorSanitizer.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <vector>

#include "../../native-bindings/probe/tls.h"
#include "../../native-bindings/probe/tls_certificates.h"
#include "../../native-bindings/probe/tls_library.h"
#include "../../native-bindings/probe/tls_transport.h"
#include "check.h"
#include "tls_client.h"
#include "tls_server.h"

extern "C" size_t __sanitizer_get_current_allocated_bytes();  // g++ has it without its header

namespace {

using probe::TlsContext;
using probe::TlsMemory;
using probe::TlsSession;
using probe::TlsSettings;
using probe::TlsStep;
using tls_test::Ask;
using tls_test::kAnswer;
using tls_test::Saw;
using tls_test::Server;
using tls_test::Went;

using ServerSettings = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
ServerSettings NewServer(const std::string& type = "EC") { return {tls_test::ServerContext(type), SSL_CTX_free}; }

std::shared_ptr<TlsContext> NewContext(const TlsSettings& settings = {}) {
  auto made = TlsContext::Create(settings);
  if (const auto* error = std::get_if<probe::TlsError>(&made); error != nullptr) {
    std::fprintf(stderr, "%s\n", error->message.c_str());
    std::exit(1);
  }
  return std::get<0>(made);
}

void Put(int fd, const std::string& bytes) { (void)!::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

// A server that closes its side, and reads what comes: closed with octets unread, a socket resets the other.
std::function<void(int fd)> SayAndEnd(const std::string& said) {
  return [said](int fd) {
    Put(fd, said);
    ::shutdown(fd, SHUT_WR);
    for (char rest[512]; ::recv(fd, rest, sizeof rest, 0) > 0;) {
    }
  };
}

bool IsAnswered(const Went& went) {
  return went.handshake == TlsStep::kDone && went.read == TlsStep::kClosed && went.answer == kAnswer && went.error.empty();
}

void EveryVersionAndKeyIsSpoken() {
  const auto context = NewContext();
  TlsSession session;
  for (const char* type : {"EC", "RSA", "ED25519"}) {
    for (const int version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
      if (version < TLS1_2_VERSION && std::string(type) == "ED25519") continue;  // RFC 8422 §5.10
      const auto settings = NewServer(type);
      SSL_CTX_set_min_proto_version(settings.get(), version);
      SSL_CTX_set_max_proto_version(settings.get(), version);
      Server server(settings.get());
      const bool answered = IsAnswered(Ask(session, *context, server.fd()));
      if (!answered) std::fprintf(stderr, "%s %x\n", type, static_cast<unsigned>(version));
      CHECK(answered);
      CHECK(server.Finish().request == "GET / HTTP/1.0\r\n\r\n");
    }
  }
}

// What the trimmed library context has left must be enough for each suite and group that OpenSSL offers by default.
// Who shows somebody else's certificate, known from before, and signs with a key of his own.
void AKnownCertificateWithAnotherKeyFails() {
  const auto honest = NewServer();
  const EC_KEY* known = EVP_PKEY_get0_EC_KEY(tls_test::IdentityOf("EC").key);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> other(EVP_EC_gen("P-256"), EVP_PKEY_free);
  EC_KEY* forged = EC_KEY_dup(EVP_PKEY_get0_EC_KEY(other.get()));
  EC_KEY_set_public_key(forged, EC_KEY_get0_public_key(known));  // so that OpenSSL lets it stand beside the certificate
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_PKEY_new(), EVP_PKEY_free);
  EVP_PKEY_assign_EC_KEY(key.get(), forged);
  const auto liar = NewServer();
  CHECK(SSL_CTX_use_PrivateKey(liar.get(), key.get()) == 1);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (SSL_CTX* settings : {honest.get(), liar.get()}) {
      SSL_CTX_set_min_proto_version(settings, version);
      SSL_CTX_set_max_proto_version(settings, version);
    }
    const auto context = NewContext();
    TlsSession session;
    for (int round = 0; round < 3; round++) {
      Server good(honest.get());
      CHECK(IsAnswered(Ask(session, *context, good.fd())));
      Server bad(liar.get());
      const Went went = Ask(session, *context, bad.fd());
      CHECK(went.handshake == TlsStep::kError && went.error == "bad signature");
    }
  }
}

// More servers than certificates are remembered, each of them twice.
void ManyCertificatesAreReadAgain() {
  OSSL_LIB_CTX* const library = OSSL_LIB_CTX_new();
  {
    probe::TlsCertificates certificates(library);
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> handshakes(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    certificates.Serve(handshakes.get());
    X509* shown = X509_dup(tls_test::IdentityOf("EC").certificate);
    size_t before = 0;
    for (long serial = 0; serial < 4000; serial++) {
      ASN1_INTEGER_set(X509_get_serialNumber(shown), serial % 2000);
      X509_sign(shown, tls_test::IdentityOf("EC").key, EVP_sha256());
      X509* const read = certificates.Find(shown);
      CHECK(read != nullptr && X509_get0_pubkey(read) != nullptr);
      CHECK(read != nullptr && ASN1_INTEGER_get(X509_get0_serialNumber(read)) == serial % 2000);
      CHECK(certificates.Find(shown) == read);
      if (serial == 1500) before = __sanitizer_get_current_allocated_bytes();
    }
    CHECK(__sanitizer_get_current_allocated_bytes() < before + before / 8);
    X509_free(shown);
  }
  OSSL_LIB_CTX_free(library);
}

// Certificates of 90 KB, as large as a peer may send them: what is kept is bounded by octets too.
void LargeCertificatesTakeBoundedMemory() {
  OSSL_LIB_CTX* const library = OSSL_LIB_CTX_new();
  {
    probe::TlsCertificates certificates(library);
    X509* shown = X509_dup(tls_test::IdentityOf("EC").certificate);
    ASN1_OCTET_STRING* const ballast = ASN1_OCTET_STRING_new();
    const std::vector<unsigned char> octets(90'000, 0x5a);
    ASN1_OCTET_STRING_set(ballast, octets.data(), static_cast<int>(octets.size()));
    ASN1_OBJECT* const name = OBJ_txt2obj("1.2.3.4.5", 1);
    X509_EXTENSION* const extension = X509_EXTENSION_create_by_OBJ(nullptr, name, 0, ballast);
    X509_add_ext(shown, extension, -1);
    const size_t before = __sanitizer_get_current_allocated_bytes();
    for (long serial = 0; serial < 200; serial++) {
      ASN1_INTEGER_set(X509_get_serialNumber(shown), serial);
      X509_sign(shown, tls_test::IdentityOf("EC").key, EVP_sha256());
      X509* const read = certificates.Find(shown);
      CHECK(read != nullptr && certificates.Find(shown) == read);
    }
    CHECK(__sanitizer_get_current_allocated_bytes() < before + (size_t{16} << 20));
    X509_EXTENSION_free(extension);
    ASN1_OBJECT_free(name);
    ASN1_OCTET_STRING_free(ballast);
    X509_free(shown);
  }
  OSSL_LIB_CTX_free(library);
}

void EveryDefaultSuiteAndGroupIsSpoken() {
  const auto context = NewContext();
  const ServerSettings defaults(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_cipher_list(defaults.get(), "DEFAULT:@SECLEVEL=0");
  TlsSession session;
  const STACK_OF(SSL_CIPHER)* suites = SSL_CTX_get_ciphers(defaults.get());
  int spoken = 0;
  for (int i = 0; i < sk_SSL_CIPHER_num(suites); i++) {
    const SSL_CIPHER* suite = sk_SSL_CIPHER_value(suites, i);
    const int key = SSL_CIPHER_get_auth_nid(suite), exchange = SSL_CIPHER_get_kx_nid(suite);
    if (key == NID_auth_psk || exchange == NID_kx_rsa_psk || exchange == NID_kx_srp) continue;  // not ours to offer
    const auto settings = NewServer(key == NID_auth_ecdsa ? "EC" : "RSA");
    const bool newest = std::string(SSL_CIPHER_get_version(suite)) == "TLSv1.3";
    if (newest) SSL_CTX_set_ciphersuites(settings.get(), SSL_CIPHER_get_name(suite));
    if (!newest) SSL_CTX_set_max_proto_version(settings.get(), TLS1_2_VERSION);
    if (!newest) SSL_CTX_set_cipher_list(settings.get(), (std::string(SSL_CIPHER_get_name(suite)) + ":@SECLEVEL=0").c_str());
    Server server(settings.get());
    const bool answered = IsAnswered(Ask(session, *context, server.fd()));
    if (!answered) std::fprintf(stderr, "%s\n", SSL_CIPHER_get_name(suite));
    CHECK(answered);
    spoken++;
  }
  CHECK(spoken >= 20);
  for (const char* group : {"X25519", "P-256", "P-384", "P-521"}) {  // all but the first after a HelloRetryRequest
    const auto settings = NewServer();
    SSL_CTX_set1_groups_list(settings.get(), group);
    Server server(settings.get());
    CHECK(IsAnswered(Ask(session, *context, server.fd())));
  }
}

void TheServerSeesTheName() {
  const auto context = NewContext();
  const auto settings = NewServer();
  TlsSession session;
  for (const std::string name : {"", "www.example.org"}) {
    Server server(settings.get());
    CHECK(IsAnswered(Ask(session, *context, server.fd(), {.server_name = name})));
    CHECK(server.Finish().server_name == name);
  }
}

// As the server tells it.
void SessionsAreResumed() {
  const auto with = NewContext({.resumption = true}), without = NewContext(), other = NewContext({.resumption = true});
  TlsSession session;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto settings = NewServer();
    SSL_CTX_set_max_proto_version(settings.get(), version);
    const auto resumed = [&](TlsContext& context, TlsMemory& memory) {
      Server server(settings.get());
      CHECK(IsAnswered(Ask(session, context, server.fd(), {.server_name = "a", .memory = &memory})));
      return server.Finish().reused;
    };
    TlsMemory memory, none;
    CHECK(!resumed(*with, memory));
    for (int i = 0; i < 3; i++) CHECK(resumed(*with, memory));
    CHECK(!resumed(*other, memory));  // a session of other settings is not offered, and replaced
    TlsMemory moved(std::move(memory));
    CHECK(resumed(*other, moved));
    CHECK(!resumed(*other, memory));
    for (int i = 0; i < 2; i++) CHECK(!resumed(*without, none));
  }
}

void ASessionThatFailsIsForgotten() {
  const auto context = NewContext({.resumption = true});
  const auto settings = NewServer();
  TlsSession session;
  TlsMemory memory;
  Server first(settings.get());
  CHECK(IsAnswered(Ask(session, *context, first.fd(), {.memory = &memory})));
  first.Finish();
  Server broken(SayAndEnd(""));
  CHECK(Ask(session, *context, broken.fd(), {.memory = &memory}).handshake == TlsStep::kClosed);
  Server third(settings.get());
  CHECK(IsAnswered(Ask(session, *context, third.fd(), {.memory = &memory})));
  CHECK(!third.Finish().reused);
}

void MemoryOfSessionsDoesNotGrow() {
  const auto context = NewContext({.resumption = true});
  const auto settings = NewServer();
  SSL_CTX_set_num_tickets(settings.get(), 20);
  TlsSession session;
  TlsMemory memory;
  size_t before = 0;
  for (int i = 0; i < 60; i++) {
    Server server(settings.get());
    CHECK(IsAnswered(Ask(session, *context, server.fd(), {.memory = &memory})));
    CHECK(server.Finish().reused == (i > 0));
    if (i == 20) before = __sanitizer_get_current_allocated_bytes();
  }
  CHECK(__sanitizer_get_current_allocated_bytes() < before + 20'000);  // one session is about 5,000
}

void CloseNotifyIsSentOnRequest() {
  const auto context = NewContext();
  const auto settings = NewServer();
  TlsSession session;
  for (const bool compliant : {false, true}) {
    Server server(settings.get());
    CHECK(IsAnswered(Ask(session, *context, server.fd(), {.compliant = compliant})));
    CHECK(server.Finish().close_notify == compliant);
  }
  // Before the answer is read to its end: what is left is read past.
  Server server(settings.get());
  CHECK(Ask(session, *context, server.fd(), {.compliant = true, .at_most = 1}).read == TlsStep::kDone);
  CHECK(server.Finish().close_notify);
}

std::string WriteFile(const std::string& name, const std::function<void(BIO*)>& write) {
  const std::string path = std::string(std::getenv("TLS_TEST_DIR")) + "/" + name;
  BIO* file = BIO_new_file(path.c_str(), "w");
  write(file);
  BIO_free(file);
  return path;
}

void FilesOfTheBlockAreUsed() {
  const tls_test::Identity client = tls_test::MakeIdentity("EC", "prober");
  const std::string certificate = WriteFile("cert.pem", [&](BIO* file) { PEM_write_bio_X509(file, client.certificate); });
  const std::string key = WriteFile("key.pem", [&](BIO* file) {
    PEM_write_bio_PrivateKey(file, client.key, EVP_aes_128_cbc(), reinterpret_cast<const unsigned char*>("pass"), 4, nullptr, nullptr);
  });
  EVP_PKEY_free(client.key);
  X509_free(client.certificate);
  const auto settings = NewServer();
  SSL_CTX_set_verify(settings.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  const auto context = NewContext({.ca_file = certificate, .certificate_file = certificate, .key_file = key, .password = "pass"});
  TlsSession session;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_CTX_set_max_proto_version(settings.get(), version);
    Server server(settings.get());
    CHECK(IsAnswered(Ask(session, *context, server.fd())));
    CHECK(server.Finish().client == "prober");
  }
  const auto message = [](const TlsSettings& wrong) {
    const auto made = TlsContext::Create(wrong);
    return made.index() == 0 ? "" : std::get<1>(made).message;
  };
  CHECK(message({.ca_file = "/nowhere/ca.pem"}).starts_with("ca /nowhere/ca.pem: "));
  CHECK(message({.certificate_file = "/nowhere/c.pem"}).starts_with("certificate /nowhere/c.pem: "));
  // Neither asks at a terminal, nor repeats the password.
  CHECK(message({.certificate_file = certificate, .key_file = key}).starts_with("key " + key));
  const std::string wrong = message({.certificate_file = certificate, .key_file = key, .password = "secret"});
  CHECK(wrong.starts_with("key " + key) && wrong.find("secret") == std::string::npos);
  ::unlink(certificate.c_str());
  ::unlink(key.c_str());
}

// Our key schedule and OpenSSL's say the same.
void TheKeyScheduleIsOpenSsls() {
  const auto library = probe::TlsLibrary::Create();
  CHECK(library != nullptr);
  const auto derive = [](OSSL_LIB_CTX* in, std::vector<OSSL_PARAM> parameters, size_t length) {
    EVP_KDF* kdf = EVP_KDF_fetch(in, "TLS13-KDF", nullptr);
    EVP_KDF_CTX* context = EVP_KDF_CTX_new(kdf);
    std::vector<unsigned char> out(length);
    const int done = EVP_KDF_derive(context, out.data(), out.size(), parameters.data());
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    if (done != 1) out.clear();
    return out;
  };
  std::array<unsigned char, 256> random;
  for (unsigned i = 0; i < 600; i++) {
    RAND_bytes(random.data(), static_cast<int>(random.size()));
    const bool longer = random[0] % 2 == 0, extract = random[1] % 2 == 0;
    const size_t size = longer ? 48 : 32;
    int mode = extract ? EVP_KDF_HKDF_MODE_EXTRACT_ONLY : EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    std::string digest = longer ? "SHA2-384" : "SHA2-256", prefix = "tls13 ", label = extract ? "derived" : "c hs traffic";
    std::vector<OSSL_PARAM> with = {OSSL_PARAM_construct_int("mode", &mode), OSSL_PARAM_construct_utf8_string("digest", digest.data(), 0),
                                    OSSL_PARAM_construct_octet_string("prefix", prefix.data(), prefix.size()),
                                    OSSL_PARAM_construct_octet_string("label", label.data(), label.size())};
    if (!extract || random[2] % 2 == 0) with.push_back(OSSL_PARAM_construct_octet_string("key", &random[8], size));
    if (extract && random[3] % 2 == 0) with.push_back(OSSL_PARAM_construct_octet_string("salt", &random[64], size));
    if (!extract && random[4] % 4 != 0) with.push_back(OSSL_PARAM_construct_octet_string("data", &random[128], size));
    with.push_back(OSSL_PARAM_construct_end());
    const size_t length = extract ? size : random[5] % 110 + 1U;
    const auto ours = derive(library->trimmed(), with, length);
    CHECK(ours.size() == length && ours == derive(nullptr, with, length));
  }
}

// ---- Servers that mean harm, or are none.

Went AskRaw(const std::function<void(int fd)>& talk) {
  static const auto context = NewContext();
  TlsSession session;
  Server server(talk);
  return Ask(session, *context, server.fd());
}


// Sends `bytes` until the client has gone.
std::function<void(int)> Endless(const std::string& bytes, const std::string& first = "") {
  return [=](int fd) {
    Put(fd, first);
    while (::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {
    }
  };
}

std::string Record(char type, const std::string& body) {
  return std::string{type, 3, 3, static_cast<char>(body.size() >> 8), static_cast<char>(body.size())} + body;
}

void WhatIsNoTlsFails() {
  const Went http = AskRaw([](int fd) {
    char hello[4096];  // whoever closes without having read it may be gone before it is sent
    CHECK(::recv(fd, hello, sizeof(hello), 0) > 0);
    Put(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  CHECK(http.handshake == TlsStep::kError && http.error == "wrong version number");
  CHECK(AskRaw([](int fd) { Put(fd, std::string(5000, '\xa5')); }).handshake == TlsStep::kError);
  for (const std::string said : {"", "\x16", "\x16\x03\x03\x40"}) CHECK(AskRaw(SayAndEnd(said)).handshake == TlsStep::kClosed);
  const Went reset = AskRaw([](int fd) {  // closed with the hello unread
    pollfd wait{fd, POLLIN, 0};
    ::poll(&wait, 1, 5000);
  });
  CHECK(reset.handshake == TlsStep::kError && reset.error == "Connection reset by peer");
}

void EndlessRecordsEnd() {
  for (const std::string& flood : {
           Record(22, ""),                                          // empty
           Record(21, std::string("\x01\x5a", 2)),                  // warnings
           Record(20, "\x01"),                                      // change_cipher_spec
           Record(22, std::string("\x00\x00\x00\x00", 4)),          // HelloRequest
           Record(22, std::string("\x0b\xff\xff\xff", 4)),          // a certificate of 16 MiB
           Record(23, std::string(16'000, 'x')),                    // data before its time
       }) {
    CHECK(AskRaw(Endless(flood)).handshake == TlsStep::kError);
  }
}

// A flood of messages inside the encrypted connection: each step is short, and after a few the connection ends.
void EndlessMessagesEnd() {
  const auto context = NewContext();
  for (const bool answers : {false, true}) {
    const auto settings = NewServer();
    Server server(settings.get(), [answers](SSL* ssl, Saw&) {
      while (SSL_key_update(ssl, answers ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED) == 1 && SSL_do_handshake(ssl) == 1) {
      }
    });
    TlsSession session;
    const Went went = Ask(session, *context, server.fd());
    CHECK(went.handshake == TlsStep::kDone && went.read == TlsStep::kError && went.error == "unexpected message");
  }
  const auto settings = NewServer();
  SSL_CTX_set_num_tickets(settings.get(), 5000);
  Server server(settings.get());
  TlsSession session;
  const Went went = Ask(session, *context, server.fd());
  CHECK(went.read == TlsStep::kError && went.error == "unexpected message");
}

void RenegotiationIsRefusedAndTheAnswerHeard() {
  const auto context = NewContext();
  const auto settings = NewServer();
  SSL_CTX_set_max_proto_version(settings.get(), TLS1_2_VERSION);
  Server server(settings.get(), [](SSL* ssl, Saw& saw) {
    SSL_renegotiate(ssl);
    SSL_do_handshake(ssl);  // sends HelloRequest and goes on
    tls_test::Answer(ssl, saw);
  });
  TlsSession session;
  const Went went = Ask(session, *context, server.fd());
  CHECK(went.handshake == TlsStep::kDone && went.answer == kAnswer);
}

void EndlessDataIsHandedOverInPieces() {
  const auto context = NewContext();
  const auto settings = NewServer();
  Server server(settings.get(), [](SSL* ssl, Saw&) {
    const std::string much(16'384, 'x');
    while (SSL_write(ssl, much.data(), static_cast<int>(much.size())) > 0) {
    }
  });
  TlsSession session;
  const Went went = Ask(session, *context, server.fd(), {.at_most = 3'000'000});
  CHECK(went.read == TlsStep::kDone && went.answer.size() >= 3'000'000 && went.answer.size() < 3'005'000);
}

void ABytePerSegmentIsEnough() {
  const auto context = NewContext();
  const auto settings = NewServer();
  auto [near, far] = tls_test::SocketPair();
  Server server(settings.get());
  // Between the two, one who hands on single octets of what the server says.
  std::thread relay([&, fd = far.get(), other = server.fd()] {
    std::array<pollfd, 2> both{pollfd{fd, POLLIN, 0}, pollfd{other, POLLIN, 0}};
    char bytes[4096];
    for (;;) {
      ::poll(both.data(), 2, 5000);
      if (both[0].revents != 0) {
        const ssize_t n = ::recv(fd, bytes, sizeof bytes, 0);
        if (n <= 0) return;
        Put(other, std::string(bytes, static_cast<size_t>(n)));
      }
      if ((both[1].revents & POLLIN) != 0 && ::recv(other, bytes, 1, 0) == 1) Put(fd, std::string(bytes, 1));
    }
  });
  TlsSession session;
  CHECK(IsAnswered(Ask(session, *context, near.get())));
  near.Reset();
  relay.join();
}

void ALongRequestWaitsForItsReader() {
  const auto context = NewContext();
  const auto settings = NewServer();
  Server server(settings.get(), [](SSL* ssl, Saw& saw) {
    ::usleep(100'000);  // the socket's buffer is full by then
    std::array<char, 16'384> bytes;
    while (saw.request.size() < 1'000'000) {
      const int n = SSL_read(ssl, bytes.data(), static_cast<int>(bytes.size()));
      if (n <= 0) return;
      saw.request.append(bytes.data(), static_cast<size_t>(n));
    }
    SSL_write(ssl, kAnswer, sizeof kAnswer - 1);
    SSL_shutdown(ssl);
  });
  TlsSession session;
  CHECK(IsAnswered(Ask(session, *context, server.fd(), {.request = std::string(1'000'000, 'q')})));
  CHECK(server.Finish().request == std::string(1'000'000, 'q'));
}

void AStepReadsABoundedAmount() {
  auto [near, far] = tls_test::SocketPair();
  ::fcntl(near.get(), F_SETFL, O_NONBLOCK);
  std::thread writer([fd = far.get()] { Put(fd, std::string(200'000, 'x')); });
  probe::TlsTransport transport;
  transport.Open(near.get());
  size_t all = 0;
  while (all < 200'000) {
    pollfd wait{near.get(), POLLIN, 0};
    ::poll(&wait, 1, 5000);
    transport.Renew();
    size_t step = 0;
    std::array<char, 10'000> bytes;
    for (int n; (n = BIO_read(transport.bio(), bytes.data(), static_cast<int>(bytes.size()))) > 0;) step += static_cast<size_t>(n);
    CHECK(BIO_should_retry(transport.bio()));
    CHECK(step <= 65'536);
    all += step;
    if (step == 0) break;
  }
  CHECK(all == 200'000);
  writer.join();
}

}  // namespace

int main() {
  ::signal(SIGPIPE, SIG_IGN);
  EveryVersionAndKeyIsSpoken();
  AKnownCertificateWithAnotherKeyFails();
  ManyCertificatesAreReadAgain();
  LargeCertificatesTakeBoundedMemory();
  EveryDefaultSuiteAndGroupIsSpoken();
  TheServerSeesTheName();
  SessionsAreResumed();
  ASessionThatFailsIsForgotten();
  MemoryOfSessionsDoesNotGrow();
  CloseNotifyIsSentOnRequest();
  FilesOfTheBlockAreUsed();
  TheKeyScheduleIsOpenSsls();
  WhatIsNoTlsFails();
  EndlessRecordsEnd();
  EndlessMessagesEnd();
  RenegotiationIsRefusedAndTheAnswerHeard();
  EndlessDataIsHandedOverInPieces();
  ABytePerSegmentIsEnough();
  ALongRequestWaitsForItsReader();
  AStepReadsABoundedAmount();
  CHECK(ERR_peek_error() == 0);
  return Report();
}
