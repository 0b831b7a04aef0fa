#include "common/model/protocol.hpp"

#include <filesystem>

namespace jl::model {

const std::vector<Word>& EnumWords<ProtocolType>::words() {
  static const std::vector<Word> words{{"builtin", "part of jlinkd itself (内置协议)", {"built-in"}},
                                       {"jar", "a package that was uploaded, .jar or .zip", {"zip"}},
                                       {"local", "a package in a folder of this machine (本地)"}};
  return words;
}

const std::vector<Word>& EnumWords<BuiltinProtocol>::words() {
  static const std::vector<Word> words{
      {"jetlinks-official", "JetLinks' official protocol, v3 (官方协议)", {"jetlinks.v3.0", "official"}},
      {"modbus-tcp", "devices whose properties are Modbus points (Modbus数据采集)", {"modbus"}}};
  return words;
}

std::vector<Variant> protocol_variants() {
  return {{"builtin", &table_of<BuiltinConfiguration>(), {"built-in"}},
          {"jar", &table_of<JarConfiguration>(), {"zip"}},
          {"local", &table_of<LocalConfiguration>()}};
}

void check_absolute_path(json::value& value, const std::string& path, std::vector<Problem>& problems) {
  if (!value.is_string()) return;
  const std::string_view text = value.as_string();
  if (!text.starts_with('/') || text.find_first_of("\r\n\t") != std::string_view::npos) {
    problems.push_back({path, "must be an absolute path, such as /opt/codec", Errc::invalid, {}, {}});
    return;
  }
  std::string shortest = std::filesystem::path(text).lexically_normal().string();
  if (shortest.size() > 1 && shortest.ends_with('/')) shortest.pop_back();
  value = shortest;
}

}  // namespace jl::model
