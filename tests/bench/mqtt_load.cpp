// Load on a local MQTT server, and what it costs the server: messages per second and CPU time per message of publishes,
// or memory per idle connection. See tests/bench/run.
#include "tests/bench/mqtt_peer.hpp"
#include "tests/bench/process_usage.hpp"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace jl::bench {
namespace {

constexpr std::size_t kPayloadBytes = 140;
constexpr std::size_t kHandshakesAtOnce = 64;  // below every server's listen backlog
constexpr int kPatienceMillis = 60'000;        // without any event, before the run is given up

struct Options {
  std::string mode, prefix = "bench-", product = "bench", username, password;
  int pid = 0, qos = 0;
  std::uint16_t port = 0;
  std::uint64_t connections = 100, window = 1, messages = 100'000;
};

// A property report of exactly kPayloadBytes.
std::string report(unsigned long long now, unsigned long long n) {
  std::array<char, 256> text{};
  const int length = std::snprintf(text.data(), text.size(),
                                   R"({"timestamp":%llu,"properties":{"temp":%llu.%02llu,"hum":%llu.%llu,)"
                                   R"("volt":3.%02llu,"rssi":-%llu,"state":"running"})",
                                   now, 10 + n % 30, n % 100, 20 + n % 60, n % 10, n % 100, 40 + n % 50);
  std::string out(text.data(), static_cast<std::size_t>(length));
  const std::string_view open = R"(,"messageId":")", close = R"("})";
  out += open;
  out.append(kPayloadBytes - out.size() - close.size(), 'm');
  out += close;
  return out;
}

// One of many reports made beforehand, so that making them is no part of the run.
std::string_view payload(std::uint64_t n) {
  static const std::vector<std::string> reports = [] {
    const auto now =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    std::vector<std::string> out;
    for (unsigned long long i = 0; i < 1024; ++i)
      out.push_back(report(static_cast<unsigned long long>(now.count()), i));
    return out;
  }();
  return reports[n % reports.size()];
}

class Load {
 public:
  explicit Load(Options options) : options_(std::move(options)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    peers_.reserve(options_.connections);
  }
  ~Load() { close(epoll_); }
  Load(const Load&) = delete;

  void connect_all() {
    std::size_t ready = 0;
    while (ready < options_.connections) {
      while (peers_.size() < options_.connections && peers_.size() - ready < kHandshakesAtOnce) add_peer();
      for_each_event([&](MqttPeer& peer) {
        if (!peer.connected()) {
          peer.receive();
          if (peer.connected()) ++ready;
        }
      });
    }
  }

  void publish() {
    const ProcessUsage before = usage_of(options_.pid);
    const auto start = std::chrono::steady_clock::now();
    left_ = options_.messages;
    for (std::size_t i = 0; i < peers_.size(); ++i) refill(i);
    while (fenced_ < peers_.size()) {
      for_each_event([&](MqttPeer& peer) {
        peer.receive();
        refill(static_cast<std::size_t>(&peer - peers_.data()));
      });
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double cpu = usage_of(options_.pid).cpu_seconds - before.cpu_seconds;
    const auto count = static_cast<double>(options_.messages);
    std::printf("%.0f %.2f\n", count / seconds, cpu / count * 1e6);
  }

 private:
  struct Progress {
    std::uint64_t fence = 0;  // PUBACKs that mean everything has been handled; 0 = still publishing
    bool done = false;
  };

  void add_peer() {
    const std::string id = options_.prefix + std::to_string(peers_.size());
    peers_.emplace_back(options_.port, Credentials{id, options_.username, options_.password});
    progress_.emplace_back();
    topics_.push_back("/" + options_.product + "/" + id + "/properties/report");
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u64 = peers_.size() - 1;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, peers_.back().fd(), &event) < 0) die("epoll_ctl failed");
  }

  template <class Handler>
  void for_each_event(Handler handle) {
    std::array<epoll_event, 512>
        events;  // NOLINT(cppcoreguidelines-pro-type-member-init): epoll_wait fills what is read
    const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kPatienceMillis);
    if (n <= 0) die("the server has not answered for 60 s");
    for (int i = 0; i < n; ++i) {
      MqttPeer& peer = peers_[events[static_cast<std::size_t>(i)].data.u64];
      if (peer.has_output()) peer.flush();
      handle(peer);
    }
  }

  // Keeps a connection busy. QoS 1: `window` messages unacknowledged. QoS 0: `window` messages per write, and a QoS 1
  // message as the last one, whose PUBACK says that the server has handled all before it.
  void refill(std::size_t index) {
    MqttPeer& peer = peers_[index];
    Progress& progress = progress_[index];
    while (!progress.done && progress.fence == 0 && !peer.has_output()) {
      const std::uint64_t open = options_.qos == 0 ? 0 : peer.sent() - peer.acknowledged();
      const std::uint64_t share = std::min(options_.window - open, left_);
      for (std::uint64_t i = 0; i < share; ++i) peer.publish(topics_[index], payload(left_--), options_.qos);
      if (left_ == 0) {
        if (options_.qos == 0) peer.publish(topics_[index], payload(0), 1);
        progress.fence = options_.qos == 0 ? 1 : peer.sent();
      }
      if (!peer.has_output()) break;
      peer.flush();
    }
    if (!progress.done && progress.fence > 0 && peer.acknowledged() >= progress.fence) {
      progress.done = true;
      ++fenced_;
    }
  }

  Options options_;
  int epoll_;
  std::vector<MqttPeer> peers_;
  std::vector<Progress> progress_;
  std::vector<std::string> topics_;
  std::uint64_t left_ = 0;
  std::size_t fenced_ = 0;
};

Options parse(int argc, char** argv) {
  std::map<std::string, std::string> values;
  for (int i = 2; i + 1 < argc; i += 2) values[argv[i]] = argv[i + 1];
  Options o;
  if (argc < 2 || argc % 2 != 0) {
    die("usage: jl_bench_mqtt publish|idle --port N --pid SERVER [--connections N] [--qos 0|1] [--window N] "
        "[--messages N] "
        "[--prefix ID] [--product ID] [--username U] [--password P]");
  }
  o.mode = argv[1];
  const auto number = [&](const char* name, auto& out) {
    const auto found = values.find(name);
    if (found == values.end()) return;
    out = static_cast<std::remove_reference_t<decltype(out)>>(std::strtoull(found->second.c_str(), nullptr, 10));
    values.erase(found);
  };
  const auto text = [&](const char* name, std::string& out) {
    const auto found = values.find(name);
    if (found == values.end()) return;
    out = found->second;
    values.erase(found);
  };
  number("--port", o.port), number("--pid", o.pid), number("--connections", o.connections), number("--qos", o.qos);
  number("--window", o.window), number("--messages", o.messages);
  text("--prefix", o.prefix), text("--product", o.product), text("--username", o.username),
      text("--password", o.password);
  if (!values.empty()) die("unknown flag " + values.begin()->first);
  if (o.port == 0 || o.pid == 0 || o.connections == 0 || o.window == 0 || o.qos > 1)
    die("a flag is missing or out of range");
  return o;
}

void allow_many_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Memory that idle connections hold: the server has served a few first, so that what it sets up once is not counted.
void measure_idle(const Options& options) {
  Options few = options;
  few.connections = 100;
  few.prefix += "warm-";
  Load warm_up(few);
  warm_up.connect_all();
  const std::uint64_t before = usage_of(options.pid).rss_bytes;
  Load load(options);
  load.connect_all();
  const std::uint64_t after = usage_of(options.pid).rss_bytes;
  const double per_connection =
      (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(options.connections);
  std::printf("%.2f\n", per_connection / 1024.0);
}

}  // namespace
}  // namespace jl::bench

int main(int argc, char** argv) {
  using namespace jl::bench;
  const Options options = parse(argc, argv);
  allow_many_files();
  if (options.mode == "idle") {
    measure_idle(options);
  } else if (options.mode == "publish") {
    Load load(options);
    load.connect_all();
    load.publish();
  } else {
    die("the first word is publish or idle");
  }
}
