#include "common/control/uploads.hpp"
#include "daemon/control/keep_file.hpp"
#include "tests/unit/daemon/control/control_support.hpp"

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

using namespace jl;
using namespace jl::test;
using store::FileStore;
using store::StoredFile;

namespace {

constexpr std::string_view kTarget = "/v1/files?purpose=protocol";
constexpr std::string_view kStart = "POST /v1/files?purpose=protocol HTTP/1.1\r\nHost: jlinkd\r\n";
// FIPS 180-2 B.1 and RFC 1321 A.5, of "abc".
constexpr std::string_view kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr std::string_view kAbcMd5 = "900150983cd24fb0d6963f7d28e17f72";
constexpr std::uint64_t kMost = control::find_upload_purpose("protocol")->max_size;

void answer_file(const Call& call, const std::shared_ptr<Responder>& responder) {
  if (!call.file) return echo(call, responder);
  responder->json(call.file->existed ? 200 : 201, control::file_answer(*call.file, true));
}

struct UploadBench {
  explicit UploadBench(const std::function<void(ServerOptions&)>& change = {})
      : bench(answer_file, [&](ServerOptions& o) {
          files = files_for(o, folder);
          if (change) change(o);
        }) {}
  ~UploadBench() { bench.server->stop(std::chrono::seconds(0)); }

  /// Files and what is on its way.
  [[nodiscard]] std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder / "files"), {}));
  }
  /// After everything that was begun has ended.
  [[nodiscard]] std::vector<json::object> end() {
    bench.server->stop(std::chrono::seconds(20));
    return bench.records();
  }

  Folder folder;
  std::unique_ptr<FileStore> files;
  ControlBench bench;
};

std::string chunk(std::string_view bytes) {
  std::array<char, 20> size{};
  std::snprintf(size.data(), size.size(), "%zx", bytes.size());
  return std::string(size.data()) + "\r\n" + std::string(bytes) + "\r\n";
}

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Every byte value, in no pattern that a piece would end with.
std::string sample(std::size_t size) {
  std::string out(size, '\0');
  std::uint32_t state = 1;
  for (char& c : out) {
    state = state * 1'664'525u + 1'013'904'223u;
    c = static_cast<char>(state >> 24u);
  }
  return out;
}

std::string id_of(const Answer& answer) {
  boost::system::error_code ec;
  const auto value = json::parse(answer.body, ec);
  return ec || !value.is_object() || !value.as_object().contains("fileId")
             ? std::string()
             : std::string(value.at("fileId").as_string());
}

}  // namespace

TEST_SUITE_BEGIN("control.server.upload");

TEST_CASE("a body becomes a file to the byte, in chunks or with its length, and the connection goes on") {
  UploadBench up;
  auto client = up.bench.client_as(Role::operator_);
  const std::string content = sample(700'001);  // more than a piece
  client.request("POST", kTarget, content, kBytesHeader);
  const auto answer = client.read();
  CHECK(answer.status == 201);
  REQUIRE(FileStore::is_id(id_of(answer)));
  CHECK(json::parse(answer.body).at("size") == 700'001);
  CHECK(content_of(up.files->path_of(id_of(answer))) == content);

  std::string chunks;
  for (std::size_t at = 0, size = 1; at < content.size(); at += size, size = size * 3 + 1)
    chunks += chunk(std::string_view(content).substr(at, size));
  client.send(std::string(kStart) + "Transfer-Encoding: chunked\r\n\r\n" + chunks + "0\r\nTrailer: x\r\n\r\n");
  const auto again = client.read();
  CHECK(again.status == 200);  // there already
  CHECK(id_of(again) == id_of(answer));
  CHECK(up.entries() == 1);
  client.request("GET", "/v1/status");
  CHECK(client.read().status == 200);
  const auto records = up.end();
  REQUIRE(records.size() == 2);
  CHECK(records[0].at("action") == "file upload");
  CHECK(records[0].at("status") == "ok");
  CHECK(records[0].at("object").as_string() == "file/" + id_of(answer));
  CHECK(records[0].at("parameters").at("size") == 700'001);
}

TEST_CASE("who lacks the role sends nothing, and is recorded") {
  UploadBench up;
  auto client = up.bench.client_as(Role::viewer);
  client.send(std::string(kStart) + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  const auto answer = client.read();
  CHECK(answer.status == 403);
  CHECK(code_of(answer) == "denied");
  CHECK(up.entries() == 0);
  const auto records = up.end();
  REQUIRE(records.size() == 1);
  CHECK(records[0].at("code") == "denied");
}

TEST_CASE("Expect: 100-continue is answered when there is room for the file, and only then [RFC 9110 10.1.1]") {
  UploadBench up;
  const std::string head = std::string(kStart) + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n";
  std::vector<RawClient> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(up.bench.client());
    clients.back().send(head);
    CHECK(clients.back().read_head().status == 100);
  }
  CHECK(up.entries() == 8);
  auto ninth = up.bench.client();
  ninth.send(head);
  CHECK(code_of(ninth.read()) == "busy");
  for (std::size_t i = 0; i < clients.size(); ++i) {
    clients[i].send("body" + std::to_string(i));
    CHECK(clients[i].read().status == 201);
  }
  auto tenth = up.bench.client();
  tenth.send(head);
  CHECK(tenth.read_head().status == 100);
}

TEST_CASE("too long a file is refused by its length before it is read, else at the bound") {
  UploadBench up;
  SUBCASE("length") {
    auto client = up.bench.client();
    client.send(std::string(kStart) + "Content-Length: " + std::to_string(kMost + 1) + "\r\n\r\n");
    const auto answer = client.read();
    CHECK(answer.status == 413);
    CHECK(code_of(answer) == "too_large");
  }
  SUBCASE("chunks") {
    auto client = up.bench.client();
    client.send(std::string(kStart) + "Transfer-Encoding: chunked\r\n\r\n");
    const std::string megabyte = chunk(std::string(1u << 20u, 'x'));
    for (int i = 0; i < 66 && client.send(megabyte); ++i) continue;
    CHECK(code_of(client.read()) == "too_large");
  }
  const auto records = up.end();
  CHECK(up.entries() == 0);
  REQUIRE(records.size() == 1);
  CHECK(records[0].at("code") == "too_large");
}

TEST_CASE("exactly as long as it may be is fine") {
  UploadBench up;
  auto client = up.bench.client();
  client.send(std::string(kStart) + "Content-Length: " + std::to_string(kMost) + "\r\n\r\n");
  const std::string megabyte(1u << 20u, 'x');
  for (std::uint64_t sent = 0; sent < kMost; sent += megabyte.size()) REQUIRE(client.send(megabyte));
  const auto answer = client.read();
  CHECK(answer.status == 201);
  CHECK(up.files->find(id_of(answer))->size == kMost);
}

TEST_CASE("a caller that stops in the middle leaves nothing but its record") {
  UploadBench up([](ServerOptions& o) { o.header_timeout = std::chrono::seconds(1); });
  auto client = up.bench.client();
  const std::string with_length = std::string(kStart) + "Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n";
  const std::string in_chunks = std::string(kStart) + "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n";
  // Once it may go on, the file is there, half of it.
  const auto begin = [&](const std::string& head) {
    client.send(head);
    CHECK(client.read_head().status == 100);
    CHECK(up.entries() == 1);
  };
  SUBCASE("it hangs up") {
    begin(with_length);
    client.send("half");
    client.close();
  }
  SUBCASE("it hangs up between chunks") {
    begin(in_chunks);
    client.send(chunk("half"));
    client.close();
  }
  SUBCASE("it ends its side") {
    begin(with_length);
    client.send("half");
    client.shutdown_send();
    CHECK(client.at_end());
  }
  SUBCASE("it falls silent") {
    begin(with_length);
    client.send("half");
    CHECK(client.at_end());
  }
  SUBCASE("it falls silent before the first byte") {
    begin(with_length);
    CHECK(client.at_end());
  }
  const auto records = up.end();
  CHECK(up.entries() == 0);
  REQUIRE(records.size() == 1);
  CHECK(records[0].at("action") == "file upload");
  CHECK(records[0].at("status") == "failed");
}

TEST_CASE("the time limit is for silence, not for the whole") {
  UploadBench up([](ServerOptions& o) {
    o.header_timeout = std::chrono::seconds(2);
    o.idle_timeout = std::chrono::seconds(1);
  });
  auto client = up.bench.client();
  client.send(std::string(kStart) + "Content-Length: 6\r\n\r\n");
  for (int second = 0; second < 3; ++second) {
    REQUIRE(client.send("xx"));
    if (second == 2) break;
    // The server's own clock: an idle connection that it closes after a second, twice.
    auto idle = up.bench.client();
    idle.request("GET", "/v1/status");
    CHECK(idle.read().status == 200);
    CHECK(idle.at_end());
  }
  CHECK(client.read().status == 201);
}

TEST_CASE("bodies that are none are refused, and leave nothing") {
  UploadBench up;
  const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string& rest :
       {chunked + "zz\r\nabc\r\n0\r\n\r\n", chunked + "-1\r\nabc\r\n", chunked + "ffffffffffffffffff\r\nabc\r\n",
        chunked + "3\r\nabcd\r\n0\r\n\r\n", chunked + "3\r\nab\r\n0\r\n\r\n\r\n\r\n", chunked + "0\r\n\r\n",
        std::string("Content-Length: 0\r\n\r\n"), std::string("\r\n"),
        std::string("Content-Length: 3\r\nContent-Type: application/json\r\n\r\n{}\n"),
        "Content-Length: 3\r\n" + chunked + "3\r\nabc\r\n0\r\n\r\n"}) {
    CAPTURE(rest);
    auto client = up.bench.client();
    client.send(std::string(kStart) + rest);
    client.shutdown_send();
    const auto answer = client.read();
    CHECK((answer.status == 400 || answer.status == 0));
  }
  (void)up.end();
  CHECK(up.entries() == 0);
}

TEST_CASE("firmware is kept when it has the sign that its sender gives, in any case [operations.md 1.1]") {
  UploadBench up;
  auto client = up.bench.client();
  const std::string firmware = "/v1/files?purpose=firmware";
  for (const std::string& sign : {std::string(), "&signMethod=md5&sign=" + std::string(kAbcMd5),
                                  std::string("&signMethod=MD5&sign=900150983CD24FB0D6963F7D28E17F72"),
                                  "&signMethod=sha256&sign=" + std::string(kAbc)}) {
    CAPTURE(sign);
    client.request("POST", firmware + sign, "abc", kBytesHeader);
    const auto answer = client.read();
    CHECK(answer.status == (sign.empty() ? 201 : 200));
    CHECK(json::parse(answer.body) == json::value{{"fileId", kAbc}, {"size", 3}, {"sha256", kAbc}, {"md5", kAbcMd5}});
  }
  CHECK(up.files->find(kAbc)->md5 == kAbcMd5);
  CHECK(up.entries() == 2);
}

TEST_CASE("a file with another sign than the one given is not kept, and the connection goes on") {
  UploadBench up;
  auto client = up.bench.client();
  struct Row {
    std::string method, given;
    std::string_view actual;
  };
  for (const auto& row : {Row{"md5", std::string(32, 'd'), kAbcMd5}, Row{"sha256", std::string(64, 'd'), kAbc}}) {
    CAPTURE(row.method);
    client.request("POST", "/v1/files?purpose=firmware&signMethod=" + row.method + "&sign=" + row.given, "abc",
                   kBytesHeader);
    const auto answer = client.read();
    CHECK(answer.status == 422);
    CHECK(code_of(answer) == "sign_mismatch");
    const auto problem = json::parse(answer.body);
    CHECK(problem.at("expected") == json::value(row.given));
    CHECK(problem.at("actual") == json::value(row.actual));
    CHECK(up.entries() == 0);
  }
  // What is there already is not touched by a wrong one.
  client.request("POST", "/v1/files?purpose=firmware", "abc", kBytesHeader);
  CHECK(client.read().status == 201);
  client.request("POST", "/v1/files?purpose=firmware&signMethod=md5&sign=" + std::string(32, 'd'), "abc", kBytesHeader);
  CHECK(client.read().status == 422);
  CHECK(up.files->find(kAbc)->md5 == kAbcMd5);
  CHECK(up.entries() == 2);
  const auto records = up.end();
  REQUIRE(records.size() == 4);
  CHECK(records[0].at("code") == "sign_mismatch");
  CHECK(records[0].at("status") == "failed");
}

TEST_CASE("a sign that cannot be one is refused before the body is asked for") {
  UploadBench up;
  auto client = up.bench.client();
  client.send(
      "POST /v1/files?purpose=firmware&signMethod=sha256&sign=abc HTTP/1.1\r\nHost: jlinkd\r\n"
      "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  const auto answer = client.read();
  CHECK(answer.status == 422);
  CHECK(code_of(answer) == "invalid");
  CHECK(json::parse(answer.body).at("field") == "sign");
  CHECK(up.entries() == 0);
}

TEST_CASE("a daemon that keeps no files says so") {
  ControlBench bench;
  auto client = bench.client();
  client.request("POST", kTarget, "abc", kBytesHeader);
  CHECK(code_of(client.read()) == "unsupported");
  client.request("GET", "/v1/status");
  CHECK(client.read().status == 200);
}

namespace {

/// Takes files as the test says.
class StubFiles final : public FileStore {
 public:
  class Incoming final : public FileStore::Incoming {
   public:
    explicit Incoming(StubFiles& files) : files_(files) {}
    ~Incoming() override { ++files_.gone; }
    Status write(std::string_view) override {
      ++files_.writing;
      while (files_.blocks) std::this_thread::yield();
      if (files_.is_full) return Error(Errc::storage, "no space left on device");
      return {};
    }
    Result<StoredFile> measure() override { return StoredFile{std::string(64, 'a'), 3}; }
    Result<StoredFile> finish() override {
      if (files_.cannot_finish) return Error(Errc::storage, "cannot sync");
      return StoredFile{std::string(64, 'a'), 3};
    }

   private:
    StubFiles& files_;
  };
  Result<std::unique_ptr<FileStore::Incoming>> begin(std::uint64_t, bool) override {
    return std::unique_ptr<FileStore::Incoming>(std::make_unique<Incoming>(*this));
  }
  [[nodiscard]] std::optional<StoredFile> find(std::string_view) const override { return std::nullopt; }
  [[nodiscard]] std::string path_of(std::string_view) const override { return {}; }
  Result<std::size_t> sweep(const std::set<std::string, std::less<>>&, Millis, Millis) override { return 0; }

  std::atomic<bool> blocks{false}, is_full{false}, cannot_finish{false};
  std::atomic<int> writing{0}, gone{0};
};

}  // namespace

TEST_CASE("while a disk takes its time, other calls are answered") {
  StubFiles files;
  files.blocks = true;
  ControlBench bench(answer_file, [&](ServerOptions& o) { o.files = &files; });
  auto uploader = bench.client();
  uploader.request("POST", kTarget, "abc", kBytesHeader);
  while (files.writing == 0) std::this_thread::yield();
  CHECK(bench.get("/v1/status").status == 200);
  files.blocks = false;
  CHECK(uploader.read().status == 201);
}

TEST_CASE("a disk that takes no more is told to the caller, and the file is given up") {
  StubFiles files;
  ControlBench bench(answer_file, [&](ServerOptions& o) { o.files = &files; });
  auto client = bench.client();
  SUBCASE("while writing") { files.is_full = true; }
  SUBCASE("at the end") { files.cannot_finish = true; }
  client.request("POST", kTarget, sample(400'000), kBytesHeader);
  const auto answer = client.read();
  CHECK(answer.status == 500);
  CHECK(code_of(answer) == "storage");
  CHECK(files.gone == 1);
  client.request("GET", "/v1/status");
  CHECK(client.read().status == 200);
  bench.server->stop(std::chrono::seconds(20));
}

TEST_CASE("stopping does not wait for uploads longer than it may") {
  UploadBench up;
  auto client = up.bench.client();
  client.send(std::string(kStart) + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  CHECK(client.read_head().status == 100);
  up.bench.server->stop(std::chrono::milliseconds(1));
  CHECK(client.at_end());
  CHECK(up.entries() == 0);
}

TEST_SUITE_END();
