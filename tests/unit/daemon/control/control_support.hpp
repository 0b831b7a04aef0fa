#pragma once
// A control server of its own for a test: private socket, a caller as the test says, a handler as the test says.
#include "daemon/control/server_start.hpp"
#include "daemon/logs/logs.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/unit/daemon/control/raw_client.hpp"

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace jl::test {
namespace json = boost::json;
using control::Call;
using control::Caller;
using control::Responder;
using control::Role;
using control::ServerOptions;

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "jl-control-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::string path_;
};

/// What the next connections are taken for.
class FakePeer {
 public:
  void set(Caller caller) {
    const std::lock_guard lock(mutex_);
    caller_ = std::move(caller);
  }
  [[nodiscard]] Caller get() const {
    const std::lock_guard lock(mutex_);
    return caller_;
  }

 private:
  mutable std::mutex mutex_;
  Caller caller_;
};

/// Users "viewer", "operator" and "admin" have these roles; "nobody" has none.
inline Caller caller(Role role) {
  Caller out;
  out.uid = 5000 + static_cast<std::uint32_t>(role);
  out.gid = 5000;
  out.pid = 4711;
  out.user = role == Role::none ? "nobody" : std::string(control::to_string(role));
  out.groups = {"staff"};
  return out;
}
inline control::RoleRules test_roles() {
  control::RoleRules out;
  for (const Role role : {Role::viewer, Role::operator_, Role::admin}) {
    out.rules.push_back({role, {std::string(control::to_string(role))}, {}});
  }
  return out;
}

/// Answers with what arrived.
inline void echo(const Call& call, const std::shared_ptr<Responder>& responder) {
  json::object query;
  for (const auto& [key, value] : call.query) query[key] = value;
  responder->json(200, json::object{{"call", call.command->label()},
                                    {"id", call.id},
                                    {"query", query},
                                    {"body", call.body},
                                    {"role", control::to_string(call.caller.role)}});
}

inline constexpr std::string_view kBytesHeader = "Content-Type: application/octet-stream\r\n";

/// Lets a server take uploads, into a folder of theirs.
inline std::unique_ptr<store::FileStore> files_for(ServerOptions& options, const Folder& folder) {
  auto files = store::FileStore::open(folder / "files");
  REQUIRE(files.has_value());
  options.files = files->get();
  return std::move(*files);
}

struct ControlBench {
  explicit ControlBench(control::Handler handler = echo, const std::function<void(ServerOptions&)>& change = {}) {
    options.socket_path = folder / "control.sock";
    options.roles = test_roles();
    if (change) change(options);
    peer.set(caller(Role::admin));
    auto started =
        control::start_server(options, std::move(handler), access, clock, [this](int) { return peer.get(); });
    REQUIRE(started.has_value());
    server = std::move(*started);
  }

  [[nodiscard]] RawClient client() const {
    RawClient out(options.socket_path);
    REQUIRE(out.is_connected());
    return out;
  }
  [[nodiscard]] RawClient client_as(Role role) {
    peer.set(caller(role));
    RawClient out = client();
    // The caller is looked up when the server accepts; an answered call shows that it has.
    out.request("GET", "/v1/version");
    CHECK(out.read().status == 200);
    return out;
  }
  [[nodiscard]] Answer get(std::string_view target) const {
    auto c = client();
    c.request("GET", target);
    return c.read();
  }
  /// Access records, oldest first.
  [[nodiscard]] std::vector<json::object> records() {
    logs.flush();
    auto read = logs.read({});
    REQUIRE(read.has_value());
    std::ranges::reverse(*read);
    return std::move(*read);
  }

  Folder folder;
  FakeStore store;
  ManualClock clock;
  logs::LogStore logs{store, clock};
  logs::AccessLog access{logs};
  FakePeer peer;
  ServerOptions options;
  std::unique_ptr<control::Server> server;
};

/// The code word of a problem document.
inline std::string code_of(const std::string& body) {
  boost::system::error_code ec;
  const auto value = json::parse(body, ec);
  if (ec || !value.is_object() || !value.as_object().contains("code")) return "";
  return std::string(value.at("code").as_string());
}
inline std::string code_of(const Answer& answer) {
  return answer.header("content-type") == "application/problem+json" ? code_of(answer.body) : "";
}

/// Holds responders until the test answers.
class Waiting {
 public:
  void add(std::shared_ptr<Responder> responder) {
    const std::lock_guard lock(mutex_);
    responders_.push_back(std::move(responder));
    changed_.notify_all();
  }
  /// Takes the oldest, waiting for it.
  std::shared_ptr<Responder> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !responders_.empty(); });
    auto out = std::move(responders_.front());
    responders_.erase(responders_.begin());
    return out;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Responder>> responders_;
};

}  // namespace jl::test
