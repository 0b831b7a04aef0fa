#include "daemon/access/northbound.hpp"

#include "common/base/time.hpp"

namespace jl::access {
namespace json = boost::json;
using codec::DeviceMessage;
using codec::MessageType;

namespace {

// Event topics of access.md 5.6; events carry their id at the end.
std::string_view suffix_of(MessageType type) {
  switch (type) {
    case MessageType::online:
      return "/online";
    case MessageType::offline:
      return "/offline";
    case MessageType::register_device:
      return "/register";
    case MessageType::unregister_device:
      return "/unregister";
    case MessageType::report_property:
      return "/message/property/report";
    case MessageType::read_property_reply:
      return "/message/property/read/reply";
    case MessageType::write_property_reply:
      return "/message/property/write/reply";
    case MessageType::read_property:
      return "/message/send/property/read";
    case MessageType::write_property:
      return "/message/send/property/write";
    case MessageType::invoke_function:
      return "/message/send/function";
    case MessageType::invoke_function_reply:
      return "/message/function/reply";
    case MessageType::event:
      return "/message/event/";
    case MessageType::update_tag:
      return "/message/tags/update";
    case MessageType::derived_metadata:
      return "/metadata/derived";
    case MessageType::log:
      return "/message/log";
    case MessageType::direct:
      return "/message/direct";
    case MessageType::state_check:
      return "/message/state_check";
    case MessageType::state_check_reply:
      return "/message/state_check_reply";
    case MessageType::disconnect:
      return "/disconnect";
    case MessageType::disconnect_reply:
      return "/disconnect/reply";
    case MessageType::read_firmware:
      return "/firmware/read";
    case MessageType::read_firmware_reply:
      return "/firmware/read/reply";
    case MessageType::report_firmware:
      return "/firmware/report";
    case MessageType::request_firmware:
      return "/firmware/pull";
    case MessageType::request_firmware_reply:
      return "/firmware/pull/reply";
    case MessageType::upgrade_firmware:
      return "/firmware/push";
    case MessageType::upgrade_firmware_reply:
      return "/firmware/push/reply";
    case MessageType::upgrade_firmware_progress:
      return "/firmware/progress";
    case MessageType::report_collector:
      return "/message/collector/report";
    case MessageType::read_collector_data:
      return "/message/send/collector/read";
    case MessageType::read_collector_data_reply:
      return "/message/collector/read/reply";
    case MessageType::write_collector_data:
      return "/message/send/collector/write";
    case MessageType::write_collector_data_reply:
      return "/message/collector/write/reply";
    case MessageType::acknowledge:
      return "/message/acknowledge";
    case MessageType::child:
    case MessageType::child_reply:
    case MessageType::unknown:
      break;
  }
  return "/message/unknown";
}

MessageType reply_of(CommandTopic::Kind kind) {
  switch (kind) {
    case CommandTopic::Kind::read:
      return MessageType::read_property_reply;
    case CommandTopic::Kind::write:
      return MessageType::write_property_reply;
    case CommandTopic::Kind::invoke:
      break;
  }
  return MessageType::invoke_function_reply;
}

/// The payload as an object: JetLinks' message, or for reads a bare list of properties.
Result<json::object> parse_command(std::string_view payload, CommandTopic::Kind kind) {
  boost::system::error_code ec;
  json::value parsed = json::parse(json::string_view(payload.data(), payload.size()), ec);
  if (!ec && parsed.is_array() && kind == CommandTopic::Kind::read)
    return json::object{{"properties", std::move(parsed)}};
  if (ec || !parsed.is_object()) return Error(Errc::parameter_error, "the payload is not a JSON object");
  return std::move(parsed.as_object());
}

void run(Commands& commands, const std::string& device_id, CommandTopic::Kind kind, const json::object& body,
         Millis timeout, const std::string& id, CommandDone done) {
  const json::value* properties = body.if_contains("properties");
  switch (kind) {
    case CommandTopic::Kind::read: {
      std::vector<std::string> names;
      if (properties && properties->is_array()) {
        for (const auto& name : properties->as_array()) {
          if (name.is_string()) names.emplace_back(name.as_string());
        }
      }
      return commands.read(device_id, std::move(names), timeout, std::move(done), id);
    }
    case CommandTopic::Kind::write:
      if (!properties || !properties->is_object())
        return done(Error(Errc::parameter_error, "\"properties\" must be an object"));
      return commands.write(device_id, properties->as_object(), timeout, std::move(done), id);
    case CommandTopic::Kind::invoke:
      break;
  }
  const json::value* function = body.if_contains("functionId");
  if (!function) function = body.if_contains("function");
  if (!function || !function->is_string())
    return done(Error(Errc::parameter_error, "\"functionId\" must be the id of a function"));
  json::object inputs;
  if (const json::value* given = body.if_contains("inputs")) {
    if (given->is_object()) {
      inputs = given->as_object();
    } else if (given->is_array()) {
      for (const auto& input : given->as_array()) {
        const auto* pair = input.if_object();
        const auto* name = pair ? pair->if_contains("name") : nullptr;
        const auto* value = pair ? pair->if_contains("value") : nullptr;
        if (name && name->is_string() && value) inputs[name->as_string()] = *value;
      }
    }
  }
  commands.invoke(device_id, std::string(function->as_string()), inputs, timeout, std::move(done), id);
}

}  // namespace

std::string topic_of(const DeviceMessage& message, std::string_view product_id, std::string_view device_id) {
  std::string out(kNorthbound);
  out.append(product_id).append("/").append(device_id).append(suffix_of(message.type));
  if (message.type != MessageType::event) return out;
  // An event's id is the device's own word: it must not become levels or wildcards.
  for (const char c : message.name) out.push_back(c == '/' || c == '+' || c == '#' || c == '\0' ? '_' : c);
  return out;
}

std::optional<CommandTopic> command_of(std::string_view topic) {
  if (!topic.starts_with(kNorthbound)) return std::nullopt;
  topic.remove_prefix(kNorthbound.size());
  CommandTopic out;
  for (std::string_view* id : {&out.product_id, &out.device_id}) {
    const std::size_t slash = topic.find('/');
    if (slash == 0 || slash == std::string_view::npos) return std::nullopt;
    *id = topic.substr(0, slash);
    topic.remove_prefix(slash + 1);
  }
  if (topic == "message/send/property/read") {
    out.kind = CommandTopic::Kind::read;
  } else if (topic == "message/send/property/write") {
    out.kind = CommandTopic::Kind::write;
  } else if (topic == "message/send/function") {
    out.kind = CommandTopic::Kind::invoke;
  } else {
    return std::nullopt;
  }
  return out;
}

void NorthboundSink::set_brokers(std::shared_ptr<const Brokers> brokers) {
  brokers_.store(std::move(brokers));
  version_.fetch_add(1, std::memory_order_release);
}

void NorthboundSink::on_message(const device::Envelope& envelope, device::TurnLog& log) {
  // Each thread keeps the list it saw last, so that a message takes no lock. Sinks live as long as the daemon.
  struct Seen {
    const NorthboundSink* of = nullptr;
    std::uint64_t version = 0;
    std::shared_ptr<const Brokers> brokers;
  };
  thread_local Seen seen;
  const std::uint64_t version = version_.load(std::memory_order_acquire);
  if (seen.of != this || seen.version != version) seen = {this, version, brokers_.load()};
  std::shared_ptr<broker::StoredMessage> message;
  for (const auto& broker : *seen.brokers) {
    if (!broker->has_listeners()) continue;
    auto own = std::make_shared<broker::StoredMessage>();
    if (!message) {
      own->topic = topic_of(envelope.message, envelope.product_id, envelope.device_id);
      own->payload = envelope.message.json;
      own->qos = 1;
    } else {
      static_cast<wire::mqtt::Message&>(*own) = *message;
    }
    message = own;
    (void)broker->publish(own, nullptr, log.thread());
  }
}

void send_command(Commands& commands, const Context& context, const std::shared_ptr<broker::Broker>& broker,
                  network::IoThread& thread, const CommandTopic& topic, std::string_view payload, Millis timeout) {
  const std::string product_id(topic.product_id), device_id(topic.device_id);
  std::string message_id;
  const auto answer_failure = [broker, &thread, &clock = context.clock, product_id, device_id, kind = topic.kind](
                                  const Error& error, const std::string& id) {
    DeviceMessage reply;
    reply.type = reply_of(kind);
    json::object body{{"messageType", codec::to_string(reply.type)},
                      {"deviceId", device_id},
                      {"timestamp", clock.now()},
                      {"success", false},
                      {"code", info(error.code).word},
                      {"message", error.message}};
    if (!id.empty()) body["messageId"] = id;
    auto message = std::make_shared<broker::StoredMessage>();
    message->topic = topic_of(reply, product_id, device_id);
    message->payload = json::serialize(body);
    message->qos = 1;
    thread.post([broker, message, &thread] { (void)broker->publish(message, nullptr, thread); });
  };
  auto body = parse_command(payload, topic.kind);
  if (!body) return answer_failure(body.error(), {});
  if (const auto* id = body->if_contains("messageId"); id && id->is_string()) message_id = id->as_string().c_str();
  if (message_id.size() > 64) message_id.clear();
  const auto found = context.directory.find(device_id);
  if (!found || !*found || (*found)->identity.product_id != product_id) {
    return answer_failure(Error(Errc::not_found, "product \"" + product_id + "\" has no device \"" + device_id + "\""),
                          message_id);
  }
  // A device's own answer reaches the application over the bus, like everything it sends.
  run(commands, device_id, topic.kind, *body, timeout, message_id,
      [answer_failure, message_id](Result<CommandReply> reply) {
        if (!reply && reply.error().code != Errc::device_error) answer_failure(reply.error(), message_id);
      });
}

}  // namespace jl::access
