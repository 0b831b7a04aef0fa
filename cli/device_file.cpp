#include "cli/device_file.hpp"

#include "cli/output/width.hpp"
#include "common/base/words.hpp"

#include <unordered_set>

namespace jl::cli {
namespace {

constexpr std::size_t kMaxProblems = 1000;
constexpr std::size_t kShownWidth = 80;  // of a line that is no id

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\f\v";
  const std::size_t from = text.find_first_not_of(kBlank);
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(kBlank) + 1 - from);
}

}  // namespace

Result<std::vector<std::string>> read_device_list(std::string_view text, const std::string& file) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
  std::vector<std::string> out;
  std::unordered_set<std::string_view> seen;
  std::vector<Problem> problems;
  for (std::uint32_t line = 1; !text.empty() && problems.size() < kMaxProblems; ++line) {
    const std::size_t end = text.find('\n');
    const std::string_view whole = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    const std::string_view id = trimmed(whole.substr(0, whole.find('#')));
    if (id.empty()) continue;
    if (is_valid_id(id)) {
      if (seen.insert(id).second) out.emplace_back(id);
      continue;
    }
    Problem problem{"spec.deviceId", "\"" + cut_to_width(printable(id), kShownWidth) + "\" is no id of a device"};
    problem.position = SourcePosition{file, line, 0};
    problems.push_back(std::move(problem));
  }
  if (!problems.empty()) return error_from_problems(std::move(problems));
  // A task for no device in particular would be one for all of them.
  if (out.empty()) return Error(Errc::invalid, "\"" + file + "\" names no device", {}, "spec.deviceId");
  return out;
}

}  // namespace jl::cli
