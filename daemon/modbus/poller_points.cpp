#include "daemon/modbus/poller_points.hpp"

#include <fmt/format.h>
#include <tuple>

namespace jl::modbus {
namespace {

auto fields_of(const Format& f) {
  return std::tie(f.area, f.type, f.order, f.address, f.count, f.bit, f.high_byte, f.scale_factor, f.offset, f.decimals,
                  f.force_multiple, f.mask_write, f.with_byte_count, f.byte_count);
}

auto fields_of(const Point& p) {
  return std::tie(p.id, p.name, p.enabled, p.unit, p.access, p.interval, p.changed_only, p.no_merge, p.dead_band,
                  p.dead_band_percent, p.max_silence);
}

bool is_same_place(const Point& a, const Point& b) {
  return a.unit == b.unit && fields_of(a.format) == fields_of(b.format);
}

bool set_quality(Sample& sample, Quality quality, Millis unix_now) {
  if (sample.quality == quality) return false;
  sample.quality = quality;
  sample.changed_at = unix_now;
  return true;
}

// A clock that was set back counts as silence, since it hides how long there was some.
bool is_silence_over(const Entry& entry, Millis unix_now) {
  const Millis silence = unix_now - entry.reported_at;
  return entry.point->max_silence > 0 && (silence < 0 || silence >= entry.point->max_silence);
}

bool is_worth_reporting(const Entry& entry, Millis unix_now) {
  const Point& point = *entry.point;
  if (!point.changed_only || !entry.reported || is_silence_over(entry, unix_now)) return true;
  return differs(*entry.reported, entry.sample.value, point.dead_band, point.dead_band_percent);
}

// The quality that a point has from now on; `entry` still has the former point, if it had one. Nothing = what it has.
std::optional<Quality> quality_from_now(const Entry& entry, const Point& now) {
  if (!now.enabled) return Quality::stopped;
  if (entry.sample.quality == Quality::stopped) return Quality::pending;
  const bool was_polled = entry.point && entry.point->interval > 0 && entry.point->reads();
  if (was_polled && (now.interval <= 0 || !now.reads())) return Quality::pending;
  return std::nullopt;
}

// The first good value after a pause is reported whatever it is.
bool pause(Entry& entry, Quality quality, Millis unix_now) {
  entry.reported.reset();
  // Who disables a point and enables it again has it tried at once.
  if (quality == Quality::stopped) entry.refused = false;
  return set_quality(entry.sample, quality, unix_now);
}

}  // namespace

std::string_view to_string(Quality quality) {
  switch (quality) {
    case Quality::pending:
      return "pending";
    case Quality::good:
      return "good";
    case Quality::bad:
      return "bad";
    case Quality::stopped:
      return "stopped";
  }
  return "pending";
}

bool Point::operator==(const Point& other) const {
  return fields_of(*this) == fields_of(other) && fields_of(format) == fields_of(other.format);
}

std::shared_ptr<const Point> point_of(const std::string& id, const std::string& name, bool enabled,
                                      const model::ModbusPoint& spec, model::ModbusOrder channel_order) {
  auto point = std::make_shared<Point>();
  point->id = id;
  point->name = name;
  point->enabled = enabled;
  point->unit = static_cast<std::uint8_t>(spec.unit_id);
  point->format = format_of(spec, channel_order);
  point->access = spec.access;
  point->interval = spec.interval.value_or(0);
  point->changed_only = spec.changed_only;
  point->no_merge = spec.no_merge;
  point->dead_band = spec.dead_band.value_or(0);
  point->dead_band_percent = spec.dead_band_type == model::ModbusBand::percent;
  point->max_silence = spec.max_silence.value_or(0);
  return point;
}

std::string cut_data(const Format& format, std::uint16_t address, std::string_view data) {
  if (format.address < address) return {};
  const std::size_t skip = format.address - address;
  if (model::has_registers(format.area)) {
    if (data.size() < (skip + format.count) * 2) return {};
    return std::string(data.substr(skip * 2, std::size_t{format.count} * 2));
  }
  if (data.size() * 8 < skip + format.count) return {};
  std::string bits((std::size_t{format.count} + 7) / 8, '\0');
  for (std::size_t i = 0; i < format.count; ++i) {
    const std::size_t from = skip + i;
    const unsigned bit = (static_cast<unsigned char>(data[from / 8]) >> (from % 8)) & 1U;
    bits[i / 8] = static_cast<char>(static_cast<unsigned char>(bits[i / 8]) | (bit << (i % 8)));
  }
  return bits;
}

bool take_data(Entry& entry, std::string data, Millis rtt, Millis unix_now, Update& update) {
  if (!entry.live || entry.sample.quality == Quality::stopped) return false;
  auto value = decode(entry.point->format, data);
  if (!value) return take_failure(entry, value.error().message, 0, unix_now, update);
  Sample& sample = entry.sample;
  sample.value = std::move(*value);
  sample.raw = std::move(data);
  sample.at = unix_now;
  sample.rtt = rtt;
  sample.error.clear();
  sample.exception = 0;
  const bool changed = set_quality(sample, Quality::good, unix_now);
  update = {entry.point, &sample, is_worth_reporting(entry, unix_now), changed};
  if (update.report) {
    entry.reported = sample.value;
    entry.reported_at = unix_now;
  }
  return true;
}

bool take_failure(Entry& entry, const std::string& error, std::uint8_t exception, Millis unix_now, Update& update) {
  Sample& sample = entry.sample;
  if (!entry.live || sample.quality == Quality::stopped) return false;
  if (sample.error != error) sample.error = error;
  sample.exception = exception;
  const bool changed = set_quality(sample, Quality::bad, unix_now);
  update = {entry.point, &sample, false, changed};
  return changed;
}

std::string describe(const Point& point) {
  const auto& areas = model::EnumWords<model::ModbusArea>::words();
  return fmt::format("point \"{}\" (unit {}, {} {})", point.id, point.unit,
                     areas.at(static_cast<std::size_t>(point.format.area)).word,
                     model::modbus_address_text(point.format.address, point.format.area));
}

void Points::replace(std::vector<std::shared_ptr<const Point>> points, Millis unix_now, std::vector<Update>& updates) {
  const auto former = std::exchange(by_id_, {});
  std::vector<std::shared_ptr<const Point>> former_points;  // the keys of `former` are in them
  former_points.reserve(entries_.size());
  for (const EntryPtr& entry : entries_) {
    entry->live = false;
    former_points.push_back(entry->point);
  }
  entries_.clear();
  entries_.reserve(points.size());
  by_id_.reserve(points.size());
  for (auto& point : points) {
    if (by_id_.contains(point->id)) continue;
    const auto found = former.find(point->id);
    const EntryPtr known = found == former.end() ? nullptr : found->second;
    const bool stays = known && is_same_place(*known->point, *point);
    const EntryPtr entry = stays ? known : std::make_shared<Entry>();
    const Quality before = known ? known->sample.quality : Quality::pending;
    if (const auto quality = quality_from_now(*entry, *point)) pause(*entry, *quality, unix_now);
    entry->live = true;
    entry->index = entries_.size();
    entry->point = std::move(point);
    entries_.push_back(entry);
    by_id_.emplace(entry->point->id, entry);
    if (!known || entry->sample.quality == before) continue;
    entry->sample.changed_at = unix_now;
    updates.push_back({entry->point, &entry->sample, false, true});
  }
}

EntryPtr Points::find(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

void Points::stop(Millis unix_now, std::vector<Update>& updates) {
  for (const EntryPtr& entry : entries_) {
    if (pause(*entry, Quality::stopped, unix_now)) updates.push_back({entry->point, &entry->sample, false, true});
  }
}

void Points::start(Millis unix_now, std::vector<Update>& updates) {
  for (const EntryPtr& entry : entries_) {
    if (!entry->point->enabled || entry->sample.quality != Quality::stopped) continue;
    pause(*entry, Quality::pending, unix_now);
    updates.push_back({entry->point, &entry->sample, false, true});
  }
}

}  // namespace jl::modbus
