#include "bare_plan.h"

#include <arpa/inet.h>

#include <string>
#include <string_view>

#include "numbers.h"

namespace bench {
namespace {

bool ParseTarget(std::string_view text, sockaddr_in& target) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  const auto port = ParseNumber<uint16_t>(text.substr(colon + 1), 1, UINT16_MAX);
  target.sin_family = AF_INET;
  target.sin_port = htons(port.value_or(0));
  return port && inet_pton(AF_INET, std::string(text.substr(0, colon)).c_str(), &target.sin_addr) == 1;
}

template <typename Number>
bool Take(std::string_view text, Number lowest, Number highest, Number& into) {
  const auto number = ParseNumber<Number>(text, lowest, highest);
  if (number) into = *number;
  return number.has_value();
}

bool Apply(Plan& plan, std::string_view name, std::string_view value) {
  if (name == "--target") return ParseTarget(value, plan.target);
  if (name == "--addresses") return Take(value, 1U, 1U << 24, plan.addresses);
  if (name == "--concurrency") return Take(value, 1U, 16'000U, plan.concurrency);
  if (name == "--count") return Take<uint64_t>(value, 1, 1'000'000'000, plan.count);
  if (name == "--rate") return Take(value, 0U, 1'000'000U, plan.rate);
  if (name == "--loop" && value == "io_uring") plan.loop = Loop::kUring;
  else if (name != "--loop" || value != "epoll") return false;
  return true;
}

}  // namespace

std::optional<Plan> ParsePlan(int argc, char** argv) {
  Plan plan;
  const std::string_view check = argc > 1 ? argv[1] : "";
  if (check == "http") plan.check = Check::kHttp;
  else if (check == "tls") plan.check = Check::kTls;
  else if (check != "tcp") return std::nullopt;
  for (int i = 2; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--resume") plan.resume = true;
    else if (name == "--reuse") plan.reuse = true;
    else if (i + 1 == argc || !Apply(plan, name, argv[++i])) return std::nullopt;
  }
  if (plan.target.sin_port == 0) return std::nullopt;
  return plan;
}

}  // namespace bench
