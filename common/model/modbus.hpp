#pragma once
// Modbus channels and points (通道, 数据点): a connection to slaves, and the values that are read and written there
// (operations.md 2).
#include "common/model/describe.hpp"
#include "common/model/modbus_address.hpp"

#include <cstdint>
#include <optional>

namespace jl::model {

enum class ModbusTransport : std::uint8_t { tcp, rtu_over_tcp, rtu, tls };
template <>
struct EnumWords<ModbusTransport> {
  static const std::vector<Word>& words();
};

enum class ModbusParity : std::uint8_t { none, even, odd };
template <>
struct EnumWords<ModbusParity> {
  static const std::vector<Word>& words();
};

/// What becomes of a unit that does not answer.
enum class ModbusBreaker : std::uint8_t { lower_frequency, break_, ignore };
template <>
struct EnumWords<ModbusBreaker> {
  static const std::vector<Word>& words();
};

template <>
struct EnumWords<ModbusArea> {
  static const std::vector<Word>& words();
};

/// How the bytes of a value stand in its registers; A is the most significant one. The four of 32 bits also say what
/// becomes of shorter and longer values: whether words, and bytes within words, stand least significant first.
enum class ModbusOrder : std::uint8_t {
  abcd,
  badc,
  cdab,
  dcba,
  ab,
  ba,
  abcdefgh,
  badcfehg,
  hgfedcba,
  ghefcdab,
  cdabghef,
  efghabcd,
};
template <>
struct EnumWords<ModbusOrder> {
  static const std::vector<Word>& words();
};

enum class ModbusType : std::uint8_t {
  boolean,  ///< a coil or discrete input; a register: not 0
  bit,      ///< one bit of a register
  int8,
  uint8,  ///< half of a register
  int16,
  uint16,
  int32,
  uint32,
  int64,
  uint64,
  float32,
  float64,
  bcd16,
  bcd32,
  text,   ///< characters, two in a register
  bytes,  ///< as they are, in hex
};
template <>
struct EnumWords<ModbusType> {
  static const std::vector<Word>& words();
};
/// Registers that one value takes; 0 = as many as the point says (text, bytes).
[[nodiscard]] std::size_t registers_of(ModbusType type);
/// Whether the type can stand in an area: of bits, only boolean can.
[[nodiscard]] bool fits_area(ModbusType type, ModbusArea area);
/// Whether an order can be used with a type: those of four letters with all, others with those of their length.
[[nodiscard]] bool fits_order(ModbusType type, ModbusOrder order);

enum class ModbusByte : std::uint8_t { low, high };
template <>
struct EnumWords<ModbusByte> {
  static const std::vector<Word>& words();
};

enum class ModbusAccess : std::uint8_t { read, write, read_write };
template <>
struct EnumWords<ModbusAccess> {
  static const std::vector<Word>& words();
};

enum class ModbusBand : std::uint8_t { absolute, percent };
template <>
struct EnumWords<ModbusBand> {
  static const std::vector<Word>& words();
};

/// A connection to Modbus slaves.
struct ModbusChannel {
  static constexpr std::size_t kMaxChannels = 2'000;
  ModbusTransport transport = ModbusTransport::tcp;
  std::string host;
  std::optional<std::uint16_t> port;  ///< 502, with TLS 802
  std::string device;                 ///< rtu: of the serial line
  int baud_rate = 9600;
  ModbusParity parity = ModbusParity::none;
  int data_bits = 8, stop_bits = 1;
  bool rs485 = false;
  Reference cert_id;
  std::string private_key_alias;
  bool verify_host = true;
  int request_timeout = 2000, connect_timeout = 5000;  // milliseconds, as the rest
  int request_delay = 0, error_delay = 0;
  int max_in_flight = 1;
  int max_gap = 8, max_gap_bits = 16;
  int max_block = 120, max_block_bits = 1920;
  ModbusOrder order = ModbusOrder::abcd;
  ModbusBreaker breaker = ModbusBreaker::lower_frequency;
  int breaker_threshold = 3;
};

/// A value at an address of a unit.
struct ModbusPoint {
  static constexpr std::size_t kMaxPoints = 10'000;  ///< of one channel
  Reference channel_id;
  int unit_id = 1;
  ModbusArea function = ModbusArea::holding_registers;
  std::string address;               ///< canonical: decimal, or hex where that would be PLC notation
  std::optional<int> quantity;       ///< registers or bits; default: what the type takes
  std::optional<ModbusType> type;    ///< default: uint16, of bits boolean
  std::optional<ModbusOrder> order;  ///< default: the channel's
  std::optional<int> bit;            ///< type bit: 0 = least significant
  ModbusByte byte = ModbusByte::low;
  double scale_factor = 1, offset = 0;
  std::optional<int> decimals;
  ModbusAccess access = ModbusAccess::read;
  std::optional<int> interval;  ///< milliseconds; nothing or 0 = not polled
  bool changed_only = false;
  std::optional<double> dead_band;
  ModbusBand dead_band_type = ModbusBand::absolute;
  std::optional<int> max_silence;  ///< milliseconds
  bool no_merge = false;
  bool force_multiple = false, mask_write = false;
  bool write_byte_count = true;
  std::optional<int> byte_count;

  [[nodiscard]] bool reads() const { return access != ModbusAccess::write; }
  [[nodiscard]] bool writes() const { return access != ModbusAccess::read; }
  /// The address on the wire.
  [[nodiscard]] std::uint16_t wire_address() const;
  [[nodiscard]] ModbusType value_type() const {
    return type.value_or(has_registers(function) ? ModbusType::uint16 : ModbusType::boolean);
  }
  /// Registers or bits that it takes, 1 at least.
  [[nodiscard]] std::size_t count() const;
};

/// Which fields a transport needs, and which ones mean nothing to it.
void settle_modbus_channel(json::object& spec, const std::string& path, std::vector<Problem>& problems);
/// The address in its area, and whether type, order, bit, quantity and access fit together (operations.md 2.1, 2.2).
void settle_modbus_point(json::object& spec, const std::string& path, std::vector<Problem>& problems);

template <class V>
void describe(V& v, ModbusChannel& s) {
  v.field("transport", s.transport).immutable().help("how requests travel (传输方式)").example("tcp");
  v.field("host", s.host).help("name or address of the slave or gateway; not with rtu (主机地址)").example("10.0.0.7");
  v.field("port", s.port).range(1, 65535).help("TCP port; 502, with tls 802, unless given (端口)");
  v.field("device", s.device)
      .max_length(255)
      .help("rtu: serial device on the daemon's machine")
      .example("/dev/ttyUSB0");
  v.field("baudRate", s.baud_rate).range(110, 4'000'000).help("rtu: bits per second (波特率)");
  v.field("parity", s.parity).help("rtu: parity bit (校验位)");
  v.field("dataBits", s.data_bits).range(7, 8).help("rtu: data bits (数据位)");
  v.field("stopBits", s.stop_bits).range(1, 2).help("rtu: stop bits (停止位)");
  v.field("rs485", s.rs485).help("rtu: let the kernel switch the direction of an RS-485 line");
  v.field("certId", s.cert_id).refers_to("cert").flag("cert").help("tls: cert whose trust, and key, is used (证书)");
  v.field("privateKeyAlias", s.private_key_alias).no_default().help("tls: entry of the cert (私钥别名)");
  v.field("verifyHost", s.verify_host).help("tls: the slave's certificate must name the host");
  v.field("requestTimeout", s.request_timeout).range(50, 60'000).help("wait for an answer, ms (请求超时)");
  v.field("connectTimeout", s.connect_timeout).range(100, 60'000).help("wait for a connection, ms (连接超时)");
  v.field("requestDelay", s.request_delay).range(0, 3'000).help("pause between requests, ms (请求间隔)");
  v.field("errorDelay", s.error_delay).range(0, 60'000).help("pause of a unit after an error, ms");
  v.field("maxInFlight", s.max_in_flight).range(1, 16).help("requests that may wait at once; rtu always has one");
  v.field("maxGap", s.max_gap).range(0, 120).help("registers nobody asked for that one request may read along");
  v.field("maxGapBits", s.max_gap_bits).range(0, 1900).help("the same of coils and discrete inputs");
  v.field("maxBlock", s.max_block).range(1, 125).help("registers of one request");
  v.field("maxBlockBits", s.max_block_bits).range(1, 2000).help("coils or discrete inputs of one request");
  v.field("order", s.order).help("byte order of points that name none (字节序)").example("CDAB");
  v.field("circuitBreaker", s.breaker).help("what becomes of a unit that does not answer (熔断策略)");
  v.field("breakerThreshold", s.breaker_threshold).range(1, 100).help("unanswered requests until then");
  v.settle(settle_modbus_channel);
}

template <class V>
void describe(V& v, ModbusPoint& s) {
  v.field("channelId", s.channel_id)
      .required()
      .immutable()
      .refers_to("modbus-channel")
      .owner()
      .flag("channel")
      .help("channel that it is read over (所属通道)")
      .example("plc-1");
  v.field("unitId", s.unit_id)
      .range(0, 255)
      .flag("unit")
      .help("address of the slave; 0 = all of them, write only; 255 = the TCP slave itself (从站ID)");
  v.field("function", s.function).help("data area (功能码)").example("HoldingRegisters");
  v.field("address", s.address)
      .required()
      .help("from zero, decimal or hex; or as PLC manuals print it: 40108 (地址)")
      .example("40108");
  v.field("quantity", s.quantity).range(1, 2000).help("registers or bits; what the type takes unless given (数量)");
  v.field("type", s.type).help("of the value; uint16, of bits bool, unless given (数据类型)").example("float32");
  v.field("order", s.order).help("byte order; the channel's unless given (字节序)").example("CDAB");
  v.field("bit", s.bit).range(0, 15).help("type bit: which one, 0 = least significant");
  v.field("byte", s.byte).help("types int8 and uint8: which half of the register");
  v.field("scaleFactor", s.scale_factor).flag("scale").help("value = raw * factor + offset (缩放因子)").example("0.1");
  v.field("offset", s.offset).help("see scaleFactor (偏移)");
  v.field("decimals", s.decimals).range(0, 15).help("round to so many decimals (小数位)");
  v.field("access", s.access).help("what may be done (访问类型)").example("read-write");
  v.field("interval", s.interval).range(0, 86'400'000).help("read every so many ms, 10 at least; 0 = never (采集频率)");
  v.field("changedOnly", s.changed_only)
      .flag("changed-only")
      .help("report a value only when it changed (只推送变化的数据)");
  v.field("deadBand", s.dead_band).help("with changedOnly: changes up to this much are none (死区)").example("0.5");
  v.field("deadBandType", s.dead_band_type).help("deadBand in units of the value, or percent of the last one");
  v.field("maxSilence", s.max_silence).range(0, 86'400'000).help("with changedOnly: report anyway after so many ms");
  v.field("noMerge", s.no_merge).help("read it with a request of its own");
  v.field("forceMultiple", s.force_multiple).help("write with function 15 or 16 even a single one");
  v.field("maskWrite", s.mask_write).help("type bit: write with function 22 instead of reading the register first");
  v.field("writeByteCount", s.write_byte_count)
      .help("send the byte count of function 16, as the standard says (非标准写)");
  v.field("byteCount", s.byte_count).range(0, 255).help("another byte count than the standard's (字节数)");
  v.settle(settle_modbus_point);
  v.drop("collectState");
}

}  // namespace jl::model
