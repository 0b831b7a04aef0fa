// Flags of field types that no kind has yet: a kind of the test's own.
#include "cli/document.hpp"
#include "common/model/describe.hpp"

#include "fake_daemon.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

using namespace jl;
using namespace jl::cli;
using namespace jl::cli::test;

namespace {

enum class Colour : std::uint8_t { red, green };

struct Thing {
  Colour colour = Colour::red;
  Secret password;
  double ratio = 1;
  std::vector<std::string> tags;
  std::map<std::string, std::string> labels;
  json::object extra;
  bool loud = true;
};

template <class V>
void describe(V& v, Thing& t);

}  // namespace

template <>
struct jl::model::EnumWords<Colour> {
  static const std::vector<Word>& words() {
    static const std::vector<Word> table{{"RED", "red", {"rot"}}, {"GREEN", "green", {}}};
    return table;
  }
};

namespace {

template <class V>
void describe(V& v, Thing& t) {
  v.field("colour", t.colour).help("colour");
  v.field("passWord", t.password).required().help("password");
  v.field("ratio", t.ratio).help("ratio");
  v.field("tags", t.tags).help("tags");
  v.field("labels", t.labels).help("labels");
  v.field("extra", t.extra).help("extra");
  v.field("loud", t.loud).help("loud");
}

struct Made {
  Result<Document> document;
  std::string err;
};

// What `jlctl thing add t WORDS` would send.
Made make(std::vector<std::string> words, const std::string& input = {},
          std::map<std::string, std::string> variables = {}) {
  static const model::Kind kind{"thing", "things", "物", "things", "", &model::table_of<Thing>(), true, {}, {}, "", ""};
  static const control::Command command = [] {
    control::Command c = *control::find_command("network", "add");
    c.noun = "thing";
    c.kind = &kind;
    return c;
  }();
  words.insert(words.begin(), "t");
  auto args = parse(command, words);
  if (!args) return {args.error(), {}};
  Environment env;
  env.in = ::memfd_create("in", MFD_CLOEXEC);
  env.err = ::memfd_create("err", MFD_CLOEXEC);
  REQUIRE(::write(env.in, input.data(), input.size()) == static_cast<ssize_t>(input.size()));
  ::lseek(env.in, 0, SEEK_SET);
  env.variable = [&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
  Console console(env);
  Sink sink(-1);
  Printer printer(sink, {});
  Client client({});
  const Settings settings;
  Context context{env, *args, settings, client, printer, console};
  Made out{new_document(context, "t"), {}};
  std::array<char, 1000> said{};
  ::lseek(env.err, 0, SEEK_SET);
  const ssize_t n = ::read(env.err, said.data(), said.size());
  out.err.assign(said.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  ::close(env.in);
  ::close(env.err);
  return out;
}

json::value spec_of(const Made& made) {
  REQUIRE(made.document.has_value());
  return made.document->content.at("spec");
}

}  // namespace

TEST_SUITE("cli.fields") {
  TEST_CASE("each field type has its way in [cli.md 4, 5]") {
    const TempFolder folder;
    const std::string file = folder.file("extra.json", R"({"x":[1]})");
    CHECK(spec_of(make({"--colour", "rot", "--ratio", "1.5", "--tags", "a", "--tags", "b", "--labels", "a=1",
                        "--labels", "secretToken=2", "--extra", "@" + file, "--no-loud"})) ==
          json::value{{"colour", "RED"},
                      {"ratio", 1.5},
                      {"tags", {"a", "b"}},
                      {"labels", {{"a", "1"}, {"secretToken", "2"}}},
                      {"extra", {{"x", {1}}}},
                      {"loud", false}});
    CHECK(spec_of(make({"--tags", "a", "--tags", "b/#"})) == json::value{{"tags", {"a", "b/#"}}});
    CHECK(spec_of(make({"--loud", "--tags", "[]"})) == json::value{{"loud", true}, {"tags", json::array()}});
    for (const std::vector<std::string>& words : {std::vector<std::string>{"--colour", "blue"},
                                                  {"--ratio", "x"},
                                                  {"--tags", "[a"},
                                                  {"--labels", "a"},
                                                  {"--labels", "=a"},
                                                  {"--loud", "--no-loud"},
                                                  {"--ratio", ""}}) {
      CAPTURE(words.front());
      const auto made = make(words);
      REQUIRE(made.document.has_error());
      CHECK(made.document.error().code == Errc::usage);
    }
  }

  TEST_CASE("a secret field has no flag that takes its value, and four that say where it is [cli.md 48]") {
    const TempFolder folder;
    const std::string file = folder.file("password", "canary\n");
    const json::value expected{{"passWord", "canary"}};
    CHECK(make({"--pass-word", "canary"}).document.error().code == Errc::usage);
    CHECK(spec_of(make({"--pass-word-file", file})) == expected);
    CHECK(spec_of(make({"--pass-word-stdin"}, "canary")) == expected);
    CHECK(spec_of(make({"--pass-word-credential", "password"}, "", {{"CREDENTIALS_DIRECTORY", folder.path()}})) ==
          expected);
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    CHECK(spec_of(make({"--pass-word-fd", std::to_string(fd)})) == expected);
    ::close(fd);
    // A required secret is asked for on a terminal only; elsewhere the daemon says that it is missing.
    CHECK(spec_of(make({})) == json::value(json::object()));
  }
}
