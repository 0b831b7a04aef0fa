// Calls that ask slaves something right now: modbus read, write, test, scan.
#include "common/base/hex.hpp"
#include "daemon/control/calls/calls.hpp"
#include "daemon/control/calls/modbus_target.hpp"

#include <atomic>
#include <charconv>
#include <set>

namespace jl::control {
namespace json = boost::json;
using model::ModbusPoint;

namespace {

constexpr std::int64_t kMostTimeout = 60'000;

/// What a call asks for, with the words of a point.
struct Ask {
  std::uint8_t unit = 1;
  ModbusPoint point;
  modbus::Format format;
  Millis timeout = 0;
};

// Keys of the call, and of the point that they describe.
constexpr std::pair<const char*, const char*> kKeys[] = {
    {"unit", "unitId"},       {"function", "function"}, {"address", "address"},   {"type", "type"},
    {"order", "order"},       {"quantity", "quantity"}, {"bit", "bit"},           {"byte", "byte"},
    {"scale", "scaleFactor"}, {"offset", "offset"},     {"decimals", "decimals"}, {"forceMultiple", "forceMultiple"}};

Result<Millis> timeout_of(const json::object& from, Millis otherwise) {
  const auto* given = from.if_contains("timeoutMs");
  if (!given || given->is_null()) return otherwise;
  const std::string text = model::text_of(*given);
  std::int64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size() || value < 10 || value > kMostTimeout)
    return Error(Errc::bad_request, "\"timeoutMs\" must be 10 to 60000 milliseconds", {}, "timeoutMs");
  return value;
}

Result<Ask> ask_of(const json::object& from, model::ModbusOrder order, std::string_view access) {
  const auto* unit = from.if_contains("unit");
  if (unit && model::text_of(*unit) == "0" && access != "write")
    return Error(Errc::parameter_error, "unit: 0 is all units at once, and none of them answers",
                 "it can be written, without verification", "unit");
  json::object spec{{"channelId", "adhoc"}, {"access", access}};
  for (const auto& [key, field] : kKeys) {
    if (const auto* value = from.if_contains(key)) spec[field] = *value;
  }
  std::vector<Problem> problems;
  const json::object canonical = model::normalize(model::table_of<ModbusPoint>(), spec, spec, "", problems);
  if (!problems.empty()) {
    std::string field = problems.front().field;
    for (const auto& [key, name] : kKeys) {
      if (field == name) field = key;
    }
    return Error(Errc::parameter_error, field + ": " + problems.front().message, {}, field);
  }
  Ask out;
  out.point = model::from_json<ModbusPoint>(canonical);
  out.unit = static_cast<std::uint8_t>(out.point.unit_id);
  out.format = modbus::format_of(out.point, order);
  JL_TRY(out.timeout, timeout_of(from, 0));
  return out;
}

std::string text_of(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  return value ? model::text_of(*value) : std::string();
}

bool flag_of(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  return value && (*value == json::value(true) || *value == json::value("true"));
}

json::object place_json(const ModbusTalk& talk, const Ask& ask) {
  const auto& areas = model::EnumWords<model::ModbusArea>::words();
  const auto& types = model::EnumWords<model::ModbusType>::words();
  return {{"address", talk.address()},
          {"unit", ask.unit},
          {"function", areas[static_cast<std::size_t>(ask.format.area)].word},
          {"start", ask.format.address},
          {"plc", model::plc_address(ask.format.address, ask.format.area)},
          {"type", types[static_cast<std::size_t>(ask.format.type)].word}};
}

}  // namespace

json::value modbus_value(const json::value& given) {
  if (!given.is_string() || !given.get_string().starts_with('[')) return given;
  boost::system::error_code ec;
  json::value list = json::parse(given.get_string(), ec);
  return ec ? given : list;
}

namespace {

/// One call of modbus read or write, from its first request to its answer.
class ValueCall : public std::enable_shared_from_this<ValueCall> {
 public:
  ValueCall(std::shared_ptr<ModbusTalk> talk, Ask ask, bool traces, std::shared_ptr<Responder> reply)
      : talk_(std::move(talk)), ask_(std::move(ask)), traces_(traces), reply_(std::move(reply)) {
    if (traces_) talk_->trace();
  }

  void read() {
    send(modbus::read_request(ask_.format), modbus::Priority::read,
         [self = shared_from_this()](const auto& outcome) { self->show(outcome, {}); });
  }

  void write(const json::value& value, bool verify) {
    const auto plan = modbus::encode(ask_.format, value);
    if (!plan) return reply_->problem(plan.error());
    if (plan->reads_first && ask_.unit == 0) {
      return reply_->problem(Error(Errc::parameter_error,
                                   "unit: part of a register cannot be written to all units at once",
                                   "write the whole register", "unit"));
    }
    value_ = modbus::written_value(ask_.format, *plan, value);
    verify_ = verify;
    if (!plan->reads_first) return write(plan->write);
    send(modbus::read_request(ask_.format), modbus::Priority::write,
         [self = shared_from_this(), plan = *plan](const modbus::Outcome& outcome) {
           if (!self->is_fine(outcome)) return;
           self->write(modbus::merge(self->ask_.format, plan, outcome.data));
         });
  }

 private:
  using Done = std::function<void(const modbus::Outcome&)>;
  void send(const wire::modbus::Request& request, modbus::Priority priority, Done done) {
    talk_->request(ask_.unit, request, priority, ask_.timeout, std::move(done));
  }
  bool is_fine(const modbus::Outcome& outcome) {
    const Status status = modbus_status(outcome, ask_.unit, ask_.format);
    if (!status) reply_->problem(status.error());
    return status.has_value();
  }

  void write(const wire::modbus::Request& request) {
    send(request, modbus::Priority::write, [self = shared_from_this()](const modbus::Outcome& outcome) {
      if (!self->is_fine(outcome)) return;
      if (!self->verify_) return self->answer(self->value_, {}, outcome.rtt, true);
      self->send(modbus::read_request(self->ask_.format), modbus::Priority::write,
                 [self](const modbus::Outcome& again) { self->compare(again); });
    });
  }

  void compare(const modbus::Outcome& outcome) {
    if (!is_fine(outcome)) return;
    const auto value = modbus::decode(ask_.format, outcome.data);
    const auto wanted = modbus::encode(ask_.format, value_);
    const auto there = value ? modbus::encode(ask_.format, *value) : Result<modbus::WritePlan>(value.error());
    if (!there || !wanted || there->write.data != wanted->write.data) {
      return reply_->problem(
          Error(Errc::device_error,
                fmt::format("unit {}: written, but it reads as {} ({})", ask_.unit,
                            value ? model::text_of(*value) : value.error().message, to_hex(outcome.data)),
                "the slave may limit or ignore what is written there"));
    }
    answer(*value, outcome.data, outcome.rtt, true);
  }

  void show(const modbus::Outcome& outcome, std::string_view) {
    if (!is_fine(outcome)) return;
    const auto value = modbus::decode(ask_.format, outcome.data);
    if (!value)
      return reply_->problem(Error(Errc::device_error, value.error().message + " (" + to_hex(outcome.data) + ")"));
    answer(*value, outcome.data, outcome.rtt, false);
  }

  void answer(const json::value& value, std::string_view raw, Millis rtt, bool written) {
    json::object out = place_json(*talk_, ask_);
    if (written) out["result"] = "written";
    out["value"] = value;
    if (!raw.empty()) out["hex"] = to_hex(raw);
    out["rtt"] = rtt;
    if (traces_) out["trace"] = talk_->frames();
    reply_->json(200, std::move(out));
  }

  const std::shared_ptr<ModbusTalk> talk_;
  const Ask ask_;
  const bool traces_;
  const std::shared_ptr<Responder> reply_;
  json::value value_;
  bool verify_ = false;
};

}  // namespace

void Calls::modbus_value_call(const Call& call, const Reply& reply) {
  const bool writes = call.command->verb == "write";
  const std::string target = text_of(call.body, "target");
  auto talk = ModbusTalk::open(r_.runtime.modbus(), r_.catalogs, target);
  if (!talk) return reply->problem(talk.error());
  const bool verifies = flag_of(call.body, "verify");
  auto ask = ask_of(call.body, (*talk)->order(), !writes ? "read" : verifies ? "read-write" : "write");
  if (!ask) return reply->problem(ask.error());
  reply->notes({"modbus/" + target, 0, 0});
  const auto work = std::make_shared<ValueCall>(*talk, *ask, flag_of(call.body, "trace"), reply);
  if (!writes) return work->read();
  const auto* value = call.body.if_contains("value");
  if (!value || value->is_null()) return reply->problem(Error(Errc::bad_request, "\"value\" is required", {}, "value"));
  work->write(modbus_value(*value), verifies);
}

void Calls::modbus_test(const Call& call, const Reply& reply) {
  auto talk = ModbusTalk::open(r_.runtime.modbus(), r_.catalogs, text_of(call.body, "target"));
  if (!talk) return reply->problem(talk.error());
  json::object body = call.body;
  if (!body.contains("address")) body["address"] = 0;
  auto ask = ask_of(body, (*talk)->order(), "read");
  if (!ask) return reply->problem(ask.error());
  const bool traces = flag_of(body, "trace");
  if (traces) (*talk)->trace();
  const Millis start = r_.clock.steady();
  const auto gone = [reply](const Status& status) { reply->problem(status.error()); };
  (*talk)->with(
      [this, talk = *talk, ask = *ask, reply, traces, start](modbus::Channel& channel) {
        channel.when_open([this, talk, ask, reply, traces, start](const Status& open) {
          if (!open) return reply->problem(open.error());
          const Millis connected = r_.clock.steady() - start;
          talk->request(ask.unit, modbus::read_request(ask.format), modbus::Priority::read, ask.timeout,
                        [talk, ask, reply, traces, connected](const modbus::Outcome& outcome) {
                          const bool refused = outcome.kind == modbus::Outcome::Kind::exception;
                          const Status status = modbus_status(outcome, ask.unit, ask.format);
                          if (!status && !refused) return reply->problem(status.error());
                          json::object out = place_json(*talk, ask);
                          out["connectMs"] = connected;
                          out["rtt"] = outcome.rtt;
                          out["answer"] = refused ? outcome.problem : "ok";
                          if (traces) out["trace"] = talk->frames();
                          reply->json(200, std::move(out));
                        });
        });
      },
      gone);
}

namespace {

// "1-32,40": in order, each once.
Result<std::vector<std::uint8_t>> units_of(std::string_view text) {
  std::set<std::uint8_t> out;
  const Error bad(Errc::bad_request, "units \"" + std::string(text) + "\" cannot be read; 0 is no slave, 255 the last",
                  "write 1-32 or 1,5,10-20", "units");
  while (!text.empty()) {
    std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    int bounds[2] = {0, 0};
    const std::size_t dash = part.find('-');
    const std::string_view ends[2] = {part.substr(0, dash), dash == part.npos ? part : part.substr(dash + 1)};
    for (int i = 0; i < 2; ++i) {
      const auto [end, ec] = std::from_chars(ends[i].data(), ends[i].data() + ends[i].size(), bounds[i]);
      if (ec != std::errc{} || end != ends[i].data() + ends[i].size()) return bad;
    }
    if (bounds[0] < 1 || bounds[1] > 255 || bounds[0] > bounds[1]) return bad;
    for (int unit = bounds[0]; unit <= bounds[1]; ++unit) out.insert(static_cast<std::uint8_t>(unit));
  }
  return std::vector<std::uint8_t>(out.begin(), out.end());
}

/// Asks one unit after the other: gateways pass one request at a time on anyway.
class Scan : public std::enable_shared_from_this<Scan> {
 public:
  Scan(std::shared_ptr<ModbusTalk> talk, Ask ask, std::vector<std::uint8_t> units, bool all,
       std::shared_ptr<Responder> reply)
      : talk_(std::move(talk)), ask_(std::move(ask)), units_(std::move(units)), all_(all), reply_(std::move(reply)) {}

  void start() {
    talk_->with(
        [self = shared_from_this()](modbus::Channel& channel) {
          channel.when_open([self](const Status& open) {
            if (!open) return self->reply_->problem(open.error());
            self->reply_->start_stream();
            self->reply_->on_gone([self] { self->gone_ = true; });
            self->next(0);
          });
        },
        [self = shared_from_this()](const Status& status) { self->reply_->problem(status.error()); });
  }

 private:
  void next(std::size_t index) {
    if (gone_) return;
    if (index == units_.size()) return reply_->end_stream();
    talk_->request(units_[index], modbus::read_request(ask_.format), modbus::Priority::read, ask_.timeout,
                   [self = shared_from_this(), index](const modbus::Outcome& outcome) {
                     if (self->tell(self->units_[index], outcome)) self->next(index + 1);
                   });
  }

  bool tell(std::uint8_t unit, const modbus::Outcome& outcome) {
    using Kind = modbus::Outcome::Kind;
    if (outcome.kind == Kind::closed || outcome.kind == Kind::cancelled) {
      reply_->end_stream(
          Error(Errc::network, "the connection was lost at unit " + std::to_string(unit) + ": " + outcome.problem));
      return false;
    }
    // A gateway's own answer that nobody is there (10, 11) is none of the unit.
    const bool refused = outcome.kind == Kind::exception;
    const bool answers = outcome.kind == Kind::ok || (refused && outcome.exception != 10 && outcome.exception != 11);
    if (!answers && !all_) return true;
    json::object line{{"unit", unit}, {"answers", answers}};
    if (answers) line["rtt"] = outcome.rtt;
    line["answer"] = outcome.kind == Kind::ok ? "ok" : outcome.problem;
    return reply_->line(json::serialize(line));
  }

  const std::shared_ptr<ModbusTalk> talk_;
  const Ask ask_;
  const std::vector<std::uint8_t> units_;
  const bool all_;
  const std::shared_ptr<Responder> reply_;
  std::atomic<bool> gone_{false};
};

}  // namespace

void Calls::modbus_scan(const Call& call, const Reply& reply) {
  json::object body;
  for (const auto& [key, value] : call.query) body[key] = value;
  if (!body.contains("address")) body["address"] = 0;
  if (!body.contains("timeoutMs")) body["timeoutMs"] = 500;
  const std::string_view list = call.param("units");
  const auto units = units_of(list.empty() ? "1-247" : list);
  if (!units) return reply->problem(units.error());
  auto talk = ModbusTalk::open(r_.runtime.modbus(), r_.catalogs, std::string(call.param("target")));
  if (!talk) return reply->problem(talk.error());
  auto ask = ask_of(body, (*talk)->order(), "read");
  if (!ask) return reply->problem(ask.error());
  std::make_shared<Scan>(*talk, *ask, *units, call.flag("all"), reply)->start();
}

}  // namespace jl::control
