// wait and daemon wait: asks again and again, a little less often each time. Neither a daemon that restarts in between
// nor an object that does not exist yet ends the wait.
#include "cli/commands/handlers.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"
#include "common/base/words.hpp"

#include <algorithm>

namespace jl::cli {
namespace {

using std::chrono::milliseconds;

class Pace {
 public:
  explicit Pace(const Context& context)
      : deadline_(duration_or(context.args.value("wait-timeout").value_or("60s"), milliseconds(60'000))) {}

  /// False when the time is up.
  bool next() {
    if (deadline_.passed()) return false;
    milliseconds pause = pause_;
    if (const int left = deadline_.poll_timeout(); left >= 0) pause = std::min(pause, milliseconds(left));
    sleep_for(pause);
    pause_ = std::min(pause_ * 3 / 2, milliseconds(500));
    return true;
  }

 private:
  Deadline deadline_;
  milliseconds pause_{20};
};

bool is_away(Errc code) {
  return code == Errc::no_socket || code == Errc::not_running || code == Errc::busy || code == Errc::unavailable ||
         code == Errc::timeout;
}

struct Condition {
  enum class Kind : std::uint8_t { exists, deleted, enabled, disabled, connected, field } kind = Kind::exists;
  std::string field{};
  std::string value{};
};

Result<Condition> read_condition(const std::string& text) {
  static const std::vector<std::string> words{"exists", "deleted", "enabled", "disabled", "connected"};
  const std::size_t equals = text.find('=');
  if (equals != std::string::npos && equals > 0)
    return Condition{Condition::Kind::field, text.substr(0, equals), text.substr(equals + 1)};
  const auto found = std::ranges::find(words, text);
  if (found == words.end()) {
    const std::string nearest = nearest_word(text, words);
    return Error(Errc::usage, "--for: \"" + text + "\" is none of " + join(words) + ", FIELD=VALUE",
                 nearest.empty() ? "" : "did you mean \"" + nearest + "\"?");
  }
  return Condition{static_cast<Condition::Kind>(found - words.begin()), {}, {}};
}

std::string text_at(const json::value& document, const std::string& path) {
  for (const std::string& at : {path, "status." + path, "spec." + path}) {
    if (const auto* value = find_path(document, at)) return plain_text(*value);
  }
  return {};
}

// `document` is null when the object does not exist.
bool holds(const Condition& condition, const json::value* document) {
  if (condition.kind == Condition::Kind::deleted) return document == nullptr;
  if (!document) return false;
  switch (condition.kind) {
    case Condition::Kind::enabled:
      return text_at(*document, "enabled") == "true";
    case Condition::Kind::disabled:
      return text_at(*document, "enabled") == "false";
    case Condition::Kind::field:
      return text_at(*document, condition.field) == condition.value;
    case Condition::Kind::connected: {
      const std::string state = text_at(*document, "status.state");
      return state == "online" || state == "connected" || state == "running";
    }
    default:
      return true;
  }
}

// What was seen last, for the message when time is up.
std::string seen_text(const Condition& condition, const json::value* document) {
  if (!document) return "it does not exist";
  if (condition.kind == Condition::Kind::field)
    return condition.field + " is \"" + text_at(*document, condition.field) + "\"";
  std::string out = text_at(*document, "enabled") == "false" ? "it is disabled" : "it is enabled";
  if (const std::string state = text_at(*document, "status.state"); !state.empty()) out += ", " + state;
  return out;
}

}  // namespace

Result<int> run_wait(Context& context) {
  const std::string& object = context.args.words().front();
  const std::size_t slash = object.find('/');
  if (slash == std::string::npos)
    return Error(Errc::usage, "\"" + object + "\" is not KIND/ID", context.args.command().examples.front());
  JL_TRY(const model::Kind* kind, kind_word(object.substr(0, slash)));
  JL_TRY(const Condition condition, read_condition(context.args.value("for").value_or("exists")));
  Request request;
  request.path = "/v1/" + kind->plural + "/" + percent_encode(object.substr(slash + 1));

  Pace pace(context);
  bool reached = false;
  std::string seen = "the daemon did not answer";
  do {
    const auto reply = context.client.call(request);
    const bool missing = !reply && reply.error().code == Errc::not_found;
    if (reply || missing) {
      reached = true;
      const json::value* document = reply ? &*reply : nullptr;
      if (holds(condition, document)) {
        if (document &&
            !(context.out.options().format == Format::table || context.out.options().format == Format::wide)) {
          JL_CHECK(context.out.one(view_of(*kind), *document));
        }
        return kExitOk;
      }
      seen = seen_text(condition, document);
      context.console.progress("waiting for " + object + ": " + seen);
    } else if (!reached || !is_away(reply.error().code)) {
      return reply.error();
    }
  } while (pace.next());
  return Error(Errc::timeout, "\"" + object + "\" is not as wanted yet: " + seen,
               "a longer wait: --wait-timeout 5m; 0 = no limit");
}

Result<int> run_daemon_wait(Context& context) {
  const bool for_stopped = context.args.value("for") == "stopped";
  Request request;
  request.path = "/v1/status";
  Pace pace(context);
  std::string seen;
  do {
    const auto reply = context.client.call(request);
    if (for_stopped) {
      if (!reply && (reply.error().code == Errc::no_socket || reply.error().code == Errc::not_running)) return kExitOk;
      seen = "it still runs";
    } else if (reply) {
      const auto* ready = find_path(*reply, "ready");
      if (!ready || *ready == json::value(true)) return kExitOk;
      seen = "it is starting";
    } else {
      seen = reply.error().message;
    }
    if (!reply && !is_away(reply.error().code)) return reply.error();
  } while (pace.next());
  return Error(Errc::timeout, std::string("jlinkd is not ") + (for_stopped ? "stopped" : "ready") + " yet: " + seen,
               "a longer wait: --wait-timeout 5m; 0 = no limit");
}

}  // namespace jl::cli
