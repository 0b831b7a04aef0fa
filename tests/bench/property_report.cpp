#include "tests/bench/property_report.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace jl::bench {
namespace {

constexpr std::size_t kPayloadBytes = 140;

// A property report of exactly kPayloadBytes.
std::string report(unsigned long long now, unsigned long long n) {
  std::array<char, 256> text{};
  const int length = std::snprintf(text.data(), text.size(),
                                   R"({"timestamp":%llu,"properties":{"temp":%llu.%02llu,"hum":%llu.%llu,)"
                                   R"("volt":3.%02llu,"rssi":-%llu,"state":"running"})",
                                   now, 10 + n % 30, n % 100, 20 + n % 60, n % 10, n % 100, 40 + n % 50);
  std::string out(text.data(), static_cast<std::size_t>(length));
  const std::string_view open = R"(,"messageId":")", close = R"("})";
  out += open;
  out.append(kPayloadBytes - out.size() - close.size(), 'm');
  out += close;
  return out;
}

}  // namespace

// One of many reports made beforehand, so that making them is no part of the run.
std::string_view property_report(std::uint64_t n) {
  static const std::vector<std::string> reports = [] {
    const auto now =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    std::vector<std::string> out;
    for (unsigned long long i = 0; i < 1024; ++i)
      out.push_back(report(static_cast<unsigned long long>(now.count()), i));
    return out;
  }();
  return reports[n % reports.size()];
}

}  // namespace jl::bench
