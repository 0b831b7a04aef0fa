#include "daemon/control/calls/calls.hpp"

#include "common/base/assert.hpp"
#include "common/base/words.hpp"
#include "common/control/api.hpp"
#include "common/control/schema.hpp"
#include "common/control/uploads.hpp"
#include "daemon/control/keep_file.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <charconv>
#include <thread>

namespace jl::control {
namespace json = boost::json;

struct Calls::Pool {
  boost::asio::thread_pool threads{4};  // more than cores: some wait for slow readers
  boost::asio::thread_pool slow{2};     // key generation, downloads, other people's servers
};

namespace {

// The server has written the file by now.
void answer_upload(const Call& call, Responder& reply) {
  JL_ASSERT(call.file);
  const auto* purpose = find_upload_purpose(call.param("purpose"));
  reply.json(call.file->existed ? 200 : 201, file_answer(*call.file, purpose && purpose->has_sign));
}

}  // namespace

bool paced_line(Responder& reply, std::string line) {
  constexpr std::size_t kAhead = 8u << 20u;
  constexpr int kPatience = 6000;  // times 5 ms
  for (int waited = 0; reply.queued() > kAhead; ++waited) {
    if (waited == kPatience) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return reply.line(std::move(line));
}

Calls::Calls(const Rooms& rooms) : r_(rooms), pool_(std::make_unique<Pool>()) {}
Calls::~Calls() { stop(); }
void Calls::stop() {
  stopping_ = true;
  pool_->slow.join();
  pool_->threads.join();
}

Result<Millis> time_parameter(const Call& call, std::string_view key, Millis now) {
  const std::string_view text = call.param(key);
  if (text.empty() || text == "0") return Millis{0};
  if (const auto back = parse_duration(text); back && text.find_first_not_of("0123456789") != std::string_view::npos)
    return now - back->count();
  auto time = parse_time(text);
  if (!time)
    return Error(Errc::bad_request, time.error().message,
                 "write RFC 3339, epoch milliseconds, or a duration back from now such as 1h", std::string(key));
  return *time;
}

Result<std::size_t> count_parameter(const Call& call, std::string_view key, std::size_t otherwise, std::size_t max) {
  const std::string_view text = call.param(key);
  if (text.empty()) return otherwise;
  std::size_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size() || value > max) {
    return Error(Errc::bad_request, fmt::format("\"{}\" must be a whole number, 0 to {}", key, max), {},
                 std::string(key));
  }
  return value;
}

void Calls::handle(Call call, std::shared_ptr<Responder> reply) {
  const Command& c = *call.command;
  if (c.upload) return answer_upload(call, *reply);
  if (c.noun == "device" && (c.verb == "read" || c.verb == "write" || c.verb == "invoke" || c.verb == "disconnect"))
    return device_command(call, reply);
  if (c.noun == "network" && (c.verb == "clients" || c.verb == "kick" || c.verb == "sub" || c.verb == "pub"))
    return network_call(call, reply);
  if (c.path == "/v1/messages") return tail_messages(call, reply);
  if (c.path == "/v1/watch") return watch(call, reply);
  if (c.path == "/v1/apply" || c.path == "/v1/diff") return apply(call, reply);
  if (c.path == "/v1/networks/frame-test") return slow(std::move(call), std::move(reply), &Calls::network_frame_test);
  if (c.noun == "protocol" && c.verb == "decode")
    return slow(std::move(call), std::move(reply), &Calls::protocol_decode);
  if (c.noun == "protocol" && c.verb == "encode")
    return slow(std::move(call), std::move(reply), &Calls::protocol_encode);
  if (c.noun == "protocol" && c.verb == "test") return slow(std::move(call), std::move(reply), &Calls::protocol_test);
  if (c.noun == "protocol" && c.verb == "trace") return device_trace(call, reply);
  if (c.path == kFetchPath) return slow(std::move(call), std::move(reply), &Calls::file_fetch);
  if (c.path == "/v1/certs/generate") return slow(std::move(call), std::move(reply), &Calls::cert_generate);
  if (c.path == "/v1/certs/test-connect") return slow(std::move(call), std::move(reply), &Calls::cert_connect);
  if (c.noun == "modbus" || c.noun == "modbus point") {
    // These answer later, on the channels' threads, but for the bindings, which are many. To dial a place of its own
    // over TLS takes the certificates of all authorities.
    if (c.path == "/v1/modbus/read" || c.path == "/v1/modbus/write")
      return pooled(std::move(call), std::move(reply), &Calls::modbus_value_call);
    if (c.verb == "test") return pooled(std::move(call), std::move(reply), &Calls::modbus_test);
    if (c.verb == "scan") return pooled(std::move(call), std::move(reply), &Calls::modbus_scan);
    if (c.verb == "plan") return modbus_plan(call, reply);
    if (c.verb == "watch") return modbus_watch(call, reply);
    if (c.verb == "bind" || c.verb == "unbind") return modbus_bind(call, reply);
    if (c.noun == "modbus point" && (c.verb == "read" || c.verb == "write")) return modbus_point(call, reply);
    if (c.verb == "bindings") return slow(std::move(call), std::move(reply), &Calls::modbus_bindings);
  }
  if (c.noun == "media server" && c.verb == "test") return media_test(call, reply);
  if (c.path == "/v1/ota/check") return slow(std::move(call), std::move(reply), &Calls::ota_check);
  if (c.noun == "ota firmware" && c.verb == "verify")
    return slow(std::move(call), std::move(reply), &Calls::ota_verify);
  if (c.noun == "ota task" && (c.verb == "stop" || c.verb == "resume" || c.verb == "retry" || c.verb == "remove"))
    return pooled(std::move(call), std::move(reply), &Calls::ota_operation);
  if (c.noun == "ota task" && c.verb == "devices")
    return pooled(std::move(call), std::move(reply), &Calls::ota_devices);
  if (c.noun == "ota task" && c.verb == "watch") return ota_watch(call, reply);
  if (c.kind && c.mutates) return mutate(call, reply);
  // The rest reads; some of it a lot.
  pooled(std::move(call), std::move(reply), &Calls::read);
}

void Calls::pooled(Call call, Reply reply, Work work) {
  boost::asio::post(pool_->threads,
                    [this, work, call = std::move(call), reply = std::move(reply)] { run_guarded(call, reply, work); });
}

void Calls::slow(Call call, Reply reply, Work work) {
  constexpr std::size_t kMostSlow = 16;
  if (slow_.fetch_add(1) >= kMostSlow) {
    slow_.fetch_sub(1);
    return reply->problem(Error(Errc::busy, "too many slow calls at once", "try again in a moment"));
  }
  boost::asio::post(pool_->slow, [this, work, call = std::move(call), reply = std::move(reply)] {
    run_guarded(call, reply, work);
    slow_.fetch_sub(1);
  });
}

void Calls::run_guarded(const Call& call, const Reply& reply, Work work) {
  try {
    (this->*work)(call, reply);
  } catch (const std::exception& e) {
    log::error("control", "{} failed unexpectedly: {}", call.command->label(), e.what());
    reply->problem(Error(Errc::failed, "an internal error occurred", "jlctl log system"));
  }
}

void Calls::read(const Call& call, const Reply& reply) {
  const Command& c = *call.command;
  const auto answer = [&](Result<json::object> result) {
    if (result) {
      reply->json(200, std::move(*result));
    } else {
      reply->problem(result.error());
    }
  };
  if (c.kind && c.verb == "list") return list(call, reply, *c.kind);
  if (c.noun == "cert" && c.verb == "show" && call.flag("showPrivate")) return cert_with_keys(call, reply);
  if (c.noun == "protocol" && c.verb == "document") return protocol_document(call, reply);
  if (c.noun == "protocol" && c.verb == "routes") return protocol_routes(call, reply);
  if (c.kind && c.verb == "show") return answer(r_.resources.show(c.kind->name, call.id));
  if (c.kind && c.verb == "impact") return answer(r_.resources.impact(c.kind->name, call.id));
  if (c.kind && c.verb == "exists") {
    const auto found = r_.resources.exists(c.kind->name, call.id);
    if (!found) return reply->problem(found.error());
    if (!*found) return reply->problem(Error(Errc::not_found, c.kind->name + " \"" + call.id + "\" does not exist"));
    return reply->json(200, json::object());
  }
  if (c.noun == "device") return device_read(call, reply);
  if (c.noun == "log") return log_call(call, reply);
  if (c.path == "/v1/export") return export_all(call, reply);
  if (c.path == "/v1/status") return reply->json(200, status());
  if (c.path == "/metrics") return reply->text(200, "text/plain; version=0.0.4", metrics());
  if (c.path == "/v1/schema") return reply->json(200, schema_document());
  if (c.path == "/v1/openapi.json") return reply->json(200, openapi_document());
  if (c.path == "/v1/version")
    return reply->json(200, json::object{{"program", "jlinkd"}, {"version", kProgramVersion}, {"api", kApiVersion}});
  if (c.path == "/v1/whoami") {
    return reply->json(200, json::object{{"uid", call.caller.uid},
                                         {"gid", call.caller.gid},
                                         {"pid", call.caller.pid},
                                         {"user", call.caller.user},
                                         {"groups", json::value_from(call.caller.groups)},
                                         {"role", to_string(call.caller.role)}});
  }
  if (c.path == "/v1/can") {
    const Command* wanted = find_command(model::noun_of(call.param("noun")), call.param("verb"));
    if (!wanted)
      return reply->problem(Error(
          Errc::bad_request,
          "there is no command \"" + std::string(call.param("noun")) + " " + std::string(call.param("verb")) + "\"",
          "jlctl help"));
    return reply->json(200, json::object{{"allowed", call.caller.role >= wanted->role},
                                         {"role", to_string(call.caller.role)},
                                         {"needs", to_string(wanted->role)}});
  }
  if (c.path == "/v1/names") {
    const auto kind = model::kind_named(call.param("kind"));
    if (!kind) return reply->problem(kind.error());
    const auto limit = count_parameter(call, "limit", 200, 10'000);
    if (!limit) return reply->problem(limit.error());
    const auto names = r_.resources.names((*kind)->name, call.param("prefix"), *limit);
    if (!names) return reply->problem(names.error());
    return reply->json(200, json::object{{"names", json::value_from(*names)}});
  }
  reply->problem(Error(Errc::unsupported, "\"" + c.path + "\" is not served"));
}

void Calls::list(const Call& call, const Reply& reply, const model::Kind& kind) {
  services::ListFilter filter;
  filter.name = call.param("name");
  filter.state = call.param("state");
  if (const auto enabled = call.param("enabled"); !enabled.empty()) {
    if (enabled != "true" && enabled != "false")
      return reply->problem(Error(Errc::bad_request, "\"enabled\" must be true or false", {}, "enabled"));
    filter.enabled = enabled == "true";
  }
  for (const auto& name : kind.filters) {
    const std::string_view value = call.param(name);
    if (value.empty()) continue;
    const model::Field* field = kind.spec->find(name);
    std::string wanted(value);
    // Words are accepted as on input: any case, and by their aliases.
    for (const auto& word : field->words) {
      if (iequals(word.word, value) ||
          std::ranges::any_of(word.aliases, [&](const std::string& a) { return iequals(a, value); }))
        wanted = word.word;
    }
    filter.fields.emplace_back(name, std::move(wanted));
  }
  const auto limit = count_parameter(call, "limit", 0, 10'000'000);
  if (!limit) return reply->problem(limit.error());
  filter.limit = *limit;

  if (call.wants_ndjson) {
    reply->start_stream();
    const Status done = r_.resources.list(
        kind, filter, [&](json::object document) { return paced_line(*reply, json::serialize(document)); });
    if (done) return reply->end_stream();
    return reply->end_stream(done.error());
  }
  json::array items;
  const Status done = r_.resources.list(kind, filter, [&](json::object document) {
    items.push_back(std::move(document));
    return true;
  });
  if (!done) return reply->problem(done.error());
  reply->json(200,
              json::object{{"items", std::move(items)}, {"revision", static_cast<std::int64_t>(r_.store.revision())}});
}

void Calls::export_all(const Call& call, const Reply& reply) {
  std::vector<std::string> kinds;
  for (auto [it, end] = call.query.equal_range("kind"); it != end; ++it) {
    const auto kind = model::kind_named(it->second);
    if (!kind) return reply->problem(kind.error());
    kinds.push_back((*kind)->name);
  }
  const bool with_secrets = call.flag("withSecrets");
  if (with_secrets && call.caller.role < Role::admin)
    return reply->problem(Error(Errc::denied, "exporting secrets needs the admin role", "jlctl whoami"));
  if (with_secrets)
    log::warn("control", "secrets exported by user={} uid={} pid={}", call.caller.user, call.caller.uid,
              call.caller.pid);
  reply->start_stream();
  const Status done = r_.resources.export_all(
      kinds, with_secrets, [&](json::object manifest) { return paced_line(*reply, json::serialize(manifest)); });
  if (done) return reply->end_stream();
  reply->end_stream(done.error());
}

}  // namespace jl::control
