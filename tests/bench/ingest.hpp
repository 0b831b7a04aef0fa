#pragma once
// Devices that speak CoAP, UDP or TCP as the official protocol has it, and what their reports cost a local server.
// Each load prints one line of figures on standard output. See tests/bench/ingest.bash.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jl::bench {

struct IngestOptions {
  std::string mode, product, prefix, key, command;
  int pid = 0;
  std::uint16_t port = 0;
  std::uint64_t connections = 16;  ///< sockets, each of them one device
  std::uint64_t window = 2;        ///< messages of one socket that are not answered yet
  std::uint64_t messages = 100'000;
  bool put = false;  ///< CoAP: PUT instead of POST
};

/// Ends the program with a line on standard error.
[[noreturn]] void give_up(std::string_view what);

/// A socket of `type`, connected to a port of 127.0.0.1, that waits at most 20 s. Ends the program when it cannot.
[[nodiscard]] int connected_socket(int type, std::uint16_t port);

/// The messages of one device, made beforehand so that making them is no part of a run. The number of a message (its
/// sequence, or CoAP's message id) is written into a copy.
struct Messages {
  std::vector<std::string> variants;
  std::size_t number_at = 0;  ///< offset of the two bytes of the number
};
/// A confirmable CoAP request per report, its JSON encrypted with AES-128-ECB.
[[nodiscard]] Messages coap_messages(const IngestOptions& options, const std::string& device);
/// A datagram with the device's key per report.
[[nodiscard]] Messages udp_messages(const IngestOptions& options, const std::string& device);
/// A frame with its length in front per report.
[[nodiscard]] Messages tcp_messages(const std::string& device);
/// The frame a device logs in with.
[[nodiscard]] std::string tcp_login(const IngestOptions& options, const std::string& device, std::uint16_t number);
/// A frame no device may send (readProperty): a gateway answers it, so it tells that all before it has been handled.
[[nodiscard]] std::string tcp_fence(const std::string& device, std::uint16_t number);

/// Reports that are answered one by one. Prints "RATE P99_MICROSECONDS SERVER_MICROSECONDS".
void load_datagrams(const IngestOptions& options);
/// Reports in batches of `window`, a fence behind each. Prints "RATE - SERVER_MICROSECONDS".
void load_streams(const IngestOptions& options);
/// Runs `command`, whose last line is "COUNT RATE P99_MICROSECONDS FAILED". Prints like load_datagrams.
void load_by_command(const IngestOptions& options);
/// Connections that have logged in, or have had an HTTP request answered. Prints the resident bytes of each.
void hold_streams(const IngestOptions& options);

}  // namespace jl::bench
