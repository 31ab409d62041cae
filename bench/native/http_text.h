#pragma once
#include <cstdint>
#include <string_view>

namespace bench {

inline constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 9\r\n"
    "Connection: close\r\n"
    "\r\n"
    "holdfast\n";

inline constexpr std::string_view kRequest =
    "GET / HTTP/1.0\r\n"
    "User-Agent: bench\r\n"
    "Host: bench.example\r\n"
    "\r\n";

// Finds the empty line that ends a request without a body, in however many pieces it comes.
class RequestEnd {
 public:
  bool Feed(std::string_view bytes) {
    constexpr std::string_view end = "\r\n\r\n";
    for (const char c : bytes) {
      if (c == end[matched_]) ++matched_;
      else matched_ = c == '\r' ? 1 : 0;
      if (matched_ == end.size()) {
        matched_ = 0;
        return true;
      }
    }
    return false;
  }

 private:
  uint8_t matched_ = 0;
};

}  // namespace bench
