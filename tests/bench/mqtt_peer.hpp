#pragma once
// One MQTT 3.1.1 client connection of the load generator: a non-blocking socket, with or without TLS, what is still to
// be written, and a count of what the server has answered and sent. No MQTT library, so that the generator costs less
// than the servers it measures.
#include <openssl/types.h>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace jl::bench {

struct Credentials {
  std::string client_id, username, password;
};

/// Where a peer connects to: a port of 127.0.0.1.
struct Target {
  std::uint16_t port = 0;
  std::uint32_t source = 1;  ///< it comes from 127.0.0.`source`, so that many have ports enough
  SSL_CTX* tls = nullptr;    ///< nullptr = in the clear
  std::uint16_t keep_alive = 0;
};

class MqttPeer {
 public:
  /// Starts to connect and queues CONNECT. Ends the program when it cannot.
  MqttPeer(const Target& target, const Credentials& credentials);
  ~MqttPeer();
  MqttPeer(MqttPeer&& other) noexcept;
  MqttPeer& operator=(MqttPeer&&) = delete;
  MqttPeer(const MqttPeer&) = delete;

  /// Queues a PUBLISH; QoS 1 and 2 get the next packet id.
  void publish(std::string_view topic, std::string_view payload, int qos);
  void subscribe(std::string_view filter, int qos);
  /// Hears of every PUBLISH that comes; may publish.
  using Listener = std::function<void(std::string_view topic, std::string_view payload)>;
  void listen(Listener listener) { listener_ = std::move(listener); }
  void ping();
  void disconnect();
  /// Writes what is queued, as far as the socket takes it.
  void flush();
  /// Reads, counts and acknowledges what comes; what it answers is queued. Ends the program when the server refuses or
  /// closes.
  void receive();

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] bool subscribed() const { return subscribed_; }
  [[nodiscard]] bool has_output() const { return written_ < output_.size(); }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }            ///< PUBLISH packets queued
  [[nodiscard]] std::uint64_t acknowledged() const { return acked_; }   ///< PUBACK and PUBCOMP packets received
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }  ///< PUBLISH packets received

 private:
  void handle_packet(std::uint8_t type, std::string_view body);
  void answer(std::uint8_t type, std::string_view packet_id);
  [[nodiscard]] std::size_t read_some(char* buffer, std::size_t size);
  [[nodiscard]] std::size_t write_some(std::string_view bytes);

  int fd_;
  SSL* tls_ = nullptr;
  bool connected_ = false, subscribed_ = false;
  std::uint16_t next_id_ = 0;
  std::uint64_t sent_ = 0, acked_ = 0, delivered_ = 0;
  std::size_t written_ = 0;
  std::string output_, input_;
  Listener listener_;
};

/// Prints a line on standard error and ends the program with 1.
[[noreturn]] void die(std::string_view what);

}  // namespace jl::bench
