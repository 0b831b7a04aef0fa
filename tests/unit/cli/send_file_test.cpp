// Files sent on their own, with the sign that they must have.
#include "cli/uploads.hpp"
#include "common/control/commands.hpp"
#include "common/control/sign.hpp"
#include "fake_daemon.hpp"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>
#include <filesystem>
#include <fstream>

using namespace jl;
using namespace jl::cli;
using namespace jl::cli::test;

namespace {

constexpr const char* kSha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kMd5 = "900150983cd24fb0d6963f7d28e17f72";
constexpr const char* kFirmware = "POST /v1/files?purpose=firmware";

Reply kept() { return ok(json::object{{"fileId", kSha}, {"size", 3}, {"sha256", kSha}, {"md5", kMd5}}, 201); }

// What a verb of jlctl works with.
struct Verb {
  explicit Verb(const FakeDaemon& daemon, bool is_terminal = false, bool quiet = false)
      : env(environment(is_terminal)),
        args(parse(*control::find_command("", "version"), {}).value()),
        settings(load_settings(env, &args).value()),
        client(options(daemon)),
        console(env) {
    console.set_quiet(quiet);
  }
  ~Verb() {
    ::close(env.err);
    ::close(env.out);
  }
  static Environment environment(bool is_terminal) {
    Environment out;
    out.out = ::memfd_create("out", MFD_CLOEXEC);
    out.err = ::memfd_create("err", MFD_CLOEXEC);
    out.err_is_tty = is_terminal;
    out.variable = [](const char*) { return std::optional<std::string>(); };
    return out;
  }
  static ClientOptions options(const FakeDaemon& daemon) {
    ClientOptions out;
    out.socket = daemon.socket();
    return out;
  }
  Result<UploadedFile> send(FileToSend file) { return send_file(context, file); }
  [[nodiscard]] std::string said() const {
    std::string out(static_cast<std::size_t>(::lseek(env.err, 0, SEEK_END)), '\0');
    CHECK(::pread(env.err, out.data(), out.size(), 0) == static_cast<ssize_t>(out.size()));
    return out;
  }

  Environment env;
  Invocation args;
  Settings settings;
  Client client;
  Console console;
  Sink sink{env.out};
  Printer printer{sink, {}};
  Context context{env, args, settings, client, printer, console};
};

}  // namespace

TEST_SUITE("cli.send_file") {
  TEST_CASE("a file goes out with its sign, and the daemon's digests come back") {
    const std::string signed_target = std::string(kFirmware) + "&signMethod=md5&sign=" + kMd5;
    const FakeDaemon daemon(std::map<std::string, Reply>{{kFirmware, kept()}, {signed_target, kept()}});
    const std::string path = daemon.folder().file("fw.bin", "abc");
    Verb verb(daemon);
    for (const auto& file : {FileToSend{"firmware", path}, FileToSend{"firmware", path, "md5", kMd5}}) {
      const auto got = verb.send(file);
      REQUIRE(got.has_value());
      CHECK(got->id == kSha);
      CHECK(got->size == 3);
      CHECK(got->sha256 == kSha);
      CHECK(got->md5 == kMd5);
    }
    REQUIRE(daemon.requests().size() == 2);
    CHECK(daemon.requests()[1].body == "abc");
    CHECK(verb.said().empty());
  }

  TEST_CASE("a sign that does not fit is the daemon's to tell, with both digests") {
    const FakeDaemon daemon(std::map<std::string, Reply>{
        {kFirmware, failure(control::sign_mismatch({control::SignMethod::md5, "def"}, "abc"))}});
    Verb verb(daemon);
    const auto got = verb.send({"firmware", daemon.folder().file("fw.bin", "abc")});
    REQUIRE(got.has_error());
    CHECK(got.error().code == Errc::sign_mismatch);
    CHECK(got.error().members ==
          std::vector<std::pair<std::string, std::string>>{{"expected", "def"}, {"actual", "abc"}});
    const json::object document = error_document(got.error());
    CHECK(document.at("actual") == "abc");
    CHECK(document.at("exitCode") == 5);
  }

  TEST_CASE("a file that grows or shrinks while it is sent is not sent to its end") {
    const FakeDaemon daemon(std::map<std::string, Reply>{{kFirmware, kept()}});
    for (const std::size_t after : {std::size_t{500'000}, std::size_t{700'001}}) {
      CAPTURE(after);
      Upload upload;
      upload.purpose = "firmware";
      upload.name = "fw.bin";
      upload.size = 700'000;
      std::size_t left = after;
      upload.read = [&](char* to, std::size_t most) -> Result<std::size_t> {
        const std::size_t size = std::min(most, left);
        std::fill_n(to, size, 'x');
        left -= size;
        return size;
      };
      Client client(Verb::options(daemon));
      const auto got = client.upload(upload);
      REQUIRE(got.has_error());
      CHECK(got.error().code == Errc::usage);
      CHECK(got.error().message.find("\"fw.bin\"") != std::string::npos);
      CHECK(got.error().message.find("it changed while it was sent") != std::string::npos);
    }
    CHECK(daemon.requests().empty());
  }

  TEST_CASE("on a terminal a line tells how far it is, in percent and bytes, and is gone in the end [cli.md 19]") {
    const FakeDaemon daemon(std::map<std::string, Reply>{{kFirmware, kept()}});
    const std::string path = daemon.folder().file("fw.bin", std::string(3u << 20u, 'x'));
    Verb terminal(daemon, true);
    CHECK(terminal.send({"firmware", path}).has_value());
    const std::string said = terminal.said();
    CHECK(said.find("fw.bin\": 8 % of 3.0 MiB") != std::string::npos);
    CHECK(said.ends_with("\r\x1b[K"));
    Verb quiet(daemon, true, true);
    CHECK(quiet.send({"firmware", path}).has_value());
    CHECK(quiet.said().empty());
    Verb elsewhere(daemon);
    CHECK(elsewhere.send({"firmware", path}).has_value());
    CHECK(elsewhere.said().empty());
  }

  TEST_CASE("what is no file to send is an error before anything is") {
    const FakeDaemon daemon(std::map<std::string, Reply>{{kFirmware, kept()}});
    Verb verb(daemon);
    CHECK(verb.send({"firmware", "/nonexistent/fw.bin"}).error().code == Errc::usage);
    CHECK(verb.send({"firmware", daemon.folder().path()}).error().code == Errc::usage);
    const std::string large = daemon.folder().file("large.bin", "");
    std::filesystem::resize_file(large, (std::uint64_t{4} << 30u) + 1);
    const auto got = verb.send({"firmware", large});
    CHECK(got.error().code == Errc::too_large);
    CHECK(got.error().message.find("has more than 4096 MiB") != std::string::npos);
    CHECK(daemon.requests().empty());
  }
}
