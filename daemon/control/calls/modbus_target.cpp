#include "daemon/control/calls/modbus_target.hpp"

#include "common/base/hex.hpp"
#include "common/base/words.hpp"

#include <boost/url.hpp>

namespace jl::control {
namespace json = boost::json;

namespace {

Error bad_target(const std::string& target, const std::string& why) {
  return {Errc::bad_request, "target \"" + target + "\": " + why,
          "name a channel, or a place: tcp://10.0.0.7:502, rtu-over-tcp://10.0.0.8:4001, tls://plc-7, "
          "rtu:///dev/ttyUSB0?baudRate=9600&parity=even",
          "target"};
}

// A place in the fields of a channel, which the field table then judges.
Result<model::ModbusChannel> channel_of(const std::string& target) {
  const auto url = boost::urls::parse_uri(target);
  if (!url) return bad_target(target, "cannot be read");
  if (!url->host().empty() && (url->has_userinfo() || (!url->path().empty() && url->path() != "/")))
    return bad_target(target, "a place in a network is a host and a port");
  json::object spec{{"transport", std::string(url->scheme())}};
  if (!url->host().empty()) spec["host"] = url->host_address();
  if (url->has_port()) spec["port"] = std::string(url->port());
  if (url->host().empty()) spec["device"] = std::string(url->path());
  for (const auto& parameter : url->params()) {
    const std::string key = parameter.key == "baud" ? "baudRate" : parameter.key;
    spec[key] = parameter.value;
  }
  std::vector<Problem> problems;
  const auto& table = model::table_of<model::ModbusChannel>();
  const json::object canonical = model::normalize(table, spec, spec, "", problems);
  if (!problems.empty()) return bad_target(target, problems.front().field + ": " + problems.front().message);
  return model::from_json<model::ModbusChannel>(canonical);
}

}  // namespace

Result<std::shared_ptr<ModbusTalk>> ModbusTalk::open(runtime::Modbus& modbus, const device::Catalogs& catalogs,
                                                     const std::string& target) {
  if (target.find("://") != std::string::npos) {
    JL_TRY(const auto channel, channel_of(target));
    const runtime::CertSource certs = [&](const std::string& id) -> Result<device::CertInfo> {
      const auto cert = catalogs.current()->cert(id);
      if (!cert || !cert->bundle) return bad_target(target, "cert \"" + id + "\" does not exist or cannot be read");
      return *cert;
    };
    JL_TRY(auto config, runtime::channel_config("", channel, certs));
    std::string address = config.address;
    std::string id = modbus.channels().put_temporary(std::move(config));
    return std::make_shared<ModbusTalk>(modbus, std::move(id), std::move(address), channel.order, true);
  }
  if (!is_valid_id(target)) return bad_target(target, "is neither the id of a channel nor a place");
  const auto channel = modbus.channel(target);
  if (!channel)
    return Error(Errc::not_found, "modbus-channel \"" + target + "\" does not exist", "jlctl modbus channel list");
  if (!modbus.channels().runs(target)) {
    return Error(Errc::disabled, "modbus-channel \"" + target + "\" does not run",
                 "jlctl modbus channel enable " + target);
  }
  return std::make_shared<ModbusTalk>(modbus, target, runtime::address_of(*channel), channel->order, false);
}

ModbusTalk::~ModbusTalk() {
  if (temporary_) modbus_.channels().erase(channel_);
}

void ModbusTalk::trace() {
  tap_ = std::make_shared<modbus::Tap>();
  frames_ = std::make_shared<json::array>();
  tap_->on_frame = [frames = frames_](const modbus::TraceFrame& frame) {
    constexpr std::size_t kMost = 1000;
    if (frames->size() < kMost)
      frames->push_back(json::object{{"direction", frame.sent ? "sent" : "received"}, {"hex", to_hex(frame.bytes)}});
  };
  modbus_.channels().with(channel_, [tap = std::weak_ptr<const modbus::Tap>(tap_)](modbus::Channel* channel) {
    if (channel) channel->add_tap(tap);
  });
}

void ModbusTalk::with(std::function<void(modbus::Channel&)> work, std::function<void(const Status&)> gone) {
  modbus_.channels().with(
      channel_, [self = shared_from_this(), work = std::move(work), gone = std::move(gone)](modbus::Channel* channel) {
        if (channel) return work(*channel);
        gone(Error(Errc::connection_lost, "modbus-channel \"" + self->channel_ + "\" was stopped"));
      });
}

void ModbusTalk::request(std::uint8_t unit, const wire::modbus::Request& request, modbus::Priority priority,
                         Millis timeout, std::function<void(const modbus::Outcome&)> done) {
  with(
      [unit, request, priority, timeout, done](modbus::Channel& channel) {
        channel.request({unit, request, priority, timeout, done});
      },
      [done](const Status& status) {
        modbus::Outcome outcome;
        outcome.problem = status.error().message;
        done(outcome);
      });
}

Status modbus_status(const modbus::Outcome& outcome, std::uint8_t unit, const modbus::Format& format) {
  using Kind = modbus::Outcome::Kind;
  if (outcome.kind == Kind::ok) return {};
  const auto& area = model::EnumWords<model::ModbusArea>::words()[static_cast<std::size_t>(format.area)].word;
  const std::string text = fmt::format("unit {}, {} {}: {}", unit, area, format.address, outcome.problem);
  switch (outcome.kind) {
    case Kind::timeout:
      return Error(Errc::timeout, text, "is the unit id right, and the slave on? jlctl modbus scan TARGET");
    case Kind::exception:
      return Error(Errc::device_error, text, "the slave answered, and refused; see its register map");
    case Kind::malformed:
      return Error(Errc::device_error, text, "look at the frames with --trace");
    default:
      return Error(Errc::network, text, "jlctl modbus test TARGET");
  }
}

}  // namespace jl::control
