// Rules that every noun shares: references lead somewhere; what is enabled or in use is not deleted.
#include "common/base/assert.hpp"
#include "common/base/words.hpp"
#include "daemon/services/rules.hpp"

#include <algorithm>

namespace jl::services {
namespace {

Status check_references(RuleContext& context, const Resource& after) {
  for (const auto& use : model::references_of(after)) {
    JL_TRY(const Resource* target, context.view.get(use.kind, use.id));
    if (!target) context.problem(after, use.field, use.kind + " \"" + use.id + "\" does not exist");
  }
  return {};
}

// Only what the change brings in: a file that got lost later is no reason to refuse a new description.
void check_files(RuleContext& context, const Resource* before, const Resource& after) {
  if (!context.files) return;
  std::vector<model::FileUse> known;
  if (before) known = model::files_of(*before);
  for (const auto& use : model::files_of(after)) {
    const bool is_new = std::ranges::find(known, use.id, &model::FileUse::id) == known.end();
    if (!is_new || context.files->find(use.id)) continue;
    context.problem(after, use.field, "no file with this id was uploaded; give the file itself");
  }
}

Status check_deletion(RuleContext& context, const Resource& before) {
  const model::Kind* kind = model::find_kind(before.kind);
  JL_ASSERT(kind);
  if (kind->switchable && before.enabled && !context.deletes_enabled && !context.taken_along.contains(before.label())) {
    context.problem(before, "", before.kind + " \"" + before.id + "\" is enabled; disable it first, then delete it",
                    Errc::enabled);
    return {};
  }
  JL_TRY(const auto users, context.view.users_of(before.kind, before.id, 11));
  if (!users.empty()) {
    std::vector<std::string> shown(
        users.begin(), users.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(users.size(), 10)));
    context.problem(
        before, "",
        before.kind + " \"" + before.id + "\" is in use by " + join(shown) + (users.size() > 10 ? " and more" : ""),
        Errc::in_use);
  }
  return {};
}

using Rule = Status (*)(RuleContext&, const Resource*, const Resource*);
struct RuleRow {
  std::string_view kind;
  Rule rule;
};
constexpr RuleRow kRules[] = {{"cert", check_cert},
                              {"network", check_network},
                              {"user", check_user},
                              {"protocol", check_protocol},
                              {"gateway", check_gateway},
                              {"product", check_product},
                              {"device", check_device},
                              {"modbus-channel", check_modbus_channel},
                              {"modbus-point", check_modbus_point},
                              {"media-server", check_media_server},
                              {"ota-server", check_ota_server},
                              {"ota-firmware", check_ota_firmware},
                              {"ota-task", check_ota_task}};

}  // namespace

Status check_rules(RuleContext& context, const std::vector<runtime::ResourceChange>& changes) {
  for (const auto& change : changes) {
    const Resource* before = change.before ? &*change.before : nullptr;
    const Resource* after = change.after ? &*change.after : nullptr;
    if (after) {
      JL_CHECK(check_references(context, *after));
      check_files(context, before, *after);
    } else {
      JL_CHECK(check_deletion(context, *before));
    }
    for (const auto& row : kRules) {
      if (row.kind == change.any().kind) JL_CHECK(row.rule(context, before, after));
    }
  }
  return {};
}

}  // namespace jl::services
