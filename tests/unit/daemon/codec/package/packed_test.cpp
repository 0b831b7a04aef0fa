// What jlctl writes is what jlinkd reads: packages to start from, and the archives that it packs.
#include "cli/package_files.hpp"
#include "cli/package_template.hpp"
#include "daemon/codec/package/cases.hpp"
#include "daemon/codec/package/manifest.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace jl::codec::package {
namespace {

constexpr const char* kId = "acme.meter_1";

}  // namespace

TEST_SUITE("codec.package.packed") {
  TEST_CASE("each package of \"jlctl protocol init\" has a manifest without a problem, and cases for its transport") {
    for (const std::string& transport : cli::template_transports()) {
      CAPTURE(transport);
      const Files files = cli::package_template(transport, kId);
      CHECK(check_files(files).has_value());
      const auto manifest = read_manifest(files);
      REQUIRE_MESSAGE(manifest.has_value(), (manifest ? "" : manifest.error().message));
      const Descriptor& descriptor = manifest->descriptor;
      CHECK(descriptor.id == kId);
      REQUIRE(descriptor.transport_names() == std::vector<std::string>{transport});
      const TransportDescriptor& entry = descriptor.transports[0];
      CHECK(entry.config_keys.size() == 1);
      CHECK(entry.document.starts_with("# acme.meter_1 over " + transport));
      CHECK_FALSE(entry.metadata.empty());
      CHECK((transport == "TCP") == !entry.framing.empty());
      CHECK((transport == "TCP" || transport == "UDP") == entry.routes.empty());

      const auto cases = read_cases(files);
      REQUIRE_MESSAGE(cases.has_value(), (cases ? "" : cases.error().message));
      CHECK(cases->size() >= 2);
      for (const Case& test : *cases) CHECK(to_string(test.transport) == transport);
      const std::string& script = files.at("main.js");
      CHECK(script.find("export function decode(ctx)") != std::string::npos);
      const bool asks = std::ranges::any_of(*cases, [](const Case& c) { return c.kind == Case::Kind::encode; });
      CHECK(asks == (script.find("export function encode(ctx)") != std::string::npos));
      const bool lets_in =
          std::ranges::any_of(*cases, [](const Case& c) { return c.kind == Case::Kind::authenticate; });
      CHECK(lets_in == (script.find("export function authenticate(") != std::string::npos));
      for (const auto& [path, content] : files) CHECK(content.find('@') == std::string::npos);
    }
  }

  TEST_CASE("an archive that jlctl packed holds the same files, byte for byte") {
    Files files = cli::package_template("MQTT", kId);
    files["lib/字节.js"] = std::string("\0\xFF\r\n", 4);
    files["lib/empty.mjs"] = "";
    files["lib/large.js"] = std::string(std::size_t{4} << 20u, 'x');
    const std::string archive = cli::pack_zip(files);
    const auto read = read_archive_bytes(archive);
    REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error().message));
    CHECK(*read == files);
    CHECK(cli::pack_zip(*read) == archive);
  }

  TEST_CASE("as many files as a package may have fit in an archive") {
    Files files{{"protocol.json", "{}"}};
    for (int i = 1; i < 1000; ++i) files["f" + std::to_string(i) + ".js"] = std::to_string(i);
    const auto read = read_archive_bytes(cli::pack_zip(files));
    REQUIRE(read.has_value());
    CHECK(*read == files);
  }
}
}  // namespace jl::codec::package
