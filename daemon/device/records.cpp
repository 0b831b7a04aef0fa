#include "daemon/device/records.hpp"

namespace jl::device {
namespace json = boost::json;
using store::Family;

json::value parse_stored(std::string_view text) {
  boost::system::error_code ec;
  json::parse_options options;
  options.max_depth = 255;
  json::value out = json::parse(json::string_view(text), ec, {}, options);
  return ec ? json::value() : out;
}

void state_key(std::string& out, std::string_view product, std::string_view device) {
  out.assign(product).append(1, '\0').append(device).append("\0s", 2);
}

void value_key(std::string& out, std::string_view product, std::string_view device, char what, std::string_view name) {
  out.assign(product).append(1, '\0').append(device).append(1, '\0').append(1, what).append(1, '\0').append(name);
}

void value_record(std::string& out, Millis time, std::string_view text) {
  out.clear();
  store::append_u64(out, static_cast<std::uint64_t>(time));
  out.append(text);
}

void firmware_key(std::string& out, std::string_view product, std::string_view device) {
  out.assign(product).append(1, '\0').append(device).append("\0f", 2);
}

std::string to_record(const FirmwareInfo& info) {
  json::object out{{"version", info.version}, {"updated", info.updated}};
  if (!info.properties.empty()) out["properties"] = info.properties;
  return json::serialize(out);
}

Result<std::optional<FirmwareInfo>> read_firmware(const store::Store& store, std::string_view product,
                                                  std::string_view device) {
  std::string key;
  firmware_key(key, product, device);
  JL_TRY(const auto entry, store.get(Family::devices, key));
  if (!entry) return std::optional<FirmwareInfo>();
  const json::value parsed = parse_stored(entry->value);
  const json::object* o = parsed.if_object();
  const json::value* version = o ? o->if_contains("version") : nullptr;
  if (!version || !version->is_string()) return std::optional<FirmwareInfo>();
  FirmwareInfo out;
  out.version = std::string(version->get_string());
  if (const auto* properties = o->if_contains("properties"); properties && properties->is_object())
    out.properties = properties->get_object();
  if (const auto* updated = o->if_contains("updated"); updated && updated->is_int64())
    out.updated = updated->get_int64();
  return std::optional<FirmwareInfo>(std::move(out));
}

void message_key(std::string& out, std::string_view device, Millis received, std::uint64_t sequence) {
  out.assign(device).append(1, '\0');
  store::append_u64(out, static_cast<std::uint64_t>(received));
  store::append_u64(out, sequence);
}

std::string to_record(const SessionState& state) {
  json::object out{{"online", state.online}, {"since", state.since}};
  if (!state.address.empty()) out["address"] = state.address;
  if (!state.gateway_id.empty()) out["gateway"] = state.gateway_id;
  if (!state.parent_id.empty()) out["parent"] = state.parent_id;
  return json::serialize(out);
}

Result<std::optional<SessionState>> read_state(const store::Store& store, std::string_view product,
                                               std::string_view device) {
  std::string key;
  state_key(key, product, device);
  JL_TRY(const auto entry, store.get(Family::devices, key));
  if (!entry) return std::optional<SessionState>();
  const json::value parsed = parse_stored(entry->value);
  if (!parsed.is_object())
    return Error(Errc::corrupt, "stored state of device \"" + std::string(device) + "\" cannot be read");
  const json::object& o = parsed.as_object();
  const auto text = [&](const char* name) {
    const auto* v = o.if_contains(name);
    return v && v->is_string() ? std::string(v->as_string()) : std::string();
  };
  SessionState out;
  const auto* online = o.if_contains("online");
  out.online = online && online->is_bool() && online->as_bool();
  if (const auto* since = o.if_contains("since"); since && since->is_int64()) out.since = since->as_int64();
  out.address = text("address");
  out.gateway_id = text("gateway");
  out.parent_id = text("parent");
  return std::optional<SessionState>(std::move(out));
}

Result<json::object> read_values(const store::Store& store, std::string_view product, std::string_view device,
                                 char what) {
  json::object out;
  std::string from;
  value_key(from, product, device, what, "");
  const auto snapshot = store.snapshot();
  JL_CHECK(snapshot->scan(Family::devices, from, store::prefix_end(from), false,
                          [&](std::string_view key, std::string_view value, store::Revision) {
                            if (value.size() < 8) return true;
                            json::value parsed = parse_stored(value.substr(8));
                            out[key.substr(from.size())] = json::object{
                                {"value", std::move(parsed)},
                                {"time", format_time(static_cast<Millis>(store::read_u64(value.substr(0, 8))))}};
                            return out.size() < kMaxValues;
                          }));
  return out;
}

json::object message_document(Millis received, std::string_view product, std::string_view device,
                              std::string_view canonical) {
  json::value message = parse_stored(canonical);
  json::object out{{"time", format_time(received)}, {"productId", product}, {"deviceId", device}};
  if (message.is_object()) {
    if (const auto* type = message.as_object().if_contains("messageType")) out["type"] = *type;
    out["message"] = std::move(message);
  }
  return out;
}

Result<json::array> read_messages(const store::Store& store, std::string_view product, std::string_view device,
                                  const MessageQuery& query) {
  json::array out;
  std::string from(device);
  from += '\0';
  std::string to = store::prefix_end(from);
  const std::size_t prefix = from.size();
  if (query.until > 0) {
    to = from;
    store::append_u64(to, static_cast<std::uint64_t>(query.until));
  }
  if (query.since > 0) store::append_u64(from, static_cast<std::uint64_t>(query.since));
  // The type stands at the front of the canonical form, so a record can be skipped without parsing it.
  const std::string mark = query.type.empty() ? std::string() : "{\"messageType\":\"" + query.type + "\"";
  const auto snapshot = store.snapshot();
  JL_CHECK(snapshot->scan(
      Family::messages, from, to, true, [&](std::string_view key, std::string_view value, store::Revision) {
        if (key.size() != prefix + 16) return true;
        if (!mark.empty() && !value.starts_with(mark)) return true;
        if (out.size() >= query.limit) return false;
        out.push_back(
            message_document(static_cast<Millis>(store::read_u64(key.substr(prefix, 8))), product, device, value));
        return out.size() < query.limit;
      }));
  return out;
}

void erase_records(store::Transaction& transaction, std::string_view product, std::string_view device) {
  std::string from(product);
  from.append(1, '\0').append(device).append(1, '\0');
  transaction.erase_range(Family::devices, from, store::prefix_end(from));
  std::string messages(device);
  messages += '\0';
  transaction.erase_range(Family::messages, messages, store::prefix_end(messages));
}

}  // namespace jl::device
