// network frame-test: a framing rule tried on bytes, without a connection.
#include "common/base/hex.hpp"
#include "common/base/words.hpp"
#include "common/model/network.hpp"
#include "daemon/control/calls/calls.hpp"
#include "daemon/runtime/framing_rule.hpp"

#include <array>

namespace jl::control {
namespace json = boost::json;

namespace {

constexpr std::size_t kMaxReads = 1000;

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (!out.empty()) out += ' ';
    out += fmt::format("{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

/// The rule of flags, checked as that of a component is.
Result<model::TcpServer> configuration_of(const json::object& body) {
  json::object parser;
  for (const char* key : {"delimited", "size", "offset", "length", "little", "script", "lang"}) {
    if (const auto* value = body.if_contains(key)) parser[key] = *value;
  }
  json::object given{{"port", 1}, {"parserConfiguration", std::move(parser)}};
  for (const char* key : {"parserType", "maxFrameLength"}) {
    if (const auto* value = body.if_contains(key)) given[key] = *value;
  }
  std::vector<Problem> problems;
  const auto canonical = model::normalize(model::table_of<model::TcpServer>(), given, given, "", problems);
  if (!problems.empty()) return error_from_problems(std::move(problems));
  return model::from_json<model::TcpServer>(canonical);
}

class Frames final : public wire::framing::FrameSink {
 public:
  bool on_frame(std::string_view frame) override {
    list.push_back(json::value(hex(frame)));
    return true;
  }
  json::array list;
};

}  // namespace

void Calls::network_frame_test(const Call& call, const Reply& reply) {
  const auto* network = call.body.if_contains("network");
  Result<model::TcpServer> configuration = model::TcpServer{};
  if (network && network->is_string()) {
    const auto shown = r_.resources.show("network", network->as_string());
    if (!shown) return reply->problem(shown.error());
    const auto& spec = shown->at("spec").as_object();
    const auto* own = model::configuration_for_node(spec, r_.node_id);
    if (model::network_type_of(spec) != model::NetworkType::tcp_server || !own) {
      return reply->problem(Error(Errc::unsupported, fmt::format("network \"{}\" is not a TCP server of this node",
                                                                 std::string_view(network->as_string()))));
    }
    configuration = model::from_json<model::TcpServer>(*own);
  } else {
    configuration = configuration_of(call.body);
  }
  if (!configuration) return reply->problem(configuration.error());
  const auto rule = runtime::framing_rule(*configuration);
  if (!rule) return reply->problem(rule.error());
  auto framer = (*rule)->open();
  if (!framer) return reply->problem(framer.error());

  const auto* reads = call.body.if_contains("reads");
  if (!reads || !reads->is_array() || reads->as_array().size() > kMaxReads)
    return reply->problem(Error(Errc::bad_request, "\"reads\" must be a list of at most 1000 texts", {}, "reads"));
  json::array items;
  for (const auto& read : reads->as_array()) {
    const auto bytes = read.is_string() ? from_hex(read.as_string()) : std::nullopt;
    if (!bytes) return reply->problem(Error(Errc::bad_request, "must be hex digits, two for each byte", {}, "reads"));
    Frames frames;
    if (const Status cut = (*framer)->feed(*bytes, frames); !cut) {
      Error error = cut.error();
      error.message = fmt::format("read {}: {}; the connection would be closed", items.size() + 1, error.message);
      return reply->problem(error);
    }
    items.push_back(json::object{{"read", items.size() + 1},
                                 {"bytes", hex(*bytes)},
                                 {"frames", std::move(frames.list)},
                                 {"kept", (*framer)->buffered()}});
  }
  reply->json(200, json::object{{"items", std::move(items)}});
}

}  // namespace jl::control
