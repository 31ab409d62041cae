#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "message.h"
#include "node_process.h"

namespace launcher {

// One running Node, daemon or spare, and the two streams between it and us.
class Daemon {
 public:
  Daemon(StartedNode node, int64_t now_ms) : node_(std::move(node)), started_ms_(now_ms) {}
  Daemon(Daemon&&) = default;
  Daemon& operator=(Daemon&&) = default;

  pid_t pid() const { return node_.pid; }
  int link_fd() const { return node_.link.get(); }      // -1 once the other side closed it
  int output_fd() const { return node_.output.get(); }  // -1 in the foreground
  bool wants_to_write() const { return !unsent_.empty(); }

  // When it became the daemon (a spare: when it was told `go`); its life counts from here. Milliseconds, monotonic.
  int64_t started_ms() const { return started_ms_; }
  void MarkStarted(int64_t now_ms) { started_ms_ = now_ms; }
  // Whether it has sent a message as the daemon: from then on it takes signals.
  bool has_spoken() const { return has_spoken_; }
  void MarkSpoken() { has_spoken_ = true; }

  // Queues one line (without line feed) and sends what the socket takes.
  void Send(std::string_view line);
  void Flush();

  // Reads what waits on the link, so much at most that nobody else starves; `on_line` is called for each line.
  template <typename OnLine>
  void ReadLink(OnLine&& on_line) {
    std::string bytes;
    for (int i = 0; i < kPiecesPerTurn && ReadSome(node_.link, bytes); i++) lines_.Feed(bytes, on_line);
  }

  // Same for what it prints; `on_bytes` gets raw pieces.
  template <typename OnBytes>
  void ReadOutput(OnBytes&& on_bytes) {
    std::string bytes;
    for (int i = 0; i < kPiecesPerTurn && ReadSome(node_.output, bytes); i++) on_bytes(std::string_view(bytes));
  }
  LineReader& output_lines() { return output_lines_; }

 private:
  // Of 4 KiB: more than a pipe or a socket buffer of the default size holds, so the last words of a dead one are read.
  static constexpr int kPiecesPerTurn = 64;

  // @returns false when nothing waits; closes `fd` at its end.
  static bool ReadSome(UniqueFd& fd, std::string& bytes);

  StartedNode node_;
  int64_t started_ms_;
  bool has_spoken_ = false;
  std::string unsent_;
  LineReader lines_;
  LineReader output_lines_;
};

}  // namespace launcher
