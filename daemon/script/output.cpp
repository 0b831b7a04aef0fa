#include "daemon/script/output.hpp"

#include "daemon/script/bytes.hpp"
#include "daemon/script/json_writer.hpp"
#include "daemon/script/values.hpp"

#include <fmt/format.h>

namespace jl::script {

namespace {
constexpr std::uint32_t kMostWires = 1024;
constexpr std::size_t kMostTopic = 65535;  // MQTT 5 §1.5.4

/// A Wire with what it points to.
struct Parts {
  std::string payload, topic, content_type;
  Wire wire{};

  const Wire& assembled() {
    wire.payload = payload;
    wire.topic = topic;
    wire.content_type = content_type;
    return wire;
  }
};

bool is_array(JSContext* cx, JS::HandleValue value, bool& is) {
  is = false;
  if (!value.isObject()) return true;
  const JS::RootedObject object(cx, &value.toObject());
  return JS::IsArrayObject(cx, object, &is);
}

/// Whether an array holds bytes rather than things to send: by its first element.
bool begins_with_number(JSContext* cx, JS::HandleObject array, bool& does) {
  std::uint32_t length = 0;
  JS::RootedValue first(cx);
  does = false;
  if (!JS::GetArrayLength(cx, array, &length)) return false;
  if (length == 0) return true;
  if (!JS_GetElement(cx, array, 0, &first)) return false;
  does = first.isNumber();
  return true;
}

/// The payload within {payload: ...}: bytes, text, and anything else as JSON text.
bool read_payload(JSContext* cx, ActiveCall& call, JS::HandleValue value, Parts& parts) {
  if (value.isNullOrUndefined()) return true;
  if (value.isString()) {
    parts.wire.text = true;
    return encode(cx, value, Charset::utf8, parts.payload);
  }
  if (holds_bytes(value)) return copy_bytes(cx, value, "payload", parts.payload);
  bool array = false;
  if (!is_array(cx, value, array)) return false;
  if (array) {
    const JS::RootedObject object(cx, &value.toObject());
    bool numbers = false;
    if (!begins_with_number(cx, object, numbers)) return false;
    if (numbers) return copy_bytes(cx, value, "payload", parts.payload);
  }
  parts.wire.text = true;
  JsonWriter writer(cx, parts.payload, call.left());
  const bool done = writer.write(value);
  call.too_much = call.too_much || writer.is_too_large();
  return done;
}

bool read_number(JSContext* cx, JS::HandleObject object, const char* name, double most, int& number) {
  JS::RootedValue value(cx);
  if (!JS_GetProperty(cx, object, name, &value)) return false;
  double given = 0;
  if (value.isNullOrUndefined()) return true;
  if (!whole_number(cx, value, name, 0, most, given)) return false;
  number = static_cast<int>(given);
  return true;
}

bool read_text(JSContext* cx, JS::HandleObject object, const char* name, std::size_t most, std::string& text) {
  JS::RootedValue value(cx);
  if (!JS_GetProperty(cx, object, name, &value)) return false;
  if (value.isNullOrUndefined()) return true;
  if (!text_argument(cx, value, name, text)) return false;
  return text.size() <= most || throw_range(cx, fmt::format("{} of more than {} bytes", name, most));
}

/// {payload or body, topic, qos, status, contentType, contentFormat}.
bool read_object(JSContext* cx, ActiveCall& call, JS::HandleObject object, const char* what, Parts& parts) {
  JS::RootedValue payload(cx);
  if (!JS_GetProperty(cx, object, "payload", &payload)) return false;
  bool has_any = !payload.isUndefined();
  if (!has_any) {
    if (!JS_GetProperty(cx, object, "body", &payload)) return false;
    has_any = !payload.isUndefined();
  }
  if (!read_text(cx, object, "topic", kMostTopic, parts.topic) || !read_number(cx, object, "qos", 2, parts.wire.qos) ||
      !read_number(cx, object, "status", 999, parts.wire.status) ||
      !read_text(cx, object, "contentType", 256, parts.content_type) ||
      !read_number(cx, object, "contentFormat", 65535, parts.wire.content_format)) {
    return false;
  }
  if (!has_any && parts.topic.empty() && parts.wire.status == 0) {
    return throw_type(cx, fmt::format("{} takes bytes, a text or {{payload: ...}}", what));
  }
  return read_payload(cx, call, payload, parts);
}

/// One thing to send; `value` is no list.
bool read_wire(JSContext* cx, ActiveCall& call, JS::HandleValue value, const char* what, Parts& parts) {
  bool array = false;
  if (!is_array(cx, value, array)) return false;
  if (value.isString() || holds_bytes(value) || array) {
    if (!read_payload(cx, call, value, parts)) return false;
    if (array && parts.wire.text) return throw_type(cx, fmt::format("{}: a list within a list", what));
  } else if (!value.isObject() || JS::IsCallable(&value.toObject())) {
    return throw_type(cx, fmt::format("{} takes bytes, a text or {{payload: ...}}", what));
  } else {
    const JS::RootedObject object(cx, &value.toObject());
    if (!read_object(cx, call, object, what, parts)) return false;
  }
  return call.spend(cx, parts.payload.size() + parts.topic.size());
}

bool send_one(JSContext* cx, ActiveCall& call, JS::HandleValue value) {
  Parts parts;
  return read_wire(cx, call, value, "send()", parts) &&
         call.hand_over(cx, [&] { return call.host.send(parts.assembled()); });
}

template <class Each>
bool each_of(JSContext* cx, JS::HandleValue value, Each&& each) {
  const JS::RootedObject list(cx, &value.toObject());
  std::uint32_t length = 0;
  if (!JS::GetArrayLength(cx, list, &length)) return false;
  if (length > kMostWires) return throw_range(cx, fmt::format("a list of more than {} elements", kMostWires));
  JS::RootedValue element(cx);
  for (std::uint32_t i = 0; i < length; ++i) {
    if (!JS_CheckForInterrupt(cx) || !JS_GetElement(cx, list, i, &element)) return false;
    if (!element.isNullOrUndefined() && !each(element)) return false;
  }
  return true;
}

bool hand_out(JSContext* cx, ActiveCall& call, JS::HandleValue value, const char* what,
              Status (Host::*give)(std::string_view)) {
  const auto one = [&](JS::HandleValue message) {
    std::string json;
    if (!message.isObject() || JS::IsCallable(&message.toObject())) {
      return throw_type(cx, fmt::format("{} takes a device message", what));
    }
    return write_json(cx, call, message, json) && call.hand_over(cx, [&] { return (call.host.*give)(json); });
  };
  bool array = false;
  if (!is_array(cx, value, array)) return false;
  return array ? each_of(cx, value, one) : one(value);
}
}  // namespace

bool write_json(JSContext* cx, ActiveCall& call, JS::HandleValue value, std::string& json) {
  JsonWriter writer(cx, json, call.left());
  if (writer.write(value)) return call.spend(cx, json.size());
  if (!writer.is_too_large()) return false;
  JS_ClearPendingException(cx);
  call.too_much = true;
  return throw_range(cx, fmt::format("more than {} bytes of output in one call", call.limits.output));
}

bool send_wires(JSContext* cx, ActiveCall& call, JS::HandleValue value) {
  if (value.isNullOrUndefined()) return true;
  bool list = false;
  if (!is_array(cx, value, list)) return false;
  if (list) {
    const JS::RootedObject array(cx, &value.toObject());
    bool numbers = false;
    if (!begins_with_number(cx, array, numbers)) return false;
    list = !numbers;
  }
  if (!list) return send_one(cx, call, value);
  return each_of(cx, value, [&](JS::HandleValue element) { return send_one(cx, call, element); });
}

bool respond_wire(JSContext* cx, ActiveCall& call, JS::HandleValue value) {
  Parts parts;
  return read_wire(cx, call, value, "respond()", parts) &&
         call.hand_over(cx, [&] { return call.host.respond(parts.assembled()); });
}

bool emit_messages(JSContext* cx, ActiveCall& call, JS::HandleValue value) {
  return hand_out(cx, call, value, "handleMessage()", &Host::emit);
}

bool reply_messages(JSContext* cx, ActiveCall& call, JS::HandleValue value) {
  return hand_out(cx, call, value, "reply()", &Host::reply);
}

}  // namespace jl::script
