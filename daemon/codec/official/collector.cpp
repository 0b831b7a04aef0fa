#include "daemon/codec/official/collector.hpp"

#include "daemon/codec/json_text.hpp"
#include "daemon/codec/official/coerce.hpp"
#include "daemon/codec/official/payload.hpp"

#include <array>
#include <optional>

namespace jl::codec::official {
namespace {
enum Member : std::size_t { kAddress, kValue, kState, kTimestamp, kSuccess, kErrorReason, kMembers };
constexpr std::array<std::string_view, kMembers> kKeys{"address",   "value",   "state",
                                                       "timestamp", "success", "errorReason"};

using Item = std::array<std::optional<JsonValue>, kMembers>;

Error bad_data(std::string_view what) { return {Errc::invalid, "\"data\" " + std::string(what), "", "data"}; }

Result<Item> read_item(const JsonValue& object) {
  if (!object.is_object()) return bad_data("has an item that is not an object");
  Item item;
  JsonMembers members(object);
  for (JsonMember member; members.next(member);) {
    for (std::size_t i = 0; i < kMembers; ++i) {
      if (member.key != kKeys[i]) continue;
      if (item[i]) return bad_data("has an item with a key twice");
      item[i] = member.value;
    }
  }
  for (auto& value : item) {
    if (value && value->is_null()) value.reset();
  }
  return item;
}

Status append_text(std::string& json, std::string_view key, const std::optional<JsonValue>& value) {
  if (!value) return {};
  if (!as_text(*value)) return bad_data("has an item whose \"" + std::string(key) + "\" is not a string");
  json += ",\"";
  json += key;
  json += "\":";
  append_as_string(json, *value);
  return {};
}

Status append_time(std::string& json, const std::optional<JsonValue>& value) {
  if (!value) return {};
  const auto time = as_integer(*value);
  if (!time || *time > kMaxTime) return bad_data("has an item whose \"timestamp\" is not a time in milliseconds");
  if (*time <= 0) return {};
  json += R"(,"timestamp":)";
  append_integer(json, *time);
  return {};
}

Status append_item(std::string& json, const Item& item, bool is_reply) {
  if (!item[kAddress] || !as_text(*item[kAddress])) return bad_data("has an item without an \"address\"");
  json += R"({"address":)";
  append_as_string(json, *item[kAddress]);
  if (item[kValue]) {
    json += R"(,"value":)";
    json += item[kValue]->text;
  }
  JL_CHECK(append_text(json, "state", item[kState]));
  JL_CHECK(append_time(json, item[kTimestamp]));
  if (is_reply) {
    const auto success = item[kSuccess] ? as_bool(*item[kSuccess]) : false;
    if (!success) return bad_data("has an item whose \"success\" is not true or false");
    json += *success ? R"(,"success":true)" : R"(,"success":false)";
    JL_CHECK(append_text(json, "errorReason", item[kErrorReason]));
  }
  json += '}';
  return {};
}
}  // namespace

Status append_collector_data(std::string& json, const JsonValue& data, bool is_reply) {
  if (!data.is_array()) return bad_data("must be an array");
  json += '[';
  std::size_t count = 0;
  JsonItems items(data);
  for (JsonValue object; items.next(object);) {
    if (++count > kMaxEntries) return bad_data("has more than 1024 entries");
    if (count > 1) json += ',';
    JL_TRY(const Item item, read_item(object));
    JL_CHECK(append_item(json, item, is_reply));
  }
  json += ']';
  return {};
}

}  // namespace jl::codec::official
