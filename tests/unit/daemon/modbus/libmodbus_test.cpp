// Our requests and replies against those of libmodbus, which others speak. Its contexts get one end of a socket pair,
// so that what it sends can be read and what it blocks for is there already; that goes for its RTU, too, without a tty.
#include "common/base/hex.hpp"
#include "daemon/wire/modbus/frame.hpp"

#include <doctest/doctest.h>

#include <modbus/modbus.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace jl::modbus {
namespace {

using namespace wire::modbus;
using Context = std::unique_ptr<modbus_t, decltype(&modbus_free)>;

constexpr std::uint8_t kUnit = 17;

/// The end of libmodbus and ours.
class SocketPair {
 public:
  SocketPair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) == 0); }
  ~SocketPair() {
    for (const int end : ends_) ::close(end);
  }
  SocketPair(const SocketPair&) = delete;
  [[nodiscard]] int theirs() const { return ends_[0]; }
  void write(std::string_view bytes) const {
    REQUIRE(::write(ends_[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  /// All that they sent.
  [[nodiscard]] std::string read() const {
    std::array<char, 1024> buffer{};
    const ssize_t count = ::recv(ends_[1], buffer.data(), buffer.size(), MSG_DONTWAIT);
    return count > 0 ? std::string(buffer.data(), static_cast<std::size_t>(count)) : std::string();
  }

 private:
  std::array<int, 2> ends_{};
};

Context open_context(bool rtu, const SocketPair& sockets) {
  Context context(rtu ? modbus_new_rtu("/dev/null", 9600, 'N', 8, 1) : modbus_new_tcp("127.0.0.1", 502), &modbus_free);
  REQUIRE(context != nullptr);
  REQUIRE(modbus_set_socket(context.get(), sockets.theirs()) == 0);
  REQUIRE(modbus_set_slave(context.get(), kUnit) == 0);
  REQUIRE(modbus_set_response_timeout(context.get(), 0, 1) == 0);  // it shall not wait for what is not there
  return context;
}

/// One request in our words and in theirs.
struct Exchange {
  std::string_view name;
  Request request;
  std::function<int(modbus_t*)> call;
  std::string_view data;  ///< what their server answers to a read, in hex
};

template <class Read>
auto reads_bits(Read read, int address, int count) {
  return [=](modbus_t* context) {
    std::array<std::uint8_t, 2000> bits{};
    return read(context, address, count, bits.data());
  };
}
template <class Read>
auto reads_registers(Read read, int address, int count) {
  return [=](modbus_t* context) {
    std::array<std::uint16_t, 125> registers{};
    return read(context, address, count, registers.data());
  };
}

const std::vector<Exchange>& exchanges() {
  static const std::vector<Exchange> rows = {
      {"read coils",
       {.function = Function::read_coils, .address = 3, .count = 11},
       reads_bits(modbus_read_bits, 3, 11),
       "4902"},
      {"read discrete inputs",
       {.function = Function::read_discrete_inputs, .address = 0, .count = 8},
       reads_bits(modbus_read_input_bits, 0, 8),
       "24"},
      {"read holding registers",
       {.function = Function::read_holding_registers, .address = 1, .count = 2},
       reads_registers(modbus_read_registers, 1, 2),
       "01010202"},
      {"read input registers",
       {.function = Function::read_input_registers, .address = 250, .count = 1},
       reads_registers(modbus_read_input_registers, 250, 1),
       "fafa"},
      {"write single coil on",
       {.function = Function::write_single_coil, .address = 5, .data = "\x01"},
       [](modbus_t* context) { return modbus_write_bit(context, 5, 1); },
       ""},
      {"write single coil off",
       {.function = Function::write_single_coil, .address = 6, .data = std::string(1, '\0')},
       [](modbus_t* context) { return modbus_write_bit(context, 6, 0); },
       ""},
      {"write single register",
       {.function = Function::write_single_register, .address = 7, .data = "\xAB\xCD"},
       [](modbus_t* context) { return modbus_write_register(context, 7, 0xABCD); },
       ""},
      {"write multiple coils",
       {.function = Function::write_multiple_coils, .address = 20, .count = 10, .data = "\xCD\x01"},
       [](modbus_t* context) {
         const std::uint8_t bits[] = {1, 0, 1, 1, 0, 0, 1, 1, 1, 0};
         return modbus_write_bits(context, 20, 10, bits);
       },
       ""},
      {"write multiple registers",
       {.function = Function::write_multiple_registers, .address = 30, .count = 2, .data = "\x12\x34\x56\x78"},
       [](modbus_t* context) {
         const std::uint16_t registers[] = {0x1234, 0x5678};
         return modbus_write_registers(context, 30, 2, registers);
       },
       ""},
      {"mask write register",
       {.function = Function::mask_write_register, .address = 4, .data = std::string("\x00\xF2\x00\x25", 4)},
       [](modbus_t* context) { return modbus_mask_write_register(context, 4, 0x00F2, 0x0025); },
       ""},
  };
  return rows;
}

/// A server of libmodbus on a socket pair: every third coil is set, the input bits 2 and 5 of eight, and registers are
/// their address times 257.
class LibmodbusServer {
 public:
  explicit LibmodbusServer(bool rtu)
      : rtu_(rtu),
        context_(open_context(rtu, sockets_)),
        mapping_(modbus_mapping_new(300, 300, 300, 300), &modbus_mapping_free) {
    for (int i = 0; i < 300; ++i) {
      mapping_->tab_bits[i] = i % 3 == 0;
      mapping_->tab_input_bits[i] = i % 8 == 2 || i % 8 == 5;
      mapping_->tab_registers[i] = mapping_->tab_input_registers[i] = static_cast<std::uint16_t>(i * 257);
    }
  }

  /// The PDU of what it answers to our frame.
  std::string ask(const Request& request) {
    ++transaction_;
    sockets_.write(rtu_ ? rtu_frame(kUnit, encode(request)) : tcp_frame(transaction_, kUnit, encode(request)));
    std::array<std::uint8_t, MODBUS_TCP_MAX_ADU_LENGTH> query{};
    const int length = modbus_receive(context_.get(), query.data());
    REQUIRE(length > 0);
    REQUIRE(modbus_reply(context_.get(), query.data(), length, mapping_.get()) > 0);
    return unframe(sockets_.read());
  }
  [[nodiscard]] const modbus_mapping_t& mapping() const { return *mapping_; }

 private:
  std::string unframe(const std::string& bytes) const {
    std::string pdu;
    const auto take = [&](const Frame& frame) {
      CHECK(frame.unit == kUnit);
      CHECK(frame.transaction == (rtu_ ? 0 : transaction_));
      pdu = frame.pdu;
    };
    std::unique_ptr<Framer> framer;
    if (rtu_) framer = std::make_unique<RtuFramer>();
    if (!rtu_) framer = std::make_unique<TcpFramer>();
    CHECK(framer->feed(bytes, take).has_value());
    CHECK(framer->pending() == 0);
    CHECK(framer->garbage() == 0);
    return pdu;
  }

  bool rtu_;
  SocketPair sockets_;
  Context context_;
  std::unique_ptr<modbus_mapping_t, decltype(&modbus_mapping_free)> mapping_;
  std::uint16_t transaction_ = 0xFFFE;
};

}  // namespace

TEST_SUITE("modbus.libmodbus") {
  TEST_CASE("our requests are, byte by byte, those of a client of libmodbus") {
    for (const bool rtu : {false, true}) {
      const SocketPair sockets;
      const Context client = open_context(rtu, sockets);
      for (const Exchange& row : exchanges()) {
        CAPTURE(row.name);
        CAPTURE(rtu);
        CHECK(row.call(client.get()) == -1);
        CHECK(errno == ETIMEDOUT);
        const std::string theirs = sockets.read();
        REQUIRE(theirs.size() >= 8);
        const auto transaction = static_cast<std::uint16_t>(static_cast<std::uint8_t>(theirs[0]) << 8u |
                                                            static_cast<std::uint8_t>(theirs[1]));
        const std::string pdu = encode(row.request);
        CHECK(to_hex(theirs) == to_hex(rtu ? rtu_frame(kUnit, pdu) : tcp_frame(transaction, kUnit, pdu)));
      }
    }
  }

  TEST_CASE("a server of libmodbus takes our requests, and we take its answers") {
    for (const bool rtu : {false, true}) {
      LibmodbusServer server(rtu);
      for (const Exchange& row : exchanges()) {
        CAPTURE(row.name);
        CAPTURE(rtu);
        const std::string pdu = server.ask(row.request);
        const Reply reply = parse_reply(row.request, pdu);
        CHECK(reply.kind == Reply::Kind::ok);
        CHECK(to_hex(reply.data) == row.data);
      }
      const modbus_mapping_t& mapping = server.mapping();
      CHECK(mapping.tab_bits[5] == 1);
      CHECK(mapping.tab_bits[6] == 0);
      CHECK(mapping.tab_registers[7] == 0xABCD);
      const std::vector<std::uint8_t> coils(mapping.tab_bits + 20, mapping.tab_bits + 30);
      CHECK(coils == std::vector<std::uint8_t>{1, 0, 1, 1, 0, 0, 1, 1, 1, 0});
      CHECK(mapping.tab_registers[30] == 0x1234);
      CHECK(mapping.tab_registers[31] == 0x5678);
      CHECK(mapping.tab_registers[4] == ((0x0404 & 0x00F2) | (0x0025 & ~0x00F2)));
    }
  }

  TEST_CASE("the largest requests pass a server of libmodbus both ways") {
    const Request rows[] = {
        {.function = Function::read_coils, .count = 300},
        {.function = Function::read_holding_registers, .address = 175, .count = kMaxReadRegisters},
        {.function = Function::write_multiple_registers, .count = kMaxWriteRegisters, .data = std::string(246, 'x')},
        {.function = Function::write_multiple_coils, .count = 300, .data = std::string(38, 'x')},
    };
    for (const bool rtu : {false, true}) {
      LibmodbusServer server(rtu);
      for (const Request& request : rows) {
        CAPTURE(to_string(request.function));
        const std::string pdu = server.ask(request);
        CHECK(parse_reply(request, pdu).kind == Reply::Kind::ok);
      }
    }
  }

  TEST_CASE("exceptions of a server of libmodbus are understood for every function") {
    for (const bool rtu : {false, true}) {
      LibmodbusServer server(rtu);
      for (const Exchange& row : exchanges()) {
        CAPTURE(row.name);
        Request request = row.request;
        request.address = 60'000;
        const std::string pdu = server.ask(request);
        const Reply reply = parse_reply(request, pdu);
        CHECK(reply.kind == Reply::Kind::exception);
        CHECK(reply.exception == MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS);
      }
    }
  }
}

}  // namespace jl::modbus
