#pragma once
// Message protocols (协议管理): how the bytes of a gateway become device messages (access.md 3).
#include "common/model/describe.hpp"

#include <cstdint>

namespace jl::model {

enum class ProtocolType : std::uint8_t { builtin, jar, local };
template <>
struct EnumWords<ProtocolType> {
  static const std::vector<Word>& words();
};

enum class BuiltinProtocol : std::uint8_t { jetlinks_official, modbus_tcp };
template <>
struct EnumWords<BuiltinProtocol> {
  static const std::vector<Word>& words();
};

/// configuration of type builtin.
struct BuiltinConfiguration {
  BuiltinProtocol builtin = BuiltinProtocol::jetlinks_official;
};

/// configuration of type jar.
struct JarConfiguration {
  std::string file_id;    ///< of the package among the kept files
  std::string file_name;  ///< what its owner calls it; "" when nobody said
};

/// configuration of type local.
struct LocalConfiguration {
  std::string location;
};

/// A path that does not depend on where the daemon was started; brought into its shortest form.
void check_absolute_path(json::value& value, const std::string& path, std::vector<Problem>& problems);

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
void describe(V& v, JarConfiguration& s) {
  v.field("fileId", s.file_id)
      .required()
      .uploaded("protocol", "fileName")
      .flag("package")
      .help("the package, kept as an uploaded file (上传协议包)")
      .example("{fromFile: codec.jar}");
  v.field("fileName", s.file_name)
      .no_default()
      .help("what the package is called; the uploaded file's own name unless another is given");
  v.drop("provider");
  v.drop("location");
}

template <class V>
void describe(V& v, LocalConfiguration& s) {
  v.field("location", s.location)
      .required()
      .max_length(4096)
      .check(check_absolute_path)
      .flag("path")
      .help("folder of the package on the daemon's machine (文件地址)")
      .example("/opt/codec/classes");
  v.drop("provider");
  v.drop("fileId");
}

template <class V>
void describe(V& v, Protocol& s) {
  v.field("type", s.type).immutable().help("where the protocol comes from (协议类型)").example("builtin");
  v.field("configuration", s.configuration)
      .selected_by("type", protocol_variants())
      .help("its fields depend on the type");
}

}  // namespace jl::model
