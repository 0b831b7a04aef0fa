#pragma once
// protocol.json: what a package declares of itself (access.md 4.1, 4.2).
#include "daemon/codec/descriptor.hpp"
#include "daemon/codec/package/archive.hpp"

#include <array>

namespace jl::codec::package {

struct TransportEntry {
  std::string module;  ///< whose exports serve it: "main.js"
  /// False: whoever names a device is let in (MQTT, WebSocket); say so only where TLS or the network keeps others out.
  bool auth = true;
};

struct Manifest {
  Descriptor descriptor;
  /// By Transport; meaningful for those that descriptor.transports has.
  std::array<TransportEntry, std::size(kTransports)> entries;
  std::vector<std::string> modules;  ///< all *.js and *.mjs files
};

/// Reads and checks protocol.json; documents and thing models are taken from the files it names. All problems are
/// reported together, each with its place in the file ("protocol.json:12:5"). MQTT, HTTP, CoAP and WebSocket need
/// routes. Errors: invalid.
[[nodiscard]] Result<Manifest> read_manifest(const Files& files);

}  // namespace jl::codec::package
