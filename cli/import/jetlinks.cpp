#include "cli/import/jetlinks.hpp"

#include "cli/import/recognise.hpp"
#include "cli/import/source.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>

namespace jl::cli::jetlinks {
namespace {

struct Step {
  std::string_view kind;
  void (*convert)(Conversion&, Draft&);
  void (*afterwards)(Conversion&);  // may be nullptr
};

// In the order of dependence: a step finds what its objects refer to converted already.
constexpr std::array<Step, 6> kSteps{{{"cert", convert_cert, nullptr},
                                      {"network", convert_network, separate_listeners},
                                      {"protocol", convert_protocol, nullptr},
                                      {"gateway", convert_gateway, separate_components},
                                      {"product", convert_product, nullptr},
                                      {"device", convert_device, place_children}}};

// The objects of one file become drafts. Errors: invalid when nothing of it is known.
Status take_in(Conversion& conversion, std::vector<Source> sources) {
  std::vector<Problem> problems;
  std::vector<Note> unknown;
  for (Source& source : sources) {
    const Result<const model::Kind*> kind =
        conversion.options().kind ? Result<const model::Kind*>(conversion.options().kind) : recognise(source.object);
    if (kind) {
      conversion.add(**kind, source.file, source.number, std::move(source.object));
      continue;
    }
    const std::string object = "object " + std::to_string(source.number);
    problems.push_back({"", kind.error().message + "; " + kind.error().hint, Errc::invalid, object, {}});
    unknown.push_back(
        {source.file, object, "", "not carried: " + kind.error().message + "; " + kind.error().hint, Severity::error});
  }
  if (problems.size() == sources.size()) {
    Error error(Errc::invalid,
                fmt::format("\"{}\" is not understood: {} {}", sources.front().file, problems.front().object,
                            problems.front().message),
                "--kind says what its objects are: cert, network, protocol, gateway, product or device");
    if (problems.size() > 1) error.problems = std::move(problems);
    return error;
  }
  std::ranges::move(unknown, std::back_inserter(conversion.notes()));
  return {};
}

}  // namespace

Result<Imported> convert(std::vector<File> files, const Options& options) {
  Conversion conversion(options);
  text::ManifestLimits limits;
  for (File& file : files) {
    const std::size_t bytes = file.text.size();
    JL_TRY(std::vector<Source> sources, take_apart(file.name, std::move(file.text), conversion.notes(), limits));
    limits.bytes -= std::min(limits.bytes, bytes);
    JL_CHECK(take_in(conversion, std::move(sources)));
  }
  add_named_official_protocols(conversion);
  Imported out;
  for (const Step& step : kSteps) {
    for (Draft& draft : conversion.drafts(step.kind)) step.convert(conversion, draft);
    if (step.afterwards) step.afterwards(conversion);
    for (const Draft& draft : conversion.drafts(step.kind)) {
      if (draft.carried) out.documents.push_back(manifest_of(draft));
    }
  }
  out.notes = std::move(conversion.notes());
  out.left_out = static_cast<std::size_t>(std::ranges::count(out.notes, Severity::error, &Note::severity));
  return out;
}

}  // namespace jl::cli::jetlinks
