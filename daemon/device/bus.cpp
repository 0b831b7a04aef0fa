#include "daemon/device/bus.hpp"

#include "daemon/device/records.hpp"

#include <boost/json.hpp>

namespace jl::device {
using codec::MessageType;

void HistorySink::on_message(const Envelope& e, TurnLog& log) {
  if (e.message.headers.ignore_storage) return;
  message_key(log.key_buffer, e.device_id, e.received, log.next_sequence());
  log.put(store::Family::messages, log.key_buffer, e.message.json);
  log.count_stored();
}

namespace {

// wire.md 6: `version` and `properties`.
void keep_firmware(const Envelope& e, TurnLog& log) {
  if (!e.message.success || e.message.name.empty()) return;
  FirmwareInfo info{e.message.name, {}, e.message.timestamp};
  const boost::json::value parsed = parse_stored(e.message.json);
  const auto* properties = parsed.is_object() ? parsed.get_object().if_contains("properties") : nullptr;
  if (properties && properties->is_object()) info.properties = properties->get_object();
  firmware_key(log.key_buffer, e.product_id, e.device_id);
  log.put(store::Family::devices, log.key_buffer, to_record(info));
}

}  // namespace

void LatestSink::on_message(const Envelope& e, TurnLog& log) {
  char what = 0;
  switch (e.message.type) {
    case MessageType::report_property:
    case MessageType::read_property_reply:
    case MessageType::write_property_reply:
      what = 'p';
      break;
    case MessageType::update_tag:
      what = 't';
      break;
    case MessageType::report_firmware:
    case MessageType::read_firmware_reply:
      return keep_firmware(e, log);
    default:
      return;
  }
  if (!e.message.success) return;
  for (const auto& property : e.message.properties) {
    if (property.name.size() > 256) continue;
    value_key(log.key_buffer, e.product_id, e.device_id, what, property.name);
    value_record(log.value_buffer, property.source_time > 0 ? property.source_time : e.message.timestamp,
                 property.value);
    log.put(store::Family::devices, log.key_buffer, log.value_buffer);
  }
}

std::shared_ptr<void> TailSink::subscribe(TailFilter filter, Line line) {
  auto subscriber = std::make_shared<Subscriber>(Subscriber{std::move(filter), std::move(line)});
  const std::scoped_lock lock(mutex_);
  subscribers_.push_back(subscriber);
  count_.store(subscribers_.size(), std::memory_order_relaxed);
  return {subscriber.get(), [this, subscriber](void*) {
            const std::scoped_lock inner(mutex_);
            subscriber->active = false;
            std::erase(subscribers_, subscriber);
            count_.store(subscribers_.size(), std::memory_order_relaxed);
          }};
}

void TailSink::on_message(const Envelope& e, TurnLog&) {
  if (count_.load(std::memory_order_relaxed) == 0) return;
  std::string line;
  const std::scoped_lock lock(mutex_);
  const auto subscribers = subscribers_;  // a line may end its own subscription
  for (const auto& subscriber : subscribers) {
    const TailFilter& f = subscriber->filter;
    const bool wanted = subscriber->active && (f.device.empty() || f.device == e.device_id) &&
                        (f.product.empty() || f.product == e.product_id) &&
                        (f.type.empty() || f.type == codec::to_string(e.message.type));
    if (!wanted) continue;
    if (line.empty())
      line = boost::json::serialize(message_document(e.received, e.product_id, e.device_id, e.message.json));
    subscriber->line(line);
  }
}

}  // namespace jl::device
