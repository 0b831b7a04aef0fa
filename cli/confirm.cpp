#include "cli/confirm.hpp"

#include "cli/output/sink.hpp"
#include "cli/output/width.hpp"
#include "common/base/words.hpp"

#include <unistd.h>

#include <cerrno>

namespace jl::cli {
namespace {

std::string read_answer(int fd) {
  std::string out;
  char c = 0;
  while (out.size() < 64) {
    const ssize_t n = ::read(fd, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || c == '\n') break;
    if (c != '\r' && c != ' ') out += c;
  }
  return to_lower(out);
}

std::int64_t number(const json::object& from, const char* key) {
  const auto* value = from.if_contains(key);
  return value && value->is_int64() ? value->get_int64() : 0;
}

}  // namespace

std::string Impact::text() const {
  std::string out;
  if (sessions > 0)
    out = "would disconnect " + std::to_string(sessions) + " device session" + (sessions == 1 ? "" : "s");
  if (!used_by.empty()) {
    const auto total = std::max(used_by_total, static_cast<std::int64_t>(used_by.size()));
    constexpr std::size_t kShown = 10;
    const std::vector<std::string> shown(
        used_by.begin(), used_by.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, used_by.size())));
    if (!out.empty()) out += "; ";
    out += "used by " + join(shown);
    const auto more = total - static_cast<std::int64_t>(shown.size());
    if (more > 0) out += " and " + std::to_string(more) + " more";
  }
  return out;
}

Status add_impact(Context& context, const model::Kind& kind, const std::string& id, Impact& impact) {
  Request request;
  request.path = "/v1/" + kind.plural + "/" + percent_encode(id) + "/impact";
  const auto reply = context.client.call(request);
  if (!reply) {
    if (reply.error().code == Errc::not_found) return {};
    return reply.error();
  }
  impact.found = true;
  if (!reply->is_object()) return {};
  const json::object& data = reply->get_object();
  impact.sessions += number(data, "sessions");
  std::int64_t listed = 0;
  if (const auto* users = data.if_contains("usedBy"); users && users->is_array()) {
    for (const auto& user : users->get_array()) {
      if (user.is_string()) impact.used_by.emplace_back(user.get_string()), ++listed;
    }
  }
  impact.used_by_total += std::max(number(data, "usedByTotal"), listed);
  return {};
}

Status confirm(Context& context, const std::string& action, const std::string& consequence) {
  if (context.args.has("yes")) return {};
  const std::string what = action + (consequence.empty() ? "" : ": " + consequence);
  if (!context.can_ask()) return Error(Errc::unconfirmed, what + "; pass --yes to do it");
  context.console.end_progress();
  write_all(context.env.err, printable(what) + "\nGo on? [y/N] ");
  const std::string answer = read_answer(context.env.in);
  if (answer == "y" || answer == "yes") return {};
  return Error(Errc::unconfirmed, "not done: " + action);
}

}  // namespace jl::cli
