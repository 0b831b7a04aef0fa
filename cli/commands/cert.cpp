// What is special to certs: renewal, generation, their keys, and looking at certificates of files and servers.
#include "common/model/cert.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/document.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"
#include "cli/output/width.hpp"
#include "cli/secret_input.hpp"
#include "common/cert/check.hpp"
#include "common/cert/overview.hpp"
#include "common/cert/read.hpp"

#include <chrono>

namespace jl::cli {
namespace {

Millis now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

// "a,b" and "c" to a, b, c.
json::array split_list(const Words& values) {
  json::array out;
  for (const std::string& value : values) {
    std::size_t from = 0;
    while (from <= value.size()) {
      const std::size_t end = std::min(value.find(',', from), value.size());
      if (end > from) out.emplace_back(std::string_view(value).substr(from, end - from));
      from = end + 1;
    }
  }
  return out;
}

/// Looks at files without a daemon.
class Checker {
 public:
  explicit Checker(Context& context)
      : context_(context), input_(context.env, context.console, context.can_ask()), now_(now()) {}

  Status prepare() {
    if (const auto path = context_.args.value("password-file")) {
      JL_TRY(password_, input_.read(FlagUse::secret_file, *path, "password"));
    }
    if (const auto path = context_.args.value("key-file")) {
      JL_TRY(const Secret text, input_.read_content(FlagUse::secret_file, *path, "key", model::kMaxCertText));
      auto bundle = cert::read_file(text.reveal(), password_);
      if (!bundle) return Error(Errc::invalid, "\"" + *path + "\": " + bundle.error().message);
      for (const cert::Entry& entry : bundle->entries) {
        if (!key_) key_ = entry.key;
      }
      if (!key_) return Error(Errc::invalid, "\"" + *path + "\" holds no private key");
    }
    return {};
  }

  Result<json::object> look_at(const std::string& path) {
    JL_TRY(const Secret bytes, input_.read_content(FlagUse::file, path, path, model::kMaxCertText));
    json::object out{{"file", path}};
    json::array problems;
    auto bundle = cert::read_file(bytes.reveal(), password_);
    if (!bundle) {
      add(problems, "error", bundle.error().field, bundle.error().message);
      out["validity"] = "unreadable";
    } else {
      give_key(*bundle);
      for (auto& [key, value] : cert::overview(*bundle, cert::describe(*bundle), now_, true)) out[key] = value;
      examine(problems, *bundle);
    }
    const auto& validity = out["validity"].as_string();
    const bool is_usable = validity == "ok" || validity == "expiring" || (bundle && holds_only_key(*bundle));
    for (const auto& problem : problems) failed_ |= problem.at("severity") == "error";
    failed_ |= !is_usable;
    out["problems"] = std::move(problems);
    return out;
  }

  [[nodiscard]] bool failed() const { return failed_; }

 private:
  static void add(json::array& problems, const char* severity, const std::string& field, const std::string& message) {
    problems.push_back(json::object{{"severity", severity}, {"field", field}, {"message", message}});
  }

  void examine(json::array& problems, const cert::Bundle& bundle) const {
    const bool is_own = std::ranges::any_of(bundle.entries, [](const auto& e) { return e.key && !e.chain.empty(); });
    const bool has_key = std::ranges::any_of(bundle.entries, [](const auto& e) { return e.key != nullptr; });
    const bool is_key_alone = holds_only_key(bundle);
    const auto errors_of = [&](const cert::Findings& findings) {
      for (const Problem& problem : findings.errors) {
        // Certificates alone are fine to look at, and so is a key alone.
        const bool is_missing = (problem.field == "key" && !has_key) || (problem.field == "cert" && is_key_alone);
        if (!is_missing) add(problems, "error", problem.field, problem.message);
      }
    };
    const auto findings = cert::check(bundle, is_own ? cert::Mode::server : cert::Mode::client, false, now_);
    errors_of(findings);
    for (const std::string& warning : findings.warnings) add(problems, "warning", "", warning);
    if (!bundle.entries.empty()) return;
    // A file of authorities: each for itself, as if it were one's own.
    for (const cert::Certificate& certificate : bundle.trust) {
      cert::Bundle one;
      one.entries.push_back({"", nullptr, {certificate}});
      errors_of(cert::check(one, cert::Mode::client, false, now_));
    }
  }

  // The key of --key-file belongs to the first certificates without one.
  void give_key(cert::Bundle& bundle) const {
    if (!key_) return;
    for (cert::Entry& entry : bundle.entries) {
      if (entry.key) continue;
      entry.key = key_;
      return;
    }
    if (bundle.entries.empty()) bundle.entries.push_back({"", key_, std::exchange(bundle.trust, {})});
  }

  static bool holds_only_key(const cert::Bundle& bundle) {
    return bundle.trust.empty() && !bundle.entries.empty() &&
           std::ranges::all_of(bundle.entries, [](const auto& e) { return e.key && e.chain.empty(); });
  }

  Context& context_;
  SecretInput input_;
  Millis now_;
  Secret password_;
  cert::Key key_;
  bool failed_ = false;
};

}  // namespace

void detect_cert_format(const Context& context, json::object& content) {
  if (context.args.command().noun != "cert") return;
  const auto* store = find_path(content, "spec.configs.keystoreBase64");
  const auto* given = find_path(content, "spec.format");
  if (!store || !store->is_string() || (given && !given->is_null())) return;
  const std::string_view text = store->get_string();
  // Base64 of the first bytes: FE ED FE ED is JKS (CE CE CE CE its like, which the daemon turns away with a hint), 30
  // is the DER of PKCS#12.
  if (text.starts_with("/u3+7") || text.starts_with("zs7Oz")) {
    set_path(content, "spec.format", "JKS");
  } else if (text.starts_with("MI")) {
    set_path(content, "spec.format", "PFX");
  }
}

Result<int> run_cert_show(Context& context) {
  if (!context.args.has("show-private") || !for_people(context)) return run_show(context);
  if (context.args.words().size() > 1) return Error(Errc::usage, "--show-private shows one cert at a time");
  JL_TRY(json::value reply, context.client.call(request_for(context, context.args.words().front())));
  json::array keys;
  if (auto* found = reply.is_object() ? reply.get_object().if_contains("privateKeys") : nullptr;
      found && found->is_array()) {
    keys = std::move(found->get_array());
    reply.get_object().erase("privateKeys");
  }
  JL_CHECK(context.out.one(view_of(context.args.command()), reply));
  for (const auto& key : keys) {
    const auto* alias = find_path(key, "alias");
    const auto* pem = find_path(key, "pem");
    if (pem)
      context.out.sink().write("\nprivate key" + (alias ? " of " + printable(plain_text(*alias)) : "") + ":\n" +
                               plain_text(*pem));
  }
  return kExitOk;
}

Result<int> run_cert_renew(Context& context) {
  JL_TRY(Document document, patch_document(context));
  detect_cert_format(context, document.content);
  Request request = request_for(context, context.args.words().front());
  request.body = std::move(document.content);
  JL_TRY(const json::value reply, context.client.call(request));
  JL_CHECK(report_mutation(context, reply));
  const auto* users = find_path(reply, "data.status.usedBy");
  if (for_people(context) && users && users->is_array() && !users->get_array().empty())
    context.console.note("taken over by " + cell_text(*users));
  const auto* result = find_path(reply, "result");
  return exit_after(context, result ? plain_text(*result) : "");
}

Result<int> run_cert_generate(Context& context) {
  json::object body;
  add_body_flags(context, body);
  body["id"] = context.args.words().front();
  if (const Words names = context.args.values("san"); !names.empty()) body["san"] = split_list(names);
  Request request = request_for(context);
  request.body = std::move(body);
  JL_TRY(const json::value reply, context.client.call(request));
  JL_CHECK(report_mutation(context, reply));
  return exit_after(context, "created");
}

Result<int> run_cert_check(Context& context) {
  Checker checker(context);
  JL_CHECK(checker.prepare());
  json::array items;
  for (const std::string& path : context.args.words()) {
    JL_TRY(json::object found, checker.look_at(path));
    items.push_back(std::move(found));
  }
  const View view = view_of(context.args.command());
  if (for_people(context)) {
    for (const auto& item : items) {
      if (&item != &items.front()) context.out.sink().write("\n");
      JL_CHECK(context.out.one(view, item));
    }
  } else {
    JL_CHECK(context.out.list(view, json::object{{"items", std::move(items)}}));
  }
  return checker.failed() ? info(Errc::invalid).exit_code : kExitOk;
}

Result<int> run_cert_connect(Context& context) {
  json::object body;
  add_body_flags(context, body);
  body["address"] = context.args.words().front();
  if (const auto path = context.args.value("ca-file")) {
    SecretInput input(context.env, context.console, context.can_ask());
    JL_TRY(const Secret text, input.read_content(FlagUse::file, *path, "ca", model::kMaxCertText));
    body["ca"] = text.reveal();
  }
  if (const auto wait = context.args.value("connect-timeout"); wait && !context.args.has("timeout")) {
    const auto needed = duration_or(*wait, std::chrono::milliseconds(0)) + std::chrono::seconds(5);
    const auto limit = context.settings.time_limit();
    if (limit.count() > 0 && needed > limit) context.client.set_time_limit(needed);
  }
  Request request = request_for(context);
  request.body = std::move(body);
  JL_TRY(const json::value reply, context.client.call(request));
  JL_CHECK(context.out.one(view_of(context.args.command()), reply));
  const auto* verified = find_path(reply, "verified");
  return verified && *verified == json::value(true) ? kExitOk : info(Errc::job_failed).exit_code;
}

}  // namespace jl::cli
