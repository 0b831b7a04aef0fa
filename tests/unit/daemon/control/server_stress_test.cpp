#include "common/control/api.hpp"
#include "tests/unit/daemon/control/control_support.hpp"

#include <condition_variable>
#include <deque>
#include <random>
#include <thread>

using namespace jl;
using namespace jl::test;

namespace {

// Threads that answer calls in their own time.
class Workers {
 public:
  Workers() {
    for (int i = 0; i < 4; ++i) {
      threads_.emplace_back([this] { run(); });
    }
  }
  ~Workers() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  void add(Call call, std::shared_ptr<Responder> responder) {
    {
      const std::lock_guard lock(mutex_);
      work_.emplace_back(std::move(call), std::move(responder));
    }
    changed_.notify_one();
  }

 private:
  void run() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !work_.empty(); });
      if (work_.empty()) return;
      auto [call, responder] = std::move(work_.front());
      work_.pop_front();
      lock.unlock();
      answer(call, *responder);
    }
  }
  static void answer(const Call& call, Responder& responder) {
    if (call.id == "drop") return;
    if (call.id == "stream") {
      responder.on_gone([] {});
      responder.start_stream();
      for (int i = 0; i < 50; ++i) responder.line("{\"line\":" + std::to_string(i) + "}", i % 2 == 0);
      return responder.end_stream();
    }
    if (call.id == "fail") return responder.problem(Error(Errc::conflict, "no"));
    responder.json(200, json::object{{"id", call.id}, {"body", call.body}});
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<Call, std::shared_ptr<Responder>>> work_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

struct Counts {
  std::atomic<int> answered{0}, wrong{0}, mutations{0};
};

// One request of a random kind. False when the connection is of no use any more.
bool one_request(RawClient& client, std::mt19937& random, Counts& counts) {
  const auto check = [&](bool is_right) {
    ++(is_right ? counts.answered : counts.wrong);
    return true;
  };
  const std::string number = std::to_string(random() % 1000);
  switch (random() % 10) {
    case 0: {
      client.request("GET", "/v1/networks/n" + number);
      const auto answer = client.read();
      return check(answer.status == 200 && json::parse(answer.body).at("id").as_string() == "n" + number);
    }
    case 1: {
      client.request("POST", "/v1/networks/n" + number + "/enable", "{\"v\":" + number + "}");
      ++counts.mutations;
      return check(client.read().status == 200);
    }
    case 2: {
      client.request("GET", "/v1/networks/stream");
      const auto answer = client.read();
      return check(answer.is_complete && std::ranges::count(answer.body, '\n') == 50);
    }
    case 3:
      client.request("GET", "/v1/networks/drop");
      return check(client.read().status == 500);
    case 4:
      client.request("PATCH", "/v1/networks/fail", "{}");
      ++counts.mutations;
      return check(client.read().status == 409);
    case 5:
      client.request("GET", "/v1/nothing/" + number);
      return check(client.read().status == 404);
    case 6:
      client.request("POST", "/v1/networks", "{\"broken\": " + number);
      ++counts.mutations;
      return check(client.read().status == 400);
    case 7:
      client.send("\x01nonsense\r\n\r\n");
      check(client.read().status == 400);
      return false;
    case 8:  // leaves in the middle of a request
      client.send("POST /v1/networks HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{\"a\"");
      return false;
    default:  // leaves without waiting for the answer
      client.request("GET", random() % 2 == 0 ? "/v1/networks/stream" : "/v1/networks/n1");
      return false;
  }
}

}  // namespace

TEST_SUITE_BEGIN("control.server.stress");

TEST_CASE("32 callers that mix calls, streams, nonsense and leaving get every answer they wait for") {
  Counts counts;
  Workers workers;
  ControlBench bench([&](Call call, std::shared_ptr<Responder> r) { workers.add(std::move(call), std::move(r)); },
                     [](ServerOptions& o) { o.max_pending = 10'000; });
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 32; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      try {
        std::optional<RawClient> client;
        for (int i = 0; i < 40; ++i) {
          if (!client) client.emplace(bench.options.socket_path);
          if (!one_request(*client, random, counts)) client.reset();
        }
      } catch (const std::exception&) {
        ++counts.wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(counts.wrong == 0);
  CHECK(counts.answered > 500);
  bench.server->stop(std::chrono::seconds(20));
  bench.logs.flush();
  CHECK(bench.logs.stats(logs::LogClass::access).records == static_cast<std::uint64_t>(counts.mutations));
}

TEST_CASE("stopping in the middle of it all leaves nothing behind") {
  Counts counts;
  Workers workers;
  ControlBench bench([&](Call call, std::shared_ptr<Responder> r) { workers.add(std::move(call), std::move(r)); });
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 8; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      for (;;) {
        RawClient client(bench.options.socket_path);
        if (!client.is_connected()) return;
        try {
          (void)one_request(client, random, counts);
        } catch (const std::exception&) {
          ++counts.wrong;
        }
      }
    });
  }
  while (counts.answered < 100) std::this_thread::yield();
  bench.server->stop(std::chrono::milliseconds(0));
  for (auto& thread : threads) thread.join();
  bench.server.reset();
  CHECK(bench.folder.entries() == 0);
}

TEST_SUITE_END();
