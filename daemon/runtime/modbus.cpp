#include "daemon/runtime/modbus.hpp"

#include "daemon/base/log.hpp"
#include "daemon/device/records.hpp"
#include "daemon/runtime/runtime.hpp"
#include "daemon/store/store.hpp"

#include <fmt/format.h>
#include <set>
#include <utility>

namespace jl::runtime {
namespace json = boost::json;
using model::ModbusTransport;
using model::Resource;
using store::Family;

namespace {

std::uint16_t port_of(const model::ModbusChannel& c) {
  return c.port.value_or(c.transport == ModbusTransport::tls ? 802 : 502);
}

}  // namespace

std::string address_of(const model::ModbusChannel& c) {
  if (c.transport == ModbusTransport::rtu) return "rtu://" + c.device;
  const auto& transports = model::EnumWords<ModbusTransport>::words();
  const bool v6 = c.host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", transports[static_cast<std::size_t>(c.transport)].word, v6 ? "[" : "", c.host,
                     v6 ? "]" : "", port_of(c));
}

Result<modbus::ChannelConfig> channel_config(const std::string& id, const model::ModbusChannel& c,
                                             const CertSource& certs) {
  modbus::ChannelConfig out;
  out.id = id;
  out.address = address_of(c);
  out.dial.connect_timeout = c.connect_timeout;
  out.line.rtu = c.transport == ModbusTransport::rtu || c.transport == ModbusTransport::rtu_over_tcp;
  out.line.request_timeout = c.request_timeout;
  out.line.request_delay = c.request_delay;
  out.line.error_delay = c.error_delay;
  out.line.max_in_flight = static_cast<std::size_t>(c.max_in_flight);
  out.line.breaker = c.breaker;
  out.line.breaker_threshold = static_cast<unsigned>(c.breaker_threshold);
  out.limits.max_gap = static_cast<std::uint16_t>(c.max_gap);
  out.limits.max_gap_bits = static_cast<std::uint16_t>(c.max_gap_bits);
  out.limits.max_block = static_cast<std::uint16_t>(c.max_block);
  out.limits.max_block_bits = static_cast<std::uint16_t>(c.max_block_bits);
  if (c.transport == ModbusTransport::rtu) {
    network::SerialOptions& serial = out.dial.serial;
    serial.device = c.device;
    serial.baud_rate = c.baud_rate;
    serial.parity = "NEO"[static_cast<std::size_t>(c.parity)];
    serial.data_bits = c.data_bits;
    serial.stop_bits = c.stop_bits;
    serial.rs485 = c.rs485;
    // 3.5 characters of 11 bits end a frame (serial line V1.02 §2.5.1.1); the timers of both ends are coarser.
    out.line.silence = std::max<Millis>(20, 39'000 / c.baud_rate);
    return out;
  }
  out.dial.host = c.host;
  out.dial.port = port_of(c);
  if (c.transport != ModbusTransport::tls) return out;
  network::TlsClientOptions options;
  options.host = c.host;
  options.verify_host = c.verify_host;
  options.alias = c.private_key_alias;
  if (!c.cert_id.id.empty()) {
    JL_TRY(const auto cert, certs(c.cert_id.id));
    options.bundle = cert.bundle;
    options.mutual = cert.mutual;
  }
  JL_TRY(out.dial.tls, network::TlsContext::client(options));
  return out;
}

Modbus::Modbus(network::IoThreads& threads, const access::Context& context)
    : clock_(context.clock), devices_(context, threads), channels_(threads, devices_) {
  devices_.bind(channels_);
}

Modbus::~Modbus() { stop(); }

void Modbus::stop() {
  if (std::exchange(stopped_, true)) return;
  devices_.stop();
  channels_.stop();
}

Status Modbus::boot(const store::Snapshot& snapshot, const CertSource& certs) {
  const auto each = [&](std::string_view kind, const std::function<void(const Resource&)>& take) {
    const std::string from = store::key({kind, ""});
    return snapshot.scan(Family::resources, from, store::prefix_end(from), false,
                         [&](std::string_view key, std::string_view value, store::Revision revision) {
                           if (const auto r = model::from_stored(kind, store::key_part(key, 1), value, revision))
                             take(*r);
                           return true;
                         });
  };
  JL_CHECK(each("modbus-channel", [&](const Resource& r) { take_channel(r.id, &r); }));
  JL_CHECK(each("modbus-point", [&](const Resource& r) { take_point(nullptr, &r); }));
  // Devices are many; those with bindings are found by what refers to points.
  std::set<std::string> bound;
  const std::string from = store::key({"modbus-point", ""});
  JL_CHECK(snapshot.scan(Family::references, from, store::prefix_end(from), false,
                         [&](std::string_view key, std::string_view, store::Revision) {
                           if (store::key_part(key, 2) == "device") bound.emplace(store::key_part(key, 3));
                           return true;
                         }));
  for (const std::string& id : bound) {
    JL_TRY(const auto entry, snapshot.get(Family::resources, store::key({"device", id})));
    if (!entry) continue;
    if (const auto device = model::from_stored("device", id, entry->value, entry->revision)) take_device(id, &*device);
  }
  for (const auto& [id, entry] : entries_) {
    if (!entry.enabled) continue;
    auto config = channel_config(id, entry.spec, certs);
    if (!config) {
      // As with network components: everything else serves on.
      log::error("runtime", "modbus-channel={} failed to start: {}", id, config.error().message);
      continue;
    }
    channels_.put(std::move(*config));
    publish_points(id);
  }
  publish_bindings();
  return {};
}

Status Modbus::prepare(const std::vector<ResourceChange>& changes, const CertSource& certs) {
  prepared_.clear();
  std::map<std::string, model::ModbusChannel> wanted;
  std::set<std::string> renewed;
  for (const auto& change : changes) {
    if (change.after && change.after->kind == "modbus-channel" && change.after->enabled)
      wanted[change.after->id] = model::from_json<model::ModbusChannel>(change.after->spec);
    if (change.before && change.after && change.after->kind == "cert") renewed.insert(change.after->id);
  }
  for (const auto& [id, entry] : entries_) {
    if (entry.enabled && renewed.contains(entry.spec.cert_id.id)) wanted.emplace(id, entry.spec);
  }
  for (const auto& [id, spec] : wanted) {
    auto config = channel_config(id, spec, certs);
    if (!config) {
      Error error = config.error();
      error.message = "modbus-channel \"" + id + "\": " + error.message;
      return error;
    }
    prepared_.emplace(id, std::move(*config));
  }
  return {};
}

void Modbus::commit(const std::vector<ResourceChange>& changes) {
  std::set<std::string> touched;
  bool bindings = false, people = false;
  for (const auto& change : changes) {
    const Resource* after = change.after ? &*change.after : nullptr;
    const std::string& kind = change.any().kind;
    if (kind == "modbus-channel") {
      take_channel(change.any().id, after);
      touched.insert(change.any().id);
      bindings = true;
    } else if (kind == "modbus-point") {
      take_point(change.before ? &*change.before : nullptr, after);
      touched.emplace(change.any().spec.at("channelId").as_string());
      bindings = true;
    } else if (kind == "device") {
      const auto has_some = [](const std::optional<Resource>& r) { return r && r->spec.contains("bindings"); };
      if (has_some(change.before) || has_some(change.after)) {
        take_device(change.any().id, after);
        bindings = people = true;
      }
    } else if (kind == "product" || kind == "gateway" || kind == "protocol") {
      people = true;
    }
  }
  for (auto& [id, config] : std::exchange(prepared_, {})) {
    channels_.put(std::move(config));
    touched.insert(id);  // with a renewed certificate one may run that could not be started before: it has no points
  }
  for (const std::string& id : touched) {
    const auto entry = entries_.find(id);
    if (entry == entries_.end() || !entry->second.enabled) {
      channels_.erase(id);
      const std::scoped_lock lock(pictures_mutex_);
      pictures_.erase(id);
    } else {
      publish_points(id);
    }
  }
  if (bindings) publish_bindings();
  if (people) devices_.look_again();
}

void Modbus::take_channel(const std::string& id, const Resource* after) {
  const std::scoped_lock lock(mutex_);
  if (!after) {
    entries_.erase(id);
    return;
  }
  ChannelEntry& entry = entries_[id];
  entry.enabled = after->enabled;
  entry.spec = model::from_json<model::ModbusChannel>(after->spec);
}

void Modbus::take_point(const Resource* before, const Resource* after) {
  const Resource& any = after ? *after : *before;
  const std::string channel(any.spec.at("channelId").as_string());
  const std::scoped_lock lock(mutex_);
  if (!after) {
    channel_of_.erase(any.id);
    if (const auto entry = entries_.find(channel); entry != entries_.end()) entry->second.points.erase(any.id);
    return;
  }
  channel_of_[any.id] = channel;
  auto point = std::make_shared<PointEntry>();
  point->name = after->name;
  point->enabled = after->enabled;
  point->spec = model::from_json<model::ModbusPoint>(after->spec);
  entries_[channel].points[any.id] = std::move(point);
}

void Modbus::take_device(const std::string& id, const Resource* after) {
  const std::scoped_lock lock(mutex_);
  devices_of_.erase(id);
  if (!after) return;
  auto bindings = model::from_json<model::Device>(after->spec).bindings;
  if (!bindings.empty()) devices_of_[id] = std::move(bindings);
}

void Modbus::publish_points(const std::string& channel_id) {
  const ChannelEntry& entry = entries_.at(channel_id);
  modbus::Channels::Points points;
  points.reserve(entry.points.size());
  for (const auto& [id, point] : entry.points)
    points.push_back(modbus::point_of(id, point->name, point->enabled, point->spec, entry.spec.order));
  channels_.set_points(channel_id, std::move(points));
}

void Modbus::publish_bindings() {
  ModbusDevices::Bindings out;
  for (const auto& [device, bindings] : devices_of_) {
    auto& bound = out[device];
    for (const auto& binding : bindings) {
      const auto channel = channel_of_.find(binding.point.id);
      if (channel == channel_of_.end()) continue;
      const ChannelEntry& entry = entries_.at(channel->second);
      const PointEntry& point = *entry.points.at(binding.point.id);
      const bool active = entry.enabled && point.enabled;
      bound.push_back(
          {binding.property, binding.point.id, channel->second, active, active && point.spec.interval.value_or(0) > 0});
    }
    if (bound.empty()) out.erase(device);
  }
  devices_.set_bindings(std::move(out));
}

std::optional<model::ModbusChannel> Modbus::channel(std::string_view id) const {
  const std::scoped_lock lock(mutex_);
  const auto it = entries_.find(id);
  return it == entries_.end() ? std::nullopt : std::optional(it->second.spec);
}

std::string Modbus::channel_of(std::string_view point_id) const {
  const std::scoped_lock lock(mutex_);
  const auto it = channel_of_.find(point_id);
  return it == channel_of_.end() ? std::string() : it->second;
}

}  // namespace jl::runtime
