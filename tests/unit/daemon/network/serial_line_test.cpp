// Serial lines, played by pseudo terminals. These keep 8 bits and no parity whatever they are told (pty(4) is no UART).
#include "daemon/network/serial_line.hpp"

#include "tests/support/temp_folder.hpp"
#include "tests/unit/daemon/network/client_stream_support.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <array>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

namespace jl::network {
namespace {

using namespace test;

bool is_readable(int fd) {
  pollfd wanted{fd, POLLIN, 0};
  return ::poll(&wanted, 1, 5000) == 1;
}

// What plays the device on the other end of the line.
class Pty {
 public:
  Pty() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    REQUIRE(master_ >= 0);
    REQUIRE(::grantpt(master_) == 0);
    REQUIRE(::unlockpt(master_) == 0);
    std::array<char, 64> name{};
    REQUIRE(::ptsname_r(master_, name.data(), name.size()) == 0);
    device_ = name.data();
  }
  ~Pty() { close(); }
  Pty(const Pty&) = delete;
  [[nodiscard]] const std::string& device() const { return device_; }
  [[nodiscard]] SerialOptions options() const {
    SerialOptions options;
    options.device = device_;
    return options;
  }
  [[nodiscard]] ClientStreamOptions stream_options() const {
    ClientStreamOptions options;
    options.serial.device = device_;
    return options;
  }
  void send(std::string_view bytes) const {
    REQUIRE(::write(master_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  [[nodiscard]] std::string read(std::size_t bytes) const {
    std::string out(bytes, '\0');
    std::size_t have = 0;
    while (have < bytes && is_readable(master_)) {
      const ssize_t got = ::read(master_, out.data() + have, bytes - have);
      if (got <= 0) break;
      have += static_cast<std::size_t>(got);
    }
    out.resize(have);
    return out;
  }
  /// The line's settings as they are now.
  [[nodiscard]] termios settings() const {
    termios now{};
    REQUIRE(::tcgetattr(master_, &now) == 0);
    return now;
  }
  /// Bits per second in numbers.
  [[nodiscard]] unsigned speed() const {
    struct {
      tcflag_t flags[4];
      cc_t line, control[19];
      unsigned input, output;
    } now{};
    static_assert(sizeof now == 44);
    REQUIRE(::ioctl(master_, _IOR('T', 0x2A, now), &now) == 0);  // TCGETS2
    CHECK(now.input == now.output);
    return now.output;
  }
  void close() {
    if (master_ >= 0) ::close(std::exchange(master_, -1));
  }

 private:
  int master_;
  std::string device_;
};

std::string every_byte() {
  std::string out(256, '\0');
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(i);
  return out;
}

std::string why_not(const SerialOptions& options) {
  const auto line = SerialLine::open(options);
  return line ? "open" : line.error().message;
}

TEST_SUITE("network.serial_line") {
  TEST_CASE("every byte passes unchanged in both directions, and the end of the device is the end of the stream") {
    Pty pty;
    StreamHouse house;
    house.open(pty.stream_options());
    REQUIRE(house.handler.wait_open());
    CHECK(house.peer() == pty.device());
    CHECK(house.send(every_byte()));
    CHECK(pty.read(256) == every_byte());
    pty.send(every_byte());
    CHECK(house.handler.wait_bytes(256) == every_byte());
    CHECK(house.is_open());
    pty.close();
    CHECK(house.handler.wait_end() == pty.device() + ": the device is gone");
    CHECK_FALSE(house.send("x"));
  }

  TEST_CASE("silence is no end, though a terminal may be told to report it as one") {
    const Pty pty;
    const auto line = SerialLine::open(pty.options());
    REQUIRE(line.has_value());
    std::array<char, 8> buffer{};
    CHECK((*line)->read_some(buffer).status == IoResult::Status::would_block);
  }

  TEST_CASE("a line that does not take what is sent keeps up to 64 KiB waiting, in order") {
    const Pty pty;
    StreamHouse house;
    house.open(pty.stream_options());
    REQUIRE(house.handler.wait_open());
    std::string sent;
    for (std::size_t i = 0;; ++i) {
      const std::string message = fmt::format("{:0>250}", i);
      if (!house.send(message)) break;
      sent += message;
    }
    CHECK(sent.size() > ClientStream::kMaxUnsent - 250);
    CHECK(pty.read(sent.size()) == sent);
    CHECK(house.send("on again"));
    CHECK(pty.read(8) == "on again");
  }

  TEST_CASE("the settings are applied: speeds with and without a constant, stop bits, parity, raw") {
    struct Row {
      int baud_rate;
      char parity;
      int stop_bits;
    };
    for (const Row row : {Row{9600, 'N', 1}, Row{110, 'N', 2}, Row{19200, 'E', 1}, Row{115200, 'O', 2},
                          Row{250'000, 'N', 1}, Row{2'000'000, 'N', 1}, Row{4'000'000, 'N', 1}}) {
      CAPTURE(row.baud_rate);
      const Pty pty;
      auto options = pty.options();
      options.baud_rate = row.baud_rate;
      options.parity = row.parity;
      options.stop_bits = row.stop_bits;
      const auto line = SerialLine::open(options);
      REQUIRE(line.has_value());
      CHECK(pty.speed() == static_cast<unsigned>(row.baud_rate));
      const termios now = pty.settings();
      CHECK(((now.c_cflag & CSTOPB) != 0) == (row.stop_bits == 2));
      CHECK(((now.c_cflag & PARODD) != 0) == (row.parity == 'O'));
      CHECK(((now.c_iflag & INPCK) != 0) == (row.parity != 'N'));
      CHECK((now.c_cflag & (CREAD | CLOCAL)) == (CREAD | CLOCAL));
      CHECK((now.c_lflag & (ICANON | ECHO | ISIG)) == 0);
      CHECK((now.c_iflag & (IXON | IXOFF | ICRNL | ISTRIP)) == 0);
      CHECK((now.c_oflag & OPOST) == 0);
    }
  }

  TEST_CASE("closing gives the device its settings back and lets others have it") {
    const Pty pty;
    const int other = ::open(pty.device().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);  // as a terminal lives on elsewhere
    const termios before = pty.settings();
    auto options = pty.options();
    options.baud_rate = 115200;
    auto line = SerialLine::open(options);
    REQUIRE(line.has_value());
    int is_exclusive = 0;
    CHECK(::ioctl(other, TIOCGEXCL, &is_exclusive) == 0);
    CHECK(is_exclusive == 1);
    CHECK(pty.settings().c_lflag != before.c_lflag);
    line->reset();
    CHECK(::ioctl(other, TIOCGEXCL, &is_exclusive) == 0);
    CHECK(is_exclusive == 0);
    const termios after = pty.settings();
    CHECK(after.c_lflag == before.c_lflag);
    CHECK(after.c_cflag == before.c_cflag);
    CHECK(after.c_cc[VMIN] == before.c_cc[VMIN]);
    CHECK(why_not(options) == "open");
    ::close(other);
  }

  TEST_CASE("a line has one user: the second is refused, and the first does not notice") {
    const Pty pty;
    StreamHouse first, second;
    first.open(pty.stream_options());
    REQUIRE(first.handler.wait_open());
    auto options = pty.stream_options();
    options.serial.baud_rate = 115200;
    second.open(options);
    CHECK(second.handler.wait_end() == pty.device() + ": in use by another channel or program");
    CHECK(pty.speed() == 9600);
    CHECK(first.send("still here"));
    CHECK(pty.read(10) == "still here");
    first.close();
    second.open(options);
    CHECK(second.handler.wait_open());
  }

  TEST_CASE("what came before it was opened is not read") {
    const Pty pty;
    const int other = ::open(pty.device().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    pty.send("old\n");
    REQUIRE(is_readable(other));
    const auto line = SerialLine::open(pty.options());
    REQUIRE(line.has_value());
    pty.send("new");
    REQUIRE(is_readable((*line)->fd()));
    std::array<char, 16> buffer{};
    const IoResult got = (*line)->read_some(buffer);
    REQUIRE(got.status == IoResult::Status::ok);
    CHECK(std::string(buffer.data(), got.bytes) == "new");
    ::close(other);
  }

  TEST_CASE("what is no serial line is refused with the reason") {
    const jl::test::TempFolder folder;
    const std::string file = folder.path() + "/file";
    std::ofstream(file) << "text";
    struct Row {
      std::string device;
      std::string why;
    };
    for (const Row& row :
         {Row{"/dev/ttyUSB-none", "/dev/ttyUSB-none: no such file or directory"},
          Row{file, file + ": is no serial device"}, Row{"/dev", "/dev: is no serial device"},
          Row{"/dev/null", "/dev/null: is no serial device"}, Row{"", "the serial device is not named"},
          Row{file + "/tty", file + "/tty: not a directory"}}) {
      SerialOptions options;
      options.device = row.device;
      CHECK(why_not(options) == row.why);
      ClientStreamOptions through;
      through.serial = options;
      StreamHouse house;
      house.open(through);
      CHECK(house.handler.wait_end() == row.why);
    }
    std::ifstream untouched(file);
    CHECK(std::string(std::istreambuf_iterator<char>(untouched), {}) == "text");
  }

  TEST_CASE("settings that no line has are refused, and the device is free afterwards") {
    const Pty pty;
    struct Row {
      void (*change)(SerialOptions&);
      std::string field;
    };
    for (const Row& row : {Row{[](SerialOptions& o) { o.baud_rate = 0; }, "baudRate"},
                           Row{[](SerialOptions& o) { o.baud_rate = -1; }, "baudRate"},
                           Row{[](SerialOptions& o) { o.parity = 'M'; }, "parity"},
                           Row{[](SerialOptions& o) { o.data_bits = 9; }, "dataBits"},
                           Row{[](SerialOptions& o) { o.stop_bits = 0; }, "stopBits"},
                           Row{[](SerialOptions& o) { o.rs485 = true; }, "rs485"}}) {
      CAPTURE(row.field);
      auto options = pty.options();
      row.change(options);
      const auto line = SerialLine::open(options);
      REQUIRE_FALSE(line.has_value());
      CHECK(line.error().field == row.field);
      CHECK(line.error().message.starts_with(pty.device() + ": "));
      CHECK(why_not(pty.options()) == "open");
    }
  }
}

}  // namespace
}  // namespace jl::network
