#include "daemon/codec/package/manifest_fields.hpp"

namespace jl::model {

const std::vector<Word>& EnumWords<codec::package::fields::KeyType>::words() {
  static const std::vector<Word> words{{"string", "text", {"text"}},
                                       {"password", "text that is never shown", {"secret"}},
                                       {"enum", "one of the words of \"enum\"", {"enumeration"}},
                                       {"boolean", "true or false", {"bool"}},
                                       {"int", "whole number, 32 bit", {"integer", "short", "byte"}},
                                       {"long", "whole number, 64 bit", {}},
                                       {"float", "number", {}},
                                       {"double", "number", {"number"}}};
  return words;
}

const std::vector<Word>& EnumWords<codec::Transport>::words() {
  static const std::vector<Word> words{
      {"MQTT", "", {}}, {"TCP", "", {}}, {"UDP", "", {}}, {"HTTP", "", {}}, {"WebSocket", "", {"WEB_SOCKET", "ws"}},
      {"CoAP", "", {}}};
  return words;
}

}  // namespace jl::model
