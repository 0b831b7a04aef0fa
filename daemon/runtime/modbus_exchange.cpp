#include "daemon/runtime/modbus_exchange.hpp"

#include "common/base/error.hpp"
#include "daemon/codec/json_text.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>
#include <vector>

namespace jl::runtime {
namespace json = boost::json;

namespace {

constexpr std::size_t kMostParts = 500;  // the answer is one message, whose entries are bounded

struct Part {
  std::string property;
  ModbusPlace place;
  json::value value;  // to be written; what was read
};

// One message under way. Its parts are worked on where their channels are, and brought together on the thread of the
// device.
class Exchange final : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(modbus::Channels& channels, network::IoThread& thread, bool writes, json::object reply,
           std::vector<Part> parts, std::function<void(const std::string&)> done)
      : channels_(channels),
        thread_(thread),
        writes_(writes),
        reply_(std::move(reply)),
        parts_(std::move(parts)),
        waiting_(parts_.size()),
        done_(std::move(done)) {}

  void start() {
    if (writes_) return next(0);
    for (std::size_t i = 0; i < parts_.size(); ++i) ask(i);
  }

 private:
  void ask(std::size_t index) {
    const Part& part = parts_[index];
    auto back = [self = shared_from_this(), index](const modbus::PointResult& result) {
      self->thread_.post(
          [self, index, status = result.status, value = result.sample.value] { self->answered(index, status, value); });
    };
    channels_.with(part.place.channel_id, [writes = writes_, point = part.place.point_id, value = part.value,
                                           back = std::move(back)](modbus::Channel* channel) {
      if (!channel) {
        back({Error(Errc::connection_lost, "point \"" + point + "\": its channel is disabled"), {}});
      } else if (writes) {
        channel->write(point, value, false, back);
      } else {
        channel->read(point, back);
      }
    });
  }

  void next(std::size_t index) {
    if (index < parts_.size()) return ask(index);
    finish();
  }

  void answered(std::size_t index, const Status& status, const json::value& value) {
    if (!status) {
      if (failure_.empty()) {
        failure_ = status.error().message;
        // To whoever talks to the device it is the same whether its line is lost or was never there.
        code_ = status.error().code == Errc::network ? Errc::connection_lost : status.error().code;
      }
    } else {
      if (!value.is_null() || !writes_) parts_[index].value = value;
      answered_.push_back(index);
    }
    if (writes_) return status ? next(index + 1) : finish();
    if (--waiting_ == 0) finish();
  }

  void finish() {
    json::object properties;
    std::ranges::sort(answered_);
    for (const std::size_t index : answered_) properties[parts_[index].property] = parts_[index].value;
    reply_["success"] = failure_.empty();
    if (!failure_.empty()) {
      if (writes_ && !answered_.empty())
        failure_ += " (" + std::to_string(answered_.size()) + " of " + std::to_string(parts_.size()) + " written)";
      reply_["code"] = info(code_).word;
      reply_["message"] = failure_;
    }
    reply_["properties"] = std::move(properties);
    std::string text;
    codec::append_value(text, reply_);
    done_(text);
  }

  modbus::Channels& channels_;
  network::IoThread& thread_;
  const bool writes_;
  json::object reply_;
  std::vector<Part> parts_;
  std::vector<std::size_t> answered_;
  std::size_t waiting_;
  std::string failure_;
  Errc code_{};
  const std::function<void(const std::string&)> done_;
};

}  // namespace

Status start_exchange(modbus::Channels& channels, network::IoThread& thread, std::string_view message,
                      const std::string& device_id,
                      const std::function<std::optional<ModbusPlace>(const std::string&)>& place_of,
                      std::function<void(const std::string&)> reply) {
  boost::system::error_code ec;
  const json::value parsed = json::parse(json::string_view(message.data(), message.size()), ec);
  const json::object* body = !ec ? parsed.if_object() : nullptr;
  const json::value* type = body ? body->if_contains("messageType") : nullptr;
  const json::value* properties = body ? body->if_contains("properties") : nullptr;
  const bool reads = type && *type == "READ_PROPERTY";
  if (!type || !properties || (reads ? !properties->is_array() : !properties->is_object()))
    return Error(Errc::invalid, "the message cannot be read");

  std::vector<Part> parts;
  std::string unbound;
  const auto add = [&](std::string property, json::value value) {
    if (const auto place = place_of(property)) {
      parts.push_back({std::move(property), *place, std::move(value)});
    } else if (unbound.empty()) {
      unbound = std::move(property);
    }
  };
  if (reads) {
    for (const json::value& name : properties->get_array()) {
      if (name.is_string()) add(std::string(name.get_string()), nullptr);
    }
  } else {
    for (const auto& [name, value] : properties->get_object()) add(std::string(name), value);
  }
  json::object out{{"messageType", reads ? "READ_PROPERTY_REPLY" : "WRITE_PROPERTY_REPLY"}, {"deviceId", device_id}};
  if (const auto* id = body->if_contains("messageId")) out["messageId"] = *id;
  std::string wrong;
  if (parts.empty() || (!reads && !unbound.empty())) wrong = "property \"" + unbound + "\" is bound to no Modbus point";
  if (parts.size() > kMostParts) wrong = "names more than " + std::to_string(kMostParts) + " properties";
  if (!wrong.empty()) {
    out["success"] = false;
    out["code"] = info(Errc::parameter_error).word;
    out["message"] = wrong;
    std::string text;
    codec::append_value(text, out);
    thread.post([reply = std::move(reply), text] { reply(text); });
    return {};
  }
  std::make_shared<Exchange>(channels, thread, !reads, std::move(out), std::move(parts), std::move(reply))->start();
  return {};
}

}  // namespace jl::runtime
