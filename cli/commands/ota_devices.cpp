// ota task devices: a task may have a hundred thousand of them, so they are shown as they come.
#include "cli/commands/handlers.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"
#include "cli/output/width.hpp"

namespace jl::cli {
namespace {

// As many rows are looked at before the first is written, so that columns of most tables are as wide as they must be.
constexpr std::size_t kAligned = 1000;

std::string text_at(const json::value& from, std::string_view path) {
  const auto* value = find_path(from, path);
  return value ? plain_text(*value) : std::string();
}

class DeviceRows {
 public:
  explicit DeviceRows(Context& context) : context_(context), view_(view_of(context.args.command())) {
    const Format format = context.out.options().format;
    is_table_ = (format == Format::table || format == Format::wide) && !context.out.options().quiet;
    with_steps_ = for_people(context) && context.args.has("history");
  }

  Status take(json::value&& row) {
    if (is_table_ && !with_steps_ && !growing_) {
      first_.push_back(std::move(row));
      if (first_.size() >= kAligned) JL_CHECK(grow());
      return {};
    }
    JL_CHECK(context_.out.item(view_, row));
    any_ = true;
    if (with_steps_) write_steps(row);
    return {};
  }

  Status finish() {
    if (growing_ || any_) return {};
    return context_.out.list(view_, json::object{{"items", first_}});
  }

 private:
  Status grow() {
    growing_ = true;
    for (const auto& row : first_) JL_CHECK(context_.out.item(view_, row));
    first_.clear();
    return {};
  }

  // What happened to a device, below it.
  void write_steps(const json::value& row) {
    const auto* steps = find_path(row, "steps");
    if (!steps || !steps->is_array()) return;
    for (const auto& step : steps->get_array()) {
      std::string line = "  " + text_at(step, "time") + "  " + text_at(step, "event");
      if (const std::string detail = text_at(step, "detail"); !detail.empty()) line += "  " + detail;
      context_.out.sink().write(printable(line) + "\n");
    }
    context_.out.sink().flush();
  }

  Context& context_;
  const View view_;
  json::array first_;
  bool is_table_ = false;
  bool with_steps_ = false;
  bool growing_ = false;
  bool any_ = false;
};

}  // namespace

Result<int> run_ota_task_devices(Context& context) {
  const Words& words = context.args.words();
  Request request = request_for(context, words.front());
  for (std::size_t i = 1; i < words.size(); ++i) request.query.emplace_back("device", words[i]);
  const OutputOptions& options = context.out.options();
  const bool one_document = (options.format == Format::json || options.format == Format::yaml) && !options.quiet;
  if (one_document) {
    JL_TRY(const json::value reply, context.client.call(request));
    JL_CHECK(context.out.list(view_of(context.args.command()), reply));
    return kExitOk;
  }
  request.lines = true;
  DeviceRows rows(context);
  const Status status = context.client.stream(request, [&](json::value&& value) -> Result<bool> {
    JL_CHECK(rows.take(std::move(value)));
    return !context.out.sink().failed();
  });
  if (!status) return status.error();
  JL_CHECK(rows.finish());
  return kExitOk;
}

}  // namespace jl::cli
