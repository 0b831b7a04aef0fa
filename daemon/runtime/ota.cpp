#include "daemon/runtime/ota.hpp"

#include "common/model/device.hpp"
#include "common/model/gateway.hpp"
#include "daemon/base/log.hpp"
#include "daemon/device/records.hpp"
#include "daemon/runtime/runtime.hpp"

namespace jl::runtime {
namespace json = boost::json;
using codec::MessageType;
using model::Resource;
using store::Family;

ota::Plan plan_of(const Resource& task, const model::OtaFirmware& firmware) {
  ota::Plan out;
  out.task_id = task.id;
  out.task = model::from_json<model::OtaTask>(task.spec);
  out.firmware_id = out.task.firmware_id.id;
  out.product_id = firmware.product_id.id;
  out.version = firmware.version;
  out.version_order = firmware.version_order;
  out.size = static_cast<std::uint64_t>(firmware.size);
  out.created_at = task.created_at;
  return out;
}

Ota::Ota(const Materials& materials, store::Store& store)
    : context_(materials.context),
      commands_(materials.mqtt.commands),
      store_(store),
      depot_(materials.depot),
      upgrades_(materials.upgrades),
      downloads_(materials.downloads) {}

Ota::~Ota() { stop(); }

Status Ota::boot(const store::Snapshot& snapshot) {
  upgrades_.connect(*this, *this);
  const auto each = [&](std::string_view kind, const std::function<void(const Resource&)>& take) {
    const std::string from = store::key({kind, ""});
    return snapshot.scan(Family::resources, from, store::prefix_end(from), false,
                         [&](std::string_view key, std::string_view value, store::Revision revision) {
                           if (const auto r = model::from_stored(kind, store::key_part(key, 1), value, revision))
                             take(*r);
                           return true;
                         });
  };
  JL_CHECK(each("ota-firmware",
                [&](const Resource& r) { depot_.set_firmware(r.id, model::from_json<model::OtaFirmware>(r.spec)); }));
  JL_CHECK(each("ota-server", [&](const Resource& r) {
    depot_.set_server(r.id, model::from_json<model::OtaServer>(r.spec), r.enabled);
  }));
  std::vector<ota::Plan> replacing;
  JL_CHECK(each("ota-task", [&](const Resource& r) {
    if (auto plan = load_task(r); plan && plan->task.replace) replacing.push_back(std::move(*plan));
  }));
  for (const auto& plan : replacing) upgrades_.replace(plan);
  JL_CHECK(catch_up(snapshot));
  upgrades_.loaded();
  return {};
}

// Upgrades hear of devices after a change is stored. Where the daemon ended in between, they hear of it now.
Status Ota::catch_up(const store::Snapshot& snapshot) {
  for (const std::string& id : upgrades_.expected_devices()) {
    JL_TRY(const auto entry, snapshot.get(Family::resources, store::key({"device", id})));
    if (!entry) {
      upgrades_.device_gone(id, "device removed");
      continue;
    }
    const auto device = model::from_stored("device", id, entry->value, entry->revision);
    if (device && !device->enabled) upgrades_.device_gone(id, "device disabled");
  }
  if (!upgrades_.wants_joiners()) return {};
  const std::string from = store::key({"device", ""});
  return snapshot.scan(Family::resources, from, store::prefix_end(from), false,
                       [&](std::string_view key, std::string_view value, store::Revision revision) {
                         const auto device = model::from_stored("device", store::key_part(key, 1), value, revision);
                         if (device && device->enabled) take_device(nullptr, &*device);
                         return true;
                       });
}

void Ota::start() { upgrades_.start(); }

void Ota::stop() { upgrades_.stop(); }

std::optional<ota::Plan> Ota::load_task(const Resource& task) {
  const auto firmware = depot_.firmware(model::from_json<model::OtaTask>(task.spec).firmware_id.id);
  if (!firmware) {
    log::error("runtime", "ota-task={} names a firmware that is not there", task.id);
    return std::nullopt;
  }
  ota::Plan plan = plan_of(task, *firmware);
  if (const Status loaded = upgrades_.load(plan); !loaded) {
    log::error("runtime", "ota-task={} cannot be read: {}", task.id, loaded.error().message);
    return std::nullopt;
  }
  return plan;
}

// ---- changes

Status Ota::prepare(const std::vector<ResourceChange>& changes) {
  withdrawn_.clear();
  for (const auto& change : changes) {
    if (change.after || change.before->kind != "ota-task") continue;
    if (const Status done = upgrades_.withdraw(change.before->id); !done) {
      rollback();
      return done.error();
    }
    withdrawn_.push_back(change.before->id);
  }
  return {};
}

void Ota::rollback() {
  for (const auto& id : withdrawn_) upgrades_.restore(id);
  withdrawn_.clear();
}

void Ota::commit(const std::vector<ResourceChange>& changes) {
  for (const auto& id : withdrawn_) upgrades_.forget(id);
  withdrawn_.clear();
  for (const auto& change : changes) {
    const Resource* before = change.before ? &*change.before : nullptr;
    const Resource* after = change.after ? &*change.after : nullptr;
    const Resource& any = change.any();
    if (any.kind == "ota-firmware") {
      depot_.set_firmware(any.id,
                          after ? std::optional(model::from_json<model::OtaFirmware>(after->spec)) : std::nullopt);
    } else if (any.kind == "ota-server") {
      depot_.set_server(any.id, after ? std::optional(model::from_json<model::OtaServer>(after->spec)) : std::nullopt,
                        after && after->enabled);
    } else if (any.kind == "ota-task") {
      if (!after || before) continue;
      if (const auto plan = load_task(*after); plan && plan->task.replace) upgrades_.replace(*plan);
    } else if (any.kind == "device") {
      take_device(before, after);
    }
  }
}

void Ota::take_device(const Resource* before, const Resource* after) {
  const std::string& id = after ? after->id : before->id;
  if (!after) return upgrades_.device_gone(id, "device removed");
  if (!after->enabled) {
    if (before && before->enabled) upgrades_.device_gone(id, "device disabled");
    return;
  }
  if (!upgrades_.wants_joiners()) return;
  const auto facts = facts_of(*after, true);
  upgrades_.device_came(model::from_json<model::Device>(after->spec).product_id.id, facts);
}

// ---- the way to devices

void Ota::tell(const ota::Dispatch& dispatch, json::object body, std::function<void(Status)> done) {
  // It may have been deleted and made anew as one of another product, whose firmware this is not.
  const auto device = context_.directory.find(dispatch.device_id);
  const auto firmware = depot_.firmware(std::string_view(body.at("firmwareId").as_string()));
  if (device && *device && firmware && (*device)->identity.product_id != firmware->product_id.id)
    return done(Error(Errc::conflict, "it is a device of product " + (*device)->identity.product_id + " now"));
  commands_.firmware(dispatch.device_id, MessageType::upgrade_firmware, std::move(body),
                     [done = std::move(done)](const Result<access::CommandReply>& left) {
                       if (left) {
                         done({});
                       } else {
                         done(left.error());
                       }
                     });
}

void Ota::answer(const std::string& device_id, json::object body, std::function<void(Status)> done) {
  commands_.firmware(device_id, MessageType::request_firmware_reply, std::move(body),
                     [device_id, done = std::move(done)](const Result<access::CommandReply>& left) {
                       static log::RateLimit limit;
                       std::uint64_t held = 0;
                       if (!left && limit.allow(system_clock().steady(), held))
                         log::warn("ota", "device={} asked for firmware and cannot be answered: {} more={}", device_id,
                                   left.error().message, held);
                       if (left) {
                         done({});
                       } else {
                         done(left.error());
                       }
                     });
}

void Ota::ask_version(const std::string& device_id) {
  commands_.firmware(device_id, MessageType::read_firmware, {}, [](const Result<access::CommandReply>&) {});
}

bool Ota::prefers_coap(std::string_view device_id) const {
  const auto session = context_.sessions.find(device_id);
  const auto catalog = session ? context_.directory.catalog() : nullptr;
  const auto gateway = catalog ? catalog->gateway(session->gateway_id) : nullptr;
  return gateway && model::provider_info(gateway->provider).transport == "CoAP";
}

bool Ota::is_online(std::string_view device_id) const { return context_.sessions.find(device_id) != nullptr; }

std::string Ota::carrier_of(std::string_view device_id) const {
  const auto session = context_.sessions.find(device_id);
  return session ? session->parent_id : std::string();
}

// ---- looking on

ota::DeviceFacts Ota::facts_of(const Resource& device, bool with_tags) const {
  const auto spec = model::from_json<model::Device>(device.spec);
  ota::DeviceFacts out;
  out.id = device.id;
  out.name = device.name;
  out.description = device.description;
  out.parent_id = spec.parent_id.id;
  out.enabled = device.enabled;
  out.online = is_online(device.id);
  if (const auto firmware = device::read_firmware(store_, spec.product_id.id, device.id); firmware && *firmware)
    out.firmware = (*firmware)->version;
  if (!with_tags) return out;
  if (const auto tags = device::read_values(store_, spec.product_id.id, device.id, 't')) {
    for (const auto& [name, entry] : *tags) {
      const auto* value = entry.is_object() ? entry.as_object().if_contains("value") : nullptr;
      if (value) out.tags[name] = model::text_of(*value);
    }
  }
  return out;
}

json::object Ota::status_of(const Resource& resource) const {
  json::object out;
  if (resource.kind == "ota-server") {
    const auto c = downloads_.counters(resource.id);
    out = {{"state", resource.enabled ? "running" : "stopped"},
           {"downloads", c.running},
           {"requests", c.requests},
           {"refused", c.refused},
           {"turnedAway", c.turned_away},
           {"bytes", c.bytes}};
  } else if (resource.kind == "ota-firmware") {
    const auto* file = resource.spec.if_contains("fileId");
    out["verified"] = file != nullptr;
  } else if (resource.kind == "ota-task") {
    const auto picture = upgrades_.picture(resource.id);
    if (!picture) return out;
    const ota::Counts& c = picture->counts;
    out["state"] = ota::to_string(c.state());
    out["progress"] = c.progress();
    for (const auto state :
         {ota::State::waiting, ota::State::processing, ota::State::success, ota::State::failed, ota::State::canceled})
      out[ota::to_string(state)] = c.at(state);
    out["total"] = c.total();
    if (picture->groups > 1) out["group"] = json::object{{"number", picture->group + 1}, {"of", picture->groups}};
    if (!picture->stop_reason.empty()) out["reason"] = picture->stop_reason;
  }
  return out;
}

}  // namespace jl::runtime
