#include "daemon/runtime/framing_rule.hpp"

#include "daemon/script/framing.hpp"

namespace jl::runtime {
namespace framing = wire::framing;

namespace {

using Rule = std::shared_ptr<const framing::FramingRule>;

Error wrong(const char* key, std::string message, const std::string& hint = {}) {
  if (!hint.empty()) message += "; " + hint;
  return {Errc::invalid, std::move(message), {}, std::string("parserConfiguration.") + key};
}

Result<Rule> delimited_rule(const model::TcpServer& configuration, std::size_t max_frame) {
  auto bytes = framing::parse_delimiter(configuration.parser_configuration.delimited);
  if (!bytes) return wrong("delimited", bytes.error().message, bytes.error().hint);
  return Rule(framing::delimited(std::move(*bytes), max_frame));
}

Result<Rule> fixed_rule(const model::TcpServer& configuration, std::size_t max_frame) {
  const auto size = configuration.parser_configuration.size;
  if (!size) return wrong("size", "is required by FIXED_LENGTH");
  if (static_cast<std::size_t>(*size) > max_frame) return wrong("size", "is larger than maxFrameLength");
  return Rule(framing::fixed_length(static_cast<std::size_t>(*size), max_frame));
}

Result<Rule> length_rule(const model::TcpServer& configuration, std::size_t max_frame) {
  const auto& c = configuration.parser_configuration;
  // Without a length JetLinks' field ends at the fourth byte (network.md 2.3).
  const std::int64_t length = c.length.value_or(4 - c.offset);
  if (length != 1 && length != 2 && length != 3 && length != 4 && length != 8)
    return wrong("length", "illegal length:" + std::to_string(length) + "; 1, 2, 3, 4 or 8");
  if (static_cast<std::size_t>(c.offset + length) > max_frame)
    return wrong("offset", "the header alone is larger than maxFrameLength");
  return Rule(framing::length_field({static_cast<std::size_t>(c.offset), static_cast<std::size_t>(length), c.little},
                                    max_frame));
}

Result<Rule> script_rule(const model::TcpServer& configuration, std::size_t max_frame) {
  const auto& c = configuration.parser_configuration;
  if (c.script.find_first_not_of(" \t\r\n") == std::string::npos) return wrong("script", "is required by SCRIPT");
  auto rule = script::script_rule({c.script, "script", c.lang}, {}, max_frame);
  if (!rule) return wrong("script", rule.error().message, rule.error().hint);
  return Rule(std::move(*rule));
}

}  // namespace

Result<Rule> framing_rule(const model::TcpServer& configuration) {
  const auto max_frame = static_cast<std::size_t>(configuration.max_frame_length);
  switch (configuration.parser_type) {
    case model::ParserType::direct:
      return Rule(framing::direct(max_frame));
    case model::ParserType::delimited:
      return delimited_rule(configuration, max_frame);
    case model::ParserType::fixed_length:
      return fixed_rule(configuration, max_frame);
    case model::ParserType::length_field:
      return length_rule(configuration, max_frame);
    case model::ParserType::script:
      break;
  }
  return script_rule(configuration, max_frame);
}

}  // namespace jl::runtime
