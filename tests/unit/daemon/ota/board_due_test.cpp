// Who is told, when, and who waits for whom (operations.md 1.3 rows 2, 3, 18; 1.5).
#include "board_support.hpp"

namespace jl::ota {
TEST_SUITE("ota.board_due") {
  TEST_CASE("who is there is told; who is not waits until it comes [rows 2, 3]") {
    Desk desk;
    desk.put(test::make_plan(), Names{"a", "b"});
    desk.come("a");
    const auto due = desk.due();
    REQUIRE(due.size() == 1);
    CHECK(due[0].device_id == "a");
    CHECK(due[0].attempt == 1);
    CHECK(due[0].message_id == desk.record("t1", "a").message_id);
    CHECK(desk.record("t1", "a").ack_deadline == desk.now + 60'000);
    CHECK(desk.record("t1", "a").deadline == desk.now + 3'600'000);
    CHECK(desk.told().empty());
    desk.come("b");
    CHECK(desk.told() == Names{"t1/b"});
  }

  TEST_CASE("message ids differ and are short") {
    Desk desk;
    Names devices;
    for (int i = 0; i < 40; ++i) devices.push_back("d" + std::to_string(i));
    desk.put(test::make_plan(), devices);
    for (const auto& id : devices) desk.come(id);
    std::set<std::string> ids;
    for (const Dispatch& each : desk.due()) {
      CHECK(each.message_id.size() <= 32);
      CHECK(each.message_id.starts_with("ota-"));
      ids.insert(each.message_id);
    }
    CHECK(ids.size() == 40);
  }

  TEST_CASE("not more are told than the limit, and the rest is due at once") {
    Desk desk;
    desk.put(test::make_plan(), Names{"a", "b", "c"});
    for (const char* id : {"a", "b", "c"}) desk.come(id);
    CHECK(desk.due(0).empty());
    CHECK(desk.due(2).size() == 2);
    CHECK(desk.board.next_time(desk.now) == desk.now);
    CHECK(desk.due(2).size() == 1);
    CHECK(desk.board.next_time(desk.now) == desk.now + 60'000);
  }

  TEST_CASE("a device is upgraded by one task at a time") {
    Desk desk;
    desk.put(test::make_plan("t1"), Names{"a"});
    desk.put(test::with_version(test::make_plan("t2"), "2.0", 20), Names{"a"});
    desk.come("a");
    CHECK(desk.told() == Names{"t1/a"});
    CHECK(desk.told().empty());
    CHECK(desk.board.on_progress("a", {.version = "1.2.0", .complete = true, .success = true}, desk.now));
    CHECK(desk.told() == Names{"t2/a"});
  }

  TEST_CASE("a task that is taken off the board frees its devices") {
    Desk desk;
    desk.put(test::make_plan("t1"), Names{"a"});
    desk.put(test::with_version(test::make_plan("t2"), "2.0", 20), Names{"a"});
    desk.come("a");
    CHECK(desk.told() == Names{"t1/a"});
    CHECK(desk.told().empty());
    desk.board.remove("t1");
    CHECK(desk.board.size() == 1);
    CHECK(desk.told() == Names{"t2/a"});
  }

  TEST_CASE("behind one carrier the next is told when the one before gave a sign [operations 1.5]") {
    Desk desk;
    desk.put(test::make_plan(), Names{"c1", "c2", "c3", "gw", "free"});
    for (const char* id : {"c1", "c2", "c3"}) desk.presence.carriers[id] = "gw";
    for (const char* id : {"c1", "c2", "c3", "gw", "free"}) desk.come(id);
    Names told = desk.told();
    REQUIRE(told.size() == 2);
    CHECK(std::ranges::count(told, "t1/free") == 1);
    CHECK(desk.told().empty());
    Names seen;
    for (int i = 0; i < 4; ++i) {
      const auto first = std::ranges::find_if(told, [](const auto& name) { return name != "t1/free"; });
      REQUIRE(first != told.end());
      seen.push_back(first->substr(3));
      const Record& record = desk.record("t1", seen.back());
      // Each gives its sign in another way.
      if (i == 0) CHECK(desk.board.on_reply(seen.back(), record.message_id, true, "", desk.now));
      if (i == 1) CHECK(desk.board.on_reply(seen.back(), record.message_id, false, "busy", desk.now));
      if (i == 2) desk.board.served("t1", seen.back(), 10, desk.now);
      if (i == 3) desk.now += 60'000;
      told = desk.told();
    }
    std::ranges::sort(seen);
    CHECK(seen == Names{"c1", "c2", "c3", "gw"});
  }

  TEST_CASE("behind a carrier everybody gets a turn, also where most of those who wait have left or are upgraded") {
    Desk desk;
    Names ids;
    for (int i = 0; i < 100; ++i) ids.push_back("c" + std::to_string(i));
    desk.put(test::make_plan(), ids);
    for (const auto& id : ids) desk.presence.carriers[id] = "gw";
    for (const auto& id : ids) desk.come(id);
    Names told = desk.told();
    Names left;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if ("t1/" + ids[i] == told.front()) continue;
      if (i % 3 == 0) desk.presence.online.erase(ids[i]), left.push_back(ids[i]);
      if (i % 3 == 1) CHECK(desk.board.on_version(ids[i], "1.2.0", desk.now));
    }
    std::size_t answered = 0;
    for (; told.size() == 1; ++answered) {
      const std::string id = told.front().substr(3);
      CHECK(desk.board.on_reply(id, desk.record("t1", id).message_id, true, "", desk.now));
      told = desk.told();
    }
    CHECK(told.empty());
    CHECK(desk.board.find("t1")->counts().at(State::waiting) == left.size());
    CHECK(answered >= 33);
    desk.come(left.back());
    CHECK(desk.told() == Names{"t1/" + left.back()});
  }

  TEST_CASE("what did not leave frees the carrier, and its device waits for coming again") {
    Desk desk;
    desk.put(test::make_plan(), Names{"c1", "c2"});
    for (const char* id : {"c1", "c2"}) desk.presence.carriers[id] = "gw";
    for (const char* id : {"c1", "c2"}) desk.come(id);
    const auto due = desk.due();
    REQUIRE(due.size() == 1);
    desk.presence.online.erase(due[0].device_id);
    desk.board.undelivered(due[0], true, "offline", desk.now);
    CHECK(desk.record("t1", due[0].device_id).attempt == 0);
    const Names next = desk.told();
    REQUIRE(next.size() == 1);
    CHECK(next[0] != "t1/" + due[0].device_id);
    CHECK(desk.board.on_version(next[0].substr(3), "1.2.0", desk.now));
    CHECK(desk.told().empty());
    desk.come(due[0].device_id);
    CHECK(desk.told() == Names{"t1/" + due[0].device_id});
  }

  TEST_CASE("what cannot be told at all is refused") {
    Desk desk;
    desk.put(test::make_plan(), Names{"a"});
    desk.come("a");
    const auto due = desk.due();
    desk.board.undelivered(due[0], false, "this transport has no such message", desk.now);
    CHECK(desk.state("t1", "a") == State::failed);
    CHECK(desk.record("t1", "a").error_reason == "this transport has no such message");
  }

  TEST_CASE("news of an attempt that is over changes nothing") {
    Desk desk;
    desk.put(test::make_plan(), Names{"a"});
    desk.come("a");
    const auto first = desk.due();
    desk.board.undelivered(first[0], true, "offline", desk.now);
    desk.come("a");
    const auto second = desk.due();
    REQUIRE(second.size() == 1);
    CHECK(second[0].attempt == first[0].attempt);
    desk.board.undelivered(first[0], true, "offline", desk.now);
    desk.board.undelivered(first[0], false, "no", desk.now);
    CHECK(desk.state("t1", "a") == State::processing);
    CHECK(desk.board.on_reply("a", second[0].message_id, true, "", desk.now));
    desk.board.undelivered(second[0], true, "offline", desk.now);
    desk.board.undelivered(second[0], false, "no", desk.now);
    CHECK(desk.state("t1", "a") == State::processing);
    desk.board.undelivered({"t9", "a", "m", 1}, true, "", desk.now);
  }

  TEST_CASE("after a restart only those are told again who never gave a sign, in the same words [row 18]") {
    Desk desk;
    desk.put(test::make_plan(), Names{"silent", "heard", "away"});
    for (const char* id : {"silent", "heard", "away"}) desk.come(id);
    std::map<std::string, Dispatch> first;
    for (Dispatch& each : desk.due()) first.emplace(each.device_id, each);
    REQUIRE(first.size() == 3);
    CHECK(desk.board.on_reply("heard", first["heard"].message_id, true, "", desk.now));
    test::Shelf shelf;
    shelf.add(*desk.board.find("t1"));

    const auto again = shelf.rebuild();
    again->restarted();
    desk.presence.online = {"silent", "heard"};
    desk.now += 30'000;
    CHECK(again->next_time(desk.now) == desk.now);
    auto due = again->due(desk.now, desk.presence, 100);
    REQUIRE(due.size() == 1);
    CHECK(due[0].device_id == "silent");
    CHECK(due[0].message_id == first["silent"].message_id);
    CHECK(due[0].attempt == 1);
    CHECK(again->find("t1")->find("silent")->ack_deadline == test::kStart + 60'000);
    CHECK(again->due(desk.now, desk.presence, 100).empty());
    // The third comes in time, and then too late.
    desk.presence.online.insert("away");
    CHECK(again->on_online("away", desk.now));
    due = again->due(desk.now, desk.presence, 100);
    REQUIRE(due.size() == 1);
    CHECK(due[0].message_id == first["away"].message_id);
    CHECK(again->on_online("away", test::kStart + 60'000));
    CHECK(again->due(test::kStart + 60'000, desk.presence, 100).empty());
    CHECK(again->find("t1")->find("away")->error_reason == "response timeout");
  }

  TEST_CASE("without a restart nobody is told again as long as its connection stands") {
    Desk desk;
    desk.put(test::make_plan(), Names{"a"});
    desk.come("a");
    CHECK(desk.due().size() == 1);
    desk.now += 1000;
    CHECK(desk.due().empty());
    desk.come("a");
    CHECK(desk.due().size() == 1);
    CHECK(desk.record("t1", "a").attempt == 1);
    CHECK(desk.due().empty());
  }

  TEST_CASE("carriers of those who were told before a restart are busy, too") {
    Desk desk;
    desk.put(test::make_plan(), Names{"c1", "c2"});
    for (const char* id : {"c1", "c2"}) desk.presence.carriers[id] = "gw";
    for (const char* id : {"c1", "c2"}) desk.come(id);
    CHECK(desk.due().size() == 1);
    test::Shelf shelf;
    shelf.add(*desk.board.find("t1"));
    const auto again = shelf.rebuild();
    CHECK(again->due(desk.now, desk.presence, 100).empty());
  }

  TEST_CASE("coming tells whether the version is worth asking for") {
    Desk desk;
    desk.put(test::make_plan(), Names{"a"});
    CHECK(!desk.board.on_online("a", desk.now));
    desk.come("a");
    CHECK(desk.due().size() == 1);
    CHECK(desk.board.on_online("a", desk.now));
    CHECK(!desk.board.on_online("nobody", desk.now));
  }

  TEST_CASE("outside the window nobody is told, and the board knows when to look again") {
    Desk desk;
    Plan plan = test::make_plan();
    plan.task.window = "22:00-04:00";
    desk.put(plan, Names{"a"});
    desk.now = test::kStart / 86'400'000 * 86'400'000 + 12 * 3'600'000;
    desk.come("a");
    CHECK(desk.due().empty());
    const Millis ten = desk.now + 10 * 3'600'000;
    CHECK(desk.board.next_time(desk.now) == ten);
    desk.now = ten;
    CHECK(desk.told() == Names{"t1/a"});
  }

  TEST_CASE("what an operator does to a task reaches the board: changes, freed devices, who waits") {
    Desk desk;
    Task& task = desk.put(test::make_plan(), Names{"a", "b"});
    (void)desk.board.take_changes();
    CHECK(task.apply_all(State::waiting, {}, Event::stopped, desk.now) == 2);
    const auto changes = desk.board.take_changes();
    REQUIRE(changes.size() == 2);
    CHECK(changes[0].device_id == "a");
    CHECK(changes[1].device_id == "b");
    desk.come("a");
    CHECK(desk.told().empty());
    CHECK(task.apply_all(State::canceled, {"a"}, Event::resumed, desk.now) == 1);
    CHECK(desk.told() == Names{"t1/a"});
    task.join(test::make_record("c"));
    CHECK(desk.board.active("c", "fw") == &task);
    desk.come("c");
    CHECK(desk.told() == Names{"t1/c"});
    task.forget("b");
    CHECK(!desk.board.knows("b"));
    CHECK(desk.board.size() == 2);
  }
}
}  // namespace jl::ota
