#include "http_reader.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "body_pattern.h"
#include "http_header.h"
#include "md5.h"

namespace probe {
namespace {

// Where the status decides nobody needs the rest.
constexpr uint64_t kMaxCounted = 1 << 20;
// Where the whole body counts. Ours: keepalived has no limit.
constexpr uint64_t kMaxJudged = 1 << 24;

std::string_view Text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool Accepts(const std::vector<StatusRange>& ranges, uint16_t status) {
  if (ranges.empty()) return true;
  return std::any_of(ranges.begin(), ranges.end(),
                     [status](const StatusRange& range) { return status >= range.from && status <= range.to; });
}

}  // namespace

// Transfer codings are not undone: keepalived digests and searches what is on the wire, and so did whoever ran genhash.
struct HttpReader::State {
  enum class At { kHeader, kBody, kJudged };

  const Expectation* expect = nullptr;
  At at = At::kHeader;
  std::vector<std::byte> header;  // of a header that comes in pieces, what is there
  uint64_t content_length = 0;
  uint64_t received = 0;             // octets of the body, never beyond content_length
  std::unique_ptr<Md5Hash> md5;      // made for the first page that has a digest, then kept
  std::optional<PatternSearch> search;
  bool searching = false;  // more octets may change what the search finds
  Verdict verdict;

  bool Header(std::span<const std::byte> bytes);
  void Keep(std::span<const std::byte> bytes);
  bool Body(std::span<const std::byte> bytes);
  bool JudgeBody();
  bool Refuse(Reason reason);
};

bool HttpReader::State::Header(std::span<const std::byte> bytes) {
  const size_t before = header.size();
  const auto room = bytes.first(std::min(bytes.size(), kMaxHeader - before));
  if (before > 0) header.insert(header.end(), room.begin(), room.end());
  const std::string_view text = Text(before > 0 ? header : room);
  const std::optional<size_t> end = HeaderEnd(text, before);
  if (!end) {
    if (room.size() < bytes.size()) return Refuse(Reason::kLongHeader);
    if (before == 0) header.assign(bytes.begin(), bytes.end());
    return false;
  }
  verdict.status = StatusOf(text.substr(0, *end));
  content_length = ContentLengthOf(text.substr(0, *end));
  at = At::kBody;
  header = {};
  if (expect->digest && !md5) md5 = std::make_unique<Md5Hash>();
  if (expect->pattern) {
    search.emplace(expect->pattern);
    searching = true;
  }
  return Body(bytes.subspan(*end - before));
}

bool HttpReader::State::Body(std::span<const std::byte> bytes) {
  // What follows Content-Length octets is no part of the page.
  bytes = bytes.first(std::min<uint64_t>(bytes.size(), content_length - received));
  const auto judged = bytes.first(std::min<uint64_t>(bytes.size(), kMaxJudged - std::min(received, kMaxJudged)));
  received += bytes.size();
  if (expect->digest) md5->Update(judged);
  if (searching) searching = !search->Feed(judged);
  if (received > kMaxJudged && (expect->digest || searching)) return Refuse(Reason::kLongBody);
  if (received == content_length) return JudgeBody();
  // A page that has matched is still read to its end, as by keepalived: servers log a response that is cut off.
  return !expect->digest && !searching && received >= kMaxCounted ? JudgeBody() : false;
}

bool HttpReader::State::JudgeBody() {
  at = At::kJudged;
  if (searching) search->End();
  searching = false;
  if (expect->digest) verdict.md5 = md5->Final();
  if (!Accepts(expect->status, verdict.status)) {
    verdict.outcome = Outcome::kBadStatus;
  } else if (expect->digest && *expect->digest != verdict.md5) {
    verdict.outcome = Outcome::kBadDigest;
  } else if (search) {
    const Verdict found = search->verdict();
    verdict.outcome = found.outcome;
    verdict.reason = found.reason;
    verdict.detail = found.detail;
  }
  search.reset();
  return true;
}

bool HttpReader::State::Refuse(Reason reason) {
  at = At::kJudged;
  header = {};
  search.reset();
  searching = false;
  if (md5) *md5 = {};
  verdict.outcome = Outcome::kBadResponse;
  verdict.reason = reason;
  return true;
}

HttpReader::HttpReader() : state_(std::make_unique<State>()) {}
HttpReader::~HttpReader() = default;

void HttpReader::Begin(const Expectation& expect) {
  State& s = *state_;
  s.expect = &expect;
  s.at = State::At::kHeader;
  s.header = {};
  s.content_length = kUnknownLength;
  s.received = 0;
  if (s.md5) *s.md5 = {};  // a page that broke off left something in it
  s.search.reset();
  s.searching = false;
  s.verdict = {};
}

bool HttpReader::Feed(std::span<const std::byte> bytes) {
  State& s = *state_;
  if (s.at == State::At::kJudged) return true;
  if (bytes.empty()) return false;
  return s.at == State::At::kHeader ? s.Header(bytes) : s.Body(bytes);
}

void HttpReader::End() {
  State& s = *state_;
  if (s.at == State::At::kBody) s.JudgeBody();
  if (s.at == State::At::kHeader) s.Refuse(s.header.empty() ? Reason::kNoData : Reason::kNoHeader);
}

Verdict HttpReader::verdict() {
  End();
  return state_->verdict;
}

}  // namespace probe
