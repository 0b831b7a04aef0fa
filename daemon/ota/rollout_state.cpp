// Groups and turns of devices, and what of a rollout is stored.
#include "daemon/ota/rollout.hpp"

#include <algorithm>
#include <cmath>

namespace jl::ota {
namespace json = boost::json;

namespace {

constexpr double kMicro = 1e6;  // tokens are stored as millionths, so that they come back as they were
constexpr std::int64_t kMaxTokens = 1'000'000'000'000;
constexpr std::int64_t kMaxDevices = 1'000'000'000;
constexpr std::int64_t kMaxTime = 253'402'300'799'999;
constexpr std::size_t kMaxReason = 1024;

bool read(const json::object& in, const char* name, std::int64_t max, std::int64_t& out) {
  const auto* value = in.if_contains(name);
  if (!value) return true;
  const auto* number = value->if_int64();
  if (!number || *number < 0 || *number > max) return false;
  out = *number;
  return true;
}

}  // namespace

std::vector<std::uint32_t> groups_of(std::size_t count, const std::vector<int>& percents) {
  std::vector<std::uint32_t> out;
  out.reserve(count);
  const std::size_t groups = std::clamp<std::size_t>(percents.size(), 1, Record::kMaxGroups);
  for (std::size_t group = 0; group < groups; ++group) {
    const bool is_last = group + 1 == groups;
    const auto share = is_last ? 100 : static_cast<std::size_t>(std::clamp(percents[group], 0, 100));
    const std::size_t end = (count * share + 99) / 100;
    if (end > out.size()) out.resize(end, static_cast<std::uint32_t>(group));
  }
  return out;
}

// FNV-1a over task and device, mixed so that ids which differ in their last digit only are far apart.
std::uint64_t turn_of(std::string_view device, std::string_view task_id) {
  std::uint64_t hash = 14'695'981'039'346'656'037u;
  const auto add = [&](unsigned char byte) { hash = (hash ^ byte) * 1'099'511'628'211u; };
  for (const char c : task_id) add(static_cast<unsigned char>(c));
  add(0);
  for (const char c : device) add(static_cast<unsigned char>(c));
  hash = (hash ^ (hash >> 33u)) * 0xFF51'AFD7'ED55'8CCDu;
  hash = (hash ^ (hash >> 33u)) * 0xC4CE'B9FE'1A85'EC53u;
  return hash ^ (hash >> 33u);
}

std::vector<std::string> order_of(std::vector<std::string> devices, std::string_view task_id) {
  std::vector<std::pair<std::uint64_t, std::string>> turns;
  turns.reserve(devices.size());
  for (auto& device : devices) {
    const std::uint64_t turn = turn_of(device, task_id);
    turns.emplace_back(turn, std::move(device));
  }
  std::ranges::sort(turns);
  std::ranges::transform(turns, devices.begin(), [](auto& turn) { return std::move(turn.second); });
  return devices;
}

std::string to_stored(const RolloutState& state) {
  json::object out;
  out["group"] = state.group;
  if (state.failures_before != 0) out["failuresBefore"] = state.failures_before;
  if (!state.stop_reason.empty()) out["stopReason"] = clean_text(state.stop_reason);
  if (state.tokens_at != 0) {
    out["tokens"] = std::llround(std::clamp(state.tokens, 0.0, static_cast<double>(kMaxTokens) / kMicro) * kMicro);
    out["tokensAt"] = state.tokens_at;
  }
  return json::serialize(out);
}

Result<RolloutState> rollout_from_stored(std::string_view text) {
  const Error corrupt(Errc::corrupt, "stored state of a rollout makes no sense");
  json::error_code failed;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), failed);
  if (failed || !value.is_object()) return corrupt;
  const json::object& in = value.get_object();
  std::int64_t group = 0, failures = 0, tokens = 0, tokens_at = 0;
  if (!read(in, "group", Record::kMaxGroups - 1, group) || !read(in, "failuresBefore", kMaxDevices, failures) ||
      !read(in, "tokens", kMaxTokens, tokens) || !read(in, "tokensAt", kMaxTime, tokens_at)) {
    return corrupt;
  }
  RolloutState out;
  if (const auto* reason = in.if_contains("stopReason")) {
    if (!reason->is_string() || reason->get_string().size() > kMaxReason) return corrupt;
    out.stop_reason = std::string(reason->get_string());
  }
  out.group = static_cast<std::uint32_t>(group);
  out.failures_before = static_cast<std::size_t>(failures);
  out.tokens = static_cast<double>(tokens) / kMicro;
  out.tokens_at = tokens_at;
  return out;
}

}  // namespace jl::ota
