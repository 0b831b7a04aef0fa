#include "cli/flags.hpp"

#include <algorithm>
#include <utility>

namespace jl::cli {
namespace {

using model::Field;
using model::Type;

FlagInfo from_control(const control::Flag& flag, FlagUse use) {
  FlagInfo out{use, flag.name, flag.value, flag.help};
  out.short_name = flag.short_name;
  out.repeated = flag.repeated;
  out.words = flag.words;
  out.completes = flag.completes;
  out.flag = &flag;
  return out;
}

class FieldFlags {
 public:
  explicit FieldFlags(std::vector<FlagInfo>& out) : out_(out) {}

  void common(bool switchable) {
    for (const Field& field : model::common_fields(switchable).fields) {
      if (field.key == "id") continue;
      if (field.key == "enabled") {
        add(field, field.key, FlagUse::field, "enabled", "", "enable it (状态)");
        add(field, field.key, FlagUse::field_off, "disabled", "", "leave it disabled");
      } else {
        add(field, field.key, FlagUse::field, field.flag, "TEXT", field.help);
      }
    }
  }

  void table(const model::Table& fields, const std::string& path, const std::string& when) {
    for (const Field& field : fields.fields) {
      if (field.ignored) continue;
      // The fields of an object have flags of their own, so it needs none.
      if (field.type == Type::object && field.table) {
        table(*field.table, path + "." + field.key, when);
        continue;
      }
      one(field, path + "." + field.key, when);
      for (const model::Variant& variant : field.variants) {
        table(*variant.table, path + "." + field.key, field.selector + "=" + variant.word);
      }
    }
  }

 private:
  void one(const Field& field, const std::string& path, const std::string& when) {
    when_ = when;
    switch (field.type) {
      case Type::boolean:
        add(field, path, FlagUse::field, field.flag, "", field.help);
        add(field, path, FlagUse::field_off, "no-" + field.flag, "", "the opposite of --" + field.flag);
        break;
      case Type::secret:
        secret(field, path, field.flag, "");
        break;
      case Type::map:
      case Type::config:
        add(field, path, FlagUse::entry, field.flag, "KEY=VALUE", field.help).repeated = true;
        if (field.type == Type::config) secret(field, path, field.flag + "-secret", "KEY");
        break;
      default: {
        if (!field.uploaded.empty()) {
          add(field, path, FlagUse::file, field.flag, "FILE", field.help + "; a file, or - for standard input");
          break;
        }
        if (field.from_file) {
          add(field, path, FlagUse::file, field.flag + "-file", "PATH",
              field.help + ", from a file; - = standard input");
          break;
        }
        FlagInfo& added = add(field, path, FlagUse::field, field.flag, placeholder(field), field.help);
        added.repeated = is_text_list(field);
        added.words = model::words_of(field);
        added.completes = is_text_list(field) ? listed_kind(field) : field.refers_to;
      }
    }
  }

  // The ways in for a secret. None of them takes the secret itself: a command line is seen by others.
  void secret(const Field& field, const std::string& path, const std::string& name, const std::string& key) {
    const std::string what = key.empty() ? field.flag : "a secret value";
    const std::string equals = key.empty() ? "" : key + "=";
    const std::size_t from = out_.size();
    add(field, path, FlagUse::secret_file, name + "-file", equals + "PATH",
        field.from_file ? field.help + ", from a file; - = standard input"
                        : what + " from a file, one newline at its end cut; - = standard input");
    add(field, path, FlagUse::secret_stdin, name + "-stdin", key,
        what + (field.from_file ? " from standard input" : " from standard input, typed without echo on a terminal"));
    add(field, path, FlagUse::secret_fd, name + "-fd", equals + "N", what + " from an open file descriptor");
    add(field, path, FlagUse::secret_credential, name + "-credential", equals + "NAME",
        what + " from $CREDENTIALS_DIRECTORY/NAME (systemd)");
    for (std::size_t i = from; i < out_.size(); ++i) out_[i].repeated = !key.empty();
  }

  // Ids in a list are plain texts to the model; the field's key says of what: "deviceId".
  static std::string listed_kind(const Field& field) {
    const std::string_view key = field.key;
    const model::Kind* kind = key.ends_with("Id") ? model::find_kind(key.substr(0, key.size() - 2)) : nullptr;
    return kind ? kind->name : field.refers_to;
  }

  static std::string placeholder(const Field& field) {
    switch (field.type) {
      case Type::integer:
      case Type::number:
        return "N";
      case Type::enumeration:
        return "WORD";
      case Type::reference:
        return "ID";
      case Type::list:
        if (is_text_list(field)) return "TEXT";
        return "JSON|@FILE";
      case Type::object:
      case Type::json:
        return "JSON|@FILE";
      default:
        return "TEXT";
    }
  }

  FlagInfo& add(const Field& field, const std::string& path, FlagUse use, const std::string& name,
                const std::string& value, const std::string& help) {
    FlagInfo info{use, name, value, help};
    info.path = path;
    info.field = &field;
    info.when = when_;
    // Two variants may have a field of the same name at the same path; one flag serves both.
    const auto taken = std::ranges::find(out_, name, &FlagInfo::name);
    if (taken != out_.end() && taken->path == path && taken->use == use) {
      taken->when.clear();
      return *taken;
    }
    return out_.emplace_back(std::move(info));
  }

  std::vector<FlagInfo>& out_;
  std::string when_;
};

}  // namespace

std::vector<FlagInfo> global_flag_infos() {
  std::vector<FlagInfo> out;
  for (const control::Flag& flag : control::global_flags()) out.push_back(from_control(flag, FlagUse::global));
  return out;
}

std::vector<FlagInfo> flags_of(const control::Command& command) {
  std::vector<FlagInfo> out;
  out.reserve(64);
  for (const control::Flag& flag : command.flags) out.push_back(from_control(flag, FlagUse::command));
  if (command.spec_flags && command.kind) {
    FieldFlags fields(out);
    const Field* below = command.kind->spec->find(command.only_below);
    if (below && below->table) {
      fields.table(*below->table, "spec." + below->key, "");
    } else {
      fields.common(command.kind->switchable);
      fields.table(*command.kind->spec, "spec", "");
    }
  }
  for (FlagInfo& flag : global_flag_infos()) out.push_back(std::move(flag));
  return out;
}

const FlagInfo* find_flag(const std::vector<FlagInfo>& flags, std::string_view name) {
  const auto found = std::ranges::find(flags, name, &FlagInfo::name);
  return found == flags.end() ? nullptr : &*found;
}

}  // namespace jl::cli
