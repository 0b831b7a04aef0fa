#include "daemon/broker/records.hpp"

namespace jl::broker::records {
namespace {

constexpr char kVersion = 1;

class Writer {
 public:
  Writer() : out_(1, kVersion) {}
  void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void u16(std::uint16_t value) {
    u8(static_cast<std::uint8_t>(value >> 8u));
    u8(static_cast<std::uint8_t>(value & 0xFFu));
  }
  void u32(std::uint32_t value) {
    u16(static_cast<std::uint16_t>(value >> 16u));
    u16(static_cast<std::uint16_t>(value & 0xFFFFu));
  }
  void u64(std::uint64_t value) { store::append_u64(out_, value); }
  void text(std::string_view value) {
    u32(static_cast<std::uint32_t>(value.size()));
    out_.append(value);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// Reads what Writer wrote; once something is missing everything else is, too.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) { ok_ = u8() == kVersion && ok_; }
  std::uint8_t u8() {
    const std::string_view bytes = take(1);
    return bytes.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(bytes[0]);
  }
  std::uint16_t u16() {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8u | u8());
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16u | u16();
  }
  std::uint64_t u64() {
    const std::uint64_t high = u32();
    return high << 32u | u32();
  }
  std::string_view text() { return take(u32()); }
  [[nodiscard]] bool at_end() const { return ok_ && rest_.empty(); }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool has_more() const { return ok_ && !rest_.empty(); }

 private:
  std::string_view take(std::size_t count) {
    if (!ok_ || rest_.size() < count) {
      ok_ = false;
      return {};
    }
    const std::string_view out = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return out;
  }
  std::string_view rest_;
  bool ok_ = true;
};

Error corrupt(std::string_view what) { return {Errc::corrupt, "a stored " + std::string(what) + " cannot be read"}; }

void write(Writer& out, const wire::mqtt::Message& message) {
  out.u8(message.qos);
  out.u8(message.retain ? 1 : 0);
  out.u64(static_cast<std::uint64_t>(message.expires_at));
  out.text(message.topic);
  out.text(message.properties);
  out.text(message.payload);
}

wire::mqtt::Message read(Reader& in) {
  wire::mqtt::Message out;
  out.qos = in.u8();
  out.retain = in.u8() != 0;
  out.expires_at = static_cast<Millis>(in.u64());
  out.topic = in.text();
  out.properties = in.text();
  out.payload = in.text();
  return out;
}

}  // namespace

std::string prefix(std::string_view network_id) {
  std::string out(network_id);
  out.push_back('\0');
  return out;
}

std::string prefix(std::string_view network_id, Kind kind) {
  std::string out = prefix(network_id);
  out.push_back(static_cast<char>(kind));
  out.push_back('\0');
  return out;
}

void key(std::string& out, std::string_view network_id, Kind kind, std::string_view name) {
  out.assign(network_id);
  out.push_back('\0');
  out.push_back(static_cast<char>(kind));
  out.push_back('\0');
  out.append(name);
}

void key(std::string& out, std::string_view network_id, Kind kind, std::string_view client, std::uint64_t number) {
  key(out, network_id, kind, client);
  out.push_back('\0');
  store::append_u64(out, number);
}

void key(std::string& out, std::string_view network_id, Kind kind, std::uint64_t number) {
  key(out, network_id, kind, std::string_view());
  store::append_u64(out, number);
}

std::optional<Name> name_of(std::string_view key, std::string_view network_id, Kind kind) {
  const std::string front = prefix(network_id, kind);
  if (!key.starts_with(front)) return std::nullopt;
  key.remove_prefix(front.size());
  switch (kind) {
    case Kind::session:
    case Kind::retained:
      return Name{key, 0};
    case Kind::body:
      if (key.size() != 8) return std::nullopt;
      return Name{{}, store::read_u64(key)};
    default:
      // MQTT texts hold no NUL (MQTT 5 §1.5.4), so the number is what follows the last possible place of one.
      if (key.size() < 9 || key[key.size() - 9] != '\0') return std::nullopt;
      return Name{key.substr(0, key.size() - 9), store::read_u64(key.substr(key.size() - 8))};
  }
}

std::string encode(const SessionRecord& record) {
  Writer out;
  out.u32(record.expiry_seconds);
  out.u64(static_cast<std::uint64_t>(record.disconnected_at));
  out.text(record.user);
  for (const auto& each : record.subscriptions) {
    out.text(each.filter);
    out.u8(each.options.qos);
    out.u8(each.options.no_local ? 1 : 0);
    out.u8(each.options.retain_as_published ? 1 : 0);
    out.u8(each.options.retain_handling);
    out.u32(each.options.subscription_id);
  }
  return out.take();
}

Result<SessionRecord> decode_session(std::string_view bytes) {
  Reader in(bytes);
  SessionRecord out;
  out.expiry_seconds = in.u32();
  out.disconnected_at = static_cast<Millis>(in.u64());
  out.user = in.text();
  while (in.has_more()) {
    wire::mqtt::Subscription each;
    each.filter = in.text();
    each.options.qos = in.u8();
    each.options.no_local = in.u8() != 0;
    each.options.retain_as_published = in.u8() != 0;
    each.options.retain_handling = in.u8();
    each.options.subscription_id = in.u32();
    out.subscriptions.push_back(std::move(each));
  }
  if (!in.ok()) return corrupt("MQTT session");
  return out;
}

std::string encode(const wire::mqtt::Message& message) {
  Writer out;
  write(out, message);
  return out.take();
}

Result<wire::mqtt::Message> decode_message(std::string_view bytes) {
  Reader in(bytes);
  auto out = read(in);
  if (!in.at_end() || out.qos > 2) return corrupt("MQTT message");
  return out;
}

std::string encode_queued(const wire::mqtt::Delivery& delivery, const wire::mqtt::Message* body) {
  Writer out;
  out.u8(delivery.qos);
  out.u8(delivery.retain ? 1 : 0);
  out.text(delivery.subscription_ids);
  if (body) write(out, *body);
  return out.take();
}

Result<QueuedRecord> decode_queued(std::string_view bytes) {
  Reader in(bytes);
  QueuedRecord out;
  out.qos = in.u8();
  out.retain = in.u8() != 0;
  out.subscription_ids = in.text();
  if (in.has_more()) out.body = read(in);
  if (!in.at_end() || out.qos > 2) return corrupt("MQTT message of a session");
  return out;
}

std::string encode(const InFlightRecord& record) {
  Writer out;
  out.u16(record.packet_id);
  out.u8(static_cast<std::uint8_t>(record.phase));
  return out.take();
}

Result<InFlightRecord> decode_in_flight(std::string_view bytes) {
  using Phase = wire::mqtt::OutboundExchange::Phase;
  Reader in(bytes);
  InFlightRecord out;
  out.packet_id = in.u16();
  const std::uint8_t phase = in.u8();
  if (!in.at_end() || out.packet_id == 0 || phase > static_cast<std::uint8_t>(Phase::await_pubcomp))
    return corrupt("MQTT exchange");
  out.phase = static_cast<Phase>(phase);
  return out;
}

}  // namespace jl::broker::records
