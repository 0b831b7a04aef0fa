// Changes that devices themselves ask for: registration, unbinding, derived thing models (access.md 5.1, 5.6).
#include "common/base/words.hpp"
#include "common/model/device.hpp"
#include "common/text/redact.hpp"
#include "daemon/base/log.hpp"
#include "daemon/services/resources.hpp"

namespace jl::services {
namespace json = boost::json;

namespace {

// Devices send what they like; only what the product's protocol asks for is kept.
void keep_known_keys(json::object& configuration, const device::Catalog& catalog, std::string_view product_id) {
  const auto product = catalog.product(product_id);
  const codec::Protocol* codec = product ? catalog.codec_of(*product) : nullptr;
  if (!codec) return;
  json::object kept;
  const auto descriptor = codec->descriptor();
  for (const auto& transport : descriptor->transports) {
    for (const auto& key : transport.config_keys) {
      if (const auto* value = configuration.if_contains(key.key); value && key.device_scope) kept[key.key] = *value;
    }
  }
  configuration = std::move(kept);
}

json::array merge_list(const json::value* base, const json::value* over) {
  json::array out = base && base->is_array() ? base->as_array() : json::array();
  if (!over || !over->is_array()) return out;
  const auto id_of = [](const json::value& entry) -> const json::value* {
    return entry.is_object() ? entry.as_object().if_contains("id") : nullptr;
  };
  for (const auto& entry : over->as_array()) {
    const auto* id = id_of(entry);
    const auto same = std::ranges::find_if(out, [&](const json::value& old) {
      const auto* old_id = id_of(old);
      return id && old_id && *old_id == *id;
    });
    if (same != out.end()) {
      *same = entry;
    } else {
      out.push_back(entry);
    }
  }
  return out;
}

void log_failure(const char* what, const std::string& id, const Result<MutationResult>& result) {
  static log::RateLimit limit;
  std::uint64_t held = 0;
  if (!result && limit.allow(system_clock().steady(), held))
    log::warn("services", "{} of device={} failed: {}", what, id, result.error().message);
}

}  // namespace

json::value merge_metadata(const json::value& base, const json::value& over) {
  if (!base.is_object()) return over;
  json::object out = base.as_object();
  if (!over.is_object()) return out;
  for (const char* key : {"properties", "functions", "events", "tags"}) {
    out[key] = merge_list(base.as_object().if_contains(key), over.as_object().if_contains(key));
  }
  return out;
}

void Resources::register_device(access::Registration registration, std::function<void(Status)> done) {
  auto work = [this, r = std::move(registration)]() -> Result<MutationResult> {
    if (r.device_id == r.parent_id)
      return Error(Errc::cyclic_dependence, "a device cannot register itself as its child");
    if (!is_valid_id(r.device_id))
      return Error(Errc::invalid, "\"" + r.device_id.substr(0, 64) + "\" is not a device id");
    JL_TRY(const bool known, exists("device", r.device_id));
    Mutation m;
    m.kind = "device";
    m.id = r.device_id;
    json::object spec;
    json::object configuration = r.configuration;
    std::string product_id = r.product_id;
    if (known) {
      View view(p_.store);
      JL_TRY(const Resource* device, view.before("device", r.device_id));
      if (!device) return Error(Errc::not_found, "the device is gone");
      const auto stored = model::from_json<model::Device>(device->spec);
      product_id = stored.product_id.id;
      m.verb = Verb::edit;
      if (!r.parent_id.empty() && stored.parent_id.id != r.parent_id) {
        // A child may move to another gateway device (access.md 5.1), but a device that connects by itself cannot be
        // claimed by whoever names its id, and moving never changes what is known of the child.
        for (const auto& [key, value] : stored.configuration.values) {
          if (text::is_secret_key(key))
            return Error(Errc::denied, "the device has credentials of its own",
                         "jlctl device edit " + r.device_id + " --parent " + r.parent_id);
        }
        if (!stored.parent_id.id.empty()) configuration.clear();
      }
    } else {
      if (r.product_id.empty() || r.name.empty()) {
        return Error(Errc::invalid, "an unknown device must register with headers productId and deviceName");
      }
      m.verb = Verb::add;
      m.document["id"] = r.device_id;
      m.document["enabled"] = true;
      spec["productId"] = r.product_id;
    }
    keep_known_keys(configuration, *p_.catalogs.current(), product_id);
    if (!configuration.empty()) spec["configuration"] = std::move(configuration);
    if (!r.parent_id.empty()) spec["parentId"] = r.parent_id;
    if (r.self_manage_state) spec["selfManageState"] = true;
    if (!r.name.empty()) m.document["name"] = r.name;
    m.document["spec"] = std::move(spec);
    return run(m);
  };
  submit_wish(std::move(work), [done = std::move(done)](Result<MutationResult> result) {
    done(result ? Status() : Status(result.error()));
  });
}

// What devices wish for waits in the queue of people's changes, but never fills it.
void Resources::submit_wish(std::function<Result<MutationResult>()> work, MutationDone done) {
  constexpr std::size_t kMaxWishes = 64;
  if (wishes_->fetch_add(1) >= kMaxWishes) {
    wishes_->fetch_sub(1);
    return done(Error(Errc::busy, "too many devices register or describe themselves at once"));
  }
  submit(std::move(work), [wishes = wishes_, done = std::move(done)](Result<MutationResult> result) {
    wishes->fetch_sub(1);
    done(std::move(result));
  });
}

void Resources::unbind_child(std::string child_id, std::string parent_id) {
  auto work = [this, child_id, parent_id]() -> Result<MutationResult> {
    JL_TRY(const json::object document, show("device", child_id));
    const auto* parent = document.at("spec").as_object().if_contains("parentId");
    if (!parent || parent->as_string() != parent_id) return MutationResult{};
    Mutation m;
    m.verb = Verb::edit;
    m.kind = "device";
    m.id = child_id;
    m.document["spec"] = json::object{{"parentId", nullptr}};
    return run(m);
  };
  submit_wish(std::move(work),
              [child_id](const Result<MutationResult>& result) { log_failure("unbinding", child_id, result); });
}

void Resources::derive_metadata(std::string device_id, std::string metadata, bool replace) {
  auto work = [this, device_id, metadata = std::move(metadata), replace]() -> Result<MutationResult> {
    boost::system::error_code ec;
    json::parse_options options;
    options.max_depth = 32;
    json::value model = json::parse(json::string_view(metadata), ec, {}, options);
    if (ec || !model.is_object()) return Error(Errc::invalid, "the derived thing model is not a JSON object");
    if (!replace) {
      JL_TRY(const json::object document, show("device", device_id));
      if (const auto* own = document.at("spec").as_object().if_contains("deriveMetadata"))
        model = merge_metadata(*own, model);
    }
    Mutation m;
    m.verb = Verb::edit;
    m.kind = "device";
    m.id = device_id;
    // The document is a merge patch: what the new model does not have must go.
    for (const char* key : {"properties", "functions", "events", "tags"}) model.as_object().emplace(key, nullptr);
    m.document["spec"] = json::object{{"deriveMetadata", std::move(model)}};
    return run(m);
  };
  submit_wish(std::move(work), [device_id](const Result<MutationResult>& result) {
    log_failure("deriving the thing model", device_id, result);
  });
}

}  // namespace jl::services
