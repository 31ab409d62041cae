// UDP_CHECK, DNS_CHECK and SMTP_CHECK in the engine against hostile servers on loopback, as plain C++ with sanitizers: built and run by
// probe-core.test.ts.
#include <atomic>
#include <cerrno>
#include <functional>

#include "../../native-bindings/probe/exchange.h"
#include "../../native-bindings/probe/smtp_dialogue.h"
#include "probe_stand.h"

namespace {

using namespace stand;
using Next = SmtpDialogue::Next;
using Stage = SmtpDialogue::Stage;

std::span<const std::byte> Octets(std::string_view text) { return std::as_bytes(std::span(text)); }

// The code that a dialogue ends with, after what the server says in turn; -1: it goes on.
int CodeAfter(std::initializer_list<std::string_view> said) {
  SmtpDialogue dialogue;
  for (const std::string_view text : said) {
    if (dialogue.Feed(Octets(text)) != Next::kEnd) continue;
    return dialogue.verdict().outcome == Outcome::kUp ? 0 : dialogue.verdict().status;
  }
  return -1;
}

void DialogueRules() {
  CHECK(CodeAfter({"220 a\r\n", "250 b\r\n", "221 c\r\n"}) == 0);
  CHECK(CodeAfter({"220\n", "250\n", "?\n"}) == 0);  // any answer to QUIT, as with keepalived 2.2.7
  CHECK(CodeAfter({"220-a\r\n220 b\r\n", "250-b\r\n250 c\r\n", "221 c\r\n"}) == 0);
  CHECK(CodeAfter({"421 a\r\n"}) == 421);
  CHECK(CodeAfter({"220 a\r\n", "502 b\r\n"}) == 502);
  // What is said before it was asked for answers nothing: as with keepalived 2.2.7 the answer is still to come.
  CHECK(CodeAfter({"220 a\r\n250 b\r\n221 c\r\n"}) == -1);
  CHECK(CodeAfter({"220 a\r\n250 b\r\n221 c\r\n", "250 b\r\n221 c\r\n", "221 c\r\n"}) == 0);
  for (const std::string_view bad : {"", "2", "22", "2x0 ", "220a", " 220 ", "-220 ", "\xff\xff\xff "}) {
    SmtpDialogue dialogue;
    dialogue.Feed(Octets(bad));
    CHECK(dialogue.Feed(Octets("\r\n")) == Next::kEnd && dialogue.verdict().reason == Reason::kReplyCode);
  }
}

// RFC 5321 §4.5.3.1.5: 512 octets with CRLF.
void DialogueBounds() {
  for (const size_t octets : {512, 513}) {
    const std::string line = "220 " + std::string(octets - 6, 'x') + "\r\n";
    SmtpDialogue dialogue;
    const Next next = dialogue.Feed(Octets(line));
    CHECK(octets == 512 ? next == Next::kSpeak : next == Next::kEnd && dialogue.verdict().reason == Reason::kLongHeader);
  }
  SmtpDialogue dialogue;
  uint32_t lines = 0;
  while (dialogue.Feed(Octets("220-more\r\n")) == Next::kListen) lines++;
  CHECK(lines == 99 && dialogue.verdict().reason == Reason::kLongHeader);
}

// However it is cut, a reply is what it is in one piece.
void DialoguePieces() {
  const std::string_view reply = "220-one\r\n220 two\r\n";
  for (size_t cut = 0; cut <= reply.size(); cut++) {
    SmtpDialogue dialogue;
    const Next first = dialogue.Feed(Octets(reply.substr(0, cut)));
    CHECK(first == (cut == reply.size() ? Next::kSpeak : Next::kListen));
    if (cut < reply.size()) CHECK(dialogue.Feed(Octets(reply.substr(cut))) == Next::kSpeak);
  }
}

void DatagramRules() {
  Exchange dns;
  dns.request = std::string("\0\0\1\0\0\1\0\0\0\0\0\0\0\0\6\0\1", 17);
  std::string query = Datagram(Kind::kDns, dns, 0xabcd);
  CHECK(query.substr(0, 2) == "\xab\xcd" && query.substr(2) == dns.request.substr(2));
  const auto judged = [&](std::string_view datagram) { return JudgeReply(Kind::kDns, dns, 0xabcd, Octets(datagram)); };
  CHECK(!judged(query));  // not an answer
  std::string answer = query;
  answer[2] = static_cast<char>(0x81);
  CHECK(judged(answer)->outcome == Outcome::kUp && judged(answer.substr(0, 12))->outcome == Outcome::kUp);
  for (size_t length = 0; length < 12; length++) CHECK(!judged(answer.substr(0, length)));
  for (uint8_t rcode = 1; rcode < 16; rcode++) {
    answer[3] = static_cast<char>(0xf0 | rcode);
    const auto verdict = judged(answer);
    CHECK(verdict->reason == Reason::kReplyCode && verdict->detail == rcode && verdict->status == rcode);
  }
  for (uint32_t id = 0; id <= 0xffff; id++) {
    answer[0] = static_cast<char>(id >> 8);
    answer[1] = static_cast<char>(id & 0xff);
    CHECK(judged(answer).has_value() == (id == 0xabcd));
  }
}

// Answers datagrams; `answer` may send as many as it likes.
struct DatagramServer {
  using Reply = std::function<void(std::string_view)>;
  using Answer = std::function<void(std::string_view, const Reply&)>;
  explicit DatagramServer(Answer serve) : fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), answer(std::move(serve)) {
    sockaddr_in address = Loopback(0);
    CHECK(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    socklen_t length = sizeof address;
    CHECK(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port = ntohs(address.sin_port);
    const timeval patience{.tv_sec = 0, .tv_usec = 20'000};
    CHECK(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    thread = std::thread([this] { Run(); });
  }
  ~DatagramServer() {
    stop = true;
    thread.join();
  }
  void Run() {
    std::array<char, 1024> buffer;
    while (!stop) {
      sockaddr_in from{};
      socklen_t length = sizeof from;
      const ssize_t count = ::recvfrom(fd.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
      if (count < 0) continue;
      answer({buffer.data(), static_cast<size_t>(count)}, [&](std::string_view text) {
        ::sendto(fd.get(), text.data(), text.size(), MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&from), length);
      });
    }
  }
  UniqueFd fd;
  uint16_t port = 0;
  Answer answer;
  std::atomic<bool> stop = false;
  std::thread thread;
};

Spec Asking(Kind kind, uint16_t port) {
  Spec spec = SpecOf(kind, port);
  Exchange exchange;
  exchange.request = kind == Kind::kDns ? std::string("\0\0\1\0\0\1\0\0\0\0\0\0\0\0\6\0\1", 17) : "hello";
  exchange.require_reply = true;
  spec.exchange = std::make_shared<const Exchange>(exchange);
  if (kind == Kind::kSmtp) spec.close_with = CloseWith::kFin;
  return spec;
}

// One attempt.
Result Attempted(const Spec& spec) {
  Bench bench;
  bench.engine->Arm(bench.engine->Add(spec), 1, 0, 0, Quiet::kNothing);
  bench.UntilResults(1);
  const Result result = bench.results[0];
  CHECK(bench.engine->counters().in_flight == 0);
  return result;
}

// Nothing but the time-out ends it, and soon.
void TimesOut(const Spec& spec) {
  constexpr uint32_t kMostUs = 2'000'000;  // generous, since machines are slow
  const Result result = Attempted(Impatient(spec));
  CHECK(OutcomeOf(result) == Outcome::kTimeout);
  CHECK(result.total_us >= kShortMs * 1000 && result.total_us <= kMostUs);
}

// Forged answers without end: the real one is found among them; without one the attempt ends in time, and others run meanwhile.
void DatagramFlood() {
  const auto forged = [](std::string_view query) {
    std::string answer(query);
    answer[0] = static_cast<char>(answer[0] ^ 1);
    answer[2] = static_cast<char>(0x81);
    return answer;
  };
  DatagramServer honest([&](std::string_view query, const DatagramServer::Reply& reply) {
    const std::string answer = forged(query);
    for (int i = 0; i < 100; i++) reply(answer);
    std::string real(query);
    real[2] = static_cast<char>(0x81);
    reply(real);
  });
  CHECK(OutcomeOf(Attempted(Asking(Kind::kDns, honest.port))) == Outcome::kUp);

  std::atomic<bool> stop = false;
  DatagramServer flood([&](std::string_view query, const DatagramServer::Reply& reply) {
    const std::string answer = forged(query);
    while (!stop) reply(answer);
  });
  Listener up(4096);
  Bench bench;
  Engine& engine = *bench.engine;
  Spec flooded = Asking(Kind::kDns, flood.port);
  flooded.timeout_ms = 3000;
  engine.Arm(engine.Add(flooded), 1, 0, 0, Quiet::kNothing);
  engine.Arm(engine.Add(SpecOf(Kind::kTcp, up.port)), 2, 0, 0, Quiet::kPass);
  bench.Until([&] { return engine.counters().passed >= 5; });
  CHECK(bench.results.empty());
  bench.UntilResults(1);
  stop = true;
  CHECK(bench.results[0].arming == 1 && OutcomeOf(bench.results[0]) == Outcome::kTimeout);
  CHECK(bench.results[0].total_us < flooded.timeout_ms * 1000 + 1'700'000);
}

void DatagramErrors() {
  CHECK(OutcomeOf(Attempted(Asking(Kind::kUdp, RefusingPort()))) == Outcome::kRefused);
  Spec spec = Asking(Kind::kUdp, RefusingPort());
  Exchange large = *spec.exchange;
  large.request.assign(65'536, 'x');  // more than a datagram holds
  spec.exchange = std::make_shared<const Exchange>(large);
  const Result result = Attempted(spec);
  CHECK(OutcomeOf(result) == Outcome::kUnreachable && result.detail == EMSGSIZE);
  DatagramServer silent([](std::string_view, const DatagramServer::Reply&) {});
  TimesOut(Asking(Kind::kUdp, silent.port));
  DatagramServer empty([](std::string_view, const DatagramServer::Reply& reply) { reply(""); });
  CHECK(OutcomeOf(Attempted(Asking(Kind::kUdp, empty.port))) == Outcome::kUp);
  TimesOut(Asking(Kind::kDns, empty.port));
}

void Reset(int fd) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

// Waits for a line, or for the end.
bool Hear(int fd) {
  std::array<char, 1024> buffer;
  return ::recv(fd, buffer.data(), buffer.size(), 0) > 0;
}

// Says its lines in turn, then hangs up or resets.
template <typename End>
void MailServer(std::vector<std::string_view> lines, End&& end, const std::function<void(uint16_t)>& use) {
  Server server([=](int fd) {
    for (const std::string_view line : lines) {
      Say(fd, line);
      if (!Hear(fd)) return;
    }
    end(fd);
  });
  use(server.port);
}

// At each step: a reset, and a plain end. After HELO was answered either is as good as a reply.
void MailServerLeaves() {
  const std::vector<std::string_view> lines = {"220 a\r\n", "250 b\r\n"};
  for (size_t said = 0; said <= lines.size(); said++) {
    const std::vector<std::string_view> some(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(said));
    const bool is_good = said == lines.size();
    MailServer(some, Reset, [&](uint16_t port) {
      const Result result = Attempted(Asking(Kind::kSmtp, port));
      CHECK(OutcomeOf(result) == (is_good ? Outcome::kUp : Outcome::kReset));
    });
    MailServer(some, [](int) {}, [&](uint16_t port) {
      const Result result = Attempted(Asking(Kind::kSmtp, port));
      CHECK(OutcomeOf(result) == (is_good ? Outcome::kUp : Outcome::kBadResponse));
      CHECK(is_good || ReasonOf(result) == (said == 0 ? Reason::kNoData : Reason::kClosed));
    });
  }
}

// Until the other side has had enough.
void SayForEver(int fd, std::string_view text) {
  while (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) > 0) {
  }
}

void MailServerNeverEnds() {
  const std::string line(4096, 'x');
  std::string lines;
  while (lines.size() < 4096) lines += "220-again\r\n";
  for (const std::string& text : {line, lines}) {
    Server server([text](int fd) { SayForEver(fd, text); });
    const Result result = Attempted(Asking(Kind::kSmtp, server.port));
    CHECK(OutcomeOf(result) == Outcome::kBadResponse && ReasonOf(result) == Reason::kLongHeader);
  }
}

// An octet now and then does not make the time-out longer: it is of the whole reply.
void MailServerTrickles() {
  Server server([](int fd) {
    for (int i = 0; i < 100 && ::send(fd, "2", 1, MSG_NOSIGNAL) > 0; i++) ::poll(nullptr, 0, 50);
  });
  TimesOut(Asking(Kind::kSmtp, server.port));
  for (const std::vector<std::string_view>& said : {std::vector<std::string_view>{}, {"220 a\r\n"}, {"220 a\r\n", "250 b\r\n"}}) {
    MailServer(said, [](int fd) { Hear(fd); }, [](uint16_t port) {
      TimesOut(Asking(Kind::kSmtp, port));
    });
  }
}

// All that there is to say at once, before it was asked.
void MailServerPipelines() {
  Server server([](int fd) {
    Say(fd, "220 a\r\n250 b\r\n221 c\r\n");
    Hear(fd);
    Hear(fd);
  });
  TimesOut(Asking(Kind::kSmtp, server.port));
}

// A check that is taken away in the middle leaves nothing behind, and its number serves another one.
void RemovedMeanwhile() {
  DatagramServer silent([](std::string_view, const DatagramServer::Reply&) {});
  Server mute([](int fd) { Hear(fd); });
  Bench bench;
  Engine& engine = *bench.engine;
  for (uint32_t round = 0; round < 20; round++) {
    const bool by_datagram = round % 2 == 0;
    const uint32_t one = engine.Add(by_datagram ? Asking(Kind::kDns, silent.port) : Asking(Kind::kSmtp, mute.port));
    engine.Arm(one, round, 0, 0, Quiet::kNothing);
    bench.Until([&] { return engine.counters().in_flight == 1; });
    engine.Remove(one);
    CHECK(engine.counters().in_flight == 0 && bench.results.empty());
  }
}

}  // namespace

int main() {
  const size_t before = OpenFiles();
  DialogueRules();
  DialogueBounds();
  DialoguePieces();
  DatagramRules();
  DatagramFlood();
  DatagramErrors();
  MailServerLeaves();
  MailServerNeverEnds();
  MailServerTrickles();
  MailServerPipelines();
  RemovedMeanwhile();
  CHECK(OpenFiles() == before);  // of servers and checks alike
  return Report();
}
