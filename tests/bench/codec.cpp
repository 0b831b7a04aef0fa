// What decoding and encoding costs, in process and on one thread: protocol packages beside the built-in protocol.
//   jl_bench_codec speed SECONDS [ROW]  "NAME|RUNTIME|CALLS_PER_SECOND|CPU_MICROSECONDS|CALLS", one line per function
//   jl_bench_codec memory               "WHAT|CPU_MILLISECONDS|KIB_RESIDENT|KIB_ANONYMOUS"
//   jl_bench_codec messages KIND        the messages of KIND (sensor, frame) in hex, one per line
// In the project's folder, where the packages are.
#include "common/base/hex.hpp"
#include "daemon/codec/package/package_protocol.hpp"
#include "tests/bench/codec_reports.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

namespace jl::bench {
namespace {

using codec::Transport;
using codec::package::PackageProtocol;

constexpr Millis kNow = 1'700'000'000'500;
constexpr int kPrograms = 20, kCalls = 10'000;
const std::string kAddress = "202600000017";

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "jl_bench_codec: %s\n", why.c_str());
  std::exit(1);
}

codec::package::Files files_of(const std::filesystem::path& folder) {
  codec::package::Files out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    out[entry.path().lexically_relative(folder).string()] = std::string(std::istreambuf_iterator<char>(file), {});
  }
  if (out.empty()) give_up(folder.string() + " has no files; start this in the project's folder");
  return out;
}

std::shared_ptr<const codec::package::Package> loaded(const std::string& name, const codec::package::Files& files) {
  // Time is the wall's: on a busy machine the usual limits would end the run.
  script::ProgramLimits limits;
  limits.load = limits.call = std::chrono::seconds(30);
  auto package = codec::package::load(name, files, limits);
  if (!package) give_up(package.error().message);
  return *package;
}

// A device's session with a protocol. What it decodes must be reports of `properties` properties.
struct Session {
  const codec::Protocol& protocol;
  Transport transport;
  std::string topic;
  std::vector<std::string> payloads;
  std::size_t properties;
  codec::DeviceIdentity device{kAddress, "bench", {}};
  std::unique_ptr<codec::CodecState> state = protocol.open_state(transport);
  codec::DeviceMessage message{};
  codec::Answer answer{};
  std::size_t next = 0;

  void decode() {
    codec::Uplink wire;
    wire.topic = topic;
    wire.payload = payloads[next++ % payloads.size()];
    wire.transport = transport;
    const auto decoded = protocol.decode(wire, {device, state.get()}, kNow, message, answer);
    if (!decoded) give_up(decoded.error().message);
    if (message.properties.size() != properties) give_up("not all properties were decoded");
  }
  void encode(const codec::DownMessage& down) {
    const auto encoded = protocol.encode(down, transport, {device, state.get()});
    if (!encoded) give_up(encoded.error().message);
    if (encoded->sends.size() != 1) give_up("nothing was encoded");
  }
};

codec::DownMessage read_property(std::initializer_list<const char*> names) {
  codec::DownMessage out{codec::MessageType::read_property, {}};
  boost::json::array properties;
  for (const char* name : names) properties.emplace_back(name);
  out.body = {{"messageType", "READ_PROPERTY"},
              {"messageId", "1790285021437"},
              {"deviceId", kAddress},
              {"timestamp", kNow},
              {"properties", properties}};
  return out;
}

// CPU seconds of the process: collections may run on other threads, and the watchdog does.
double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <class Task>
std::uint64_t repeat(double seconds, Task&& task) {
  std::uint64_t calls = 0;
  for (const auto start = std::chrono::steady_clock::now(); seconds_since(start) < seconds;) {
    for (int i = 0; i < 64; ++i) task();
    calls += 64;
  }
  return calls;
}

struct Speed {
  const double seconds;
  const std::string only;  // "" = all rows

  template <class Task>
  void row(const char* name, const char* runtime, Task&& task) const {
    if (!only.empty() && only != name + std::string(" ") + runtime) return;
    repeat(seconds / 4, task);  // warms up
    const double before = cpu_seconds();
    const auto start = std::chrono::steady_clock::now();
    const std::uint64_t calls = repeat(seconds, task);
    const double took = seconds_since(start), cpu = cpu_seconds() - before;
    std::printf("%s|%s|%.0f|%.2f|%llu\n", name, runtime, static_cast<double>(calls) / took,
                cpu / static_cast<double>(calls) * 1e6, static_cast<unsigned long long>(calls));
    std::fflush(stdout);
  }
};

void measure_speed(const Speed& speed) {
  PackageProtocol sensor("sensor", nullptr), frame("frame", nullptr), empty("empty", nullptr);
  sensor.set(loaded("sensor", files_of("examples/protocols/sensor")));
  frame.set(loaded("frame", files_of("tests/bench/codec/frame")));
  empty.set(loaded("empty", files_of("tests/bench/codec/empty")));
  const codec::Protocol& official = codec::official_protocol();
  Session json{sensor, Transport::mqtt, "/sensor/" + kAddress + "/up", sensor_reports(), 3};
  Session official_json{official, Transport::mqtt, "/bench/" + kAddress + "/properties/report", official_json_reports(),
                        3};
  Session binary{frame, Transport::tcp, {}, frame_reports(kAddress), 6};
  Session official_binary{official, Transport::tcp, {}, official_binary_reports(kAddress), 6};
  Session nothing{empty, Transport::tcp, {}, frame_reports(kAddress), 0};
  const auto room = read_property({"temperature", "humidity", "interval"});
  const auto power = read_property({"energy", "voltage", "current"});

  speed.row("decode MQTT JSON", "script", [&] { json.decode(); });
  speed.row("decode MQTT JSON", "built in", [&] { official_json.decode(); });
  speed.row("decode TCP frame", "script", [&] { binary.decode(); });
  speed.row("decode TCP frame", "built in", [&] { official_binary.decode(); });
  speed.row("decode nothing", "script", [&] { nothing.decode(); });
  speed.row("encode MQTT JSON", "script", [&] { json.encode(room); });
  speed.row("encode MQTT JSON", "built in", [&] { official_json.encode(room); });
  speed.row("encode TCP frame", "script", [&] { binary.encode(power); });
  speed.row("encode TCP frame", "built in", [&] { official_binary.encode(power); });
}

struct Memory {
  double resident = 0, anonymous = 0;  // KiB; what is not anonymous are pages of files, such as the engine's code
};

// As the kernel counts pages; the counters in /proc/self/status lag behind.
Memory memory_now() {
  std::ifstream file("/proc/self/smaps_rollup");
  Memory out;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string key;
    double value = 0;
    words >> key >> value;
    if (key == "Rss:") out.resident = value;
    if (key == "Anonymous:") out.anonymous = value;
  }
  if (out.resident == 0) give_up("the kernel does not show /proc/self/smaps_rollup");
  return out;
}

template <class Task>
void memory_row(const char* what, int count, Task&& task) {
  const Memory before = memory_now();
  const double start = cpu_seconds();
  for (int i = 0; i < count; ++i) task(i);
  const double took = cpu_seconds() - start;
  const Memory after = memory_now();
  std::printf("%s|%.2f|%.0f|%.0f\n", what, took * 1000 / count, (after.resident - before.resident) / count,
              (after.anonymous - before.anonymous) / count);
}

// Each program is loaded and decodes one report.
void measure_memory() {
  const auto files = files_of("examples/protocols/sensor");
  const std::string topic = "/sensor/" + kAddress + "/up";
  std::vector<std::unique_ptr<PackageProtocol>> protocols;
  std::vector<Session> sessions;
  protocols.reserve(kPrograms + 1);
  sessions.reserve(kPrograms + 1);
  const auto add = [&](int) {
    const std::string name = "sensor" + std::to_string(protocols.size());
    protocols.push_back(std::make_unique<PackageProtocol>(name, nullptr));
    protocols.back()->set(loaded(name, files));
    sessions.push_back(Session{*protocols.back(), Transport::mqtt, topic, sensor_reports(), 3});
    sessions.back().decode();
  };
  memory_row("first program of the process", 1, add);
  memory_row("each further one on its thread", kPrograms, add);
  // The thread ends after it has been looked at.
  Session elsewhere{*protocols.front(), Transport::mqtt, topic, sensor_reports(), 3};
  std::atomic<bool> done{false}, seen{false};
  std::thread other;
  memory_row("first one on a second thread", 1, [&](int) {
    other = std::thread([&] {
      elsewhere.decode();
      done = true;
      done.notify_one();
      seen.wait(false);
    });
    done.wait(false);
  });
  seen = true;
  seen.notify_one();
  other.join();
  memory_row("10,000 more decodes of one", 1, [&](int) {
    for (int i = 0; i < kCalls; ++i) sessions.front().decode();
  });
}

void print_messages(const std::string& kind) {
  for (const auto& message : kind == "sensor" ? sensor_reports() : frame_reports(kAddress))
    std::printf("%s\n", to_hex(message).c_str());
}

}  // namespace
}  // namespace jl::bench

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "", word = argc > 2 ? argv[2] : "";
  if (mode == "speed" && argc > 2) {
    jl::bench::measure_speed({std::atof(argv[2]), argc > 3 ? argv[3] : ""});
  } else if (mode == "memory") {
    jl::bench::measure_memory();
  } else if (mode == "messages" && (word == "sensor" || word == "frame")) {
    jl::bench::print_messages(word);
  } else {
    std::fprintf(stderr, "usage: jl_bench_codec speed SECONDS [ROW] | memory | messages sensor|frame\n");
    return 2;
  }
  return 0;
}
