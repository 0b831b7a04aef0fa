#pragma once
// What the tests of imports share: one text in, documents and notes out.
#include "cli/import/jetlinks.hpp"
#include "common/text/manifest.hpp"
#include "common/text/yaml_writer.hpp"

#include <string>
#include <vector>

namespace jl::cli::jetlinks::test {

/// Converts one text as "x.json".
inline Result<Imported> import(const std::string& text, const Options& options = {}) {
  return convert({{"x.json", text}}, options);
}

/// The document of an object; null when it is not there.
inline json::value document_of(const Imported& imported, const std::string& kind, const std::string& id) {
  for (const json::object& document : imported.documents) {
    if (document.at("kind") == json::value(kind) && document.at("id") == json::value(id)) return document;
  }
  return nullptr;
}

/// "gateway/1: field: reason" of every note, without the file.
inline std::vector<std::string> lines(const Imported& imported) {
  std::vector<std::string> out;
  for (const Note& note : imported.notes) {
    const std::string line = text_of(note);
    out.push_back(line.substr(note.file.size() + 2));
  }
  return out;
}

inline bool says(const Imported& imported, const std::string& part) {
  for (const Note& note : imported.notes) {
    if (text_of(note).find(part) != std::string::npos) return true;
  }
  return false;
}

/// What jlctl validate finds wrong with the manifests, as one text; "" when it is nothing.
inline std::string faults_of(const Imported& imported) {
  std::string yaml;
  for (const json::object& document : imported.documents) yaml += text::to_yaml_document(document);
  if (yaml.empty()) return {};
  const auto documents = text::read_manifest_text(yaml, "out.yaml");
  if (!documents) return documents.error().message;
  std::vector<Problem> problems;
  (void)text::validate_documents(*documents, problems);
  std::string out;
  for (const Problem& problem : problems) out += problem.object + " " + problem.field + " " + problem.message + "\n";
  return out;
}

}  // namespace jl::cli::jetlinks::test
