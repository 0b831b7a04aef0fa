#include "cli/import/framing.hpp"

#include "cli/import/values.hpp"
#include "common/base/words.hpp"
#include "common/model/network.hpp"

#include <algorithm>
#include <array>

namespace jl::cli::jetlinks {
namespace {

constexpr std::int64_t kMostOffset = 65'535;
constexpr std::int64_t kMostSize = 1 << 20;  // maxFrameLength of a component that does not say

// \\uXXXX above U+00FF.
bool names_wide_character(std::string_view text) {
  for (std::size_t at = text.find("\\u"); at != std::string_view::npos; at = text.find("\\u", at + 2)) {
    if (text.substr(at + 2, 2) != "00") return true;
  }
  return false;
}

class Framing {
 public:
  Framing(Conversion& conversion, Draft& draft, std::string path, json::object given)
      : conversion_(conversion), draft_(draft), path_(std::move(path)), given_(std::move(given)) {}

  json::object place(const std::string& rule) {
    if (const auto limit = as_integer(given_["keepAliveTimeout"]))
      out_["keepAliveTimeout"] = std::max<std::int64_t>(*limit, -1);
    if (rule == "DELIMITED") delimited();
    if (rule == "FIXED_LENGTH") fixed_length();
    if (rule == "LENGTH_FIELD") length_field();
    if (rule == "SCRIPT") script();
    return std::move(out_);
  }

 private:
  void refuse(const char* key, const std::string& why) { conversion_.leave_out(draft_, path_ + "." + key, why); }

  // network.md 2.1: hex after a lower-case 0x, else text of characters up to U+00FF.
  void delimited() {
    const std::string text = as_text(given_["delimited"]);
    if (text.empty()) return refuse("delimited", "the delimiter is blank");
    if (text.starts_with("0x")) {
      const std::string_view digits = std::string_view(text).substr(2);
      const bool is_hex = digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
      if (digits.empty() || digits.size() % 2 != 0 || !is_hex)
        return refuse("delimited", "\"" + text + "\" is not hex");
    } else if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0xC4; }) ||
               names_wide_character(text)) {
      return refuse("delimited", "has characters that are not one byte; JetLinks cut them, jlinkd wants 0x and hex");
    }
    out_["delimited"] = text;
  }

  void fixed_length() {
    const auto size = as_integer(given_["size"]);
    if (!size || *size < 1 || *size > kMostSize) return refuse("size", "is no length of frames");
    out_["size"] = *size;
  }

  // network.md 2.3: without a length the field ends at "to", which is 4 when nobody says.
  void length_field() {
    const std::int64_t offset = as_integer(given_["offset"]).value_or(0);
    const std::int64_t length = as_integer(given_["length"]).value_or(as_integer(given_["to"]).value_or(4) - offset);
    if (offset < 0 || offset > kMostOffset) return refuse("offset", "is no offset");
    if (length != 1 && length != 2 && length != 3 && length != 4 && length != 8)
      return refuse("length", "a length field of " + std::to_string(length) + " bytes; 1, 2, 3, 4 or 8 can be");
    out_["offset"] = offset;
    out_["length"] = length;
    if (as_bool(given_["little"])) out_["little"] = true;
  }

  void script() {
    const json::value& text = given_["script"];
    const std::string lang = to_lower(as_text(given_["lang"]));
    if (as_text(text).empty()) return refuse("script", "there is no script");
    if (!lang.empty() && lang != "js" && lang != "javascript" && lang != "nashorn")
      return refuse("lang", "jlinkd runs JavaScript, not \"" + lang + "\"");
    out_["script"] = text;
    if (as_text(text).find("Java.type") != std::string::npos) {
      conversion_.note(draft_, path_ + ".script",
                       "uses Java classes, of which jlinkd has few; try it with jlctl network frame-test",
                       Severity::info);
    }
  }

  Conversion& conversion_;
  Draft& draft_;
  std::string path_;
  json::object given_;
  json::object out_{};
};

}  // namespace

void place_framing(Conversion& conversion, Draft& draft, const std::string& path, json::object& configuration) {
  const std::string given = as_word(take(configuration, "parserType"));
  const auto& words = model::EnumWords<model::ParserType>::words();
  const auto rule = std::ranges::find_if(words, [&](const model::Word& known) { return iequals(known.word, given); });
  json::value parameters = as_structure(take(configuration, "parserConfiguration"));
  if (rule == words.end()) {
    conversion.leave_out(
        draft, path + ".parserType",
        given.empty() ? "is missing, and without a rule nothing can be read" : "is no framing rule that jlinkd has");
    return;
  }
  configuration["parserType"] = rule->word;
  json::object object = parameters.is_object() ? std::move(parameters.get_object()) : json::object();
  json::object placed = Framing(conversion, draft, path + ".parserConfiguration", std::move(object)).place(rule->word);
  if (!placed.empty()) configuration["parserConfiguration"] = std::move(placed);
}

}  // namespace jl::cli::jetlinks
