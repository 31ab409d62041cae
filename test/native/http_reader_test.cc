// MD5, header and reader of HTTP responses, as plain C++. Built and run by http-reader.test.ts with AddressSanitizer and
// UndefinedBehaviorSanitizer.
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "../../native-bindings/probe/body_pattern.h"
#include "../../native-bindings/probe/http_header.h"
#include "../../native-bindings/probe/http_reader.h"
#include "../../native-bindings/probe/md5.h"
#include "check.h"

namespace {

using probe::Expectation;
using probe::HttpReader;
using probe::Md5;
using probe::Outcome;
using probe::Reason;
using probe::Verdict;
using std::string_view_literals::operator""sv;

std::span<const std::byte> Bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

Md5 Md5Of(std::string_view text) {
  probe::Md5Hash hash;
  hash.Update(Bytes(text));
  return hash.Final();
}

std::string Hex(const Md5& digest) {
  std::string text;
  for (const uint8_t octet : digest) {
    text += "0123456789abcdef"[octet >> 4];
    text += "0123456789abcdef"[octet & 15];
  }
  return text;
}

bool Same(const Verdict& a, const Verdict& b) {
  return a.outcome == b.outcome && a.reason == b.reason && a.status == b.status && a.detail == b.detail && a.md5 == b.md5;
}

Expectation Ok() {
  Expectation expect;
  expect.status = {{200, 299}};
  return expect;
}

Expectation Digest(std::string_view body) {
  Expectation expect = Ok();
  expect.digest = Md5Of(body);
  return expect;
}

Expectation Pattern(std::string_view pattern, bool no_match = false) {
  Expectation expect = Ok();
  auto compiled = probe::BodyPattern::Compile({.pattern = pattern, .no_match = no_match});
  expect.pattern = std::get<0>(std::move(compiled));
  return expect;
}

struct Heard {
  Verdict verdict;
  bool before_end;  // a Feed() said that nothing can change it any more
};

// Fed in pieces of `size` octets; 0: in one.
Heard Hear(const Expectation& expect, std::string_view response, size_t size = 0) {
  HttpReader reader;
  reader.Begin(expect);
  bool judged = false;
  if (size == 0) size = response.size();
  for (size_t at = 0; at < response.size() && !judged; at += size) judged = reader.Feed(Bytes(response.substr(at, size)));
  if (!judged) reader.End();
  return {reader.verdict(), judged};
}

// RFC 1321 A.5, and all lengths around the padding against digests of the same text in other pieces.
void Md5Vectors() {
  CHECK(Hex(Md5Of("")) == "d41d8cd98f00b204e9800998ecf8427e");
  CHECK(Hex(Md5Of("a")) == "0cc175b9c0f1b6a831c399e269772661");
  CHECK(Hex(Md5Of("abc")) == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(Hex(Md5Of("message digest")) == "f96b697d7cb7938d525a2f31aaf161d0");
  CHECK(Hex(Md5Of("abcdefghijklmnopqrstuvwxyz")) == "c3fcd3d76192e4007dfb496cca67e13b");
  CHECK(Hex(Md5Of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")) ==
        "d174ab98d277d9f5a5611c2c9f419d9f");
  std::string digits;
  for (int i = 0; i < 8; i++) digits += "1234567890";
  CHECK(Hex(Md5Of(digits)) == "57edf4a22be3c955ac49da2e2107b67a");
  CHECK(Hex(Md5Of(std::string(1'000'000, 'a'))) == "7707d6ae4e027c70eea2a935c2296f21");
  for (size_t length = 0; length < 200; length++) {
    const std::string text(length, 'x');
    probe::Md5Hash hash;
    hash.Update(Bytes("left over"));
    hash.Final();
    for (size_t at = 0; at < length; at += 7) hash.Update(Bytes(std::string_view(text).substr(at, 7)));
    CHECK(hash.Final() == Md5Of(text));
  }
}

void StatusRows() {
  struct Row {
    std::string_view line;
    uint16_t want;
  };
  for (const auto& [line, want] : {
           Row{"HTTP/1.0 200 OK\r\n", 200}, Row{"HTTP/1.1 503 \r\n", 503}, Row{"x 200 y", 200}, Row{" 200 ", 200},
           Row{"HTTP/1.1 200\r\n", 0},      Row{"HTTP/1.1 2000 OK", 0},    Row{"HTTP/1.1 20 OK", 0}, Row{"", 0},
           Row{"HTTP/1.1  200 OK", 0},      Row{"HTTP/1.1\r\n 200 OK", 0}, Row{"HTTP/1.1 2", 0},     Row{"HTTP/1.1 2x0 OK", 0},
           Row{"HTTP/1.1 200\tOK", 0},      Row{"HTTP\0 200 OK"sv, 200},   Row{" 000 ", 0},          Row{" 999 ", 999},
       })
    CHECK(probe::StatusOf(line) == want);
}

void ContentLengthRows() {
  struct Row {
    std::string_view header;
    uint64_t want;
  };
  for (const auto& [header, want] : {
           Row{"x\r\nContent-Length: 42\r\n\r\n", 42},
           Row{"x\ncontent-length:7\n\n", 7},
           Row{"x\r\nCONTENT-LENGTH:\t 0\r\n\r\n", 0},
           Row{"x\r\nContent-Length: 3x\r\n\r\n", 3},
           Row{"x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 1},
           Row{"x\r\nContent-Length: x\r\nContent-Length: 2\r\n\r\n", 2},
           Row{"x\r\nContent-Length: 9999999999999999999\r\n\r\n", 999999999999999},
           Row{"x\r\nContent-Length: -1\r\n\r\n", probe::kUnknownLength},
           Row{"x\r\nContent-Length :1\r\n\r\n", probe::kUnknownLength},
           Row{"x\r\nX-Content-Length: 1\r\n\r\n", probe::kUnknownLength},
           Row{"x\r\nContent\x0dLength: 1\r\n\r\n", probe::kUnknownLength},
           Row{"x\r\nContent-Length\x1a 1\r\n\r\n", probe::kUnknownLength},
           Row{"Content-Length: 1\r\n\r\n", probe::kUnknownLength},  // the status line is no field
           Row{"x\r\nContent-Length:", probe::kUnknownLength},
           Row{"x\r\nContent-Length: ", probe::kUnknownLength},
           Row{"x\r\nContent-Length: 1", 1},
       })
    CHECK(probe::ContentLengthOf(header) == want);
}

void HeaderEnds() {
  CHECK(probe::HeaderEnd("a\r\n\r\nb", 0) == 5u);
  CHECK(probe::HeaderEnd("a\n\nb", 0) == 3u);
  CHECK(probe::HeaderEnd("a\r\n\nb", 0) == 4u);    // the two line feeds are side by side
  CHECK(!probe::HeaderEnd("a\n\r\nb", 0));         // one line ends without a carriage return, the empty one with it
  CHECK(!probe::HeaderEnd("a\r\n\r", 0) && !probe::HeaderEnd("\n", 0) && !probe::HeaderEnd("", 0));
  CHECK(probe::HeaderEnd("\n\r\n\r\n", 0) == 5u);
  CHECK(probe::HeaderEnd("\r\n\r\n", 3) == 4u);
}

void HeaderBounds() {
  const std::string start = "HTTP/1.0 200 OK\r\nX: ";
  const auto header = [&](size_t length) { return start + std::string(length - start.size() - 4, 'x') + "\r\n\r\n"; };
  for (const size_t piece : {size_t{0}, size_t{1}, size_t{1000}, size_t{4095}, size_t{4096}}) {
    CHECK(Hear(Ok(), header(4095) + "body", piece).verdict.outcome == Outcome::kUp);
    const Heard longer = Hear(Ok(), header(4096) + "body", piece);
    CHECK(longer.before_end && longer.verdict.outcome == Outcome::kBadResponse);
    CHECK(longer.verdict.reason == Reason::kLongHeader && longer.verdict.status == 0);
    CHECK(Hear(Ok(), std::string(4095, 'x'), piece).verdict.reason == Reason::kNoHeader);
    CHECK(Hear(Ok(), std::string(4096, 'x'), piece).verdict.reason == Reason::kLongHeader);
  }
  CHECK(Hear(Ok(), "").verdict.reason == Reason::kNoData);
  CHECK(Hear(Ok(), "HTTP/1.0 200 OK\r\n").verdict.reason == Reason::kNoHeader);
}

void WhenTheVerdictFalls() {
  const Expectation ok = Ok();
  CHECK(!Hear(ok, "HTTP/1.0 200 OK\r\n\r\nabc").before_end);
  CHECK(Hear(ok, "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc").before_end);
  CHECK(Hear(ok, "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", 1).before_end);
  CHECK(!Hear(ok, "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nabc").before_end);
  CHECK(Hear(ok, "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nabc").verdict.outcome == Outcome::kUp);
  CHECK(Hear(ok, "HTTP/1.0 204 No Content\r\nContent-Length: 0\r\n\r\n").before_end);
  CHECK(Hear(Digest(""), "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").before_end);
  CHECK(Hear(Pattern("^$"), "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").verdict.outcome == Outcome::kUp);

  const std::string endless = "HTTP/1.0 200 OK\r\n\r\n" + std::string(1 << 20, 'x');
  CHECK(Hear(ok, endless, 65536).before_end);
  CHECK(!Hear(ok, std::string_view(endless).substr(0, endless.size() - 1), 65536).before_end);
  CHECK(!Hear(Digest(""), endless, 65536).before_end);
  CHECK(!Hear(Pattern("y"), endless, 65536).before_end);
  CHECK(Hear(Pattern("x"), endless, 65536).before_end);  // found: only the status is left, and it is known
}

void BodyBounds() {
  const std::string header = "HTTP/1.0 200 OK\r\n\r\n";
  const std::string most(1 << 24, 'x');
  const std::string digested = header + most;
  CHECK(Hear(Digest(most), digested, 1 << 16).verdict.outcome == Outcome::kUp);
  for (const Expectation& expect : {Digest(most), Pattern("y")}) {
    const Heard beyond = Hear(expect, digested + "x", 1 << 16);
    CHECK(beyond.before_end && beyond.verdict.outcome == Outcome::kBadResponse && beyond.verdict.reason == Reason::kLongBody);
    CHECK(Same(beyond.verdict, Hear(expect, digested + "x").verdict));
  }
  CHECK(Hear(Pattern("y"), digested, 1 << 16).verdict.outcome == Outcome::kNoMatch);
  CHECK(Hear(Pattern("y"), digested + "y").verdict.reason == Reason::kLongBody);  // what is beyond is not searched
}

void OrderOfTests() {
  const std::string page = "HTTP/1.0 404 no\r\n\r\nabc";
  Expectation all = Digest("other");
  all.pattern = Pattern("z").pattern;
  Verdict verdict = Hear(all, page).verdict;
  CHECK(verdict.outcome == Outcome::kBadStatus && verdict.status == 404);
  all.status = {{100, 199}, {404, 404}};
  verdict = Hear(all, page).verdict;
  CHECK(verdict.outcome == Outcome::kBadDigest && Hex(verdict.md5) == "900150983cd24fb0d6963f7d28e17f72");
  all.digest = Md5Of("abc");
  CHECK(Hear(all, page).verdict.outcome == Outcome::kNoMatch);
  all.pattern = Pattern("c$").pattern;
  verdict = Hear(all, page).verdict;
  CHECK(verdict.outcome == Outcome::kUp && verdict.status == 404 && verdict.md5 == *all.digest);
  all.status = {};
  CHECK(Hear(all, "none \r\n\r\nabc").verdict.outcome == Outcome::kUp);
  const Verdict unwanted = Hear(Pattern("b", true), "HTTP/1.0 200 OK\r\n\r\nabc").verdict;
  CHECK(unwanted.outcome == Outcome::kNoMatch && unwanted.reason == Reason::kUnwantedMatch);
}

// What follows Content-Length octets is neither digested nor searched; a page that stays below is.
void PageEndsAtContentLength() {
  const std::string_view page = "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabcdef";
  CHECK(Hear(Digest("abc"), page).verdict.outcome == Outcome::kUp);
  CHECK(Hear(Pattern("d"), page).verdict.outcome == Outcome::kNoMatch);
  CHECK(Hear(Pattern("c\\z"), page).verdict.outcome == Outcome::kUp);
  CHECK(Hear(Digest("ab"), page.substr(0, page.size() - 4)).verdict.outcome == Outcome::kUp);
}

void ReaderIsUsedAgain() {
  const Expectation abc = Digest("abc"), z = Pattern("z"), ok = Ok();
  HttpReader reader;
  for (const Expectation* expect : {&abc, &z, &ok, &abc}) {
    reader.Begin(*expect);
    reader.Feed(Bytes("HTTP/1.0 200 OK\r\n\r\nab"));  // broken off
    reader.Begin(*expect);
    CHECK(reader.Feed({}) == false);
    reader.Feed(Bytes("HTTP/1.0 200"));
    reader.Begin(*expect);
    CHECK(reader.Feed(Bytes("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc")));
    CHECK(reader.Feed(Bytes("more")));
    reader.End();
    reader.End();
    CHECK((reader.verdict().outcome == Outcome::kUp) == (expect != &z));
  }
}

// The same rules again, written for a whole response at once.
Verdict Naive(const Expectation& expect, std::string_view all) {
  Verdict verdict;
  verdict.outcome = Outcome::kBadResponse;
  const size_t crlf = all.find("\r\n\r\n"), lf = all.find("\n\n");
  const size_t end = std::min(crlf == all.npos ? crlf : crlf + 4, lf == all.npos ? lf : lf + 2);
  if (std::min(end, all.size()) > 4095) {
    verdict.reason = Reason::kLongHeader;
  } else if (end == all.npos) {
    verdict.reason = all.empty() ? Reason::kNoData : Reason::kNoHeader;
  } else {
    verdict.status = probe::StatusOf(all.substr(0, end));
    const std::string_view body = all.substr(end).substr(0, probe::ContentLengthOf(all.substr(0, end)));
    if (expect.digest) verdict.md5 = Md5Of(body);
    verdict.outcome = Outcome::kUp;
    if (verdict.status < 200 || verdict.status > 299) verdict.outcome = Outcome::kBadStatus;
    else if (expect.digest && verdict.md5 != *expect.digest) verdict.outcome = Outcome::kBadDigest;
    else if (expect.pattern && body.find("bc") == body.npos) verdict.outcome = Outcome::kNoMatch;
  }
  return verdict;
}

// Any bytes get a verdict, it is the naive one, and it does not depend on how they were cut.
void AnyBytesInAnyPieces() {
  std::mt19937 random(4);
  const auto below = [&](size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(random); };
  constexpr std::string_view kParts[]{"HTTP/1.0 200 OK", "HTTP/1.1 503 x",    "\r\n", "\n", "\r\n\r\n", "\nContent-Length: 3",
                                      "\r\ncontent-length:\t12\r\n", "abc", " ",    "\0"sv, "\r",       "\n\r\n"};
  const Expectation expectations[]{Ok(), Digest("abc"), Pattern("bc")};
  for (int round = 0; round < 4000; round++) {
    std::string all;
    if (round % 8 == 0)
      for (size_t left = below(6000); left > 0; left--) all += static_cast<char>(below(256));
    else
      for (size_t left = below(20); left > 0; left--) all += kParts[below(std::size(kParts))];
    if (round % 16 == 1) all.insert(below(all.size() + 1), std::string(3000 + below(2000), 'x'));
    const Expectation& expect = expectations[round % 3];
    const Verdict want = Naive(expect, all);
    CHECK(Same(Hear(expect, all).verdict, want));
    CHECK(Same(Hear(expect, all, 1).verdict, want));
    CHECK(Same(Hear(expect, all, 1 + below(500)).verdict, want));
  }
}

}  // namespace

int main() {
  Md5Vectors();
  StatusRows();
  ContentLengthRows();
  HeaderEnds();
  HeaderBounds();
  WhenTheVerdictFalls();
  BodyBounds();
  OrderOfTests();
  PageEndsAtContentLength();
  ReaderIsUsedAgain();
  AnyBytesInAnyPieces();
  return Report();
}
