#pragma once
// What the codecs decode: reports in the spelling of each protocol, made beforehand.
#include <string>
#include <vector>

namespace jl::bench {

/// As many of each, all different.
inline constexpr std::size_t kReports = 64;

/// A room sensor's, examples/protocols/sensor: 3 numbers and a time.
[[nodiscard]] std::vector<std::string> sensor_reports();
/// The same in the official protocol over MQTT.
[[nodiscard]] std::vector<std::string> official_json_reports();
/// 40 bytes, tests/bench/codec/frame: 6 numbers and a time.
[[nodiscard]] std::vector<std::string> frame_reports(const std::string& address);
/// The same in the official protocol over TCP, with its length in front.
[[nodiscard]] std::vector<std::string> official_binary_reports(const std::string& device);

}  // namespace jl::bench
