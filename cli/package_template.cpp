#include "cli/package_template.hpp"

#include "common/base/assert.hpp"
#include "common/base/words.hpp"

#include <algorithm>
#include <vector>

namespace jl::cli {
namespace {

constexpr std::string_view kManifest = R"({
  "id": "@ID@",
  "name": "@ID@",
  "description": "",
  "version": "1.0.0",
  "transports": [
    {
      "transport": "@TRANSPORT@",
      "config": [
        {"property": "key", "name": "Key", "description": "what a device shows that it is itself", "type": "password",
         "required": true}
      ],@MORE@
      "metadata": "thing-model.json",
      "document": "docs/protocol.md"
    }
  ]
}
)";

constexpr std::string_view kThingModel = R"({
  "properties": [
    {"id": "temperature", "name": "Temperature", "valueType": {"type": "double", "unit": "celsiusDegrees"}},
    {"id": "battery", "name": "Battery", "valueType": {"type": "int", "min": 0, "max": 100, "unit": "percent"}}
  ],
  "functions": [],
  "events": [],
  "tags": []
}
)";

std::string replaced(std::string text, std::string_view word, std::string_view by) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + by.size()))
    text.replace(at, word.size(), by);
  return text;
}

TransportTemplate template_of(std::string_view transport) {
  if (transport == "TCP") return tcp_template();
  if (transport == "UDP") return udp_template();
  if (transport == "MQTT") return mqtt_template();
  if (transport == "WebSocket") return websocket_template();
  return request_template();
}

}  // namespace

std::span<const std::string> template_transports() {
  static const std::vector<std::string> all{"TCP", "UDP", "MQTT", "HTTP", "WebSocket", "CoAP"};
  return all;
}

text::PackageFiles package_template(std::string_view transport, std::string_view id) {
  JL_ASSERT(is_valid_id(id) && std::ranges::find(template_transports(), transport) != template_transports().end());
  const TransportTemplate parts = template_of(transport);
  text::PackageFiles files{{"protocol.json", replaced(std::string(kManifest), "@MORE@", parts.transport_json)},
                           {"main.js", std::string(parts.main_js)},
                           {"thing-model.json", std::string(kThingModel)},
                           {"docs/protocol.md", std::string(parts.document)},
                           {"tests/first.json", std::string(parts.tests)}};
  for (auto& [path, content] : files) content = replaced(replaced(content, "@TRANSPORT@", transport), "@ID@", id);
  return files;
}

}  // namespace jl::cli
