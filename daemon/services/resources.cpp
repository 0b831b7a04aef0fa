#include "daemon/services/resources.hpp"

#include "common/base/words.hpp"
#include "common/control/problem.hpp"
#include "daemon/base/log.hpp"
#include "daemon/device/records.hpp"

namespace jl::services {
namespace json = boost::json;
using model::Resource;
using runtime::ResourceChange;
using store::Family;

namespace {

constexpr Millis kUnusedFileAge = 3600LL * 1000;  // to make the resource that names it
constexpr Millis kRequestMemory = 24LL * 3600 * 1000;

std::string request_key(std::string_view id) { return store::key({"request", id}); }

Error missing(std::string_view kind, std::string_view id) {
  return {Errc::not_found, std::string(kind) + " \"" + std::string(id) + "\" does not exist",
          "jlctl " + model::noun_of(kind) + " list"};
}

Error overloaded() { return {Errc::busy, "too many changes wait, or the daemon is stopping", "try again in a moment"}; }

}  // namespace

void Resources::submit(std::function<Result<MutationResult>()> work, MutationDone done) {
  // Shared, because the change needs it when it runs and this function when it cannot be queued.
  auto shared = std::make_shared<MutationDone>(std::move(done));
  const bool queued = mutator_.submit([work = std::move(work), shared]() -> Mutator::Answer {
    auto result = std::make_shared<Result<MutationResult>>(work());
    return [result, shared](const Status& synced) {
      if (result->has_value() && !synced) {
        (*shared)(synced.error());
      } else {
        (*shared)(std::move(*result));
      }
    };
  });
  if (!queued) (*shared)(overloaded());
}

void Resources::mutate(Mutation mutation, MutationDone done) {
  submit([this, mutation = std::move(mutation)] { return run(mutation); }, std::move(done));
}

void Resources::apply(ApplyRequest request, Progress progress, MutationDone done) {
  submit([this, request = std::move(request), progress = std::move(progress)] { return run_apply(request, progress); },
         std::move(done));
}

Result<std::optional<MutationResult>> Resources::replayed(const MutationOptions& options) const {
  if (options.request_id.empty()) return std::optional<MutationResult>();
  if (options.request_id.size() > 128 || options.request_id.find('\0') != std::string::npos) {
    return Error(Errc::bad_request, "the request id is longer than 128 characters", {}, "requestId");
  }
  JL_TRY(const auto entry, p_.store.get(Family::meta, request_key(options.request_id)));
  if (!entry) return std::optional<MutationResult>();
  const json::value kept = device::parse_stored(entry->value);
  if (!kept.is_object()) return std::optional<MutationResult>();
  const json::object& o = kept.as_object();
  if (p_.clock.now() - o.at("time").as_int64() > kRequestMemory) return std::optional<MutationResult>();
  if (o.at("hash").as_string() != p_.secrets.fingerprint(options.request_text)) {
    return Error(Errc::request_id_mismatch, "request id \"" + options.request_id + "\" was used for another request",
                 "use a new id for a new request");
  }
  MutationResult out;
  out.http_status = static_cast<int>(o.at("status").as_int64());
  out.body = o.at("body").as_object();
  return std::optional<MutationResult>(std::move(out));
}

Status Resources::put_new(View& view, Resource resource, const Resource* before, std::vector<Problem>& problems) const {
  if (resource.kind == "ota-firmware") complete_ota_firmware(resource, p_.files);
  p_.secrets.seal(resource, before, problems);
  const Millis now = p_.clock.now();
  if (before) {
    resource.created_at = before->created_at;
    resource.revision = before->revision;
    resource.updated_at =
        model::same_content(*before, resource) && before->set == resource.set ? before->updated_at : now;
  } else {
    resource.created_at = resource.updated_at = now;
  }
  view.put(std::move(resource));
  return {};
}

Result<Resources::Committed> Resources::commit(View& view, RuleContext& rules, const MutationOptions& options,
                                               const MutationResult* reply) {
  const auto changes = view.changes();
  Committed out;
  out.revision = p_.store.revision();
  if (!rules.problems.empty()) return error_from_problems(std::move(rules.problems));
  JL_CHECK(check_rules(rules, changes));
  if (!rules.problems.empty()) return error_from_problems(std::move(rules.problems));
  if (options.max_disconnect) {
    const std::size_t cut = runtime_->sessions_cut_by(changes);
    if (cut > *options.max_disconnect) {
      return Error(Errc::disconnect_limit,
                   fmt::format("{} live sessions would be cut; the limit is {}", cut, *options.max_disconnect),
                   "raise --max-disconnect if that is what you want");
    }
  }
  JL_CHECK(runtime_->prepare(changes));
  store::Transaction transaction = view.transaction();
  for (auto& [key, value] : rules.upgrade_records) transaction.put(Family::upgrades, std::move(key), std::move(value));
  if (reply && !options.request_id.empty()) {
    json::object kept{{"hash", p_.secrets.fingerprint(options.request_text)},
                      {"time", p_.clock.now()},
                      {"status", reply->http_status},
                      {"body", reply->body}};
    // Commits come one at a time, so the revision that this one will have is known.
    const auto revision = static_cast<std::int64_t>(p_.store.revision() + 1);
    json::object& body = kept["body"].as_object();
    body["revision"] = revision;
    if (auto* data = body.if_contains("data")) data->as_object()["revision"] = revision;
    transaction.put(Family::meta, request_key(options.request_id), json::serialize(kept));
  }
  if (!transaction.empty()) {
    const auto revision = p_.store.commit(transaction);
    if (!revision) {
      runtime_->rollback();
      return revision.error();
    }
    out.revision = *revision;
  }
  for (const auto& change : changes) {
    p_.catalogs.update(change.any().kind, change.any().id, change.after ? &*change.after : nullptr);
  }
  out.disconnected = runtime_->commit(changes);
  out.warnings = rules.warnings;
  return out;
}

Result<MutationResult> Resources::answer(const Mutation& mutation, std::string_view result, const Resource* before,
                                         const Resource* after, const Committed* committed,
                                         const Aftermath& aftermath) const {
  MutationResult out;
  out.http_status = result == "created" ? 201 : 200;
  const store::Revision revision = committed && result != "unchanged" ? committed->revision
                                   : before                           ? before->revision
                                                                      : 0;
  out.body = {{"result", result},
              {"kind", mutation.kind},
              {"id", mutation.id},
              {"revision", static_cast<std::int64_t>(revision)}};
  if (committed && committed->disconnected > 0) out.body["disconnected"] = committed->disconnected;
  if (committed && !committed->warnings.empty()) {
    json::array warnings;
    for (const auto& text : committed->warnings) warnings.emplace_back(text);
    out.body["warnings"] = std::move(warnings);
  }
  aftermath.add_to(out.body);
  if (after) {
    Resource shown = *after;
    shown.revision = revision;
    out.body["data"] = document(std::move(shown), Detail::brief);
  }
  out.revision_before = before ? before->revision : 0;
  out.revision_after = after ? revision : 0;
  return out;
}

// A forced disable of a protocol takes the gateways that use it along, in the same transaction.
Status Resources::disable_users(View& view, const Resource& protocol) const {
  JL_TRY(const auto users, view.users_of("protocol", protocol.id, 10'000));
  for (const auto& label : users) {
    const std::string id = label.substr(label.find('/') + 1);
    JL_TRY(const Resource* gateway, view.get("gateway", id));
    if (!gateway || !gateway->enabled) continue;
    Resource off = *gateway;
    off.enabled = false;
    off.updated_at = p_.clock.now();
    view.put(std::move(off));
  }
  return {};
}

Result<MutationResult> Resources::run(const Mutation& m) {
  JL_TRY(auto replay, replayed(m.options));
  if (replay) return std::move(*replay);
  const model::Kind* kind = model::find_kind(m.kind);
  View view(p_.store);
  RuleContext rules{view, p_.node_id};
  rules.secrets = &p_.secrets;
  rules.protocols = &p_.protocols;
  p_.protocols.forget_inspected();
  rules.now = p_.clock.now();
  rules.files = &p_.files;
  rules.forced = m.options.force;
  rules.runtime = runtime_;
  JL_TRY(const Resource* found, is_valid_id(m.id) ? view.before(m.kind, m.id) : Result<const Resource*>(nullptr));
  // Kept apart from the view, whose slots the change overwrites.
  const std::optional<Resource> stored = found ? std::optional<Resource>(*found) : std::nullopt;
  const Resource* before = stored ? &*stored : nullptr;

  if (before && m.options.if_revision && *m.options.if_revision != before->revision) {
    return Error(
        Errc::revision_mismatch,
        fmt::format("{} \"{}\" is at revision {}, not {}", m.kind, m.id, before->revision, *m.options.if_revision),
        "read it again, then decide");
  }
  if (!before && m.verb != Verb::add) {
    if (m.verb == Verb::erase && m.options.if_exists) return answer(m, "absent", nullptr, nullptr, nullptr);
    return missing(m.kind, m.id);
  }

  std::optional<Resource> after;
  switch (m.verb) {
    case Verb::add:
      after = model::read_resource(*kind, m.document, rules.problems);
      break;
    case Verb::edit: {
      JL_TRY(const json::object patch, m.patch ? m.patch(*before) : Result<json::object>(m.document));
      after = model::patch_resource(*kind, *before, patch, rules.problems);
      break;
    }
    case Verb::enable:
    case Verb::disable:
      after = *before;
      after->enabled = m.verb == Verb::enable;
      break;
    case Verb::erase:
      break;
  }
  if (!rules.problems.empty()) return error_from_problems(std::move(rules.problems));
  if (m.verb == Verb::add && before) {
    if (m.kind == "ota-firmware") complete_ota_firmware(*after, p_.files);
    after->set = before->set;
    p_.secrets.seal(*after, before, rules.problems);
    if (!m.options.if_not_exists)
      return Error(Errc::already_exists, m.kind + " \"" + m.id + "\" exists already",
                   "jlctl " + model::noun_of(m.kind) + " show " + m.id);
    if (rules.problems.empty() && model::same_content(*before, *after))
      return answer(m, "unchanged", before, before, nullptr);
    return Error(Errc::conflict, m.kind + " \"" + m.id + "\" exists with another specification",
                 "jlctl " + model::noun_of(m.kind) + " show " + m.id);
  }
  if (after) {
    JL_CHECK(put_new(view, *after, before, rules.problems));
    if (m.verb == Verb::disable && m.options.force && m.kind == "protocol") JL_CHECK(disable_users(view, *after));
  } else {
    view.erase(m.kind, m.id);
  }
  JL_TRY(const Aftermath aftermath, follow_bonds(view, p_.clock.now()));
  rules.taken_along = aftermath.deleted;
  if (m.options.dry_run) {
    JL_CHECK(check_rules(rules, view.changes()));
    if (!rules.problems.empty()) return error_from_problems(std::move(rules.problems));
    return answer(m, "planned", before, nullptr, nullptr, aftermath);
  }
  const bool unchanged = view.changes().empty();
  if (unchanged && m.verb == Verb::enable && (m.kind == "network" || m.kind == "modbus-channel")) {
    // Enabled already, but perhaps failed, or some of its units given up: enabling again tries again, and answers with
    // what came of it.
    JL_CHECK(runtime_->prepare({{*before, *before}}));
    (void)runtime_->commit({{*before, *before}});
  }
  if (unchanged && rules.problems.empty()) return answer(m, "unchanged", before, before, nullptr);

  const std::string_view result = m.verb == Verb::add ? "created" : m.verb == Verb::erase ? "deleted" : "updated";
  JL_TRY(const Resource* written, after ? view.get(m.kind, m.id) : Result<const Resource*>(nullptr));
  const std::optional<Resource> final_state = written ? std::optional<Resource>(*written) : std::nullopt;
  JL_TRY(const MutationResult for_retry,
         answer(m, result, before, final_state ? &*final_state : nullptr, nullptr, aftermath));
  JL_TRY(const Committed committed, commit(view, rules, m.options, &for_retry));
  constexpr std::size_t kMostNamed = 20;
  for (std::size_t i = 0; i < std::min(aftermath.unbound.size(), kMostNamed); ++i)
    log::info("services", "{}/{} changed, which unbound {}", m.kind, m.id, json::serialize(aftermath.unbound[i]));
  if (aftermath.unbound.size() > kMostNamed)
    log::info("services", "{}/{} changed, which unbound {} properties in all", m.kind, m.id, aftermath.unbound.size());
  return answer(m, result, before, final_state ? &*final_state : nullptr, &committed, aftermath);
}

void Resources::reload_protocol(const std::string& id) {
  mutator_.run([this, id] {
    View view(p_.store);
    const auto found = view.before("protocol", id);
    if (!found || !*found) return;
    const Resource protocol = **found;
    const auto fits = [&](const codec::Descriptor& descriptor) -> Status {
      RuleContext rules{view, p_.node_id};
      JL_CHECK(check_transports(rules, protocol, descriptor));
      if (!rules.problems.empty()) return error_from_problems(std::move(rules.problems));
      return {};
    };
    if (!p_.protocols.reload(protocol, p_.clock.now(), fits)) return;
    // As if it had been edited: the catalog takes the codec, the gateways its routes.
    const std::vector<ResourceChange> changes{{protocol, protocol}};
    if (const Status prepared = runtime_->prepare(changes); !prepared) return;
    p_.catalogs.update("protocol", id, &protocol);
    (void)runtime_->commit(changes);
  });
}

// On the mutation thread: nothing can come to refer to a file between the count of references and the deletion.
void Resources::sweep_files() {
  mutator_.run([this] {
    std::set<std::string, std::less<>> referenced;
    for (const model::Kind& kind : model::kinds()) {
      if (!model::holds_files(*kind.spec)) continue;
      View view(p_.store);
      const Status read = view.for_each(kind.name, [&](const Resource& resource) {
        for (auto& use : model::files_of(resource)) referenced.insert(std::move(use.id));
      });
      if (!read) return log::warn("services", "cannot look for unused files: {}", read.error().message);
    }
    const auto deleted = p_.files.sweep(referenced, p_.clock.now(), kUnusedFileAge);
    if (!deleted) {
      log::warn("services", "cannot delete unused files: {}", deleted.error().message);
    } else if (*deleted > 0) {
      log::info("services", "deleted {} files that no resource names", *deleted);
    }
  });
}

void Resources::forget_old_requests() {
  mutator_.run([this] {
    store::Transaction old;
    const std::string from = request_key("");
    const Millis now = p_.clock.now();
    (void)p_.store.snapshot()->scan(Family::meta, from, store::prefix_end(from), false,
                                    [&](std::string_view key, std::string_view value, store::Revision) {
                                      boost::system::error_code ec;
                                      const json::value kept = json::parse(json::string_view(value), ec);
                                      const auto* time =
                                          !ec && kept.is_object() ? kept.as_object().if_contains("time") : nullptr;
                                      if (!time || !time->is_int64() || now - time->as_int64() > kRequestMemory)
                                        old.erase(Family::meta, std::string(key));
                                      return old.ops().size() < 10'000;
                                    });
    if (!old.empty()) (void)p_.store.commit(old);
  });
}

}  // namespace jl::services
