// Protocols: a package that comes or changes is read, checked and compiled before anything is stored; none is disabled
// while a gateway refers to it, whatever the gateway's own state (access.md 3.3, 3.4).
#include "common/base/words.hpp"
#include "common/model/gateway.hpp"
#include "daemon/services/rules.hpp"

namespace jl::services {
namespace {

constexpr std::size_t kMostGateways = 10'000;
constexpr std::size_t kMostProblems = 1000;

// What is wrong with a package is wrong with the resource that names it, whatever it was.
void add_problems(RuleContext& context, const Resource& after, const Error& error) {
  const bool is_telling =
      error.code == Errc::unsupported || error.code == Errc::too_large || error.code == Errc::timeout;
  const Errc code = is_telling ? error.code : Errc::invalid;
  if (error.problems.empty()) return context.problem(after, "spec.configuration", error.message, code);
  for (const Problem& problem : error.problems) {
    if (context.problems.size() >= kMostProblems) return;
    context.problems.push_back({"spec.configuration",
                                problem.field.empty() ? problem.message : problem.field + ": " + problem.message, code,
                                after.label(), problem.position});
  }
}

Status check_package(RuleContext& context, const Resource& after) {
  // That a file is missing is said by the rule for all files; to a dry run it may be, since it is uploaded only when it
  // gets serious.
  if (!context.protocols->has_files(after)) {
    if (!context.files)
      context.warnings.push_back("protocol \"" + after.id + "\": its package is not uploaded yet and was not checked");
    return {};
  }
  const auto descriptor = context.protocols->inspect(after);
  if (descriptor) return check_transports(context, after, **descriptor);
  add_problems(context, after, descriptor.error());
  return {};
}

}  // namespace

Status check_transports(RuleContext& context, const Resource& after, const codec::Descriptor& descriptor) {
  JL_TRY(const auto users, context.view.users_of("protocol", after.id, kMostGateways));
  for (const auto& label : users) {
    JL_TRY(const Resource* gateway, context.view.get("gateway", label.substr(label.find('/') + 1)));
    if (!gateway) continue;
    const auto& provider = model::provider_info(model::from_json<model::Gateway>(gateway->spec).provider);
    if (provider.network_type.empty() || descriptor.find(provider.transport)) continue;
    context.problem(after, "spec.configuration",
                    label + " uses it over " + provider.transport + ", which this package does not speak",
                    Errc::in_use);
  }
  return {};
}

std::shared_ptr<const codec::Descriptor> descriptor_of(RuleContext& context, const Resource& protocol) {
  if (!context.protocols) return codec::official_protocol().descriptor();
  const auto found = context.protocols->describe(protocol);
  return found ? *found : nullptr;
}

Status check_protocol(RuleContext& context, const Resource* before, const Resource* after) {
  if (!after) return {};
  const bool enabling = after->enabled && before && !before->enabled;
  if (context.protocols && (!before || before->spec != after->spec || enabling))
    JL_CHECK(check_package(context, *after));
  if (!before || !before->enabled || after->enabled) return {};
  JL_TRY(const auto users, context.view.users_of("protocol", after->id, 10));
  if (!users.empty() && !context.forced) {
    context.problem(
        *after, "enabled",
        "protocol \"" + after->id + "\" is used by " + join(users) + "; a protocol in use cannot be disabled",
        Errc::in_use);
  }
  return {};
}

}  // namespace jl::services
