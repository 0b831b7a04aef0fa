#pragma once
// One connection of the MQTT client component, from connect() to its end: a `struct mosquitto` of its own, driven by
// one I/O thread. libmosquitto only queues what it has to send ("threaded" mode); the link writes it in the flush of a
// committed turn, so that a PUBACK never leaves before its message is in the log. When the commit fails the link ends
// unsent, and the broker delivers again.
//
// All of libmosquitto 2.0.11 that this relies on: with an SSL_CTX of ours and MOSQ_OPT_SSL_CTX_WITH_DEFAULTS off it
// installs no verification of its own, so the context's rules (chain, name) are the ones that count.
#include "daemon/network/io_thread.hpp"
#include "daemon/network/mqtt_client.hpp"

#include <memory>
#include <string>
#include <string_view>

struct mosquitto;
struct mosquitto_message;

namespace jl::network {

class MqttClientLink final : public TurnMember {
 public:
  /// Who owns the link. It may destroy the link in on_link_ended() only.
  class Owner {
   public:
    virtual void on_link_open() = 0;
    virtual void on_link_message(const mosquitto_message& message) = 0;
    virtual void on_link_subscribed(int id, bool granted) = 0;
    /// A publication is done: written (QoS 0) or acknowledged.
    virtual void on_link_published(int id) = 0;
    /// The turn is committed: publish() what belongs to it.
    virtual void on_link_flush() = 0;
    /// The last call. `reason` in plain words, empty when disconnect() was asked for.
    virtual void on_link_ended(std::string reason) = 0;

   protected:
    ~Owner() = default;
  };

  /// What the options would be refused for, if anything. Errors: invalid.
  [[nodiscard]] static Status check(const MqttClientOptions& options);

  MqttClientLink(const MqttClientOptions& options, IoThread& thread, Owner& owner);
  ~MqttClientLink();
  MqttClientLink(const MqttClientLink&) = delete;
  MqttClientLink& operator=(const MqttClientLink&) = delete;

  /// Connects to a numeric address without blocking. Errors: network; the owner is not told then.
  [[nodiscard]] Status connect(const std::string& address);
  [[nodiscard]] bool is_open() const { return phase_ == Phase::open; }

  // While it is open; negative when libmosquitto refuses, otherwise the packet id that the owner hears of.
  [[nodiscard]] int subscribe(const std::string& filter, int qos);
  void unsubscribe(const std::string& filter);
  [[nodiscard]] int publish(const std::string& topic, std::string_view payload, int qos, bool retain);

  /// DISCONNECT with the next flush, then on_link_ended(). Nothing is read any more.
  void disconnect();

  void on_readable() override;
  void on_writable() override;
  void on_flush(bool committed) override;

 private:
  enum class Phase : std::uint8_t { idle, connecting, handshake, greeting, open, leaving };
  struct Callbacks;
  struct Free {
    void operator()(mosquitto* client) const;
  };
  using Handle = std::unique_ptr<mosquitto, Free>;
  static Result<Handle> make(const MqttClientOptions& options, void* user);

  void on_connected();
  void shake_hands();
  void read();
  void keep_alive();
  void give_up();
  void settle();
  void want(bool read, bool write);
  void fail(std::string reason);
  void ended(int code);
  [[nodiscard]] std::string tls_reason() const;

  MqttClientOptions options_;
  IoThread& thread_;
  Owner& owner_;
  Handle client_;
  int fd_ = -1;
  Phase phase_ = Phase::idle;
  bool is_over_ = false;  // the owner is told when the stack is unwound
  std::string reason_;
  long verify_failure_ = 0;   // X509_V_OK, or why the broker's certificate was refused
  std::string tls_error_;     // the last that OpenSSL said through libmosquitto
  std::string publish_mark_;  // how the log line of an incoming PUBLISH starts
  Timer limit_;
  Timer keeper_;
};

}  // namespace jl::network
