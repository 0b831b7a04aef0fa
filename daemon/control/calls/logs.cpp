// Calls about the two logs.
#include "daemon/control/calls/calls.hpp"

namespace jl::control {
namespace json = boost::json;

namespace {

Result<logs::LogQuery> log_query(const Call& call, Millis now) {
  logs::LogQuery out;
  out.log = call.command->verb == "system" ? logs::LogClass::system : logs::LogClass::access;
  JL_TRY(out.since, time_parameter(call, "since", now));
  JL_TRY(out.until, time_parameter(call, "until", now));
  JL_TRY(out.limit, count_parameter(call, "limit", 100, 100'000));
  out.grep = call.param("grep");
  out.user = call.param("user");
  out.action = call.param("action");
  out.logger = call.param("logger");
  out.status = call.param("status");
  if (!out.status.empty() && out.status != "ok" && out.status != "failed")
    return Error(Errc::bad_request, "\"status\" must be ok or failed", {}, "status");
  if (const auto level = call.param("level"); !level.empty()) {
    bool known = false;
    for (const auto candidate : {log::Level::debug, log::Level::info, log::Level::warn, log::Level::error}) {
      if (log::to_string(candidate) == level) out.level = candidate, known = true;
    }
    if (!known) return Error(Errc::bad_request, "\"level\" must be DEBUG, INFO, WARN or ERROR", {}, "level");
  }
  return out;
}

json::object stats_document(const logs::LogStats& stats) {
  json::object out{{"records", stats.records}, {"bytes", stats.bytes}, {"dropped", stats.dropped}};
  if (stats.oldest > 0) out["oldest"] = format_time(stats.oldest);
  return out;
}

}  // namespace

void Calls::log_call(const Call& call, const Reply& reply) {
  const Millis now = r_.clock.now();
  if (call.command->verb == "stats") {
    return reply->json(
        200, json::object{{"access", stats_document(r_.logs.stats(logs::LogClass::access))},
                          {"system", stats_document(r_.logs.stats(logs::LogClass::system))},
                          {"messages", json::object{{"bytes", r_.store.approximate_size(store::Family::messages)}}}});
  }
  if (call.command->verb == "purge") {
    const auto* given = call.body.if_contains("before");
    Call copy = call;
    copy.query.clear();
    if (given && given->is_string()) copy.query.emplace("before", std::string(given->as_string()));
    const auto before = time_parameter(copy, "before", now);
    if (!before) return reply->problem(before.error());
    if (*before == 0)
      return reply->problem(Error(Errc::bad_request, "\"before\" is required", "--before 30d", "before"));
    r_.logs.flush();
    const std::uint64_t had =
        r_.logs.stats(logs::LogClass::access).records + r_.logs.stats(logs::LogClass::system).records;
    for (const auto log : {logs::LogClass::access, logs::LogClass::system}) {
      if (const Status done = r_.logs.purge(log, *before); !done) return reply->problem(done.error());
    }
    const std::uint64_t have =
        r_.logs.stats(logs::LogClass::access).records + r_.logs.stats(logs::LogClass::system).records;
    return reply->json(200, json::object{{"result", have < had ? "deleted" : "unchanged"}});
  }
  auto query = log_query(call, now);
  if (!query) return reply->problem(query.error());
  if (!call.flag("follow")) {
    r_.logs.flush();
    auto records = r_.logs.read(*query);
    if (!records) return reply->problem(records.error());
    json::array items;
    for (auto& record : *records) items.push_back(std::move(record));
    return reply->json(200, json::object{{"items", std::move(items)}});
  }
  // The past first, oldest on top, then what comes. Following starts before the reading, so nothing falls between them;
  // what both see is told once, by its id.
  struct State {
    std::mutex mutex;
    std::vector<json::object> early;
    bool live = false;
    std::shared_ptr<void> subscription;
  };
  auto state = std::make_shared<State>();
  reply->start_stream();
  reply->on_gone([state] {
    std::shared_ptr<void> ended;
    const std::scoped_lock lock(state->mutex);
    ended.swap(state->subscription);
  });
  auto subscription = r_.logs.follow(*query, [weak = std::weak_ptr(state), reply](const json::object& record) {
    const auto s = weak.lock();
    if (!s) return;
    const std::scoped_lock lock(s->mutex);
    if (s->live) {
      reply->line(json::serialize(record));
    } else {
      s->early.push_back(record);
    }
  });
  r_.logs.flush();
  auto records = r_.logs.read(*query);
  if (!records) return reply->end_stream(records.error());
  const std::scoped_lock lock(state->mutex);
  state->subscription = std::move(subscription);
  std::string last;
  for (auto it = records->rbegin(); it != records->rend(); ++it) {
    last = it->at("id").as_string().c_str();
    reply->line(json::serialize(*it));
  }
  for (const auto& record : state->early) {
    if (std::string_view(record.at("id").as_string()) > last) reply->line(json::serialize(record));
  }
  state->early.clear();
  state->live = true;
}

}  // namespace jl::control
