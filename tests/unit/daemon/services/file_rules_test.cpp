// Uploaded files: a change names only such as are there.
#include "daemon/services/rules.hpp"
#include "tests/support/fake_store.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

namespace jl::services {
namespace {
namespace json = boost::json;

/// Has the files that a test says.
class KnownFiles final : public store::FileStore {
 public:
  Result<std::unique_ptr<Incoming>> begin(std::uint64_t, bool) override { return Error(Errc::busy, "not here"); }
  [[nodiscard]] std::optional<store::StoredFile> find(std::string_view id) const override {
    return ids.contains(id) ? std::optional(store::StoredFile{std::string(id), 1}) : std::nullopt;
  }
  [[nodiscard]] std::string path_of(std::string_view) const override { return {}; }
  Result<std::size_t> sweep(const std::set<std::string, std::less<>>&, Millis, Millis) override { return 0; }
  std::set<std::string, std::less<>> ids;
};

Resource protocol(const std::string& file, const std::string& description = {}) {
  std::vector<Problem> problems;
  Resource out = model::read_resource(
      *model::find_kind("protocol"),
      {{"id", "p"}, {"description", description}, {"spec", {{"type", "jar"}, {"configuration", {{"fileId", file}}}}}},
      problems);
  REQUIRE(problems.empty());
  return out;
}

std::vector<std::string> problems_of(test::FakeStore& store, const store::FileStore* files, const Resource& resource) {
  View view(store);
  REQUIRE(view.before("protocol", "p").has_value());
  view.put(resource);
  RuleContext context{view, "node"};
  context.files = files;
  REQUIRE(check_rules(context, view.changes()).has_value());
  std::vector<std::string> out;
  for (const auto& problem : context.problems) out.push_back(problem.object + " " + problem.field);
  if (out.empty()) REQUIRE(store.commit(view.transaction()).has_value());
  return out;
}

}  // namespace

TEST_SUITE("services.files") {
  TEST_CASE("a file must be there when a change brings its id in, and only then") {
    test::FakeStore store;
    KnownFiles files;
    const std::string a(64, 'a'), b(64, 'b');
    const std::vector<std::string> missing{"protocol/p spec.configuration.fileId"};
    CHECK(problems_of(store, &files, protocol(a)) == missing);
    files.ids = {a};
    CHECK(problems_of(store, &files, protocol(a)).empty());
    CHECK(problems_of(store, &files, protocol(b)) == missing);
    // The file got lost: that is no reason against a new description.
    files.ids.clear();
    CHECK(problems_of(store, &files, protocol(a, "changed")).empty());
    // A dry run: files are uploaded with the deed.
    CHECK(problems_of(store, nullptr, protocol(b)).empty());
  }
}

}  // namespace jl::services
