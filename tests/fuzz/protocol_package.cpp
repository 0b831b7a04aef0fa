// Protocol packages: an arbitrary archive (first byte even), or an arbitrary protocol.json, thing model and test case
// beside a main.js (odd; a line with "---" alone is between them). Whatever they hold, reading stays within its limits,
// what is accepted keeps its promises, and what is refused says where.
#include "common/base/assert.hpp"
#include "daemon/codec/package/cases.hpp"
#include "daemon/codec/package/manifest.hpp"
#include "daemon/codec/package/route_check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace {
using namespace jl;
using namespace jl::codec;
using namespace jl::codec::package;

constexpr ArchiveLimits kLimits{50, 4096, 8192, 64, 4};

void check_refusal(const Error& error) {
  JL_ASSERT(error.code == Errc::invalid && !error.message.empty() && !error.problems.empty());
  for (const Problem& problem : error.problems) {
    JL_ASSERT(!problem.message.empty() && problem.position);
    JL_ASSERT(!problem.position->file.empty() && problem.position->line >= 1 && problem.position->column >= 1);
  }
}

void check_manifest(const Files& files, const Manifest& manifest) {
  const Descriptor& descriptor = manifest.descriptor;
  JL_ASSERT(!descriptor.id.empty() && !descriptor.name.empty());
  JL_ASSERT(!descriptor.transports.empty() && descriptor.transports.size() <= std::size(kTransports));
  for (const TransportDescriptor& entry : descriptor.transports) {
    JL_ASSERT(descriptor.find(entry.transport) == &entry && descriptor.find(to_string(entry.transport)) == &entry);
    JL_ASSERT(files.contains(manifest.entries.at(static_cast<std::size_t>(entry.transport)).module));
    JL_ASSERT(entry.routes.size() <= 256 && entry.config_keys.size() <= 64);
    const bool is_mqtt = entry.transport == Transport::mqtt;
    const bool is_stream = entry.transport == Transport::tcp || entry.transport == Transport::udp;
    JL_ASSERT(is_stream || !entry.routes.empty());
    for (const Route& route : entry.routes) {
      JL_ASSERT(topic_problem(route.topic, !is_mqtt).empty());
      JL_ASSERT((route.upstream || route.downstream) && route.qos >= 0 && route.qos <= 2);
    }
    for (const ConfigKey& key : entry.config_keys)
      JL_ASSERT(!key.key.empty() && (key.product_scope || key.device_scope));
  }
}

void check_cases(const std::vector<Case>& cases) {
  for (const Case& test : cases) {
    JL_ASSERT(!test.name.empty() && test.position.line >= 1);
    JL_ASSERT((test.kind == Case::Kind::encode) == test.inputs.empty());
    // A case passes on what it asks for word by word.
    if (!test.expect.messages) continue;
    JL_ASSERT(compare(*test.expect.messages, *test.expect.messages).empty());
  }
}

void read_all(const Files& files) {
  if (const auto manifest = read_manifest(files)) {
    check_manifest(files, *manifest);
  } else {
    check_refusal(manifest.error());
  }
  if (const auto cases = read_cases(files)) {
    check_cases(*cases);
  } else {
    check_refusal(cases.error());
  }
}

void run_archive(std::string_view bytes) {
  const auto files = read_archive_bytes(bytes, kLimits);
  if (!files) {
    const Errc code = files.error().code;
    JL_ASSERT(code == Errc::invalid || code == Errc::too_large || code == Errc::unsupported);
    return;
  }
  std::size_t total = 0;
  for (const auto& [path, content] : *files) {
    JL_ASSERT(content.size() <= kLimits.file);
    total += content.size();
  }
  JL_ASSERT(total <= kLimits.total && files->size() <= kLimits.entries);
  JL_ASSERT(check_files(*files, kLimits).has_value());
  read_all(*files);
}

void run_texts(std::string_view text) {
  Files files{{"main.js", ""}, {"docs/protocol.md", "# x\n"}};
  for (const char* path : {"protocol.json", "thing-model.json", "tests/a.json"}) {
    const std::size_t end = std::min(text.find("\n---\n"), text.size());
    files[path] = text.substr(0, end);
    text.remove_prefix(std::min(end + 5, text.size()));
  }
  read_all(files);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    run_archive(input);
  } else {
    run_texts(input);
  }
  return 0;
}
