// Manifests: whatever the text, reading ends with documents or problems that have positions; what was read and written
// again as YAML or JSON reads back the same.
#include "common/text/manifest.hpp"
#include "common/text/diff.hpp"
#include "common/text/redact.hpp"
#include "common/text/yaml_writer.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace jl::text;

void require(bool claim) {
  if (!claim) std::abort();
}

void require_same(const std::vector<ManifestDocument>& documents, const std::string& text, const std::string& name) {
  ReadOptions options;
  options.limits.depth = 200;  // "- documents:" wraps each document in a few levels
  const auto again = read_manifest_text(text, name, options);
  require(again.has_value());
  require(again->size() == documents.size());
  for (std::size_t i = 0; i < documents.size(); ++i) require((*again)[i].document == documents[i].document);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ReadOptions options;
  options.limits.nodes = 20'000;
  options.limits.bytes = 1u << 20u;
  for (const char* name : {"any", "fuzz.yaml", "fuzz.json"}) {
    const auto documents = read_manifest_text(text, name, options);
    if (!documents) {
      require(!documents.error().message.empty());
      for (const auto& problem : documents.error().problems) require(problem.position && problem.position->line > 0);
      continue;
    }
    std::vector<jl::Problem> problems;
    (void)validate_documents(*documents, problems);
    for (const auto& problem : problems) require(problem.position && problem.position->line > 0);

    std::string yaml, lines;
    boost::json::array documents_as_list;
    for (const auto& entry : *documents) {
      yaml += to_yaml_document(entry.document);
      lines += boost::json::serialize(entry.document) + "\n";
      documents_as_list.push_back(entry.document);
      require(diff(entry.document, entry.document).empty());
      (void)redact(entry.document);
    }
    // An object that holds only a list "documents" is a wrapper, not a document.
    bool wrapped = false;
    for (const auto& entry : *documents)
      wrapped = wrapped || (entry.document.contains("documents") && !entry.document.contains("kind"));
    if (wrapped) continue;
    require_same(*documents, yaml, "again.yaml");
    require_same(*documents, lines, "again.json");
    require_same(*documents, to_yaml(documents_as_list), "list.yaml");
  }
  return 0;
}
