#pragma once
// What the clients of media servers share: forms for the way there, bounded JSON for the way back.
#include "daemon/media/server_api.hpp"

#include <boost/json.hpp>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace jl::media {

/// "a=1&b=x%20y": values percent-encoded (RFC 3986 §2.3).
using Form = std::vector<std::pair<std::string_view, std::string>>;
[[nodiscard]] std::string encode_form(const Form& form);

/// The JSON object of an answer. Errors: device_error (another status than 200, no JSON, no object); `who` begins the
/// message.
[[nodiscard]] Result<boost::json::object> read_object(std::string_view who, const network::HttpReply& reply);

/// A server's own words in a message of ours: one line, printable, at most 200 bytes, without URLs' credentials.
[[nodiscard]] std::string shown_words(std::string_view text);

/// Members that may be missing or of another type.
[[nodiscard]] std::string text_of(const boost::json::object& object, std::string_view key);
[[nodiscard]] std::int64_t number_of(const boost::json::object& object, std::string_view key);
[[nodiscard]] double real_of(const boost::json::object& object, std::string_view key);
/// A port, as number or text; 0 = none.
[[nodiscard]] std::uint16_t port_of(const boost::json::object& object, std::string_view key);

}  // namespace jl::media
