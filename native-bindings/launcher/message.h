// The daemon's side of PROTOCOL.md: lines out of a byte stream, and messages out of lines. Pure.
#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace launcher {

enum class Verb { kPidFile, kFork, kReady, kReloading, kReloaded, kStopping, kStatus, kName, kNamespace, kAlive, kUpgrade, kLoaded, kUnfit, kUnknown };

struct Message {
  Verb verb = Verb::kUnknown;
  std::string_view text;  // what follows the verb: a path, a name or a status; it points into the line
};

// A verb with a missing or a superfluous argument is unknown: the two sides disagree, so nothing is guessed.
constexpr Message ParseMessage(std::string_view line) {
  struct Row {
    std::string_view word;
    Verb verb;
    bool takes_text;
  };
  constexpr std::array kRows = {
      Row{"pidfile", Verb::kPidFile, true},       Row{"fork", Verb::kFork, false},
      Row{"ready", Verb::kReady, false},          Row{"reloading", Verb::kReloading, false},
      Row{"reloaded", Verb::kReloaded, false},    Row{"stopping", Verb::kStopping, false},
      Row{"status", Verb::kStatus, true},         Row{"alive", Verb::kAlive, false},
      Row{"name", Verb::kName, true},             Row{"namespace", Verb::kNamespace, true},
      Row{"upgrade", Verb::kUpgrade, false},      Row{"loaded", Verb::kLoaded, true},
      Row{"unfit", Verb::kUnfit, true},
  };
  const size_t blank = line.find(' ');
  const std::string_view word = line.substr(0, blank);
  const std::string_view text = blank == std::string_view::npos ? std::string_view() : line.substr(blank + 1);
  for (const Row& row : kRows)
    if (row.word == word && row.takes_text == !text.empty()) return {row.verb, text};
  return {Verb::kUnknown, line};
}

// Cuts a stream into lines. One longer than kLongest is dropped up to its line feed: it is nothing that we know.
class LineReader {
 public:
  static constexpr size_t kLongest = 8192;

  // Calls `on_line` for each complete line, without its line feed; the view is valid during the call.
  template <typename OnLine>
  void Feed(std::string_view bytes, OnLine&& on_line) {
    while (!bytes.empty()) {
      const size_t end = bytes.find('\n');
      Append(bytes.substr(0, end));
      if (end == std::string_view::npos) return;
      bytes.remove_prefix(end + 1);
      const std::string line = std::exchange(line_, {});
      if (!std::exchange(overlong_, false)) on_line(std::string_view(line));
    }
  }

  // What came after the last line feed; empties it. For text that may end without one.
  std::string Rest() { return std::exchange(line_, {}); }

 private:
  void Append(std::string_view part) {
    if (line_.size() + part.size() > kLongest) overlong_ = true;
    if (overlong_) line_.clear();
    else line_.append(part);
  }

  std::string line_;
  bool overlong_ = false;
};

}  // namespace launcher
