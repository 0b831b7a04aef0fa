#include "cli/flag_document.hpp"

#include "cli/document.hpp"
#include "cli/output/paths.hpp"
#include "cli/secret_input.hpp"
#include "common/base/base64.hpp"
#include "common/text/file_references.hpp"
#include "common/text/redact.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>

namespace jl::cli {
namespace {

using model::Field;
using model::Type;

constexpr std::size_t kMaxContent = 1U << 20U;  // of one file that is a field's value

Error wrong(const FlagInfo& flag, const std::string& value, const std::string& what) {
  return {Errc::usage, "--" + flag.name + ": \"" + value + "\" " + what, "see \"jlctl explain\" for the field",
          flag.path};
}

Result<std::string> read_value_file(Context& context, const FlagInfo& flag, const std::string& path) {
  return read_file(context, flag.name, path);
}

// JSON text, or @FILE with JSON or (an object in) YAML.
Result<json::value> json_value(Context& context, const FlagInfo& flag, const std::string& value) {
  const bool is_file = value.starts_with('@');
  std::string text = value;
  if (is_file) {
    JL_TRY(text, read_value_file(context, flag, value.substr(1)));
  }
  boost::system::error_code ec;
  json::parse_options options;
  options.max_depth = 64;
  json::value parsed = json::parse(json::string_view(text), ec, {}, options);
  if (!ec) return parsed;
  if (is_file && (value.ends_with(".yaml") || value.ends_with(".yml"))) {
    JL_TRY(auto documents, text::read_manifest_text(text, value.substr(1)));
    if (documents.size() == 1) return json::value(std::move(documents.front().document));
  }
  if (is_file)
    return Error(Errc::usage, "--" + flag.name + ": \"" + value.substr(1) + "\" is not JSON: " + ec.message());
  return wrong(flag, value.size() > 40 ? value.substr(0, 40) + "..." : value,
               "is not JSON: " + ec.message() + "; @FILE names a file");
}

Result<json::value> field_value(Context& context, const FlagInfo& flag, const std::string& value) {
  switch (flag.field->type) {
    case Type::integer: {
      std::int64_t number = 0;
      const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), number);
      if (ec != std::errc{} || end != value.data() + value.size()) return wrong(flag, value, "is not a whole number");
      return number;
    }
    case Type::number: {
      double number = 0;
      const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), number);
      if (ec != std::errc{} || end != value.data() + value.size()) return wrong(flag, value, "is not a number");
      return number;
    }
    case Type::object:
    case Type::list:
    case Type::json:
      return json_value(context, flag, value);
    default:
      return json::value(value);
  }
}

class FlagDocument {
 public:
  FlagDocument(Context& context, json::object& out)
      : context_(context),
        out_(out),
        secrets_(context.env, context.console, context.can_ask()),
        uploads_(context, FileUse::upload) {}

  Status fill() {
    // What can be wrong here is found before files travel.
    for (const bool is_upload : {false, true}) {
      for (const auto& [flag, values] : context_.args.given()) {
        if (is_uploaded(*flag) == is_upload) JL_CHECK(one(*flag, values));
      }
    }
    if (const FlagInfo* package = package_flag(context_)) {
      if (context_.args.has(package->name))
        return Error(Errc::usage, "--file and --" + package->name + " both name a package");
      return uploaded_file(*package, *context_.args.value("file"));
    }
    return {};
  }

  // A secret that the kind requires and nobody gave is asked for.
  Status ask_missing() {
    if (!context_.can_ask()) return {};
    for (const FlagInfo& flag : context_.args.flags()) {
      if (flag.use != FlagUse::secret_stdin || flag.takes_value() || !flag.field->required) continue;
      if (find_path(out_, flag.path)) continue;
      JL_TRY(const Secret secret, secrets_.ask(flag.field->flag));
      put(flag.path, secret);
    }
    return {};
  }

 private:
  Status one(const FlagInfo& flag, const Words& values) {
    switch (flag.use) {
      case FlagUse::global:
      case FlagUse::command:
        return {};
      case FlagUse::field:
      case FlagUse::field_off:
        if (flag.field && is_text_list(*flag.field)) return texts(flag, values);
        return flag.takes_value() ? scalar(flag, values.front()) : boolean(flag);
      case FlagUse::entry:
        for (const auto& value : values) JL_CHECK(entry(flag, value));
        return {};
      case FlagUse::file:
        return file(flag, values.front());
      default:
        if (flag.field->from_file) return file(flag, values.empty() ? std::string() : values.front());
        if (!flag.repeated) return secret(flag, values.empty() ? std::string() : values.front(), "");
        for (const auto& value : values) JL_CHECK(secret_entry(flag, value));
        return {};
    }
  }

  Status boolean(const FlagInfo& flag) {
    const bool value = flag.use == FlagUse::field;
    if (const auto* other = find_path(out_, flag.path);
        other && flags_set_.contains(flag.path) && *other != json::value(value)) {
      return Error(Errc::usage, "--" + flag.name + " contradicts another flag");
    }
    flags_set_[flag.path] = true;
    set_path(out_, flag.path, value);
    return {};
  }

  Status scalar(const FlagInfo& flag, const std::string& value) {
    JL_TRY(json::value converted, field_value(context_, flag, value));
    set_path(out_, flag.path, std::move(converted));
    return {};
  }

  Status texts(const FlagInfo& flag, const Words& values) {
    // All at once as JSON, or from a file of it.
    if (values.size() == 1 && (values[0].starts_with('[') || values[0].starts_with('@')))
      return scalar(flag, values[0]);
    json::array list;
    for (const auto& value : values) list.emplace_back(value);
    set_path(out_, flag.path, std::move(list));
    return {};
  }

  Status entry(const FlagInfo& flag, const std::string& value) {
    const std::size_t equals = value.find('=');
    if (equals == std::string::npos || equals == 0) return wrong(flag, value, "is not KEY=VALUE");
    const std::string key = value.substr(0, equals);
    if (flag.field->type == Type::config && text::is_secret_key(key)) {
      return Error(Errc::usage,
                   "--" + flag.name + ": \"" + key + "\" is a secret, and a command line can be read by others",
                   "put it into a file: --" + flag.name + "-secret-file " + key + "=PATH", flag.path + "." + key);
    }
    return map_entry(flag, key, json::value(value.substr(equals + 1)));
  }

  Status secret_entry(const FlagInfo& flag, const std::string& value) {
    if (flag.use == FlagUse::secret_stdin) return secret(flag, "", value);
    const std::size_t equals = value.find('=');
    if (equals == std::string::npos || equals == 0) return wrong(flag, value, "is not " + flag.value);
    return secret(flag, value.substr(equals + 1), value.substr(0, equals));
  }

  Status secret(const FlagInfo& flag, const std::string& source, const std::string& key) {
    JL_TRY(const Secret value, secrets_.read(flag.use, source, key.empty() ? flag.field->flag : key));
    context_.client.keep_secret(value);
    if (!key.empty()) return map_entry(flag, key, json::value(value.reveal()));
    put(flag.path, value);
    return {};
  }

  static bool is_uploaded(const FlagInfo& flag) {
    return flag.use == FlagUse::file && flag.field && !flag.field->uploaded.empty();
  }

  // The daemon keeps the file; the field gets its id, and the one beside it the name, unless that is given.
  Status uploaded_file(const FlagInfo& flag, const std::string& source) {
    const bool is_stdin = source == "-";
    if (is_stdin) JL_CHECK(secrets_.take_stdin("--" + flag.name));
    const std::string above = flag.path.substr(0, flag.path.rfind('.'));
    const auto* fields = find_path(out_, above);
    GivenSign sign;
    if (fields && fields->is_object()) {
      JL_TRY(sign, sign_beside(*flag.field, fields->get_object(), is_patch(context_)));
    }
    auto id = is_stdin ? uploads_.take_from(*flag.field, context_.env.in, "standard input", sign)
                       : uploads_.take(*flag.field, source, sign);
    if (!id) {
      Error error = id.error();
      if (error.code == Errc::usage) error.message = "--" + flag.name + ": " + error.message;
      if (error.field.empty()) error.field = flag.path;
      return error;
    }
    set_path(out_, flag.path, json::value(*id));
    if (is_stdin || flag.field->upload_name.empty()) return {};
    const std::string beside = above + "." + flag.field->upload_name;
    const std::string name = text::shown_file_name(source);
    if (!name.empty() && !find_path(out_, beside)) set_path(out_, beside, json::value(name));
    return {};
  }

  // The content of a file; bytes go in as base64.
  Status file(const FlagInfo& flag, const std::string& source) {
    if (is_uploaded(flag)) return uploaded_file(flag, source);
    JL_TRY(const Secret content, secrets_.read_content(flag.use, source, flag.field->flag, kMaxContent));
    if (content.empty()) return Error(Errc::usage, "--" + flag.name + ": \"" + source + "\" is empty", {}, flag.path);
    const Secret value(flag.field->base64 ? to_base64(content.reveal()) : content.reveal());
    if (flag.is_secret()) context_.client.keep_secret(value);
    set_path(out_, flag.path, json::value(value.reveal()));
    return {};
  }

  // Not set_path: keys of maps may have dots.
  Status map_entry(const FlagInfo& flag, const std::string& key, json::value value) {
    if (!find_path(out_, flag.path)) set_path(out_, flag.path, json::object());
    auto* map = find_path(out_, flag.path)->if_object();
    if (!map) return Error(Errc::usage, "--" + flag.name + ": the file has something other than an object there");
    (*map)[key] = std::move(value);
    return {};
  }

  void put(const std::string& path, const Secret& value) {
    context_.client.keep_secret(value);
    set_path(out_, path, json::value(value.reveal()));
  }

  Context& context_;
  json::object& out_;
  SecretInput secrets_;
  Uploads uploads_;
  std::map<std::string, bool> flags_set_;
};

}  // namespace

bool is_patch(const Context& context) { return context.args.command().verb == "edit"; }

const FlagInfo* package_flag(const Context& context) {
  const auto file = context.args.value("file");
  if (!file || *file == "-") return nullptr;
  const auto& flags = context.args.flags();
  const auto found = std::ranges::find_if(flags, [](const FlagInfo& flag) {
    return flag.field && flag.use == FlagUse::file && flag.field->uploaded == "protocol";
  });
  if (found == flags.end()) return nullptr;
  std::ifstream in(*file, std::ios::binary);
  char start[4] = {};
  in.read(start, sizeof start);
  const std::string_view magic(start, static_cast<std::size_t>(in.gcount()));
  return magic == "PK\x03\x04" || magic == "PK\x05\x06" ? &*found : nullptr;
}

Status fill_from_flags(Context& context, json::object& out) {
  FlagDocument flags(context, out);
  JL_CHECK(flags.fill());
  return is_patch(context) ? Status() : flags.ask_missing();
}

}  // namespace jl::cli
