#include "cli/confirm.hpp"

#include "cli/changes.hpp"
#include "cli/output/sink.hpp"
#include "cli/output/width.hpp"
#include "common/base/words.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

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
  const auto part = [&](const std::string& text) { out += (out.empty() ? "" : "; ") + text; };
  if (sessions > 0)
    part("would disconnect " + std::to_string(sessions) + " device session" + (sessions == 1 ? "" : "s"));
  const auto list = [&](const char* what, const std::vector<std::string>& items, std::size_t total) {
    if (items.empty()) return;
    constexpr std::size_t kShown = 10;
    const std::vector<std::string> shown(items.begin(),
                                         items.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, items.size())));
    const std::size_t more = std::max(total, items.size()) - shown.size();
    part(what + join(shown) + (more > 0 ? " and " + std::to_string(more) + " more" : ""));
  };
  list("used by ", used_by, static_cast<std::size_t>(std::max<std::int64_t>(used_by_total, 0)));
  list("would also delete ", also_deleted, also_deleted.size());
  list("would unbind ", unbound, unbound.size());
  return out;
}

bool has_followers(const model::Kind& kind) {
  const auto follows = [&](const auto& self, const model::Table& table) -> bool {
    return std::ranges::any_of(table.fields, [&](const model::Field& field) {
      return (field.refers_to == kind.name && field.bond != model::Bond::holds) ||
             (field.type == model::Type::list && field.table && self(self, *field.table));
    });
  };
  return std::ranges::any_of(model::kinds(), [&](const model::Kind& other) { return follows(follows, *other.spec); });
}

Status add_deletion(Context& context, const model::Kind& kind, const std::string& id, Impact& impact) {
  Request request;
  request.method = "DELETE";
  request.path = "/v1/" + kind.plural + "/" + percent_encode(id);
  request.query.emplace_back("dryRun", "true");
  const auto reply = context.client.call(request);
  if (!reply) {
    if (reply.error().code == Errc::not_found) return {};
    return reply.error();
  }
  impact.found = true;
  const auto add = [](std::vector<std::string>& to, std::vector<std::string> from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  add(impact.also_deleted, texts_at(*reply, "alsoDeleted"));
  add(impact.unbound, unbound_texts(*reply));
  return {};
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
