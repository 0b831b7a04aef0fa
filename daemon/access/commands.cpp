#include "daemon/access/commands.hpp"

#include "common/base/words.hpp"
#include "daemon/access/device_session.hpp"
#include "daemon/access/presence.hpp"

#include <set>

namespace jl::access {
namespace json = boost::json;
using codec::MessageType;

namespace {

template <class Map>
std::string did_you_mean(std::string_view word, const Map& map) {
  std::vector<std::string> words;
  for (const auto& [id, entry] : map) words.push_back(id);
  if (words.empty()) return "its product has no thing model entries of that sort; see jlctl product show";
  const std::string nearest = nearest_word(word, words);
  return nearest.empty() ? "known are " + join(words) : "did you mean \"" + nearest + "\"?";
}

json::object wrap(const std::string& gateway_id, const std::string& child_id, json::object child) {
  return {{"messageType", codec::to_string(MessageType::child)},
          {"messageId", child.at("messageId")},
          {"deviceId", gateway_id},
          {"timestamp", child.at("timestamp")},
          {"childDeviceId", child_id},
          {"childDeviceMessage", std::move(child)}};
}

}  // namespace

std::string Commands::next_message_id() {
  // Unique per daemon and growing: milliseconds, then a counter.
  return std::to_string((context_.clock.now() << 20) | static_cast<Millis>(counter_.fetch_add(1) & 0xFFFFFu));
}

Result<device::DeviceRecord> Commands::active_device(const std::string& device_id) const {
  JL_TRY(auto found, context_.directory.find(device_id));
  if (!found) return Error(Errc::not_found, "device \"" + device_id + "\" does not exist", "jlctl device list");
  if (!found->enabled)
    return Error(Errc::device_not_activated, "device \"" + device_id + "\" is disabled",
                 "jlctl device enable " + device_id);
  return std::move(*found);
}

void Commands::send(const device::DeviceRecord& device, MessageType type, MessageType reply, json::object body,
                    Millis timeout, CommandDone done) {
  const std::string target = device.identity.device_id;
  body["messageType"] = codec::to_string(type);
  if (body.at("messageId").as_string().empty()) body["messageId"] = next_message_id();
  body["deviceId"] = target;
  body["timestamp"] = context_.clock.now();

  // The nearest ancestor with a connection of its own carries the message.
  std::set<std::string> seen{target};
  std::string carrier = target;
  std::string parent = device.parent_id;
  std::shared_ptr<const Session> session = context_.sessions.find(target);
  while (!session || session->is_child()) {
    if (session) parent = session->parent_id;
    if (parent.empty()) {
      return done(Error(Errc::device_offline, "device \"" + target + "\" is offline",
                        "jlctl wait device/" + target + " --for connected"));
    }
    if (!seen.insert(parent).second)
      return done(Error(Errc::cyclic_dependence, "device \"" + target + "\" is its own ancestor"));
    body = wrap(parent, carrier, std::move(body));
    type = MessageType::child;
    const auto record = context_.directory.find(parent);
    if (!record || !*record) {
      return done(
          Error(Errc::unknown_parent_device, "parent \"" + parent + "\" of device \"" + carrier + "\" does not exist"));
    }
    carrier = parent;
    session = context_.sessions.find(carrier);
    parent = (*record)->parent_id;
  }
  pending_->fetch_add(1);
  CommandDone counted = [pending = pending_, done = std::move(done)](Result<CommandReply> result) {
    pending->fetch_sub(1);
    done(std::move(result));
  };
  session->thread->post([session, target, reply, timeout, message = codec::DownMessage{type, std::move(body)},
                         counted = std::move(counted)] {
    const auto live = session->live.lock();
    if (!live)
      return counted(Error(Errc::connection_lost, "the connection of device \"" + session->device_id + "\" is gone"));
    live->send(message, target, reply, timeout, counted);
  });
}

void Commands::read(const std::string& device_id, std::vector<std::string> properties, Millis timeout, CommandDone done,
                    const std::string& message_id) {
  auto device = active_device(device_id);
  if (!device) return done(device.error());
  const model::ThingModel things = device::Directory::things_of(*device);
  if (properties.empty()) {
    for (const auto& [id, property] : things.properties) {
      if (property.readable) properties.push_back(id);
    }
    if (properties.empty())
      return done(Error(Errc::property_undefined,
                        "the thing model of device \"" + device_id + "\" has no readable property",
                        "name the properties to read"));
  } else if (!things.properties.empty()) {
    for (const auto& id : properties) {
      if (!things.properties.contains(id)) {
        return done(Error(Errc::property_undefined, "device \"" + device_id + "\" has no property \"" + id + "\"",
                          did_you_mean(id, things.properties), id));
      }
    }
  }
  json::array list;
  for (const auto& id : properties) list.emplace_back(id);
  send(*device, MessageType::read_property, MessageType::read_property_reply,
       {{"messageId", message_id}, {"properties", std::move(list)}}, timeout, std::move(done));
}

void Commands::write(const std::string& device_id, const json::object& properties, Millis timeout, CommandDone done,
                     const std::string& message_id) {
  auto device = active_device(device_id);
  if (!device) return done(device.error());
  if (properties.empty()) return done(Error(Errc::parameter_error, "no property to write"));
  const model::ThingModel things = device::Directory::things_of(*device);
  json::object out;
  for (const auto& [key, value] : properties) {
    const auto it = things.properties.find(key);
    if (it == things.properties.end()) {
      if (things.properties.empty()) {
        out[key] = value;
        continue;
      }
      return done(Error(Errc::property_undefined,
                        "device \"" + device_id + "\" has no property \"" + std::string(key) + "\"",
                        did_you_mean(key, things.properties), key));
    }
    if (!it->second.writable)
      return done(Error(Errc::parameter_error, "property \"" + std::string(key) + "\" cannot be written",
                        "see expands.type in the thing model", key));
    auto converted = model::convert_value(it->second.type, value, key);
    if (!converted) return done(converted.error());
    out[key] = std::move(*converted);
  }
  send(*device, MessageType::write_property, MessageType::write_property_reply,
       {{"messageId", message_id}, {"properties", std::move(out)}}, timeout, std::move(done));
}

void Commands::invoke(const std::string& device_id, const std::string& function, const json::object& inputs,
                      Millis timeout, CommandDone done, const std::string& message_id) {
  auto device = active_device(device_id);
  if (!device) return done(device.error());
  const model::ThingModel things = device::Directory::things_of(*device);
  const auto it = things.functions.find(function);
  if (it == things.functions.end()) {
    return done(Error(Errc::function_undefined, "device \"" + device_id + "\" has no function \"" + function + "\"",
                      did_you_mean(function, things.functions), function));
  }
  json::array list;
  for (const auto& [key, value] : inputs) {
    const auto& known = it->second.inputs;
    const auto input = std::ranges::find(known, key, &model::ThingProperty::id);
    if (input == known.end()) {
      std::vector<std::string> words;
      for (const auto& p : known) words.push_back(p.id);
      return done(Error(Errc::parameter_undefined,
                        "function \"" + function + "\" has no input \"" + std::string(key) + "\"",
                        words.empty() ? "it takes none" : "it takes " + join(words), key));
    }
    auto converted = model::convert_value(input->type, value, key);
    if (!converted) return done(converted.error());
    list.push_back(json::object{{"name", key}, {"value", std::move(*converted)}});
  }
  send(*device, MessageType::invoke_function,
       it->second.async ? MessageType::unknown : MessageType::invoke_function_reply,
       {{"messageId", message_id}, {"functionId", function}, {"inputs", std::move(list)}}, timeout, std::move(done));
}

void Commands::firmware(const std::string& device_id, MessageType type, json::object body, CommandDone done) {
  auto device = active_device(device_id);
  if (!device) return done(device.error());
  if (!body.contains("messageId")) body["messageId"] = "";
  send(*device, type, MessageType::unknown, std::move(body), 0, std::move(done));
}

void Commands::disconnect(const std::string& device_id, std::function<void(Result<bool>)> done) {
  const auto found = context_.directory.find(device_id);
  if (!found) return done(found.error());
  if (!*found) return done(Error(Errc::not_found, "device \"" + device_id + "\" does not exist", "jlctl device list"));
  const auto session = context_.sessions.find(device_id);
  if (!session) return done(false);
  session->thread->post([context = context_, session, done = std::move(done)] {
    end_session(context, session);
    done(true);
  });
}

void Commands::check_state(const std::string& device_id, std::function<void(State)> done) {
  const auto session = context_.sessions.find(device_id);
  if (!session || session->is_child()) return done({session != nullptr, false});
  session->thread->post([session, done = std::move(done)] {
    const auto live = session->live.lock();
    const auto said = live ? live->check_state() : std::nullopt;
    done({said.value_or(live != nullptr), said.has_value()});
  });
}

}  // namespace jl::access
