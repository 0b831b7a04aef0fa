#include "common/model/protocol.hpp"

namespace jl::model {

const std::vector<Word>& EnumWords<ProtocolType>::words() {
  static const std::vector<Word> words{{"builtin", "part of jlinkd itself (内置协议)", {"built-in"}}};
  return words;
}

const std::vector<Word>& EnumWords<BuiltinProtocol>::words() {
  static const std::vector<Word> words{
      {"jetlinks-official", "JetLinks' official protocol, v3 (官方协议)", {"jetlinks.v3.0", "official"}}};
  return words;
}

std::vector<Variant> protocol_variants() { return {{"builtin", &table_of<BuiltinConfiguration>()}}; }

}  // namespace jl::model
