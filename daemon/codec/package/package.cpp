#include "daemon/codec/package/package.hpp"

#include <array>

namespace jl::codec::package {

namespace {
constexpr std::array<std::string_view, kFunctions> kNames{"authenticate", "identify",   "decode", "encode",
                                                          "onConnect",    "checkState", "preSend"};

bool takes_credentials(Transport transport) {
  return transport == Transport::mqtt || transport == Transport::websocket;
}

Status check_exports(const Package& package, const TransportDescriptor& row) {
  const Transport transport = row.transport;
  const std::string& module = package.module_of(transport);
  const auto missing = [&](const std::string& what, std::string hint) {
    return Error(Errc::invalid,
                 module + ": " + std::string(to_string(transport)) + " needs an exported function " + what,
                 std::move(hint));
  };
  if (!package.has(transport, Function::decode) && !package.has(transport, Function::encode))
    return missing("decode(ctx)", "export function decode(ctx) { ... }");
  const bool auth = package.manifest.entries[static_cast<std::size_t>(transport)].auth;
  if (takes_credentials(transport) && auth && !package.has(transport, Function::authenticate)) {
    return missing("authenticate(request, device)",
                   "or say \"auth\": false in protocol.json, which lets in whoever names a device");
  }
  return {};
}
}  // namespace

std::string_view to_string(Function function) { return kNames[static_cast<std::size_t>(function)]; }

Result<std::shared_ptr<const Package>> load(const std::string& name, Files files, const script::ProgramLimits& limits) {
  JL_CHECK(check_files(files));
  auto out = std::make_shared<Package>();
  JL_TRY(out->manifest, read_manifest(files));
  script::ProgramSource source{name, {}, {}};
  for (const auto& row : out->manifest.descriptor.transports) {
    const std::string& module = out->module_of(row.transport);
    if (std::ranges::find(source.entries, module) == source.entries.end()) source.entries.push_back(module);
  }
  for (const auto& module : out->manifest.modules) source.modules[module] = files.find(module)->second;
  auto program = script::Program::load(std::move(source), limits);
  if (!program) {
    Error error = program.error();
    // It is the package that is wrong: trying again later does not help.
    if (error.code == Errc::timeout) error.code = Errc::invalid;
    return error;
  }
  out->program = std::move(*program);
  for (const auto& row : out->manifest.descriptor.transports) {
    for (std::size_t i = 0; i < kFunctions; ++i) {
      out->exports[static_cast<std::size_t>(row.transport)][i] =
          out->program->exports(out->module_of(row.transport), kNames[i]);
    }
    JL_CHECK(check_exports(*out, row));
  }
  out->descriptor = std::make_shared<const Descriptor>(out->manifest.descriptor);
  out->files = std::move(files);
  return std::shared_ptr<const Package>(std::move(out));
}

}  // namespace jl::codec::package
