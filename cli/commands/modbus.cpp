// Modbus: requests to slaves, what is read of them live, and which properties are bound to which points.
#include "cli/commands/handlers.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"
#include "cli/output/width.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <chrono>

namespace jl::cli {

namespace {

// Only tables are short; -o wide shows everything.
bool in_short(const Context& context) { return for_people(context) && context.out.options().format == Format::table; }

std::string text_at(const json::value& from, std::string_view path) {
  const auto* value = find_path(from, path);
  return value ? plain_text(*value) : std::string();
}

// A connection and an answer may take this long besides what --timeout-ms allows for.
constexpr std::chrono::milliseconds kBesides{10'000};

// The call must outlast the wait for the slave, unless the user said how long it may take.
void outlast_slave(Context& context) {
  const auto wait = context.args.value("timeout-ms");
  if (!wait || context.args.has("timeout")) return;
  constexpr std::size_t kDigits = 9;  // more is refused by the daemon
  if (wait->size() > kDigits) return;
  const auto needed = std::chrono::milliseconds(std::stol(*wait)) + kBesides;
  const auto limit = context.settings.time_limit();
  if (limit.count() > 0 && needed > limit) context.client.set_time_limit(needed);
}

// "000100000006" to "00 01 00 00 00 06".
std::string spaced(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i < hex.size(); ++i) {
    if (i > 0 && i % 2 == 0) out += ' ';
    out += hex[i];
  }
  return out;
}

// The frames of --trace, sixteen bytes to a line: beside the result, which scripts read from standard output.
void show_trace(Context& context, const json::value& reply) {
  const auto* trace = find_path(reply, "trace");
  if (!trace || !trace->is_array()) return;
  constexpr std::size_t kDigits = 32;
  for (const auto& frame : trace->get_array()) {
    const std::string hex = text_at(frame, "hex");
    std::string direction = text_at(frame, "direction");
    direction.resize(std::max<std::size_t>(direction.size(), 8), ' ');
    for (std::size_t at = 0; at == 0 || at < hex.size(); at += kDigits) {
      const std::string head = at == 0 ? direction : std::string(direction.size(), ' ');
      context.console.line(printable(head + "  " + spaced(std::string_view(hex).substr(at, kDigits))));
    }
  }
}

json::value without_trace(const json::value& reply) {
  json::value out = reply;
  if (auto* object = out.if_object()) object->erase("trace");
  return out;
}

// "21.5  (41ac0000, 3 ms)", "21.5 written  (41ac0000, 3 ms)"
std::string value_line(const json::value& reply) {
  const auto* value = find_path(reply, "value");
  std::string out = value ? cell_text(*value) : std::string();
  const std::string result = text_at(reply, "result");
  if (!result.empty()) out += (out.empty() ? "" : " ") + printable(result);
  std::string more;
  const auto add = [&](const std::string& text) { more += (more.empty() ? "" : ", ") + text; };
  if (const std::string quality = text_at(reply, "quality"); !quality.empty() && quality != "good") add(quality);
  if (const std::string hex = text_at(reply, "hex"); !hex.empty()) add(hex);
  if (const std::string rtt = text_at(reply, "rtt"); !rtt.empty()) add(rtt + " ms");
  return more.empty() ? out : out + "  (" + printable(more) + ")";
}

Status show_value(Context& context, const json::value& reply) {
  if (!for_people(context)) return context.out.one(view_of(context.args.command()), reply);
  show_trace(context, reply);
  if (!in_short(context)) return context.out.one(view_of(context.args.command()), without_trace(reply));
  context.out.sink().write(value_line(reply) + "\n");
  return {};
}

Result<json::value> call_slave(Context& context, json::object body) {
  outlast_slave(context);
  add_body_flags(context, body);
  Request request = request_for(context);
  request.body = std::move(body);
  return context.client.call(request);
}

Result<int> change_bindings(Context& context, json::object body) {
  Request request = request_for(context, context.args.words().front());
  request.body = std::move(body);
  JL_TRY(const json::value reply, context.client.call(request));
  JL_CHECK(report_mutation(context, reply));
  return exit_after(context, text_at(reply, "result"));
}

// One row of the table of "modbus watch": values, frames and the channel's own states share its columns.
json::value watch_row(const json::value& item) {
  json::value out = item;
  auto* row = out.if_object();
  if (!row) return out;
  const auto move_to = [&](const char* from, const char* to) {
    if (const auto* value = row->if_contains(from)) {
      const json::value moved = *value;
      (*row)[to] = moved;
    }
  };
  move_to("frame", "quality");
  move_to("state", "quality");
  move_to("reason", "error");
  return out;
}

}  // namespace

Result<int> run_modbus_read(Context& context) {
  const Words& words = context.args.words();
  JL_TRY(const json::value reply, call_slave(context, {{"target", words[0]}, {"address", words[1]}}));
  JL_CHECK(show_value(context, reply));
  return kExitOk;
}

Result<int> run_modbus_write(Context& context) {
  const Words& words = context.args.words();
  JL_TRY(const json::value reply,
         call_slave(context, {{"target", words[0]}, {"address", words[1]}, {"value", words[2]}}));
  JL_CHECK(show_value(context, reply));
  return kExitOk;
}

Result<int> run_modbus_test(Context& context) {
  JL_TRY(const json::value reply, call_slave(context, {{"target", context.args.words().front()}}));
  const View view = view_of(context.args.command());
  if (!for_people(context)) {
    JL_CHECK(context.out.one(view, reply));
    return kExitOk;
  }
  show_trace(context, reply);
  if (!in_short(context)) {
    JL_CHECK(context.out.one(view, without_trace(reply)));
    return kExitOk;
  }
  context.out.sink().write(printable(text_at(reply, "address") + " unit " + text_at(reply, "unit") +
                                     " answers: " + text_at(reply, "answer")) +
                           "  (connected in " + text_at(reply, "connectMs") + " ms, answered in " +
                           text_at(reply, "rtt") + " ms)\n");
  return kExitOk;
}

Result<int> run_modbus_scan(Context& context) {
  Request request = request_for(context);
  request.query.emplace_back("target", context.args.words().front());
  request.lines = request.endless = true;  // units that do not answer are silent
  const View view = view_of(context.args.command());
  std::size_t answered = 0;
  const Status status = context.client.stream(request, [&](json::value&& value) -> Result<bool> {
    const auto* answers = find_path(value, "answers");
    if (answers && *answers == json::value(true)) ++answered;
    JL_CHECK(context.out.item(view, value));
    return !context.out.sink().failed();
  });
  if (!status) return status.error();
  if (answered == 0) context.console.note("no unit answered; --timeout-ms gives slow ones more time");
  return kExitOk;
}

Result<int> run_modbus_watch(Context& context) {
  const Words& words = context.args.words();
  Request request = request_for(context, words.front());
  for (std::size_t i = 1; i < words.size(); ++i) request.query.emplace_back("point", words[i]);
  return follow(context, std::move(request), for_people(context) ? watch_row : nullptr);
}

Result<int> run_modbus_plan(Context& context) {
  JL_TRY(const json::value reply, context.client.call(request_for(context, context.args.words().front())));
  JL_CHECK(context.out.list(view_of(context.args.command()), reply));
  context.out.sink().flush();
  const auto* rate = find_path(reply, "requestsPerSecond");
  if (rate && rate->is_number())
    context.console.note(
        fmt::format("{} points, {:.4g} requests a second", text_at(reply, "points"), rate->to_number<double>()));
  return kExitOk;
}

Result<int> run_modbus_bind(Context& context) {
  const Words& words = context.args.words();
  return change_bindings(context, {{"property", words[1]}, {"point", words[2]}});
}

Result<int> run_modbus_unbind(Context& context) {
  json::array properties;
  for (std::size_t i = 1; i < context.args.words().size(); ++i) properties.emplace_back(context.args.words()[i]);
  return change_bindings(context, {{"properties", std::move(properties)}});
}

Result<int> run_modbus_point_read(Context& context) { return call_each(context, show_value); }

Result<int> run_modbus_point_write(Context& context) {
  const Words& words = context.args.words();
  json::object body{{"value", words[1]}};
  add_body_flags(context, body);
  Request request = request_for(context, words.front());
  request.body = std::move(body);
  JL_TRY(const json::value reply, context.client.call(request));
  JL_CHECK(show_value(context, reply));
  return kExitOk;
}

}  // namespace jl::cli
