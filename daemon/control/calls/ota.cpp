// Calls about remote upgrade: what operators do to tasks, and how far they are.
#include "daemon/control/calls/calls.hpp"
#include "daemon/control/calls/live_lines.hpp"

#include <algorithm>

namespace jl::control {
namespace json = boost::json;

namespace {

// {"devices": ["dev-1", ...]}, or nothing.
Result<std::vector<std::string>> devices_of(const Call& call) {
  std::vector<std::string> out;
  const auto* list = call.body.if_contains("devices");
  if (!list || list->is_null()) return out;
  const bool is_list = list->is_array();
  for (const auto& item : is_list ? list->get_array() : json::array()) {
    if (item.is_string()) out.emplace_back(item.get_string());
  }
  if (!is_list || out.size() != list->get_array().size())
    return Error(Errc::bad_request, "\"devices\" must be a list of ids", {}, "devices");
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

json::object picture_document(const std::string& id, const ota::Picture& picture) {
  const ota::Counts& c = picture.counts;
  json::object out{{"id", id}, {"state", ota::to_string(c.state())}, {"progress", c.progress()}};
  for (const auto state :
       {ota::State::waiting, ota::State::processing, ota::State::success, ota::State::failed, ota::State::canceled})
    out[ota::to_string(state)] = c.at(state);
  out["total"] = c.total();
  out["over"] = c.is_over();
  if (picture.groups > 1) out["group"] = json::object{{"number", picture.group + 1}, {"of", picture.groups}};
  if (!picture.stop_reason.empty()) out["reason"] = picture.stop_reason;
  return out;
}

}  // namespace

void Calls::ota_operation(const Call& call, const Reply& reply) {
  const std::string object = "ota-task/" + call.id;
  reply->notes({object, 0, 0});
  const auto devices = devices_of(call);
  if (!devices) return reply->problem(devices.error());
  ota::Upgrades& upgrades = r_.runtime.ota().upgrades();
  const std::string& verb = call.command->verb;
  if (verb == "remove" && devices->empty())
    return reply->problem(Error(Errc::bad_request, "name the devices whose records are to go", {}, "devices"));
  const auto done = verb == "stop"     ? upgrades.stop_task(call.id, *devices)
                    : verb == "resume" ? upgrades.resume_task(call.id, *devices)
                    : verb == "retry"  ? upgrades.retry_task(call.id, *devices)
                                       : upgrades.remove_records(call.id, *devices);
  if (!done) return reply->problem(done.error());
  const auto picture = upgrades.picture(call.id);
  json::object out{{"result", "updated"}, {"kind", "ota-task"}, {"id", call.id}, {"devices", *done}};
  if (picture && (picture->counts.total() > 0 || verb != "remove")) {
    out["status"] = picture_document(call.id, *picture);
    return reply->json(200, std::move(out));
  }
  // Nobody is left in it (operations.md 1.3, "delete record").
  services::Mutation m;
  m.kind = "ota-task";
  m.id = call.id;
  m.verb = services::Verb::erase;
  m.options.if_exists = true;
  r_.resources.mutate(std::move(m), [reply, object](Result<services::MutationResult> result) {
    answer_mutation(reply, std::move(result), object);
  });
}

// Records are copied out of the engine a thousand at a time, so that it is not held up by a slow reader.
void Calls::ota_devices(const Call& call, const Reply& reply) {
  constexpr std::size_t kAtOnce = 1000;
  const auto limit = count_parameter(call, "limit", 0, 10'000'000);
  if (!limit) return reply->problem(limit.error());
  std::optional<ota::State> state;
  if (const auto word = call.param("state"); !word.empty()) {
    state = ota::state_from(word);
    if (!state)
      return reply->problem(
          Error(Errc::bad_request, "\"state\" must be waiting, processing, success, failed or canceled", {}, "state"));
  }
  std::vector<std::string> devices;
  for (auto [it, end] = call.query.equal_range("device"); it != end; ++it) devices.push_back(it->second);
  std::ranges::sort(devices);
  const bool full = call.flag("history");
  const ota::Upgrades& upgrades = r_.runtime.ota().upgrades();
  std::size_t left = *limit == 0 ? std::numeric_limits<std::size_t>::max() : *limit;
  std::string after;
  json::array items;
  bool streaming = false;
  for (;;) {
    const std::size_t wanted = std::min(left, kAtOnce);
    const auto records = upgrades.records(call.id, state, devices, after, wanted);
    if (!records) return streaming ? reply->end_stream(records.error()) : reply->problem(records.error());
    if (call.wants_ndjson && !std::exchange(streaming, true)) reply->start_stream();
    for (const ota::Record& record : *records) {
      if (left == 0) break;
      --left;
      json::object row = ota::to_document(record, full);
      if (!streaming) {
        items.push_back(std::move(row));
      } else if (!paced_line(*reply, json::serialize(row))) {
        return;
      }
    }
    if (records->size() < wanted || left == 0 || !devices.empty()) break;
    after = records->back().device_id;
  }
  if (streaming) return reply->end_stream();
  reply->json(200, json::object{{"items", std::move(items)}});
}

void Calls::ota_watch(const Call& call, const Reply& reply) {
  ota::Upgrades& upgrades = r_.runtime.ota().upgrades();
  const auto picture = upgrades.picture(call.id);
  if (!picture) {
    return reply->problem(Error(Errc::not_found, "ota task \"" + call.id + "\" does not exist", "jlctl ota task list"));
  }
  auto lines = LiveLines::start(reply, 0);
  // The engine's thread and this one may both look; one after the other.
  struct Last {
    std::mutex mutex;
    std::string text;
  };
  const auto look = [&upgrades, id = call.id, weak = std::weak_ptr(lines), last = std::make_shared<Last>()] {
    const auto live = weak.lock();
    if (!live || !live->wants_more()) return;
    const auto now = upgrades.picture(id);
    const std::scoped_lock lock(last->mutex);
    if (!now) return live->end(Error(Errc::not_found, "ota task \"" + id + "\" was deleted"));
    std::string text = json::serialize(picture_document(id, *now));
    if (text == last->text) return;
    live->add(text);
    last->text = std::move(text);
    if (now->counts.is_over()) live->end();
  };
  lines->source = upgrades.watch(look);
  look();
}

}  // namespace jl::control
