#include "daemon/modbus/channel.hpp"

#include "daemon/base/log.hpp"

#include <algorithm>
#include <utility>

namespace jl::modbus {
namespace {

bool same_place(const network::ClientStreamOptions& a, const network::ClientStreamOptions& b) {
  return a.host == b.host && a.port == b.port && a.tls == b.tls && a.serial == b.serial;
}

}  // namespace

std::string_view to_string(ChannelState state) {
  switch (state) {
    case ChannelState::stopped:
      return "stopped";
    case ChannelState::connecting:
      return "connecting";
    case ChannelState::running:
      return "running";
    case ChannelState::failed:
      return "failed";
  }
  return "stopped";
}

Channel::Channel(network::IoThread& thread, network::PreciseTimers& timers, ChannelHouse& house, ChannelConfig config,
                 std::uint32_t seed)
    : thread_(thread),
      house_(house),
      config_(std::move(config)),
      random_(seed),
      stream_(thread, timers, *this),
      line_(config_.line, *this, seed),
      poller_(line_, *this, [&clock = thread.clock()] { return clock.now(); }),
      timer_(timers, [this] { on_timer(); }),
      retry_(timers, [this] { connect(); }),
      wait_limit_(timers, [this] {
        tell_waiting(Error(Errc::timeout, fmt::format("{} is not connected: {}", label(),
                                                      reason_.empty() ? "still connecting" : reason_)));
      }) {}

Channel::~Channel() { stop(); }

bool Channel::is_temporary() const { return config_.id.starts_with('~'); }

std::string Channel::label() const { return is_temporary() ? address() : "modbus-channel \"" + config_.id + "\""; }

std::string Channel::hint() const {
  return is_temporary() ? "is the address right, and the slave on?" : "jlctl modbus channel show " + config_.id;
}

void Channel::start() {
  since_ = thread_.clock().now();
  connect();
}

void Channel::connect() {
  tried_at_ = steady();
  set_state(ChannelState::connecting, reason_);
  stream_.open(config_.dial);
}

void Channel::configure(ChannelConfig config) {
  const Turn turn(*this);
  const bool moves = !same_place(config.dial, config_.dial);
  config_ = std::move(config);
  line_.configure(config_.line);
  line_.resume(steady());
  if (moves && state_ != ChannelState::stopped) {
    stream_.close();
    retry_.cancel();
    lost("another address");
    backoff_.reset();
    reason_.clear();
    connect();
  }
}

void Channel::set_points(std::vector<std::shared_ptr<const Point>> points) {
  const Turn turn(*this);
  poller_.set_points(steady(), std::move(points), config_.limits);
}

void Channel::stop() {
  if (state_ == ChannelState::stopped) return;
  stream_.close();
  retry_.cancel();
  const Millis now = steady();
  line_.on_closed(now, "the channel was stopped");
  poller_.stop(now);
  timer_.cancel();
  tell_waiting(Error(Errc::connection_lost, label() + " was stopped"));
  set_state(ChannelState::stopped, {});
}

void Channel::on_open() {
  const Turn turn(*this);
  ++connects_;
  opened_at_ = steady();
  answers_before_ = line_.stats().rtt.count();
  if (!reason_.empty()) log::info("modbus", "channel={} connected to {} again", config_.id, address());
  reason_.clear();
  set_state(ChannelState::running, {});
  const Millis now = steady();
  line_.on_open(now);
  poller_.on_open(now);
  tell_waiting({});
}

void Channel::on_bytes(std::string_view bytes) {
  const Turn turn(*this);
  for_taps([&](const Tap& tap) {
    if (tap.on_frame) tap.on_frame({false, bytes});
  });
  line_.on_bytes(steady(), bytes);
}

void Channel::send(std::string_view frame) {
  for_taps([&](const Tap& tap) {
    if (tap.on_frame) tap.on_frame({true, frame});
  });
  // One that has broken says so by itself, and why.
  if (!stream_.send(frame) && stream_.is_open()) reconnect("the slave takes no more");
}

// The line is in the middle of a call: the connection goes once that is over.
void Channel::reconnect(std::string why) {
  reason_ = std::move(why);
  drops_ = true;
}

void Channel::on_end(const std::string& why) {
  ++failures_;
  // One that is taken and closed again, or answers with noise, is no success: it would go on so every second.
  const bool was_of_use = state_ == ChannelState::running && (line_.stats().rtt.count() != answers_before_ ||
                                                              steady() - opened_at_ >= network::Backoff::kLast);
  if (was_of_use) backoff_.reset();
  // Told once for each outage, not at every attempt.
  if (!is_temporary() && (state_ == ChannelState::running || reason_.empty()))
    log::warn("modbus", "channel={} address={} not connected: {}", config_.id, address(), why);
  lost(why);
  reason_ = why;
  set_state(ChannelState::failed, why);
  tell_waiting(Error(Errc::network, fmt::format("{} is not connected: {}", label(), why), hint()));
  const double random = std::generate_canonical<double, 16>(random_);
  retry_.set_at(steady() + backoff_.next(random));
}

void Channel::lost(const std::string& why) {
  const Millis now = steady();
  drops_ = false;
  line_.on_closed(now, why);
  poller_.on_closed(now, why);
  timer_.cancel();
}

void Channel::set_state(ChannelState state, std::string reason) {
  if (state_ == state && reason_ == reason) return;
  if (state_ != state) since_ = thread_.clock().now();
  state_ = state;
  reason_ = std::move(reason);
  house_.on_state(config_.id, state);
  for_taps([&](const Tap& tap) {
    if (tap.on_state) tap.on_state(state_, reason_);
  });
}

void Channel::on_timer() {
  const Turn turn(*this);
  const Millis now = steady();
  line_.on_time(now);
  poller_.on_time(now);
}

void Channel::arm() {
  if (std::exchange(drops_, false)) {
    const std::string why = reason_;
    stream_.close();
    return on_end(why);
  }
  const Millis next = std::min(line_.next_time(), poller_.next_time());
  if (next == Line::kNever) {
    timer_.cancel();
  } else {
    timer_.set_at(next);
  }
}

void Channel::on_updates(std::span<const Update> updates) {
  house_.on_updates(config_.id, updates);
  for_taps([&](const Tap& tap) {
    if (!tap.on_update) return;
    for (const Update& update : updates) tap.on_update(update);
  });
}

void Channel::read(const std::string& point_id, PointDone done) {
  when_open([this, point_id, done = std::move(done)](const Status& open) {
    if (!open) return done({open.error(), {}});
    const Turn turn(*this);
    poller_.read(steady(), point_id, done);
  });
}

void Channel::write(const std::string& point_id, const boost::json::value& value, bool verify, PointDone done) {
  when_open([this, point_id, value, verify, done = std::move(done)](const Status& open) {
    if (!open) return done({open.error(), {}});
    const Turn turn(*this);
    poller_.write(steady(), point_id, value, verify, done);
  });
}

void Channel::request(Order order) {
  when_open([this, order = std::move(order)](const Status& open) {
    Outcome outcome;
    if (!open) {
      outcome.problem = open.error().message;
      return order.done(outcome);
    }
    const Turn turn(*this);
    const auto done = order.done;
    if (const Status taken = line_.submit(steady(), order); !taken) {
      outcome.problem = taken.error().message;
      done(outcome);
    }
  });
}

void Channel::when_open(std::function<void(const Status&)> done) {
  if (state_ == ChannelState::running) return done({});
  // Who asks does not wait for the next attempt: the slave may be back.
  if (state_ == ChannelState::failed && steady() - tried_at_ >= kAskAgain) {
    retry_.cancel();
    reason_.clear();
    connect();
  }
  if (state_ == ChannelState::connecting && reason_.empty() && waiting_.size() < Line::kMaxWaiting) {
    waiting_.push_back(std::move(done));
    if (!wait_limit_.is_set()) wait_limit_.set_at(steady() + config_.dial.connect_timeout);
    return;
  }
  done(
      Error(Errc::network,
            fmt::format("{} is not connected: {}", label(), reason_.empty() ? std::string(to_string(state_)) : reason_),
            hint()));
}

void Channel::tell_waiting(const Status& status) {
  wait_limit_.cancel();
  for (const auto& done : std::exchange(waiting_, {})) done(status);
}

void Channel::add_tap(std::weak_ptr<const Tap> tap) { taps_.push_back(std::move(tap)); }

template <class Call>
void Channel::for_taps(Call call) {
  if (taps_.empty()) return;
  std::erase_if(taps_, [](const auto& tap) { return tap.expired(); });
  // One that comes within a call is called from the next event on.
  for (std::size_t i = 0, n = taps_.size(); i < n; ++i) {
    if (const auto tap = taps_[i].lock()) call(*tap);
  }
}

}  // namespace jl::modbus
