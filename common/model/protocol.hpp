#pragma once
// Message protocols (协议管理): how the bytes of a gateway become device messages (access.md 3).
#include "common/model/describe.hpp"

#include <cstdint>

namespace jl::model {

enum class ProtocolType : std::uint8_t { builtin };
template <>
struct EnumWords<ProtocolType> {
  static const std::vector<Word>& words();
};

enum class BuiltinProtocol : std::uint8_t { jetlinks_official };
template <>
struct EnumWords<BuiltinProtocol> {
  static const std::vector<Word>& words();
};

/// configuration of type builtin.
struct BuiltinConfiguration {
  BuiltinProtocol builtin = BuiltinProtocol::jetlinks_official;
};

struct Protocol {
  ProtocolType type = ProtocolType::builtin;
  json::object configuration;
};

[[nodiscard]] std::vector<Variant> protocol_variants();

template <class V>
void describe(V& v, BuiltinConfiguration& s) {
  v.field("builtin", s.builtin)
      .flag("builtin")
      .help("which of the protocols that jlinkd brings along")
      .example("jetlinks-official");
}

template <class V>
void describe(V& v, Protocol& s) {
  v.field("type", s.type).immutable().help("where the protocol comes from (协议类型)").example("builtin");
  v.field("configuration", s.configuration)
      .selected_by("type", protocol_variants())
      .help("its fields depend on the type");
}

}  // namespace jl::model
