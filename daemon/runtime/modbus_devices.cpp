#include "daemon/runtime/modbus_devices.hpp"

#include "daemon/access/on_threads.hpp"
#include "daemon/codec/json_text.hpp"
#include "daemon/runtime/modbus_exchange.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace jl::runtime {
namespace {

constexpr Millis kRefusedFor = 1'000;  // before a device that may not come in is looked up again

}  // namespace

/// A device as its bindings make it. Immutable.
struct ModbusDevices::Device {
  std::string id;
  std::size_t home = 0;
  std::vector<Bound> bound;
  std::size_t polled = 0;
};

/// What one point means to one device.
struct ModbusDevices::Item {
  std::size_t slot = 0;  // in Device::bound
  bool good = false;
  bool report = false;
  bool again = false;               // said before, to others
  std::optional<bool> connected{};  // its channel; then nothing else is said
  std::string value{};              // JSON
};

/// Who wants to hear of a point, or of a channel.
struct ModbusDevices::Routes {
  struct Target {
    std::shared_ptr<const Device> device;
    std::size_t slot;
  };
  std::unordered_map<std::string, std::vector<Target>> points, channels;
};

struct ModbusDevices::Home {
  /// The state of a device's points.
  struct Live {
    struct Slot {
      bool good = false, connected = false;
      std::string value;
    };
    std::shared_ptr<const Device> device;
    std::vector<Slot> slots;
    std::size_t good = 0, connected = 0;  // good: of the polled ones; others say nothing about now
    Millis refused_until = 0;

    [[nodiscard]] bool is_online() const { return good > 0 || (device->polled == 0 && connected > 0); }
    void take(const Item& item) {
      Slot& slot = slots[item.slot];
      const Bound& bound = device->bound[item.slot];
      if (item.connected) {
        const bool now = bound.active && *item.connected;
        connected += static_cast<std::size_t>(now) - static_cast<std::size_t>(slot.connected);
        slot.connected = now;
        return;
      }
      // That of a point that is only read when somebody asks does not tell how its slave is by now.
      const bool now = bound.polled && item.good;
      good += static_cast<std::size_t>(now) - static_cast<std::size_t>(slot.good);
      slot.good = now;
      if (item.good && !item.value.empty()) slot.value = item.value;
    }
  };

  Home(const access::Context& context, network::IoThread& t) : thread(t), sessions(context, {}, t) {}
  network::IoThread& thread;
  access::VirtualSessions sessions;
  std::unordered_map<std::string, Live> live;
  std::shared_ptr<const Routes> routes = std::make_shared<const Routes>();
  bool stopped = false;

  /// Other bindings; what is known of points that stay is kept.
  void take(const std::shared_ptr<const Routes>& now, const std::vector<std::shared_ptr<const Device>>& devices);
  [[nodiscard]] Live renewed(const Live& former, const std::shared_ptr<const Device>& device);
};

void ModbusDevices::Home::take(const std::shared_ptr<const Routes>& now,
                               const std::vector<std::shared_ptr<const Device>>& devices) {
  routes = now;
  auto former = std::exchange(live, {});
  for (const auto& device : devices) {
    auto known = former.extract(device->id);
    if (known.empty()) {
      live.emplace(device->id, Live{device, std::vector<Live::Slot>(device->bound.size()), 0, 0, 0});
    } else if (known.mapped().device == device) {
      live.insert(std::move(known));
    } else {
      live.emplace(device->id, renewed(known.mapped(), device));
    }
  }
  for (const auto& [id, before] : former) sessions.close(id);
}

ModbusDevices::Home::Live ModbusDevices::Home::renewed(const Live& former,
                                                       const std::shared_ptr<const Device>& device) {
  std::unordered_map<std::string_view, std::size_t> before;
  for (std::size_t slot = 0; slot < former.slots.size(); ++slot)
    before.emplace(former.device->bound[slot].point_id, slot);
  Live out{device, std::vector<Live::Slot>(device->bound.size()), 0, 0, 0};
  for (std::size_t slot = 0; slot < out.slots.size(); ++slot) {
    const Bound& bound = device->bound[slot];
    const auto known = before.find(bound.point_id);
    if (known == before.end()) continue;
    Live::Slot& now = out.slots[slot];
    now = former.slots[known->second];
    now.good = now.good && bound.polled;
    now.connected = now.connected && bound.active;
    out.good += now.good ? 1 : 0;
    out.connected += now.connected ? 1 : 0;
  }
  // Nobody tells anything of points whose channel is stopped.
  if (!out.is_online()) sessions.close(device->id);
  return out;
}

namespace {

/// What a session decodes: {"messageType":"REPORT_PROPERTY",...}, several where one would have more entries than a
/// message of a device may have.
class Reports {
 public:
  Reports(const std::string& device_id, Millis at) : device_id_(device_id), at_(at) {}

  void add(const std::string& property, const std::string& value) {
    constexpr std::size_t kMost = 500;
    if (count_ % kMost == 0) {
      finish();
      begin();
    } else {
      texts_.back() += ',';
    }
    codec::append_quoted(texts_.back(), property);
    texts_.back() += ':';
    texts_.back() += value;
    ++count_;
  }
  [[nodiscard]] const std::vector<std::string>& take() {
    finish();
    return texts_;
  }

 private:
  void begin() {
    std::string& text = texts_.emplace_back(R"({"messageType":"REPORT_PROPERTY","deviceId":)");
    codec::append_quoted(text, device_id_);
    text += ",\"timestamp\":";
    codec::append_integer(text, at_);
    text += ",\"properties\":{";
  }
  void finish() {
    if (!texts_.empty()) texts_.back() += "}}";
  }

  const std::string& device_id_;
  const Millis at_;
  std::vector<std::string> texts_;
  std::size_t count_ = 0;
};

}  // namespace

/// The way to a device is to its points.
class ModbusDevices::Link final : public access::DeviceLink {
 public:
  Link(ModbusDevices& devices, std::shared_ptr<Home> home, const Device& device)
      : devices_(devices),
        home_(std::move(home)),
        device_id_(device.id),
        peer_("modbus:" + device.bound.front().channel_id) {}

  codec::Transport transport() const override { return codec::Transport::modbus; }
  Status send(const codec::Downlink& message) override {
    const auto live = home_->live.find(device_id_);
    if (live == home_->live.end()) return Error(Errc::connection_lost, "its properties are bound to no point any more");
    const auto place = [device = live->second.device](const std::string& property) -> std::optional<ModbusPlace> {
      const auto it = std::ranges::find(device->bound, property, &Bound::property);
      if (it == device->bound.end()) return std::nullopt;
      return ModbusPlace{it->channel_id, it->point_id};
    };
    return start_exchange(*devices_.channels_, home_->thread, message.payload, device_id_, place,
                          [home = home_, id = device_id_](const std::string& reply) {
                            if (const auto session = home->sessions.known(id))
                              (void)session->on_uplink({{}, reply, codec::Transport::modbus});
                          });
  }
  void close(access::EndReason) override {
    if (std::exchange(closed_, true)) return;
    home_->sessions.close(device_id_);
  }
  std::string peer() const override { return peer_; }
  network::IoThread& thread() const override { return home_->thread; }

 private:
  ModbusDevices& devices_;  // outlives the I/O threads' work, see stop()
  const std::shared_ptr<Home> home_;
  const std::string device_id_, peer_;
  bool closed_ = false;
};

ModbusDevices::ModbusDevices(const access::Context& context, network::IoThreads& threads) : context_(context) {
  for (std::size_t i = 0; i < threads.size(); ++i) homes_.push_back(std::make_shared<Home>(context, threads.at(i)));
}

ModbusDevices::~ModbusDevices() { stop(); }

void ModbusDevices::set_bindings(Bindings bindings) {
  std::set<std::string> channels;  // of bindings that are new
  std::map<std::string, std::shared_ptr<const Device>> devices;
  for (auto& [id, bound] : bindings) {
    if (bound.empty()) continue;
    // One that stays is the same object: what channels are just telling of it is not told again.
    const auto before = devices_.find(id);
    if (before != devices_.end() && before->second->bound == bound) {
      devices.insert(*before);
      continue;
    }
    for (const Bound& each : bound) channels.insert(each.channel_id);
    auto device = std::make_shared<Device>();
    device->id = id;
    device->home = channels_->thread_of(bound.front().channel_id).index();
    device->polled = static_cast<std::size_t>(std::ranges::count(bound, true, &Bound::polled));
    device->bound = std::move(bound);
    devices.emplace(id, std::move(device));
  }
  if (devices == devices_) return;
  devices_ = std::move(devices);
  auto routes = std::make_shared<Routes>();
  std::vector<std::vector<std::shared_ptr<const Device>>> at(homes_.size());
  for (const auto& [id, device] : devices_) {
    for (std::size_t slot = 0; slot < device->bound.size(); ++slot) {
      routes->points[device->bound[slot].point_id].push_back({device, slot});
      routes->channels[device->bound[slot].channel_id].push_back({device, slot});
    }
    at[device->home].push_back(device);
  }
  for (std::size_t i = 0; i < homes_.size(); ++i) {
    homes_[i]->thread.post([home = homes_[i], routes, devices = std::move(at[i])] {
      if (!home->stopped) home->take(routes, devices);
    });
  }
  for (const std::string& id : channels) {
    channels_->with(id, [this](const modbus::Channel* channel) {
      if (channel) tell_again(*channel);
    });
  }
}

void ModbusDevices::attach(const std::shared_ptr<const access::AttachedGateways>& gateways) {
  for (const auto& home : homes_) {
    home->thread.post([home, gateways] { home->sessions.attach(gateways); });
  }
  look_again();
}

void ModbusDevices::look_again() {
  for (const auto& home : homes_) {
    home->thread.post([this, home] {
      if (home->stopped) return;
      std::vector<std::shared_ptr<const Device>> waiting;
      for (auto& [id, live] : home->live) {
        live.refused_until = 0;
        if (live.is_online() && !home->sessions.known(id)) waiting.push_back(live.device);
      }
      for (const auto& device : waiting) apply(home, device, {});
    });
  }
}

void ModbusDevices::stop() {
  if (std::exchange(stopped_, true)) return;
  access::on_each_thread(homes_, [](Home& home) {
    home.stopped = true;
    home.live.clear();
    home.sessions.end(home.sessions.size());
  });
}

void ModbusDevices::on_state(const std::string& channel_id, modbus::ChannelState state) {
  const bool connected = state == modbus::ChannelState::running;
  const auto routes = homes_[channels_->thread_of(channel_id).index()]->routes;
  const auto targets = routes->channels.find(channel_id);
  if (targets == routes->channels.end()) return;
  for (const auto& target : targets->second) {
    Item item{target.slot};
    item.connected = connected;
    deliver(target.device, {item});
  }
}

void ModbusDevices::on_updates(const std::string& channel_id, std::span<const modbus::Update> updates) {
  spread(channel_id, updates, false);
}

void ModbusDevices::tell_again(const modbus::Channel& channel) {
  const std::string& id = channel.config().id;
  on_state(id, channel.state());
  std::vector<modbus::Update> updates;
  channel.poller().for_each([&](const modbus::Point& point, const modbus::Sample& sample) {
    updates.push_back({std::shared_ptr<const modbus::Point>(std::shared_ptr<void>(), &point), &sample,
                       sample.quality == modbus::Quality::good, false});
  });
  spread(id, updates, true);
}

void ModbusDevices::spread(const std::string& channel_id, std::span<const modbus::Update> updates, bool again) {
  const auto routes = homes_[channels_->thread_of(channel_id).index()]->routes;
  // One report for each device. Points of one device mostly stand side by side.
  std::vector<std::pair<std::shared_ptr<const Device>, std::vector<Item>>> batches;
  for (const modbus::Update& update : updates) {
    // One that changed is read at once: until then its device is what it was.
    if (update.sample->quality == modbus::Quality::pending && update.point->is_polled()) continue;
    const auto targets = routes->points.find(update.point->id);
    if (targets == routes->points.end()) continue;
    for (const auto& target : targets->second) {
      auto batch =
          std::find_if(batches.rbegin(), batches.rend(), [&](const auto& b) { return b.first == target.device; });
      if (batch == batches.rend()) {
        batches.emplace_back(target.device, std::vector<Item>());
        batch = batches.rbegin();
      }
      Item item{target.slot, update.sample->quality == modbus::Quality::good, update.report, again};
      if (item.good) codec::append_value(item.value, update.sample->value);
      batch->second.push_back(std::move(item));
    }
  }
  for (auto& [device, items] : batches) deliver(device, std::move(items));
}

void ModbusDevices::deliver(const std::shared_ptr<const Device>& device, std::vector<Item> items) {
  const auto& home = homes_[device->home];
  if (home->thread.is_current()) return apply(home, device, items);
  home->thread.post([this, home, device, items = std::move(items)] { apply(home, device, items); });
}

void ModbusDevices::apply(const std::shared_ptr<Home>& home, const std::shared_ptr<const Device>& device,
                          std::span<const Item> items) {
  const auto found = home->live.find(device->id);
  if (home->stopped || found == home->live.end() || found->second.device != device) return;  // bound anew meanwhile
  Home::Live& live = found->second;
  Reports news(device->id, context_.clock.now());
  for (const Item& item : items) {
    const bool is_news = item.report && !item.connected && (!item.again || live.slots[item.slot].value != item.value);
    live.take(item);
    if (is_news) news.add(device->bound[item.slot].property, item.value);
  }
  if (!live.is_online()) return home->sessions.close(device->id);
  const bool comes_in = !home->sessions.known(device->id);
  if (comes_in && context_.clock.steady() < live.refused_until) return;
  auto session = home->sessions.find_or_open(device->id, codec::modbus_protocol(), [&](const std::string&) {
    return std::make_unique<Link>(*this, home, *device);
  });
  auto* entry = std::get_if<access::VirtualSessions::Entry*>(&session);
  if (!entry) {
    live.refused_until = context_.clock.steady() + kRefusedFor;
    return;
  }
  const auto say = [session = (*entry)->session](const std::vector<std::string>& messages) {
    for (const std::string& message : messages) (void)session->on_uplink({{}, message, codec::Transport::modbus});
  };
  if (!comes_in) return say(news.take());
  // Who looks at the device now is to find all that is known of it.
  Reports all(device->id, context_.clock.now());
  for (std::size_t slot = 0; slot < live.slots.size(); ++slot) {
    if (live.slots[slot].good) all.add(device->bound[slot].property, live.slots[slot].value);
  }
  say(live.good > 0 ? all.take() : std::vector<std::string>{R"({"messageType":"ONLINE"})"});
}

}  // namespace jl::runtime
