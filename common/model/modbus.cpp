#include "common/model/modbus.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>

namespace jl::model {

const std::vector<Word>& EnumWords<ModbusTransport>::words() {
  static const std::vector<Word> words{{"tcp", "Modbus TCP", {"MODBUS_TCP", "modbus-tcp"}},
                                       {"rtu-over-tcp", "RTU frames over TCP, as serial servers pass them on", {}},
                                       {"rtu", "RTU frames on a serial line", {"MODBUS_RTU", "modbus-rtu", "serial"}},
                                       {"tls", "Modbus TCP Security: Modbus TCP within TLS", {"mbaps"}}};
  return words;
}

const std::vector<Word>& EnumWords<ModbusParity>::words() {
  static const std::vector<Word> words{{"none", "no parity bit", {"N"}},
                                       {"even", "even parity, the standard's own default", {"E"}},
                                       {"odd", "odd parity", {"O"}}};
  return words;
}

const std::vector<Word>& EnumWords<ModbusBreaker>::words() {
  static const std::vector<Word> words{
      {"LowerFrequency",
       "tried again after 1 s, then ever more rarely, up to a minute (降低频率)",
       {"lower-frequency"}},
      {"Break", "the same, and after 10 minutes not at all until the channel is enabled again (断开)", {}},
      {"Ignore", "polled on as if nothing was wrong (忽略)", {}}};
  return words;
}

const std::vector<Word>& EnumWords<ModbusArea>::words() {
  static const std::vector<Word> words{
      {"Coils", "bits that can be written, function 01 (线圈寄存器)", {"coil", "01", "1", "0x"}},
      {"DiscreteInputs",
       "bits that can only be read, function 02 (离散输入)",
       {"discrete-inputs", "discrete", "02", "2", "1x"}},
      {"HoldingRegisters",
       "registers that can be written, function 03 (保存寄存器)",
       {"holding-registers", "holding", "03", "3", "4x"}},
      {"InputRegisters",
       "registers that can only be read, function 04 (输入寄存器)",
       {"input-registers", "input", "04", "4", "3x"}}};
  return words;
}

const std::vector<Word>& EnumWords<ModbusOrder>::words() {
  static const std::vector<Word> words{{"ABCD", "most significant first throughout; 0x12345678 is 1234 5678", {}},
                                       {"BADC", "bytes swapped within words: 3412 7856", {}},
                                       {"CDAB", "least significant word first: 5678 1234", {}},
                                       {"DCBA", "least significant first throughout: 7856 3412", {}},
                                       {"AB", "16 bit: most significant byte first", {}},
                                       {"BA", "16 bit: least significant byte first", {}},
                                       {"ABCDEFGH", "64 bit: as ABCD", {}},
                                       {"BADCFEHG", "64 bit: as BADC", {}},
                                       {"HGFEDCBA", "64 bit: as DCBA", {}},
                                       {"GHEFCDAB", "64 bit: as CDAB", {}},
                                       {"CDABGHEF", "64 bit: words swapped within each half", {}},
                                       {"EFGHABCD", "64 bit: halves swapped", {}}};
  return words;
}

const std::vector<Word>& EnumWords<ModbusType>::words() {
  static const std::vector<Word> words{{"bool", "a coil or input; of a register: not 0", {"boolean"}},
                                       {"bit", "one bit of a register; see bit", {}},
                                       {"int8", "half of a register, signed; see byte", {}},
                                       {"uint8", "half of a register; see byte", {}},
                                       {"int16", "one register, signed", {}},
                                       {"uint16", "one register", {"word"}},
                                       {"int32", "two registers, signed", {}},
                                       {"uint32", "two registers", {"dword"}},
                                       {"int64", "four registers, signed", {}},
                                       {"uint64", "four registers", {}},
                                       {"float32", "IEEE 754, two registers", {"float", "ieee754_float"}},
                                       {"float64", "IEEE 754, four registers", {"double", "ieee754_double"}},
                                       {"bcd16", "four decimal digits in one register", {}},
                                       {"bcd32", "eight decimal digits in two registers", {}},
                                       {"string", "text, two bytes in a register", {"utf8", "ascii"}},
                                       {"bytes", "bytes as they are, shown in hex", {"hex"}}};
  return words;
}

const std::vector<Word>& EnumWords<ModbusByte>::words() {
  static const std::vector<Word> words{{"low", "the less significant half", {"lo"}},
                                       {"high", "the more significant half", {"hi"}}};
  return words;
}

const std::vector<Word>& EnumWords<ModbusAccess>::words() {
  static const std::vector<Word> words{{"read", "it is only read", {"r", "ro"}},
                                       {"write", "it is only written", {"w", "wo"}},
                                       {"read-write", "both", {"rw"}}};
  return words;
}

const std::vector<Word>& EnumWords<ModbusBand>::words() {
  static const std::vector<Word> words{{"absolute", "in units of the value", {}},
                                       {"percent", "of the value reported last", {"%"}}};
  return words;
}

std::size_t registers_of(ModbusType type) {
  switch (type) {
    case ModbusType::int32:
    case ModbusType::uint32:
    case ModbusType::float32:
    case ModbusType::bcd32:
      return 2;
    case ModbusType::int64:
    case ModbusType::uint64:
    case ModbusType::float64:
      return 4;
    case ModbusType::text:
    case ModbusType::bytes:
      return 0;
    default:
      return 1;
  }
}

bool fits_area(ModbusType type, ModbusArea area) { return has_registers(area) || type == ModbusType::boolean; }

bool fits_order(ModbusType type, ModbusOrder order) {
  if (order <= ModbusOrder::dcba) return true;
  if (order <= ModbusOrder::ba) return registers_of(type) < 2;
  return registers_of(type) == 4;
}

std::uint16_t ModbusPoint::wire_address() const {
  const auto parsed = parse_modbus_address(address, function);
  return parsed ? *parsed : std::uint16_t{0};
}

std::size_t ModbusPoint::count() const {
  if (quantity) return static_cast<std::size_t>(*quantity);
  return std::max<std::size_t>(registers_of(value_type()), 1);
}

namespace {

void add(std::vector<Problem>& problems, const std::string& path, const char* field, std::string message) {
  problems.push_back({path.empty() ? field : path + "." + field, std::move(message), Errc::invalid, {}, {}});
}

}  // namespace

void settle_modbus_channel(json::object& spec, const std::string& path, std::vector<Problem>& problems) {
  const auto channel = from_json<ModbusChannel>(spec);
  const std::string word = EnumWords<ModbusTransport>::words()[static_cast<std::size_t>(channel.transport)].word;
  const bool serial = channel.transport == ModbusTransport::rtu;
  if (serial && channel.device.empty()) add(problems, path, "device", "is required with rtu");
  if (!serial && channel.host.empty()) add(problems, path, "host", "is required with " + word);
  if (serial && !channel.device.empty() && !channel.device.starts_with('/'))
    add(problems, path, "device", "must be an absolute path");
  const auto only = [&](const char* field, const char* transport, bool is_it) {
    if (!is_it && spec.contains(field)) add(problems, path, field, "has a meaning only with " + std::string(transport));
  };
  only("device", "rtu", serial);
  only("certId", "tls", channel.transport == ModbusTransport::tls);
  only("privateKeyAlias", "tls", channel.transport == ModbusTransport::tls);
  if (serial && spec.contains("host")) add(problems, path, "host", "has no meaning with rtu; see device");
  if (serial && spec.contains("port")) add(problems, path, "port", "has no meaning with rtu");
  if (channel.host.find_first_of(" /:@") != std::string::npos && channel.host.find("::") == std::string::npos)
    add(problems, path, "host", "\"" + channel.host + "\" is no host name or address; see port");
  if (channel.order > ModbusOrder::dcba)
    add(problems, path, "order", "of a channel is one of ABCD, BADC, CDAB, DCBA; they hold for values of any length");
}

namespace {

// Only what is needed to judge a point whose fields may still be wrong.
class PointCheck {
 public:
  PointCheck(json::object& spec, const std::string& path, std::vector<Problem>& problems)
      : spec_(spec), path_(path), problems_(problems), point_(from_json<ModbusPoint>(spec)) {}

  void run() {
    address();
    type();
    quantity();
    access();
    report();
  }

 private:
  void problem(const char* field, std::string message) { add(problems_, path_, field, std::move(message)); }
  [[nodiscard]] std::string type_word() const {
    return EnumWords<ModbusType>::words()[static_cast<std::size_t>(point_.value_type())].word;
  }

  void address() {
    if (point_.address.empty()) return;  // missing, and said so
    const auto parsed = parse_modbus_address(point_.address, point_.function);
    if (!parsed) return problem("address", parsed.error().message);
    spec_["address"] = modbus_address_text(*parsed, point_.function);
    address_ = *parsed;
  }

  void type() {
    const ModbusType type = point_.value_type();
    const bool registers = has_registers(point_.function);
    if (!fits_area(type, point_.function)) {
      problem("type", "\"" + type_word() + "\" needs registers; coils and discrete inputs are bool");
    }
    if (point_.order && !fits_order(type, *point_.order)) {
      problem("order", "does not fit the length of type " + type_word() + "; ABCD, BADC, CDAB and DCBA fit any");
    }
    if (type == ModbusType::bit && !point_.bit) problem("bit", "is required with type bit");
    if (type != ModbusType::bit && point_.bit) problem("bit", "has a meaning only with type bit");
    if (point_.scale_factor == 0) problem("scaleFactor", "must not be 0");
    const bool scaled = point_.scale_factor != 1 || point_.offset != 0 || point_.decimals.has_value();
    const bool number = type >= ModbusType::int8 && type <= ModbusType::bcd32;
    if (scaled && !number) problem("scaleFactor", "scale, offset and decimals are for numbers, not for " + type_word());
    if (point_.mask_write && type != ModbusType::bit) problem("maskWrite", "has a meaning only with type bit");
    if (!registers && (point_.byte_count || !point_.write_byte_count))
      problem("byteCount", "has a meaning only with holding registers");
  }

  void quantity() {
    const ModbusType type = point_.value_type();
    const std::size_t size = registers_of(type);
    const std::size_t count = point_.count();
    const std::size_t most = has_registers(point_.function) ? 125 : 2000;
    if (!point_.quantity && size == 0 && has_registers(point_.function))
      problem("quantity", "is required with type " + type_word());
    if (count > most)
      problem("quantity", fmt::format("{} is out of range; one request reads at most {} {}", count, most,
                                      most == 125 ? "registers" : "bits"));
    if (size > 1 && count % size != 0)
      problem("quantity", fmt::format("must be a multiple of {}: a {} takes that many registers", size, type_word()));
    const bool single = type == ModbusType::bit || type == ModbusType::int8 || type == ModbusType::uint8;
    if (single && count != 1) problem("quantity", "must be 1 with type " + type_word());
    if (address_ && *address_ + count > 65'536) problem("quantity", "goes beyond address 65535");
  }

  void access() {
    if (point_.writes() && !is_writable(point_.function)) {
      problem("access", "discrete inputs and input registers cannot be written");
    }
    if (point_.reads() && point_.unit_id == 0)
      problem("unitId", "0 is all slaves at once: nobody answers, so access must be write");
    const std::size_t most = has_registers(point_.function) ? 123 : 1968;
    if (point_.writes() && point_.count() > most)
      problem("quantity", fmt::format("one request writes at most {}", most));
  }

  void report() {
    if (point_.interval && *point_.interval > 0 && *point_.interval < 10)
      problem("interval", "must be 10 ms at least, or 0 = never");
    if (point_.interval.value_or(0) > 0 && !point_.reads())
      problem("interval", "a point that is only written cannot be polled");
    if (point_.dead_band && *point_.dead_band < 0) problem("deadBand", "must not be negative");
    if (!point_.changed_only && (point_.dead_band || point_.max_silence))
      problem("changedOnly", "must be true for deadBand and maxSilence to mean anything");
  }

  json::object& spec_;
  const std::string& path_;
  std::vector<Problem>& problems_;
  const ModbusPoint point_;
  std::optional<std::uint16_t> address_;
};

}  // namespace

void settle_modbus_point(json::object& spec, const std::string& path, std::vector<Problem>& problems) {
  PointCheck(spec, path, problems).run();
}

}  // namespace jl::model
