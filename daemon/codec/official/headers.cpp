#include "daemon/codec/official/headers.hpp"

#include "common/base/words.hpp"
#include "daemon/codec/official/coerce.hpp"
#include "daemon/codec/official/unique_names.hpp"

#include <array>
#include <limits>

namespace jl::codec::official {
namespace {
constexpr std::string_view kRedacted = R"("***")";

template <class Member>
struct HeaderRow {
  std::string_view key;
  Member MessageHeaders::*member;
};

constexpr std::array kFlags{
    HeaderRow<bool>{"keepOnline", &MessageHeaders::keep_online},
    HeaderRow<bool>{"force", &MessageHeaders::force},
    HeaderRow<bool>{"ignoreSession", &MessageHeaders::ignore_session},
    HeaderRow<bool>{"ignoreStorage", &MessageHeaders::ignore_storage},
    HeaderRow<bool>{"ignoreLog", &MessageHeaders::ignore_log},
    HeaderRow<bool>{"ignoreIfOffline", &MessageHeaders::ignore_if_offline},
    HeaderRow<bool>{"replyNoMessageId", &MessageHeaders::reply_no_message_id},
    HeaderRow<bool>{"frag_last", &MessageHeaders::frag_last},
};
constexpr std::array kNumbers{
    HeaderRow<std::int32_t>{"keepOnlineTimeoutSeconds", &MessageHeaders::keep_online_timeout_seconds},
    HeaderRow<std::int32_t>{"frag_num", &MessageHeaders::frag_num},
    HeaderRow<std::int32_t>{"frag_part", &MessageHeaders::frag_part},
};
constexpr std::array kTexts{
    HeaderRow<std::string>{"productId", &MessageHeaders::product_id},
    HeaderRow<std::string>{"deviceName", &MessageHeaders::device_name},
    HeaderRow<std::string>{"frag_msg_id", &MessageHeaders::frag_msg_id},
};

// Headers are a free map: a value that does not fit its meaning leaves the default, as in the original.
void set_known(const JsonMember& header, MessageHeaders& out) {
  for (const auto& row : kFlags) {
    if (row.key == header.key) out.*row.member = as_bool(header.value).value_or(false);
  }
  for (const auto& row : kNumbers) {
    if (row.key != header.key) continue;
    const auto number = as_integer(header.value);
    if (number && *number > 0 && *number <= std::numeric_limits<std::int32_t>::max()) {
      out.*row.member = static_cast<std::int32_t>(*number);
    }
  }
  for (const auto& row : kTexts) {
    if (row.key == header.key) out.*row.member = as_text(header.value).value_or(std::string_view());
  }
}

void append_shown(std::string& json, const JsonValue& value);

void append_shown(std::string& json, const JsonMember& member) {
  json += member.key_text;
  json += ':';
  if (is_secret_key(member.key)) {
    json += kRedacted;
  } else {
    append_shown(json, member.value);
  }
}

// The depth is that of a parsed document, which is bounded.
void append_shown(std::string& json, const JsonValue& value) {
  if (value.is_object()) {
    JsonMembers members(value);
    json += '{';
    bool is_first = true;
    for (JsonMember member; members.next(member); is_first = false) {
      if (!is_first) json += ',';
      append_shown(json, member);
    }
    json += '}';
  } else if (value.is_array()) {
    JsonItems items(value);
    json += '[';
    bool is_first = true;
    for (JsonValue item; items.next(item); is_first = false) {
      if (!is_first) json += ',';
      append_shown(json, item);
    }
    json += ']';
  } else {
    json += value.text;
  }
}

Error bad_headers(std::string_view what) { return {Errc::invalid, "\"headers\" " + std::string(what), "", "headers"}; }
}  // namespace

bool is_secret_key(std::string_view key) {
  constexpr std::array<std::string_view, 7> kWords{"password", "passwd", "pwd", "secret", "token", "key", "credential"};
  const auto contains = [&](std::string_view word) {
    for (std::size_t i = 0; i + word.size() <= key.size(); ++i) {
      if (iequals(key.substr(i, word.size()), word)) return true;
    }
    return false;
  };
  return std::any_of(kWords.begin(), kWords.end(), contains);
}

Status read_headers(const JsonValue& headers, MessageHeaders& out, std::string& json) {
  thread_local UniqueNames names;
  if (!headers.is_object()) return bad_headers("must be an object");
  names.clear();
  JsonMembers members(headers);
  for (JsonMember header; members.next(header);) {
    if (names.size() == kMaxHeaders) return bad_headers("has more than 128 entries");
    names.add(header.key);
    if (header.value.is_null() || header.key == "token") continue;
    json += out.raw.empty() ? R"(,"headers":{)" : ",";
    out.raw += out.raw.empty() ? '{' : ',';
    out.raw += header.key_text;
    out.raw += ':';
    out.raw += header.value.text;
    append_shown(json, header);
    set_known(header, out);
  }
  if (!names.seal()) return bad_headers("has a key twice");
  if (!out.raw.empty()) {
    out.raw += '}';
    json += '}';
  }
  return {};
}

}  // namespace jl::codec::official
