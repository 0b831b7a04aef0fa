// The least that polling costs: libmodbus' blocking calls in a loop on one thread, which sleeps until the next
// deadline. No values are kept. Runs until it is killed, or a read fails.
#include <modbus/modbus.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "jl_bench_modbus_loop: %s: %s\n", what, modbus_strerror(errno));
  std::exit(1);
}

std::vector<modbus_t*> connect(int port, int count) {
  std::vector<modbus_t*> out;
  for (int i = 0; i < count; ++i) {
    modbus_t* context = modbus_new_tcp("127.0.0.1", port);
    if (context == nullptr || modbus_set_slave(context, 1) != 0 || modbus_set_response_timeout(context, 20, 0) != 0 ||
        modbus_connect(context) != 0)
      give_up("cannot connect");
    out.push_back(context);
  }
  return out;
}

void read_all(modbus_t* context, int registers, int at_once) {
  std::array<std::uint16_t, MODBUS_MAX_READ_REGISTERS> values{};
  for (int address = 0; address < registers; address += at_once) {
    const int count = std::min(at_once, registers - address);
    if (modbus_read_registers(context, address, count, values.data()) != count) give_up("cannot read");
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::array<int, 4> numbers{};  // port, connections, registers of each, milliseconds
  for (std::size_t i = 0; i < numbers.size() && static_cast<int>(i) + 1 < argc; ++i) {
    numbers[i] = static_cast<int>(std::strtol(argv[i + 1], nullptr, 10));
  }
  const std::string_view how = argc == 6 ? argv[5] : "";
  if ((how != "merged" && how != "single") || *std::min_element(numbers.begin(), numbers.end()) <= 0) {
    std::fputs("usage: jl_bench_modbus_loop PORT CONNECTIONS REGISTERS INTERVAL_MS merged|single\n", stderr);
    return 2;
  }
  const auto [port, connections, registers, milliseconds] = numbers;
  const int at_once = how == "merged" ? MODBUS_MAX_READ_REGISTERS : 1;
  const std::chrono::milliseconds interval(milliseconds);
  // libmodbus waits with select(), which ends at descriptor 1023.
  if (connections > 1000) give_up("too many connections for select()");
  const std::vector<modbus_t*> contexts = connect(port, connections);
  for (auto deadline = Clock::now();;) {
    std::this_thread::sleep_until(deadline);
    for (modbus_t* context : contexts) read_all(context, registers, at_once);
    // As jlinkd does it: deadlines that have passed meanwhile are left out.
    deadline += ((Clock::now() - deadline) / interval + 1) * interval;
  }
}
