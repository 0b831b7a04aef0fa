#include "daemon/wire/modbus/pdu.hpp"

#include "common/base/assert.hpp"

#include <algorithm>

namespace jl::wire::modbus {
namespace {

constexpr std::uint8_t kException = 0x80;  // §7: set in the function code of a reply that refuses
constexpr std::uint32_t kAddresses = 65'536;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

void put16(std::string& out, std::uint16_t value) {
  out.push_back(static_cast<char>(value >> 8u));
  out.push_back(static_cast<char>(value & 0xFFu));
}

bool is_known(Function function) { return !to_string(function).empty(); }

/// The largest count of a function; 1 where there is none on the wire.
std::uint16_t max_count(Function function) {
  switch (function) {
    case Function::read_coils:
    case Function::read_discrete_inputs:
      return kMaxReadBits;
    case Function::read_holding_registers:
    case Function::read_input_registers:
      return kMaxReadRegisters;
    case Function::write_multiple_coils:
      return kMaxWriteBits;
    case Function::write_multiple_registers:
      return kMaxWriteRegisters;
    default:
      return 1;
  }
}

Error invalid(const Request& request, const std::string& what, const std::string& hint = {}) {
  return {Errc::invalid, "cannot " + std::string(to_string(request.function)) + ": " + what, hint};
}

/// Coils with the bits beyond the last one zero, as §6.11 wants it.
std::string padded_coils(const Request& request) {
  std::string data = request.data;
  const unsigned used = request.count % 8u;
  if (used != 0) data.back() = static_cast<char>(byte_at(data, data.size() - 1) & ((1u << used) - 1u));
  return data;
}

void put_multiple(std::string& pdu, const Request& request, const std::string& data) {
  put16(pdu, request.count);
  if (request.with_byte_count) {
    pdu.push_back(static_cast<char>(request.byte_count.value_or(static_cast<std::uint8_t>(data.size()))));
  }
  pdu += data;
}

Reply malformed(std::string_view problem) { return {.problem = problem}; }

Reply parse_data(const Request& request, std::string_view pdu) {
  if (pdu.size() < 2) return malformed("the reply has no byte count");
  const std::size_t size = data_size(request.function, request.count);
  if (byte_at(pdu, 1) != size) return malformed("the reply's byte count is not that of the request");
  if (pdu.size() != 2 + size) return malformed("the reply's length is not what its byte count says");
  return {.kind = Reply::Kind::ok, .data = pdu.substr(2)};
}

/// Writes are answered by the request itself, of several coils or registers up to the count (§6.5, 6.6, 6.11, 6.12,
/// 6.16).
Reply parse_echo(const Request& request, std::string_view pdu) {
  std::string echo = encode(request);
  if (max_count(request.function) > 1) echo.resize(5);
  if (pdu.size() != echo.size()) return malformed("the reply to a write has another length");
  if (pdu != echo) return malformed("the reply to a write tells of another write");
  return {.kind = Reply::Kind::ok};
}

}  // namespace

std::string_view to_string(Function function) {
  switch (function) {
    case Function::read_coils:
      return "read coils";
    case Function::read_discrete_inputs:
      return "read discrete inputs";
    case Function::read_holding_registers:
      return "read holding registers";
    case Function::read_input_registers:
      return "read input registers";
    case Function::write_single_coil:
      return "write single coil";
    case Function::write_single_register:
      return "write single register";
    case Function::write_multiple_coils:
      return "write multiple coils";
    case Function::write_multiple_registers:
      return "write multiple registers";
    case Function::mask_write_register:
      return "mask write register";
  }
  return {};
}

bool is_read(Function function) { return function <= Function::read_input_registers; }

bool is_bits(Function function) {
  return function == Function::read_coils || function == Function::read_discrete_inputs ||
         function == Function::write_single_coil || function == Function::write_multiple_coils;
}

std::size_t data_size(Function function, std::uint16_t count) {
  switch (function) {
    case Function::write_single_coil:
      return 1;
    case Function::write_single_register:
      return 2;
    case Function::mask_write_register:
      return 4;
    default:
      return is_bits(function) ? (std::size_t{count} + 7) / 8 : std::size_t{count} * 2;
  }
}

Status check(const Request& request) {
  if (!is_known(request.function)) {
    return Error{Errc::invalid, "function " + std::to_string(static_cast<unsigned>(request.function)) +
                                    " is none of 1 to 6, 15, 16 and 22"};
  }
  const std::uint16_t most = max_count(request.function);
  if (request.count == 0 || request.count > most) {
    return invalid(request,
                   "the count " + std::to_string(request.count) + " is not within 1 and " + std::to_string(most));
  }
  if (std::uint32_t{request.address} + request.count > kAddresses) {
    return invalid(request, std::to_string(request.count) + " from address " + std::to_string(request.address) +
                                " on reach beyond address 65535");
  }
  const std::size_t size = is_read(request.function) ? 0 : data_size(request.function, request.count);
  if (request.data.size() != size) {
    return invalid(request, "there are " + std::to_string(request.data.size()) + " bytes of data instead of " +
                                std::to_string(size));
  }
  return {};
}

std::string encode(const Request& request) {
  std::string pdu;
  pdu.reserve(kMaxPdu);
  pdu.push_back(static_cast<char>(request.function));
  put16(pdu, request.address);
  switch (request.function) {
    case Function::write_single_coil:
      put16(pdu, request.data.front() == '\0' ? 0x0000 : 0xFF00);  // §6.5
      break;
    case Function::write_single_register:
    case Function::mask_write_register:
      pdu += request.data;
      break;
    case Function::write_multiple_coils:
      put_multiple(pdu, request, padded_coils(request));
      break;
    case Function::write_multiple_registers:
      put_multiple(pdu, request, request.data);
      break;
    default:
      put16(pdu, request.count);
  }
  JL_ASSERT(pdu.size() <= kMaxPdu);
  return pdu;
}

Reply parse_reply(const Request& request, std::string_view pdu) {
  if (pdu.empty()) return malformed("the reply is empty");
  const auto function = static_cast<std::uint8_t>(request.function);
  if (byte_at(pdu, 0) == (function | kException)) {
    if (pdu.size() != 2) return malformed("the reply is an exception of another length than 2");
    if (pdu[1] == '\0') return malformed("the reply is an exception without a code");
    return {.kind = Reply::Kind::exception, .exception = byte_at(pdu, 1)};
  }
  if (byte_at(pdu, 0) != function) return malformed("the reply is of another function");
  return is_read(request.function) ? parse_data(request, pdu) : parse_echo(request, pdu);
}

std::optional<std::size_t> reply_length(std::string_view begin) {
  if (begin.empty()) return 0;
  const std::uint8_t code = byte_at(begin, 0);
  const auto function = static_cast<Function>(code & static_cast<std::uint8_t>(~kException));
  if (!is_known(function)) return std::nullopt;
  if ((code & kException) != 0) return 2;
  if (function == Function::mask_write_register) return 7;
  if (!is_read(function)) return 5;
  return begin.size() < 2 ? 0 : 2 + std::size_t{byte_at(begin, 1)};
}

std::string exception_text(std::uint8_t code) {
  switch (code) {
    case 1:
      return "illegal function";
    case 2:
      return "illegal data address";
    case 3:
      return "illegal data value";
    case 4:
      return "server device failure";
    case 5:
      return "acknowledged, takes longer";
    case 6:
      return "server device busy";
    case 7:
      return "negative acknowledge";  // of the older serial specification; still sent
    case 8:
      return "memory parity error";
    case 10:
      return "gateway path unavailable";
    case 11:
      return "gateway target device failed to respond";
    default:
      return "exception " + std::to_string(code);
  }
}

}  // namespace jl::wire::modbus
