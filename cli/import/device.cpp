// Devices (dev_device_instance; access.md 6).
#include "common/model/device.hpp"

#include "cli/import/conversion.hpp"
#include "cli/import/values.hpp"

#include <array>

namespace jl::cli::jetlinks {
namespace {

constexpr std::size_t kMostAncestors = 64;

// A list of {id, name}, of words, or words with commas between them.
void place_features(Conversion& conversion, Draft& draft) {
  const json::value given = take(draft.fields, "features");
  json::array features;
  if (given.is_array()) {
    features = given.get_array();
  } else if (given.is_string()) {
    std::string words(given.get_string());
    for (std::size_t at = 0; at <= words.size();) {
      const std::size_t end = std::min(words.find(',', at), words.size());
      if (end > at) features.emplace_back(words.substr(at, end - at));
      at = end + 1;
    }
  }
  for (const json::value& feature : features) {
    const auto* id = feature.is_object() ? feature.get_object().if_contains("id") : &feature;
    const std::string word = id ? as_text(*id) : std::string();
    if (word == "selfManageState") {
      draft.spec["selfManageState"] = true;
    } else {
      conversion.note(draft, "features", "dropped: selfManageState is the only one that jlinkd knows");
    }
  }
}

// A detail view shows the model of the product and the device together; only the device's own is carried.
void place_model(Draft& draft) {
  json::value own = as_structure(take(draft.fields, "deriveMetadata"));
  json::value whole = as_structure(take(draft.fields, "metadata"));
  const bool is_own = as_bool(take(draft.fields, "independentMetadata"));
  if (is_empty(own) && is_own) own = std::move(whole);
  if (!is_empty(own)) draft.spec["deriveMetadata"] = std::move(own);
}

}  // namespace

void convert_device(Conversion& conversion, Draft& draft) {
  const std::string product_id = as_text(take(draft.fields, "productId"));
  if (product_id.empty()) return conversion.leave_out(draft, "productId", "names no product");
  const Conversion::Target product = conversion.find("product", product_id);
  if (!product.usable) return conversion.leave_out(draft, "productId", product.trouble);
  draft.spec["productId"] = product.id;
  draft.is_foreign = !product.draft || !product.draft->carried || product.draft->is_foreign;
  draft.is_official = product.draft && product.draft->carried && product.draft->is_official;
  place_access_configuration(conversion, draft);
  place_features(conversion, draft);
  place_model(draft);
  const std::string parent_id = as_text(take(draft.fields, "parentId"));
  // What REST adds to the row: the product's, the gateway's, and how the device is right now.
  static constexpr std::array<std::string_view, 25> kDerived{"productName",
                                                             "deviceType",
                                                             "registryTime",
                                                             "registerTime",
                                                             "onlineTime",
                                                             "offlineTime",
                                                             "address",
                                                             "protocol",
                                                             "protocolName",
                                                             "transport",
                                                             "transportProtocol",
                                                             "messageProtocol",
                                                             "accessId",
                                                             "accessName",
                                                             "accessProvider",
                                                             "classifiedId",
                                                             "classifiedName",
                                                             "connectServerId",
                                                             "aloneConfiguration",
                                                             "cachedConfiguration",
                                                             "deviceTypeObject",
                                                             "productConfiguration",
                                                             "parentName",
                                                             "storePolicy",
                                                             "permission"};
  conversion.drop_rest(draft, kDerived);
  conversion.settle(draft);
  if (!parent_id.empty()) draft.fields["parentId"] = parent_id;  // until all devices are known
}

// A parent must be there, and nobody is his own ancestor.
void place_children(Conversion& conversion) {
  for (Draft& draft : conversion.drafts("device")) {
    const std::string parent_id = as_text(take(draft.fields, "parentId"));
    if (parent_id.empty() || !draft.carried) continue;
    const Conversion::Target parent = conversion.find("device", parent_id);
    if (!parent.usable) {
      conversion.note(draft, "parentId", "dropped: " + parent.trouble);
      continue;
    }
    draft.spec["parentId"] = draft.canonical["parentId"] = parent.id;
    std::set<const Draft*> above{&draft};
    for (const Draft* next = parent.draft; next;) {
      if (!above.insert(next).second || above.size() > kMostAncestors) {
        draft.spec.erase("parentId");
        draft.canonical.erase("parentId");
        conversion.note(draft, "parentId",
                        above.size() > kMostAncestors ? "dropped: it has too many ancestors"
                                                      : "dropped: the device would be its own ancestor");
        break;
      }
      const auto* further = next->spec.if_contains("parentId");
      next = further ? conversion.draft_here("device", std::string(further->as_string())) : nullptr;
    }
  }
}

}  // namespace jl::cli::jetlinks
