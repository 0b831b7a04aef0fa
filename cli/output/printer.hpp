#pragma once
// Writes results to standard output in the format that was asked for.
#include "cli/output/format.hpp"
#include "cli/output/sink.hpp"
#include "cli/output/table.hpp"
#include "cli/output/view.hpp"
#include "common/base/result.hpp"

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <vector>

namespace jl::cli {

namespace json = boost::json;

struct OutputOptions {
  Format format = Format::table;
  std::string value_path{};           ///< of Format::value
  std::vector<std::string> fields{};  ///< --fields; empty = all
  bool quiet = false;
  bool raw = true;  ///< values may hold control characters: standard output is no terminal
  TableStyle table{};
};

class Printer {
 public:
  Printer(Sink& sink, OutputOptions options) : sink_(sink), options_(std::move(options)) {}

  [[nodiscard]] const OutputOptions& options() const { return options_; }
  [[nodiscard]] Sink& sink() { return sink_; }

  /// One object: a block of lines, or a document. Errors: usage (a field that does not exist).
  [[nodiscard]] Status one(const View& view, const json::value& data);
  /// {"items":[...]}: a table, or a document of kind "<kind>List".
  [[nodiscard]] Status list(const View& view, const json::value& data);
  /// One of a stream, written at once.
  [[nodiscard]] Status item(const View& view, const json::value& data);
  /// A document of its own kind, only for the JSON formats and YAML; false when the format is for people.
  [[nodiscard]] bool document(std::string_view kind, const json::value& data);

 private:
  enum class Done : std::uint8_t { yes, no };
  /// -q, name and value.
  Result<Done> short_form(const View& view, const json::value& item);
  Status check_fields(const View& view, const json::value& data) const;
  [[nodiscard]] std::vector<model::Column> columns(const View& view) const;
  [[nodiscard]] Row cells(const std::vector<model::Column>& columns, const json::value& item) const;
  [[nodiscard]] json::value picked(const View& view, const json::value& item) const;
  [[nodiscard]] std::vector<std::string> field_paths(const View& view) const;
  void block(const json::value& data);
  void value_line(const std::string& text);

  Sink& sink_;
  OutputOptions options_;
  std::unique_ptr<GrowingTable> growing_;
};

/// {"schema":"jlctl/v1","kind":...,"data":...}
[[nodiscard]] json::object envelope(std::string_view kind, json::value data);
/// The text of a value in a table.
[[nodiscard]] std::string cell_text(const json::value& value);

}  // namespace jl::cli
