// Protocols tried without a device: decode, encode, the test cases of a package; what one says of itself; and what
// passes between a device and its codec.
#include "common/base/base64.hpp"
#include "common/base/hex.hpp"
#include "common/base/words.hpp"
#include "daemon/codec/dry_run.hpp"
#include "daemon/codec/package/host_call.hpp"
#include "daemon/codec/package/run_cases.hpp"
#include "daemon/control/calls/calls.hpp"
#include "daemon/control/calls/live_lines.hpp"

namespace jl::control {
namespace json = boost::json;
using codec::Transport;

namespace {

constexpr std::chrono::seconds kTestTime{30};  // of all cases of a package
constexpr std::size_t kMostPayload = std::size_t{1} << 20u;

Error bad(const char* field, std::string what, std::string hint = {}) {
  return {Errc::bad_request, std::move(what), std::move(hint), field};
}

std::string text_of(const json::object& body, const char* key) {
  const auto* value = body.if_contains(key);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

Result<Transport> transport_of(const json::object& body, const codec::Descriptor& descriptor) {
  const std::string word = text_of(body, "transport");
  const auto names = descriptor.transport_names();
  if (word.empty() && descriptor.transports.size() == 1) return descriptor.transports.front().transport;
  const auto known = codec::transport_from(word);
  if (!known || !descriptor.find(*known)) {
    return bad("transport", word.empty() ? "say which transport" : "the protocol does not speak \"" + word + "\"",
               "one of " + join(names));
  }
  return *known;
}

// The payload in whichever form it was given.
Result<std::string> payload_of(const json::object& body) {
  const int forms = static_cast<int>(body.contains("hex")) + static_cast<int>(body.contains("text")) +
                    static_cast<int>(body.contains("base64"));
  if (forms > 1) return bad("hex", "the payload is given more than once");
  std::string out;
  if (body.contains("hex")) {
    const auto bytes = from_hex(text_of(body, "hex"));
    if (!bytes) return bad("hex", "must be hex digits in pairs; spaces are allowed");
    out = *bytes;
  } else if (body.contains("base64")) {
    const auto bytes = from_base64(text_of(body, "base64"));
    if (!bytes) return bad("base64", "must be base64");
    out = *bytes;
  } else {
    out = text_of(body, "text");
  }
  if (out.size() > kMostPayload) return Error(Errc::too_large, "a payload has at most 1 MiB", {}, "hex");
  return out;
}

// The device to try with: one that exists, or one made up by the caller; neither = none.
Result<std::optional<codec::DeviceIdentity>> device_of(const json::object& body, const device::Directory& directory) {
  if (const std::string id = text_of(body, "device"); !id.empty()) {
    JL_TRY(auto found, directory.find(id));
    if (!found) return Error(Errc::not_found, "device \"" + id + "\" does not exist", "jlctl device list", "device");
    return std::optional(std::move(found->identity));
  }
  const auto* given = body.if_contains("as");
  if (!given) return std::optional<codec::DeviceIdentity>();
  const auto* object = given->if_object();
  const std::string id = object ? text_of(*object, "id") : std::string();
  if (id.empty()) return bad("as", "must be an object with an id", R"({"id": "d1", "config": {"key": "value"}})");
  codec::DeviceIdentity out;
  out.device_id = id;
  out.product_id = text_of(*object, "productId");
  if (const auto* config = object->if_contains("config"); config && config->is_object()) {
    for (const auto& [key, value] : config->as_object()) out.configuration.emplace(key, Secret(model::text_of(value)));
  }
  return std::optional(std::move(out));
}

void add_logs(const std::vector<std::string>& logs, json::object& out) {
  if (!logs.empty()) out["logs"] = json::value_from(logs);
}

}  // namespace

Result<const codec::Protocol*> Calls::protocol_of(const std::string& id) const {
  const auto catalog = r_.catalogs.current();
  const auto found = catalog->protocols.find(id);
  if (found == catalog->protocols.end())
    return Error(Errc::not_found, "protocol \"" + id + "\" does not exist", "jlctl protocol list");
  if (!found->second->codec)
    return Error(Errc::not_running, "protocol \"" + id + "\" could not be loaded", "jlctl protocol show " + id);
  return found->second->codec;
}

void Calls::protocol_decode(const Call& call, const Reply& reply) {
  const auto run = [&]() -> Result<json::object> {
    JL_TRY(const codec::Protocol* protocol, protocol_of(call.id));
    codec::DryUplink wire;
    JL_TRY(wire.transport, transport_of(call.body, *protocol->descriptor()));
    JL_TRY(wire.payload, payload_of(call.body));
    JL_TRY(const auto device, device_of(call.body, r_.directory));
    wire.topic = text_of(call.body, wire.transport == Transport::mqtt ? "topic" : "path");
    if (wire.topic.empty()) wire.topic = text_of(call.body, "topic");
    wire.method = text_of(call.body, "method");
    if (wire.method.empty() && (wire.transport == Transport::http || wire.transport == Transport::coap))
      wire.method = "POST";
    wire.query = text_of(call.body, "query");
    wire.authorization = text_of(call.body, "authorization");
    const auto state = protocol->open_state(wire.transport);
    std::vector<std::string> logs;
    json::object out;
    {
      const codec::package::LogCapture capture(logs);
      out = codec::dry_decode(*protocol, wire, device ? &*device : nullptr, state.get(), r_.clock.now());
    }
    add_logs(logs, out);
    return out;
  };
  auto done = run();
  if (!done) return reply->problem(done.error());
  reply->json(200, std::move(*done));
}

void Calls::protocol_encode(const Call& call, const Reply& reply) {
  const auto run = [&]() -> Result<json::object> {
    JL_TRY(const codec::Protocol* protocol, protocol_of(call.id));
    JL_TRY(const Transport transport, transport_of(call.body, *protocol->descriptor()));
    JL_TRY(const auto device, device_of(call.body, r_.directory));
    const auto* given = call.body.if_contains("message");
    if (!given) return bad("message", "\"message\" is missing");
    codec::DeviceIdentity who;
    if (device) {
      who = *device;
    } else if (const auto* object = given->if_object()) {
      who.device_id = text_of(*object, "deviceId");
    }
    JL_TRY(const auto message, codec::read_down_message(*given, who, r_.clock.now()));
    const auto state = protocol->open_state(transport);
    std::vector<std::string> logs;
    json::object out;
    {
      const codec::package::LogCapture capture(logs);
      out = codec::dry_encode(*protocol, message, transport, who, state.get());
    }
    add_logs(logs, out);
    return out;
  };
  auto done = run();
  if (!done) return reply->problem(done.error());
  reply->json(200, std::move(*done));
}

void Calls::protocol_test(const Call& call, const Reply& reply) {
  namespace package = codec::package;
  const auto run = [&]() -> Result<json::object> {
    package::Files files;
    if (const std::string id = text_of(call.body, "fileId"); !id.empty()) {
      if (!store::FileStore::is_id(id) || !r_.files.find(id)) return bad("fileId", "no file with this id was uploaded");
      JL_TRY(files, package::read_archive(r_.files.path_of(id)));
    } else {
      const auto* given = call.body.if_contains("files");
      if (!given || !given->is_object()) return bad("files", "must be an object: path to text");
      for (const auto& [path, text] : given->as_object()) {
        if (!text.is_string()) return bad("files", "\"" + std::string(path) + "\" must be a text");
        files.emplace(path, text.as_string());
      }
    }
    JL_TRY(const auto cases, package::read_cases(files));
    JL_TRY(const auto loaded, package::load("package", std::move(files)));
    json::array items;
    std::size_t failed = 0;
    const auto deadline = std::chrono::steady_clock::now() + kTestTime;
    const auto goes_on = [&] { return !stopping_ && std::chrono::steady_clock::now() < deadline; };
    for (const auto& result : package::run_cases(loaded, cases, r_.clock.now(), goes_on)) {
      json::object row{{"name", result.name},
                       {"place", fmt::format("{}:{}", result.position.file, result.position.line)},
                       {"result", result.difference.empty() ? "passed" : "failed"}};
      if (!result.difference.empty()) row["difference"] = result.difference;
      failed += result.difference.empty() ? 0 : 1;
      add_logs(result.logs, row);
      items.push_back(std::move(row));
    }
    json::object out{{"passed", items.size() - failed}, {"failed", failed}};
    out["items"] = std::move(items);
    return out;
  };
  auto done = run();
  if (!done) return reply->problem(done.error());
  reply->json(200, std::move(*done));
}

void Calls::protocol_document(const Call& call, const Reply& reply) {
  const auto protocol = protocol_of(call.id);
  if (!protocol) return reply->problem(protocol.error());
  const auto descriptor = (*protocol)->descriptor();
  const std::string wanted(call.param("transport"));
  json::array items;
  for (const auto& row : descriptor->transports) {
    const auto name = codec::to_string(row.transport);
    if (!wanted.empty() && codec::transport_from(wanted) != row.transport) continue;
    items.push_back(json::object{{"transport", name}, {"document", row.document}});
  }
  if (!wanted.empty() && items.empty()) {
    return reply->problem(bad("transport", "the protocol does not speak \"" + wanted + "\"",
                              "one of " + join(descriptor->transport_names())));
  }
  reply->json(200, json::object{{"items", std::move(items)}});
}

void Calls::protocol_routes(const Call& call, const Reply& reply) {
  auto shown = r_.resources.show("protocol", call.id);
  if (!shown) return reply->problem(shown.error());
  const std::string wanted(call.param("transport"));
  json::array items;
  if (const auto* routes = shown->at("status").as_object().if_contains("routes")) {
    for (const auto& route : routes->as_array()) {
      const std::string name(route.as_object().at("transport").as_string());
      if (wanted.empty() || codec::transport_from(wanted) == codec::transport_from(name)) items.push_back(route);
    }
  }
  reply->json(200, json::object{{"items", std::move(items)}});
}

void Calls::device_trace(const Call& call, const Reply& reply) {
  const auto limit = count_parameter(call, "limit", 0, std::numeric_limits<std::int32_t>::max());
  if (!limit) return reply->problem(limit.error());
  auto lines = LiveLines::start(reply, *limit);
  lines->source = r_.traces.follow(call.id, [weak = std::weak_ptr(lines)](const std::string& line) {
    if (const auto live = weak.lock()) live->add(line);
  });
}

}  // namespace jl::control
