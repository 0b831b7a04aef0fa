#include "common/model/ota.hpp"

#include "common/base/words.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <set>

namespace jl::model {

const std::vector<Word>& EnumWords<SignMethod>::words() {
  static const std::vector<Word> words{{"md5", "MD5, 32 hex digits", {}},
                                       {"sha256", "SHA-256, 64 hex digits", {"sha-256"}}};
  return words;
}

const std::vector<Word>& EnumWords<UpgradeMode>::words() {
  static const std::vector<Word> words{{"push", "jlinkd tells the devices (平台推送)", {}},
                                       {"pull", "the devices ask (设备拉取)", {}}};
  return words;
}

const std::vector<Word>& EnumWords<ReleaseType>::words() {
  static const std::vector<Word> words{{"all", "every device of the product (所有设备)", {}},
                                       {"part", "those that are named or meet conditions (选择设备)", {}}};
  return words;
}

namespace {

void add(std::vector<Problem>& problems, const std::string& path, const char* field, std::string message) {
  problems.push_back({path.empty() ? field : path + "." + field, std::move(message), Errc::invalid, {}, {}});
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || ec != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<int> percent(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  const auto value = number(text.substr(0, text.size() - 1));
  return value && *value >= 1 && *value <= 100 ? value : std::nullopt;
}

// "HH:MM" as minutes since midnight; 24:00 is the end of the day.
std::optional<int> minute_of(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon > 2 || text.size() - colon != 3) return std::nullopt;
  const auto hour = number(text.substr(0, colon)), minute = number(text.substr(colon + 1));
  if (!hour || !minute || *minute > 59 || *hour * 60 + *minute > 24 * 60) return std::nullopt;
  return *hour * 60 + *minute;
}

bool is_url(std::string_view text, std::initializer_list<std::string_view> schemes) {
  for (const std::string_view scheme : schemes) {
    if (!text.starts_with(scheme) || !text.substr(scheme.size()).starts_with("://")) continue;
    const std::string_view rest = text.substr(scheme.size() + 3);
    const bool plain = std::ranges::all_of(rest, [](char c) { return c > ' ' && c < 0x7F && c != '"' && c != '\\'; });
    return plain && !rest.empty() && rest.front() != '/' && rest.front() != ':' && rest.front() != '?';
  }
  return false;
}

void check_base_url(json::object& spec, const char* field, std::initializer_list<std::string_view> schemes,
                    const std::string& words, const std::string& path, std::vector<Problem>& problems) {
  auto* value = spec.if_contains(field);
  if (!value || !value->is_string()) return;
  std::string text(value->as_string());
  while (text.ends_with('/')) text.pop_back();
  if (!is_url(text, schemes)) return add(problems, path, field, "\"" + text + "\" is no " + words + " address");
  if (text.find_first_of("?#@") != std::string::npos)
    return add(problems, path, field, "must have no query, fragment or user: the way to a file is appended");
  *value = text;
}

}  // namespace

std::vector<int> OtaTask::group_percents() const {
  std::vector<int> out;
  for (const auto& group : groups) out.push_back(percent(group).value_or(100));
  if (out.empty() || out.back() != 100) out.push_back(100);
  return out;
}

std::optional<ErrorThreshold> parse_error_threshold(std::string_view text) {
  if (const auto share = percent(text)) return ErrorThreshold{*share, true};
  const auto count = number(text);
  if (!count || *count < 1) return std::nullopt;
  return ErrorThreshold{*count, false};
}

std::optional<DailyWindow> parse_window(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto from = minute_of(text.substr(0, dash)), to = minute_of(text.substr(dash + 1));
  if (!from || !to || *from == *to || *from == 24 * 60) return std::nullopt;
  return DailyWindow{*from, *to};
}

Result<DeviceCondition> parse_condition(std::string_view text) {
  static const std::vector<std::string> fields{"id", "name", "description", "parentId", "state", "firmware"};
  const auto at = text.find_first_of("=!~");
  const bool negated = at != std::string_view::npos && text[at] == '!';
  if (at == std::string_view::npos || at == 0 || (negated && !text.substr(at + 1).starts_with('=')))
    return Error(Errc::invalid, "\"" + std::string(text) + "\" is no condition",
                 "write FIELD=VALUE, FIELD!=VALUE or FIELD~GLOB");
  DeviceCondition out;
  out.field = std::string(text.substr(0, at));
  out.op = negated           ? DeviceCondition::Op::not_equal
           : text[at] == '~' ? DeviceCondition::Op::matches
                             : DeviceCondition::Op::equal;
  out.value = std::string(text.substr(at + (negated ? 2 : 1)));
  const bool is_tag = out.field.starts_with("tag.") && out.field.size() > 4;
  if (!is_tag && std::ranges::find(fields, out.field) == fields.end()) {
    const std::string nearest = nearest_word(out.field, fields);
    return Error(Errc::invalid, "devices have no field \"" + out.field + "\" to choose by",
                 nearest.empty() ? "there are " + join(fields) + " and tag.NAME" : "did you mean \"" + nearest + "\"?");
  }
  return out;
}

void settle_ota_server(json::object& spec, const std::string& path, std::vector<Problem>& problems) {
  check_base_url(spec, "publicUrl", {"http", "https"}, "http or https", path, problems);
  check_base_url(spec, "coapUrl", {"coap", "coaps"}, "coap or coaps", path, problems);
  const auto* coap = spec.if_contains("coapNetworkId");
  const bool has_network = coap && coap->is_string();
  if (has_network != spec.contains("coapUrl"))
    add(problems, path, has_network ? "coapUrl" : "coapNetworkId", "coapNetworkId and coapUrl need each other");
}

void settle_ota_firmware(json::object& spec, const std::string& path, std::vector<Problem>& problems) {
  const auto firmware = from_json<OtaFirmware>(spec);
  const bool has_file = spec.contains("fileId"), has_url = spec.contains("url");
  if (!has_file && !has_url) add(problems, path, "fileId", "is required, or url for an image that is elsewhere");
  if (has_url && !is_url(firmware.url, {"http", "https"}))
    add(problems, path, "url", "\"" + firmware.url + "\" is no http or https address");
  if (!has_file && has_url && firmware.size == 0)
    add(problems, path, "size", "is required of an image that is elsewhere");
  if (!firmware.version.empty() && (firmware.version.front() == ' ' || firmware.version.back() == ' '))
    add(problems, path, "version", "must not begin or end with a space: devices compare it");
  if (firmware.file_name.find('/') != std::string::npos || firmware.file_name == "." || firmware.file_name == "..")
    add(problems, path, "fileName", "must be a name, not a path");
  std::string sign = to_lower(firmware.sign);
  if (sign == "auto") {
    if (!has_file)
      add(problems, path, "sign", "auto is for uploaded images; of others the sign is what they are checked by");
  } else if (!sign.empty()) {
    const std::size_t digits = firmware.sign_method == SignMethod::md5 ? 32 : 64;
    if (sign.size() != digits || sign.find_first_not_of("0123456789abcdef") != std::string::npos)
      add(problems, path, "sign",
          fmt::format("an {} digest has {} hex digits", digits == 32 ? "MD5" : "SHA-256", digits));
  }
  if (!sign.empty()) spec["sign"] = sign;
  std::set<std::string> keys;
  for (const auto& property : firmware.properties) {
    if (!keys.insert(property.id).second) add(problems, path, "properties", "has \"" + property.id + "\" twice");
  }
  const auto* cert = spec.if_contains("signatureCertId");
  if (spec.contains("signature") != (cert && cert->is_string()))
    add(problems, path, spec.contains("signature") ? "signatureCertId" : "signature",
        "signature and signatureCertId need each other");
  if (spec.contains("signature") && !has_file)
    add(problems, path, "signature", "can be verified of uploaded images only");
}

namespace {

class TaskCheck {
 public:
  TaskCheck(json::object& spec, const std::string& path, std::vector<Problem>& problems)
      : spec_(spec), path_(path), problems_(problems), task_(from_json<OtaTask>(spec)) {}

  void run() {
    targets();
    pace();
    if (task_.mode == UpgradeMode::push) {
      if (!task_.response_timeout_seconds) spec_["responseTimeoutSeconds"] = kResponseTimeout;
    } else {
      only_push("responseTimeoutSeconds", "a device that asks has answered");
      only_push("rate", "devices ask when they like");
    }
  }

 private:
  static constexpr int kResponseTimeout = 60;

  void problem(const char* field, std::string message) { add(problems_, path_, field, std::move(message)); }
  void only_push(const char* field, const std::string& why) {
    if (spec_.contains(field)) problem(field, "has a meaning only with mode push: " + why);
  }

  void targets() {
    const bool chosen = !task_.device_id.empty() || !task_.where.empty();
    if (!task_.release_type) {
      spec_["releaseType"] = chosen ? "part" : "all";
    } else if (*task_.release_type == ReleaseType::all && chosen) {
      problem("releaseType", "all leaves no choice of devices");
    } else if (*task_.release_type == ReleaseType::part && !chosen) {
      problem("deviceId", "is required with releaseType part, or where");
    }
    std::set<std::string> seen;
    json::array unique;
    for (const auto& id : task_.device_id) {
      if (!is_valid_id(id)) return problem("deviceId", "\"" + id + "\" is no id of a device");
      if (seen.insert(id).second) unique.emplace_back(id);
    }
    if (unique.size() != task_.device_id.size()) spec_["deviceId"] = std::move(unique);
    for (const auto& text : task_.where) {
      const auto condition = parse_condition(text);
      if (!condition)
        problem("where",
                condition.error().message + (condition.error().hint.empty() ? "" : "; " + condition.error().hint));
    }
    if (task_.late_joiners && !task_.device_id.empty())
      problem("lateJoiners", "has no meaning when the devices are named");
  }

  void pace() {
    int last = 0;
    for (const auto& group : task_.groups) {
      const auto share = percent(group);
      if (!share) return problem("groups", "\"" + group + "\" is no percentage: write 10%");
      if (*share <= last) return problem("groups", "must grow: each is a share of all devices, those before included");
      last = *share;
    }
    if (!task_.error_threshold.empty() && !parse_error_threshold(task_.error_threshold))
      problem("errorThreshold", "\"" + task_.error_threshold + "\" is neither a number of devices nor a percentage");
    if (!task_.window.empty() && !parse_window(task_.window))
      problem("window", "\"" + task_.window + "\" is no time of day: write 22:00-04:00");
  }

  json::object& spec_;
  const std::string& path_;
  std::vector<Problem>& problems_;
  const OtaTask task_;
};

}  // namespace

void settle_ota_task(json::object& spec, const std::string& path, std::vector<Problem>& problems) {
  TaskCheck(spec, path, problems).run();
}

}  // namespace jl::model
