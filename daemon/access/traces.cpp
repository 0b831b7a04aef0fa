#include "daemon/access/traces.hpp"

#include "common/base/hex.hpp"
#include "common/base/time.hpp"
#include "common/base/words.hpp"

namespace jl::access {
namespace json = boost::json;

namespace {

constexpr std::size_t kMostBytes = 2048;  // of one payload that are shown

void add_payload(json::object& record, std::string_view payload) {
  record["size"] = payload.size();
  const std::string_view shown = payload.substr(0, kMostBytes);
  if (!shown.empty() && is_printable_utf8(shown)) {
    record["text"] = shown;
  } else {
    record["hex"] = to_hex(shown);
  }
  if (shown.size() < payload.size()) record["cut"] = true;
}

}  // namespace

std::shared_ptr<void> Traces::follow(std::string device_id, Line line) {
  auto follower = std::make_shared<Follower>(Follower{device_id, std::move(line)});
  {
    const std::scoped_lock lock(mutex_);
    followers_.emplace(std::move(device_id), follower);
  }
  count_.fetch_add(1, std::memory_order_relaxed);
  return {static_cast<void*>(follower.get()), [this, follower](void*) {
            const std::scoped_lock lock(mutex_);
            const auto [first, last] = followers_.equal_range(follower->device_id);
            for (auto it = first; it != last; ++it) {
              if (it->second != follower) continue;
              followers_.erase(it);
              count_.fetch_sub(1, std::memory_order_relaxed);
              break;
            }
          }};
}

bool Traces::follows(std::string_view device_id) const {
  if (count_.load(std::memory_order_relaxed) == 0) return false;
  const std::scoped_lock lock(mutex_);
  return followers_.find(device_id) != followers_.end();
}

void Traces::tell(std::string_view device_id, const json::object& record) {
  const std::string text = json::serialize(record);
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<Follower>> listening;
  const auto [first, last] = followers_.equal_range(device_id);
  for (auto it = first; it != last; ++it) listening.push_back(it->second);
  for (const auto& follower : listening) follower->line(text);
}

void Traces::up(std::string_view device_id, const codec::Uplink& wire, const codec::DeviceMessage* messages,
                std::string_view outcome, Millis now) {
  json::object record{{"time", format_time(now)},
                      {"event", "up"},
                      {"device", device_id},
                      {"transport", codec::to_string(wire.transport)}};
  if (!wire.method.empty()) record["method"] = wire.method;
  if (!wire.topic.empty()) record[wire.transport == codec::Transport::mqtt ? "topic" : "path"] = wire.topic;
  add_payload(record, wire.payload);
  json::array list;
  for (const auto* m = messages; m; m = m->has_next ? m->next.get() : nullptr) {
    boost::system::error_code ec;
    json::value parsed = json::parse(m->json, ec);
    list.push_back(ec ? json::value(m->json) : std::move(parsed));
  }
  record["messages"] = std::move(list);
  if (!outcome.empty()) record["error"] = outcome;
  tell(device_id, record);
}

void Traces::down(std::string_view device_id, codec::Transport transport, const codec::Downlink& sent,
                  std::string_view why, Millis now) {
  json::object record{{"time", format_time(now)},
                      {"event", "down"},
                      {"device", device_id},
                      {"transport", codec::to_string(transport)},
                      {"reason", why}};
  if (!sent.topic.empty()) record["topic"] = sent.topic;
  add_payload(record, sent.payload);
  tell(device_id, record);
}

void Traces::trouble(std::string_view device_id, std::string_view what, Millis now) {
  tell(device_id, {{"time", format_time(now)}, {"event", "error"}, {"device", device_id}, {"error", what}});
}

}  // namespace jl::access
