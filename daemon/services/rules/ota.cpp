// Remote upgrade: what firmware can be had by which product, what of it stays once a task rolls it out, and who takes
// part in a task (operations.md 1.1, 1.2).
#include "common/model/ota.hpp"

#include "common/cert/signature.hpp"
#include "common/model/device.hpp"
#include "common/model/gateway.hpp"
#include "common/model/network.hpp"
#include "common/model/product.hpp"
#include "daemon/services/rules.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>

namespace jl::services {
namespace {

using model::OtaFirmware;
using model::OtaServer;
using model::OtaTask;

constexpr std::size_t kMaxRecords = 500'000;  // of all tasks; they are kept in memory
constexpr std::size_t kMostNamed = 20;

template <class T>
T spec_of(const Resource& resource) {
  return model::from_json<T>(resource.spec);
}

// ---- firmware

Status check_product_can_upgrade(RuleContext& context, const Resource& after, const std::string& product_id) {
  JL_TRY(const Resource* product, context.view.get("product", product_id));
  if (!product) return {};  // said already
  const auto problem = [&](std::string what, Errc code = Errc::invalid) {
    context.problem(after, "spec.productId", "product \"" + product_id + "\" " + std::move(what), code);
  };
  if (!product->enabled) {
    problem("is disabled; enable it first", Errc::disabled);
    return {};
  }
  const std::string gateway_id = spec_of<model::Product>(*product).access_id.id;
  if (gateway_id.empty()) {
    problem("has no gateway, so no protocol that could upgrade its devices");
    return {};
  }
  JL_TRY(const Resource* gateway, context.view.get("gateway", gateway_id));
  if (!gateway) return {};
  const std::string protocol_id = spec_of<model::Gateway>(*gateway).protocol.id;
  JL_TRY(const Resource* protocol, context.view.get("protocol", protocol_id));
  if (!protocol) return {};
  const auto descriptor = descriptor_of(context, *protocol);
  if (descriptor && std::ranges::find(descriptor->features, "supportFirmware") == descriptor->features.end())
    problem("cannot be upgraded: its protocol \"" + protocol_id + "\" does not declare supportFirmware",
            Errc::unsupported);
  return {};
}

Status check_unique(RuleContext& context, const Resource& after, const OtaFirmware& spec) {
  return context.view.for_each("ota-firmware", [&](const Resource& other) {
    if (other.id == after.id) return;
    const auto known = spec_of<OtaFirmware>(other);
    if (known.product_id.id != spec.product_id.id) return;
    if (known.version_order == spec.version_order)
      context.problem(after, "spec.versionOrder",
                      fmt::format("{} is that of firmware \"{}\" already (version order already exists)",
                                  spec.version_order, other.id),
                      Errc::already_exists);
    if (known.version == spec.version)
      context.problem(after, "spec.version",
                      fmt::format("\"{}\" is that of firmware \"{}\" already", spec.version, other.id),
                      Errc::already_exists);
  });
}

// What devices were told of it, or are about to be, does not change under them.
Status check_frozen(RuleContext& context, const Resource& before, const Resource& after) {
  JL_TRY(const auto users, context.view.users_of("ota-firmware", after.id, 1));
  if (users.empty()) return {};
  static constexpr std::array kFrozen{"version",        "versionOrder", "signMethod", "sign",       "fileId",
                                      "fileName",       "url",          "size",       "properties", "signature",
                                      "signatureCertId"};
  for (const char* key : kFrozen) {
    const auto* a = before.spec.if_contains(key);
    const auto* b = after.spec.if_contains(key);
    if ((a == nullptr) == (b == nullptr) && (!a || *a == *b)) continue;
    context.problem(after, std::string("spec.") + key, "cannot change: " + users.front() + " rolls it out",
                    Errc::in_use);
  }
  return {};
}

void check_sign(RuleContext& context, const Resource& after, const OtaFirmware& spec) {
  if (spec.file_id.empty() || !context.files) return;
  const auto file = context.files->find(spec.file_id);
  if (!file) return;  // said already
  if (spec.sign == "auto")
    return context.problem(after, "spec.sign", "the MD5 of this file is not known; upload it again");
  if (spec.size != static_cast<std::int64_t>(file->size))
    context.problem(after, "spec.size", fmt::format("is {}, but the image has {} bytes", spec.size, file->size));
  const std::string& actual = spec.sign_method == model::SignMethod::md5 ? file->md5 : file->id;
  if (actual.empty())
    return context.problem(after, "spec.signMethod", "the MD5 of this file is not known; upload it again");
  if (actual != spec.sign)
    context.problem(after, "spec.sign",
                    fmt::format("the image's {} is {}, not {}",
                                spec.sign_method == model::SignMethod::md5 ? "MD5" : "SHA-256", actual, spec.sign),
                    Errc::sign_mismatch);
}

Status check_signature(RuleContext& context, const Resource& after, const OtaFirmware& spec) {
  if (spec.signature.empty() || spec.file_id.empty() || !context.files || !context.files->find(spec.file_id)) return {};
  const auto signature = cert::read_signature(spec.signature);
  if (!signature) {
    context.problem(after, "spec.signature", signature.error().message);
    return {};
  }
  JL_TRY(const auto* opened, opened_cert(context, spec.signature_cert_id.id));
  if (!opened) return {};  // said already
  if (!*opened) {
    context.problem(after, "spec.signatureCertId", opened->error().message);
    return {};
  }
  const Status valid =
      cert::verify_file_signature(context.files->path_of(spec.file_id), *signature, *(*opened)->bundle);
  if (!valid) context.problem(after, "spec.signature", valid.error().message, Errc::sign_mismatch);
  return {};
}

// ---- servers

Status check_server_network(RuleContext& context, const Resource& after, const char* field, const std::string& id,
                            model::NetworkType type, std::string_view word, bool secure_url) {
  JL_TRY(const Resource* network, context.view.get("network", id));
  if (!network) return {};
  const std::string path = std::string("spec.") + field;
  if (spec_of<model::Network>(*network).type != type) {
    context.problem(after, path, "network \"" + id + "\" is no " + std::string(word));
    return {};
  }
  if (after.enabled && !network->enabled)
    context.warnings.push_back("ota-server \"" + after.id + "\": network \"" + id + "\" is disabled");
  const auto* configuration = model::configuration_for_node(network->spec, context.node_id);
  const auto* secure = configuration ? configuration->if_contains("secure") : nullptr;
  const bool is_secure = secure && secure->is_bool() && secure->get_bool();
  if (configuration && is_secure != secure_url)
    context.warnings.push_back("ota-server \"" + after.id + "\": its address says " +
                               (secure_url ? "TLS, but network \"" : "no TLS, but network \"") + id + "\" does not");
  return context.view.for_each("ota-server", [&](const Resource& other) {
    if (other.id == after.id || !other.enabled || !after.enabled) return;
    const auto spec = spec_of<OtaServer>(other);
    if (spec.network_id.id == id || spec.coap_network_id.id == id)
      context.problem(after, path, "network \"" + id + "\" serves ota-server \"" + other.id + "\" already",
                      Errc::in_use);
  });
}

// ---- tasks

Result<std::optional<std::string>> server_problem(RuleContext& context, const OtaTask& task,
                                                  const OtaFirmware& firmware) {
  if (!firmware.url.empty()) return std::optional<std::string>();
  if (!task.server_id.id.empty()) {
    JL_TRY(const Resource* server, context.view.get("ota-server", task.server_id.id));
    if (server && !server->enabled)
      return std::optional("ota-server \"" + server->id + "\" is disabled; enable it first");
    return std::optional<std::string>();
  }
  std::vector<std::string> enabled;
  JL_CHECK(context.view.for_each("ota-server", [&](const Resource& server) {
    if (server.enabled) enabled.push_back(server.id);
  }));
  if (enabled.empty())
    return std::optional<std::string>(
        "is required: no ota-server is enabled, so devices could not download; see jlctl ota server add");
  if (enabled.size() > 1)
    return std::optional<std::string>("is required: there are several ota servers, such as \"" + enabled[0] +
                                      "\" and \"" + enabled[1] + "\"");
  return std::optional<std::string>();
}

// The devices of the product, or those that the task names.
Status collect(RuleContext& context, const Resource& after, const ota::Plan& plan,
               std::vector<ota::DeviceFacts>& devices) {
  const bool with_tags =
      std::ranges::any_of(plan.task.where, [](const std::string& condition) { return condition.starts_with("tag."); });
  std::size_t wrong = 0;
  const auto add = [&](const std::string& id, bool named) -> Status {
    JL_TRY(const Resource* device, context.view.get("device", id));
    const auto problem = [&](std::string what) {
      if (++wrong <= kMostNamed) context.problem(after, "spec.deviceId", std::move(what));
    };
    if (!device) {
      if (named) problem("device \"" + id + "\" does not exist");
    } else if (const auto product = spec_of<model::Device>(*device).product_id.id; product != plan.product_id) {
      if (named)
        problem("device \"" + id + "\" is one of product \"" + product + "\", not \"" + plan.product_id + "\"");
    } else {
      devices.push_back(context.runtime->ota().facts_of(*device, with_tags));
    }
    return {};
  };
  if (!plan.task.device_id.empty()) {
    for (const auto& id : plan.task.device_id) JL_CHECK(add(id, true));
    return {};
  }
  JL_TRY(const auto users, context.view.users_of("product", plan.product_id, kMaxRecords));
  for (const auto& label : users) {
    if (label.starts_with("device/")) JL_CHECK(add(label.substr(label.find('/') + 1), false));
  }
  return {};
}

Status make_task(RuleContext& context, const Resource& after) {
  const auto task = spec_of<OtaTask>(after);
  JL_TRY(const Resource* found, context.view.get("ota-firmware", task.firmware_id.id));
  if (!found) return {};  // said already
  const auto firmware = spec_of<OtaFirmware>(*found);
  JL_TRY(const auto no_server, server_problem(context, task, firmware));
  if (no_server) context.problem(after, "spec.serverId", *no_server, Errc::disabled);
  JL_TRY(const Resource* product, context.view.get("product", firmware.product_id.id));
  if (product && !product->enabled)
    context.problem(after, "spec.firmwareId", "its product \"" + product->id + "\" is disabled", Errc::disabled);
  if (!context.runtime || !context.problems.empty()) return {};

  ota::Upgrades& upgrades = context.runtime->ota().upgrades();
  const ota::Plan plan = runtime::plan_of(after, firmware);
  std::vector<ota::DeviceFacts> devices;
  JL_CHECK(collect(context, after, plan, devices));
  if (!context.problems.empty()) return {};
  const ota::Chosen chosen = ota::choose(
      plan, devices,
      [&](const std::string& device) {
        if (plan.task.replace) return std::string();
        const auto same_change = context.upgrading.find({plan.firmware_id, device});
        return same_change != context.upgrading.end() ? same_change->second
                                                      : upgrades.busy_in(device, plan.firmware_id);
      },
      context.now);
  if (!chosen.skipped.empty())
    context.warnings.push_back(fmt::format("{} of {} devices do not take part; \"{}\" {}", chosen.skipped.size(),
                                           chosen.skipped.size() + chosen.records.size(),
                                           chosen.skipped.front().device_id, chosen.skipped.front().reason));
  if (chosen.records.empty() && !plan.task.late_joiners) {
    context.problem(after, "spec.deviceId",
                    devices.empty() ? "product \"" + plan.product_id + "\" has no device that it is for"
                                    : "no device is left to upgrade" +
                                          (chosen.skipped.empty() ? std::string(": none meets the conditions")
                                                                  : ": \"" + chosen.skipped.front().device_id + "\" " +
                                                                        chosen.skipped.front().reason));
    return {};
  }
  // Those of other tasks in the same change count as well.
  const std::size_t others = upgrades.record_count() + context.upgrade_records.size();
  if (chosen.records.size() > OtaTask::kMaxDevices || others + chosen.records.size() > kMaxRecords) {
    context.problem(after, "",
                    fmt::format("has {} devices; at most {} in a task and {} in all, so delete tasks that are over",
                                chosen.records.size(), OtaTask::kMaxDevices, kMaxRecords),
                    Errc::too_large);
    return {};
  }
  for (const ota::Record& record : chosen.records) {
    context.upgrade_records.emplace_back(ota::record_key(after.id, record.device_id), ota::to_stored(record));
    context.upgrading[{plan.firmware_id, record.device_id}] = after.id;
  }
  return {};
}

}  // namespace

void complete_ota_firmware(Resource& firmware, const store::FileStore& files) {
  const auto* id = firmware.spec.if_contains("fileId");
  const auto file = id && id->is_string() ? files.find(std::string_view(id->get_string())) : std::nullopt;
  if (!file) return;
  if (firmware.spec.at("size") == 0) firmware.spec["size"] = static_cast<std::int64_t>(file->size);
  if (firmware.spec.at("sign") != "auto") return;
  const bool is_md5 = firmware.spec.at("signMethod") == "md5";
  const std::string& digest = is_md5 ? file->md5 : file->id;
  if (!digest.empty()) firmware.spec["sign"] = digest;
}

Status check_ota_firmware(RuleContext& context, const Resource* before, const Resource* after) {
  if (!after) return {};
  const auto spec = spec_of<OtaFirmware>(*after);
  if (!before) JL_CHECK(check_product_can_upgrade(context, *after, spec.product_id.id));
  if (before && before->spec == after->spec) return {};
  JL_CHECK(check_unique(context, *after, spec));
  if (before) JL_CHECK(check_frozen(context, *before, *after));
  check_sign(context, *after, spec);
  return check_signature(context, *after, spec);
}

Status check_ota_server(RuleContext& context, const Resource*, const Resource* after) {
  if (!after) return {};
  const auto spec = spec_of<OtaServer>(*after);
  JL_CHECK(check_server_network(context, *after, "networkId", spec.network_id.id, model::NetworkType::http_server,
                                "HTTP_SERVER", spec.public_url.starts_with("https:")));
  if (spec.coap_network_id.id.empty()) return {};
  return check_server_network(context, *after, "coapNetworkId", spec.coap_network_id.id,
                              model::NetworkType::coap_server, "COAP_SERVER", spec.coap_url.starts_with("coaps:"));
}

Status check_ota_task(RuleContext& context, const Resource* before, const Resource* after) {
  if (after) return before ? Status{} : make_task(context, *after);
  if (!context.runtime) return {};
  if (const Status can = context.runtime->ota().upgrades().can_delete(before->id); !can)
    context.problem(*before, "", can.error().message, can.error().code);
  return {};
}

}  // namespace jl::services
