#pragma once
// Reads the JSON body of a call that is no document of a kind.
#include "common/base/result.hpp"

#include <boost/json.hpp>
#include <charconv>
#include <cstdint>
#include <string>
#include <vector>

namespace jl::control {

/// The members of a call's body, each read once; what is left over was not known.
class CallBody {
 public:
  explicit CallBody(const boost::json::object& body) : left_(body) {}

  /// Errors of all four: invalid, naming the member.
  Result<std::string> text(const char* key, std::string otherwise = {}) {
    const boost::json::value value = take(key);
    if (value.is_null()) return otherwise;
    if (value.is_string()) return std::string(value.as_string());
    if (value.is_int64() || value.is_uint64()) return boost::json::serialize(value);
    return wrong(key, "must be a text");
  }
  Result<std::int64_t> number(const char* key, std::int64_t otherwise) {
    JL_TRY(const std::string digits, text(key));
    if (digits.empty()) return otherwise;
    std::int64_t out = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    if (ec != std::errc{} || end != digits.data() + digits.size()) return wrong(key, "must be a whole number");
    return out;
  }
  Result<bool> flag(const char* key) {
    const boost::json::value value = take(key);
    if (value.is_null()) return false;
    if (!value.is_bool()) return wrong(key, "must be true or false");
    return value.as_bool();
  }
  Result<std::vector<std::string>> texts(const char* key) {
    std::vector<std::string> out;
    const boost::json::value value = take(key);
    if (value.is_null()) return out;
    if (!value.is_array()) return wrong(key, "must be a list of texts");
    for (const auto& item : value.as_array()) {
      if (!item.is_string()) return wrong(key, "must be a list of texts");
      out.emplace_back(item.as_string());
    }
    return out;
  }
  /// After all were read. Errors: unknown_field.
  [[nodiscard]] Status finish() const {
    if (left_.empty()) return {};
    return Error(Errc::unknown_field, "\"" + std::string(left_.begin()->key()) + "\" is no member of this call", {},
                 std::string(left_.begin()->key()));
  }

 private:
  boost::json::value take(const char* key) {
    const auto* found = left_.if_contains(key);
    boost::json::value out = found ? *found : boost::json::value();
    left_.erase(key);
    return out;
  }
  static Error wrong(const char* key, const char* what) {
    return {Errc::invalid, "\"" + std::string(key) + "\" " + what, {}, key};
  }
  boost::json::object left_;
};

}  // namespace jl::control
