// What is really happening on Modbus, for people and for metrics. Channels are asked on their own thread; what they
// said is kept for a moment, so that a list of ten thousand points asks each channel once.
#include "daemon/runtime/modbus.hpp"

#include "common/base/hex.hpp"

#include <algorithm>
#include <tuple>

namespace jl::runtime {
namespace json = boost::json;
using modbus::Quality;
using model::Resource;

namespace {

constexpr Millis kPictureAge = 250;
constexpr const char* kNotStarted = "it could not be started; see jlctl log system";
constexpr const char* kNoAnswer = "its thread is too busy to tell how it is";

json::object unit_json(const modbus::UnitState& unit, Millis steady) {
  const modbus::UnitStats& s = unit.stats;
  json::object out{{"unit", unit.unit},
                   {"answers", unit.answers},
                   {"unanswered", unit.unanswered},
                   {"requests", s.requests},
                   {"replies", s.replies},
                   {"timeouts", s.timeouts},
                   {"exceptions", s.exceptions},
                   {"skipped", s.skipped},
                   {"rttP50", s.rtt.percentile(0.5)},
                   {"rttP99", s.rtt.percentile(0.99)}};
  if (unit.stopped) out["stopped"] = true;
  if (!unit.answers && !unit.stopped) out["nextTryInMs"] = std::max<Millis>(0, unit.next_try - steady);
  return out;
}

json::object exceptions_json(const modbus::LineStats& stats) {
  json::object out;
  for (std::size_t code = 0; code < stats.exceptions.size(); ++code) {
    if (stats.exceptions[code] > 0) out[code == 0 ? "other" : std::to_string(code)] = stats.exceptions[code];
  }
  return out;
}

struct Counts {
  std::size_t points = 0, good = 0, bad = 0;
};

Counts counts_of(const modbus::Channel& channel) {
  Counts out;
  channel.poller().for_each([&](const modbus::Point&, const modbus::Sample& sample) {
    ++out.points;
    out.good += sample.quality == Quality::good ? 1 : 0;
    out.bad += sample.quality == Quality::bad ? 1 : 0;
  });
  return out;
}

json::object channel_json(const modbus::Channel& channel, const Counts& counts, Millis steady) {
  const modbus::LineStats& line = channel.line().stats();
  const modbus::PollerStats& poller = channel.poller().stats();
  std::string state(to_string(channel.state()));
  if (channel.state() == modbus::ChannelState::running && counts.bad > 0) state = "partialError";
  json::object out{{"state", state}};
  if (!channel.reason().empty()) out["reason"] = channel.reason();
  json::array units;
  for (const auto& unit : channel.line().units()) units.push_back(unit_json(unit, steady));
  out["address"] = channel.address();
  out["since"] = format_time(channel.since());
  out["points"] = counts.points;
  out["good"] = counts.good;
  out["bad"] = counts.bad;
  out["units"] = std::move(units);
  out["rttP50"] = line.rtt.percentile(0.5);
  out["rttP99"] = line.rtt.percentile(0.99);
  out["counters"] = json::object{{"connects", channel.connects()},
                                 {"failures", channel.failures()},
                                 {"requests", line.requests},
                                 {"replies", line.replies},
                                 {"timeouts", line.timeouts},
                                 {"exceptions", exceptions_json(line)},
                                 {"malformed", line.malformed},
                                 {"late", line.late},
                                 {"garbageBytes", line.garbage},
                                 {"sentBytes", line.sent_bytes},
                                 {"receivedBytes", line.received_bytes},
                                 {"cycles", poller.cycles},
                                 {"overruns", poller.overruns},
                                 {"skipped", poller.skipped},
                                 {"values", poller.values},
                                 {"worstLatenessMs", poller.worst_lateness}};
  return out;
}

std::string_view collect_state(bool enabled, const modbus::Sample& sample) {
  if (sample.quality == Quality::stopped || !enabled) return "stopped";
  return sample.quality == Quality::bad ? "error" : "running";
}

json::object point_json(bool enabled, const modbus::Sample& sample) {
  json::object out{{"collectState", collect_state(enabled, sample)}, {"quality", to_string(sample.quality)}};
  if (!sample.value.is_null() || !sample.raw.empty()) {
    out["value"] = sample.value;
    out["hex"] = to_hex(sample.raw);
    out["rtt"] = sample.rtt;
  }
  if (sample.at > 0) out["at"] = format_time(sample.at);
  if (!sample.error.empty()) out["error"] = sample.error;
  if (sample.exception > 0) out["exception"] = sample.exception;
  return out;
}

}  // namespace

Modbus::PictureRef Modbus::picture(const std::string& channel_id) const {
  const Millis now = clock_.steady();
  {
    const std::scoped_lock lock(pictures_mutex_);
    const auto kept = pictures_.find(channel_id);
    if (kept != pictures_.end() && now - kept->second->at < kPictureAge) return kept->second;
  }
  auto out = std::make_shared<Picture>();
  out->at = now;
  bool runs = false;
  const bool answered = channels_.ask(channel_id, [&](const modbus::Channel* channel) {
    if (!channel) return;
    runs = true;
    channel->poller().for_each([&](const modbus::Point& point, const modbus::Sample& sample) {
      out->points.emplace(point.id, point_json(point.enabled, sample));
    });
    out->channel = channel_json(*channel, counts_of(*channel), now);
  });
  if (!answered || !runs) return nullptr;
  const std::scoped_lock lock(pictures_mutex_);
  pictures_[channel_id] = out;
  return out;
}

json::object Modbus::status_of(const Resource& resource, bool fresh) const {
  const bool is_channel = resource.kind == "modbus-channel";
  const std::string channel_id(is_channel ? std::string_view(resource.id)
                                          : std::string_view(resource.spec.at("channelId").as_string()));
  std::size_t points = 0;
  bool wanted = false, known = false;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto entry = entries_.find(channel_id); entry != entries_.end()) {
      known = true;
      points = entry->second.points.size();
      wanted = entry->second.enabled;
    }
  }
  const bool runs = known && wanted;
  json::object out;
  if (runs && fresh) {
    channels_.ask(channel_id, [&](const modbus::Channel* channel) {
      if (!channel) return;
      if (is_channel) {
        out = channel_json(*channel, counts_of(*channel), clock_.steady());
      } else if (const modbus::Sample* sample = channel->poller().sample_of(resource.id)) {
        out = point_json(resource.enabled, *sample);
      }
    });
  } else if (const PictureRef seen = runs ? picture(channel_id) : nullptr) {
    const auto point = seen->points.find(resource.id);
    if (is_channel) {
      out = seen->channel;
    } else if (point != seen->points.end()) {
      out = point->second;
    }
  }
  if (!is_channel) {
    if (!out.empty()) return out;
    const bool waits = runs && resource.enabled;
    return {{"collectState", waits ? "running" : "stopped"}, {"quality", waits ? "pending" : "stopped"}};
  }
  if (out.empty()) {
    out["state"] = runs ? "failed" : "stopped";
    if (runs) out["reason"] = channels_.runs(channel_id) ? kNoAnswer : kNotStarted;
  }
  out["points"] = points;
  if (!out.contains("address")) out["address"] = address_of(model::from_json<model::ModbusChannel>(resource.spec));
  return out;
}

std::vector<Modbus::Binding> Modbus::bindings() const {
  std::vector<Binding> out;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [device, bindings] : devices_of_) {
      for (const auto& binding : bindings) {
        const auto channel = channel_of_.find(binding.point.id);
        out.push_back({device, binding.property, binding.point.id,
                       channel == channel_of_.end() ? std::string() : channel->second, "stopped"});
      }
    }
  }
  std::ranges::sort(out, {}, [](const Binding& b) { return std::tie(b.device, b.property); });
  for (Binding& binding : out) {
    if (!channels_.runs(binding.channel)) continue;
    const PictureRef seen = picture(binding.channel);
    if (!seen) continue;
    if (const auto point = seen->points.find(binding.point); point != seen->points.end())
      binding.quality = std::string(point->second.at("quality").as_string());
  }
  return out;
}

std::vector<Modbus::Metrics> Modbus::metrics() const {
  std::vector<Metrics> out;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, entry] : entries_) {
      if (!entry.enabled || channels_.runs(id)) continue;
      Metrics row;
      row.channel = id;
      row.state = modbus::ChannelState::failed;
      row.reason = kNotStarted;
      row.points = entry.points.size();
      out.push_back(std::move(row));
    }
  }
  channels_.visit([&out](const modbus::Channel& channel) {
    if (channel.is_temporary()) return;
    Metrics row;
    row.channel = channel.config().id;
    row.state = channel.state();
    row.reason = channel.reason();
    row.line = channel.line().stats();
    row.poller = channel.poller().stats();
    row.connects = channel.connects();
    row.failures = channel.failures();
    channel.poller().for_each([&](const modbus::Point&, const modbus::Sample& sample) {
      ++row.points;
      row.good += sample.quality == Quality::good ? 1 : 0;
    });
    out.push_back(std::move(row));
  });
  std::ranges::sort(out, {}, &Metrics::channel);
  return out;
}

}  // namespace jl::runtime
