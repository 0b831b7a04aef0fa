#pragma once
// One Modbus channel as it runs: its connection, the line of requests over it and the poller of its points, driven by
// the sockets and timers of one I/O thread. Everything is on that thread.
#include "daemon/modbus/poller.hpp"
#include "daemon/network/backoff.hpp"
#include "daemon/network/client_stream.hpp"

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace jl::modbus {

/// What a channel is made of; the points come by themselves, they change more often.
struct ChannelConfig {
  std::string id;
  std::string address;  ///< for people: "tcp://10.0.0.7:502", "rtu:///dev/ttyUSB0"
  network::ClientStreamOptions dial;
  LineOptions line;
  PlanLimits limits;
};

enum class ChannelState : std::uint8_t { stopped, connecting, running, failed };
[[nodiscard]] std::string_view to_string(ChannelState state);

/// One frame that went over the line, or came.
struct TraceFrame {
  bool sent = false;
  std::string_view bytes;
};

/// Somebody who looks on: jlctl modbus watch. Called on the channel's thread.
struct Tap {
  std::function<void(const Update&)> on_update;
  std::function<void(const TraceFrame&)> on_frame;
  std::function<void(ChannelState, const std::string& reason)> on_state;
};

/// What is told of a channel, on its thread.
class ChannelHouse {
 public:
  virtual ~ChannelHouse() = default;
  virtual void on_updates(const std::string& channel_id, std::span<const Update> updates) = 0;
  virtual void on_state(const std::string& channel_id, ChannelState state) = 0;
};

class Channel final : private network::ClientStreamHandler, private LineHouse, private PollerHouse {
 public:
  Channel(network::IoThread& thread, network::PreciseTimers& timers, ChannelHouse& house, ChannelConfig config,
          std::uint32_t seed);
  ~Channel();
  Channel(const Channel&) = delete;

  /// Begins to connect, and goes on trying.
  void start();
  /// Takes another configuration; connects anew when it leads elsewhere.
  void configure(ChannelConfig config);
  void set_points(std::vector<std::shared_ptr<const Point>> points);
  /// Closes the connection: points are stopped, what people wait for has failed.
  void stop();

  /// See Poller. A channel that is still connecting has them wait for it, at most the connect timeout.
  void read(const std::string& point_id, PointDone done);
  void write(const std::string& point_id, const boost::json::value& value, bool verify, PointDone done);
  /// A request of people to any unit.
  void request(Order order);
  /// Calls back once the channel is connected, or has failed to be: at once when it is.
  void when_open(std::function<void(const Status&)> done);

  /// Held while it looks on.
  void add_tap(std::weak_ptr<const Tap> tap);
  /// In no store: see Channels::put_temporary().
  [[nodiscard]] bool is_temporary() const;
  [[nodiscard]] ChannelState state() const { return state_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  [[nodiscard]] const std::string& address() const { return config_.address; }
  [[nodiscard]] Millis since() const { return since_; }
  [[nodiscard]] std::uint64_t connects() const { return connects_; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }
  [[nodiscard]] const Line& line() const { return line_; }
  [[nodiscard]] const Poller& poller() const { return poller_; }
  [[nodiscard]] const ChannelConfig& config() const { return config_; }

 private:
  void on_open() override;
  void on_bytes(std::string_view bytes) override;
  void on_end(const std::string& why) override;
  void send(std::string_view frame) override;
  void reconnect(std::string why) override;
  void on_updates(std::span<const Update> updates) override;

  /// For people.
  [[nodiscard]] std::string label() const;
  [[nodiscard]] std::string hint() const;
  void connect();
  void lost(const std::string& why);
  void set_state(ChannelState state, std::string reason);
  void on_timer();
  void arm();
  /// A call into line and poller; what follows from it is done when the outermost one is over.
  class Turn {
   public:
    explicit Turn(Channel& channel) : channel_(channel) { ++channel_.depth_; }
    ~Turn() {
      if (--channel_.depth_ == 0) channel_.arm();
    }
    Turn(const Turn&) = delete;

   private:
    Channel& channel_;
  };
  void tell_waiting(const Status& status);
  template <class Call>
  void for_taps(Call call);
  [[nodiscard]] Millis steady() const { return thread_.clock().steady(); }

  network::IoThread& thread_;
  ChannelHouse& house_;
  ChannelConfig config_;
  std::minstd_rand random_;
  network::ClientStream stream_;
  Line line_;
  Poller poller_;
  network::PreciseTimer timer_, retry_, wait_limit_;
  network::Backoff backoff_;
  ChannelState state_ = ChannelState::stopped;
  std::string reason_;
  static constexpr Millis kAskAgain = 1'000;
  Millis since_ = 0;
  Millis tried_at_ = 0, opened_at_ = 0;  // steady
  std::uint64_t answers_before_ = 0;     // when the connection opened
  std::uint64_t connects_ = 0, failures_ = 0;
  std::vector<std::function<void(const Status&)>> waiting_;
  std::vector<std::weak_ptr<const Tap>> taps_;
  int depth_ = 0;
  bool drops_ = false;  // the connection is to be closed once the current call is over
};

}  // namespace jl::modbus
