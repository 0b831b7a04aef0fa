#include "daemon/control/roles.hpp"
#include "common/base/words.hpp"
#include "daemon/control/user_names.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace jl::control;

namespace {

Caller bob() {
  Caller out;
  out.uid = 1001;
  out.gid = 1002;
  out.user = "bob";
  out.groups = {"bobs", "iot", "4242"};
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("control.roles");

TEST_CASE("root and the daemon's own user are admin, everybody else is what the rules say [cli 52]") {
  const RoleRules none;
  Caller root;
  CHECK(none.role_of(root, 999) == Role::admin);
  CHECK(none.role_of(bob(), 1001) == Role::admin);
  CHECK(none.role_of(bob(), 999) == Role::none);
}

TEST_CASE("rules name users and groups, by name or number; the highest role counts [cli 52]") {
  struct Row {
    RoleRule rule;
    Role want;
  };
  for (const auto& row : std::vector<Row>{{{Role::viewer, {"bob"}, {}}, Role::viewer},
                                          {{Role::operator_, {"1001"}, {}}, Role::operator_},
                                          {{Role::admin, {}, {"iot"}}, Role::admin},
                                          {{Role::viewer, {}, {"1002"}}, Role::viewer},
                                          {{Role::viewer, {}, {"4242"}}, Role::viewer},
                                          {{Role::viewer, {"eve", "bob"}, {"x"}}, Role::viewer},
                                          {{Role::admin, {"bo"}, {"io"}}, Role::none},
                                          {{Role::admin, {"iot"}, {"bob"}}, Role::none},
                                          {{Role::admin, {"1002"}, {"1001"}}, Role::none},
                                          {{Role::admin, {"4294968297"}, {""}}, Role::none},
                                          {{Role::admin, {}, {}}, Role::none}}) {
    const std::string words = jl::join(row.rule.users) + " / " + jl::join(row.rule.groups);
    CAPTURE(words);
    CHECK(RoleRules{{row.rule}}.role_of(bob(), 999) == row.want);
  }
  const RoleRules several{{{Role::admin, {}, {"iot"}}, {Role::viewer, {"bob"}, {}}, {Role::operator_, {}, {"bobs"}}}};
  CHECK(several.role_of(bob(), 999) == Role::admin);
}

TEST_CASE("the peer of a socket is this process with all its groups [cli 52]") {
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  const Caller caller = caller_of_socket(pair[0]);
  ::close(pair[0]);
  ::close(pair[1]);
  CHECK(caller.uid == ::geteuid());
  CHECK(caller.gid == ::getegid());
  CHECK(caller.pid == ::getpid());
  CHECK(caller.user == user_name(::geteuid()));
  CHECK(caller.role == Role::none);
  std::vector<gid_t> gids(65536);
  gids.resize(static_cast<std::size_t>(std::max(0, ::getgroups(static_cast<int>(gids.size()), gids.data()))));
  gids.push_back(::getegid());
  for (const gid_t gid : gids) {
    CHECK(std::ranges::find(caller.groups, group_name(gid)) != caller.groups.end());
  }
}

TEST_CASE("who cannot be told is nobody") {
  const Caller caller = caller_of_socket(-1);
  CHECK(caller.uid == 65534);
  CHECK(caller.gid == 65534);
  CHECK(RoleRules{}.role_of(caller, 999) == Role::none);
}

TEST_CASE("numbers without a name stay numbers") {
  CHECK(user_name(0) == "root");
  CHECK(group_name(0) == "root");
  CHECK(user_name(3'999'999'999u) == "3999999999");
  CHECK(group_name(3'999'999'999u) == "3999999999");
  CHECK(groups_of_user(0, 0).front() == 0);
  CHECK(is_number("0123456789"));
  CHECK_FALSE(is_number(""));
  CHECK_FALSE(is_number("12a"));
  CHECK_FALSE(is_number("12345678901"));
}

TEST_SUITE_END();
