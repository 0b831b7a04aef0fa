#include "tests/bench/codec_reports.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <string_view>

namespace jl::bench {
namespace {

constexpr std::uint64_t kTime = 1'700'000'000'000;

template <class Unsigned>
void append_number(std::string& out, Unsigned value) {
  for (int shift = static_cast<int>(sizeof value) * 8 - 8; shift >= 0; shift -= 8)
    out += static_cast<char>((value >> static_cast<unsigned>(shift)) & 0xffU);
}

void append_text(std::string& out, std::string_view text) {
  append_number(out, static_cast<std::uint16_t>(text.size()));
  out += text;
}

void append_double(std::string& out, std::string_view name, double value) {
  append_text(out, name);
  out += '\x0a';
  append_number(out, std::bit_cast<std::uint64_t>(value));
}

// One JSON text per report, of a format that takes the time and three numbers.
std::vector<std::string> json_reports(const char* format) {
  std::vector<std::string> out;
  for (unsigned i = 0; i < kReports; ++i) {
    std::array<char, 256> text{};
    const int length = std::snprintf(text.data(), text.size(), format, static_cast<unsigned long long>(kTime + i),
                                     10 + i % 30, i % 100, 20 + i % 60, i % 10, 30 + i);
    out.emplace_back(text.data(), static_cast<std::size_t>(length));
  }
  return out;
}

// CRC-16/CCITT-FALSE: polynomial 0x1021, begins with 0xffff.
std::uint16_t checksum(std::string_view bytes) {
  unsigned remainder = 0xffff;
  for (const char byte : bytes) {
    remainder ^= static_cast<unsigned>(static_cast<unsigned char>(byte)) << 8U;
    for (int bit = 0; bit < 8; ++bit)
      remainder = (remainder & 0x8000U) != 0 ? (remainder << 1U) ^ 0x1021U : remainder << 1U;
  }
  return static_cast<std::uint16_t>(remainder & 0xffffU);
}

std::string frame_report(const std::string& address, std::uint32_t n) {
  std::string out(1, '\x68');
  append_number(out, std::uint16_t{37});
  out += '\x02';
  for (std::size_t i = 0; i + 1 < address.size(); i += 2)
    out += static_cast<char>(((address[i] - '0') << 4) | (address[i + 1] - '0'));
  append_number(out, static_cast<std::uint32_t>(kTime / 1000 + n));
  append_number(out, static_cast<std::uint16_t>(n));         // number of the frame
  out += '\0';                                               // state
  append_number(out, 1'234'567 + n);                         // energy, 0.01 kWh
  append_number(out, static_cast<std::uint16_t>(2300 + n));  // voltage, 0.1 V
  append_number(out, 4'321 + n);                             // current, mA
  append_number(out, 0U - (950 + n));                        // power, W
  append_number(out, std::bit_cast<std::uint32_t>(50.0F + static_cast<float>(n) / 128));
  append_number(out, static_cast<std::uint16_t>(950 + n % 50));  // power factor, 0.001
  append_number(out, checksum(out));
  return out + '\x16';
}

std::string official_binary_report(const std::string& device, std::uint32_t n) {
  std::string out(1, '\x03');
  append_number(out, kTime + n);
  append_number(out, static_cast<std::uint16_t>(n));
  append_text(out, device);
  append_number(out, std::uint16_t{6});
  append_double(out, "energy", (1'234'567.0 + n) / 100);
  append_double(out, "voltage", (2300.0 + n) / 10);
  append_double(out, "current", (4'321.0 + n) / 1000);
  append_text(out, "power");
  out += '\x04';
  append_number(out, 0U - (950 + n));
  append_text(out, "frequency");
  out += '\x09';
  append_number(out, std::bit_cast<std::uint32_t>(50.0F + static_cast<float>(n) / 128));
  append_double(out, "factor", (950.0 + n % 50) / 1000);
  std::string framed;
  append_number(framed, static_cast<std::uint32_t>(out.size()));
  return framed + out;
}

template <class Make>
std::vector<std::string> several(Make&& make) {
  std::vector<std::string> out;
  for (std::uint32_t i = 0; i < kReports; ++i) out.push_back(make(i));
  return out;
}

}  // namespace

std::vector<std::string> sensor_reports() {
  return json_reports(R"({"readings":[{"at":%llu,"temperature":%u.%02u,"humidity":%u.%u,"interval":%u}]})");
}

std::vector<std::string> official_json_reports() {
  return json_reports(R"({"timestamp":%llu,"properties":{"temperature":%u.%02u,"humidity":%u.%u,"interval":%u}})");
}

std::vector<std::string> frame_reports(const std::string& address) {
  return several([&](std::uint32_t n) { return frame_report(address, n); });
}

std::vector<std::string> official_binary_reports(const std::string& device) {
  return several([&](std::uint32_t n) { return official_binary_report(device, n); });
}

}  // namespace jl::bench
