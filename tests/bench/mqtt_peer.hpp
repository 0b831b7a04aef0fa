#pragma once
// One MQTT 3.1.1 client connection of the load generator: a non-blocking socket, what is still to be written, and a
// count of what the server has answered. No library, so that the generator costs less than the servers it measures.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace jl::bench {

struct Credentials {
  std::string client_id, username, password;
};

class MqttPeer {
 public:
  /// Starts to connect to 127.0.0.1 and queues CONNECT with keep alive off. Ends the program when it cannot.
  MqttPeer(std::uint16_t port, const Credentials& credentials);
  ~MqttPeer();
  MqttPeer(MqttPeer&& other) noexcept;
  MqttPeer& operator=(MqttPeer&&) = delete;
  MqttPeer(const MqttPeer&) = delete;

  /// Queues a PUBLISH; QoS 1 gets the next packet id.
  void publish(std::string_view topic, std::string_view payload, int qos);
  /// Writes what is queued, as far as the socket takes it.
  void flush();
  /// Reads and counts answers. Ends the program when the server refuses or closes.
  void receive();

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] bool has_output() const { return written_ < output_.size(); }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }           ///< PUBLISH packets queued
  [[nodiscard]] std::uint64_t acknowledged() const { return acked_; }  ///< PUBACK packets received

 private:
  void handle_packet(std::uint8_t type, std::string_view body);

  int fd_;
  bool connected_ = false;
  std::uint16_t next_id_ = 0;
  std::uint64_t sent_ = 0, acked_ = 0;
  std::size_t written_ = 0;
  std::string output_, input_;
};

/// Prints a line on standard error and ends the program with 1.
[[noreturn]] void die(std::string_view what);

}  // namespace jl::bench
