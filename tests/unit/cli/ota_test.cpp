// Remote upgrade against a scripted daemon.
#include "fake_daemon.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace jl;
using namespace jl::cli::test;

namespace {

constexpr const char* kWatch = "GET /v1/ota-tasks/roll-1/watch";
constexpr const char* kAdd = "POST /v1/ota-tasks";

json::object picture(int success, int failed, int canceled, int waiting) {
  const int total = success + failed + canceled + waiting;
  const bool over = waiting == 0;
  return {{"id", "roll-1"},
          {"state", !over          ? "waiting"
                    : canceled > 0 ? "canceled"
                    : failed > 0   ? "failed"
                                   : "success"},
          {"progress", 100 * success / total},
          {"waiting", waiting},
          {"processing", 0},
          {"success", success},
          {"failed", failed},
          {"canceled", canceled},
          {"total", total},
          {"over", over}};
}

json::object created() { return {{"result", "created"}, {"kind", "ota-task"}, {"id", "roll-1"}, {"revision", 5}}; }

json::object updated(int devices) {
  return {{"result", "updated"},
          {"kind", "ota-task"},
          {"id", "roll-1"},
          {"devices", devices},
          {"status", picture(0, 0, 2, 1)}};
}

std::map<std::string, Reply> replies(const Reply& watch) {
  return {{kWatch, watch}, {kAdd, ok(created(), 201)}, {"POST /v1/ota-tasks/roll-1/retry", ok(updated(3))}};
}

Reply all_well() { return lines({picture(0, 0, 0, 2), picture(1, 0, 0, 1), picture(2, 0, 0, 0)}); }
Reply some_failed() { return lines({picture(0, 0, 0, 4), picture(1, 2, 1, 0)}); }

Reply unfinished(Reply::After after) {
  Reply out = lines({picture(1, 0, 0, 1)});
  out.after_chunks = after;
  return out;
}

Given on_terminal() {
  Given out;
  out.out_is_tty = out.err_is_tty = true;
  out.columns = 120;
  return out;
}

std::vector<std::string> added(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

const std::vector<std::string> kWatchWords{"ota", "task", "watch", "roll-1"};
const std::vector<std::string> kAddWords{"ota", "task", "add", "roll-1", "--firmware", "fw-1"};

}  // namespace

TEST_SUITE("cli.ota") {
  TEST_CASE("watch is plain lines where no terminal is: the first, the last, and at most one a second [cli.md 19]") {
    const FakeDaemon daemon(replies(all_well()));
    const auto out = run(daemon, kWatchWords);
    CHECK(out.code == 0);
    CHECK(out.out == "roll-1: waiting 0%, success 0, waiting 2 of 2\nroll-1: success 100%, success 2 of 2\n");
    CHECK(out.err.empty());
    CHECK(run(daemon, {"ota", "task", "watch", "ota-task/roll-1"}).code == 0);
  }

  TEST_CASE("watch is one line that is drawn again on a terminal, and the last of it stays") {
    const FakeDaemon daemon(replies(all_well()));
    const auto out = run(daemon, kWatchWords, on_terminal());
    CHECK(out.code == 0);
    CHECK(out.out.empty());
    CHECK(out.err.starts_with("\r\x1b[Kroll-1 ["));
    CHECK(out.err.ends_with("\r\x1b[Kroll-1 [==============================] 100% success 2 of 2: success\n"));
    CHECK(std::ranges::count(out.err, '\n') == 1);
    auto to_file = on_terminal();
    to_file.out_is_tty = false;
    const auto both = run(daemon, kWatchWords, to_file);
    CHECK(both.out.ends_with("roll-1: success 100%, success 2 of 2\n"));
    CHECK(both.err.find("100%") != std::string::npos);
  }

  TEST_CASE("watch in JSON lines shows every change, and no words besides [cli.md 13]") {
    const FakeDaemon daemon(replies(all_well()));
    const auto out = run(daemon, added(kWatchWords, {"-o", "jsonl"}), on_terminal());
    CHECK(std::ranges::count(out.out, '\n') == 3);
    CHECK(json::parse(out.out.substr(0, out.out.find('\n'))) == json::value(picture(0, 0, 0, 2)));
    CHECK(out.err.empty());
    CHECK(run(daemon, added(kWatchWords, {"--fields", "success,over", "--no-header"})).out ==
          "0\tfalse\n1\tfalse\n2\ttrue\n");
    const auto document = run(daemon, added(kWatchWords, {"--json"})).out;
    CHECK(document.find("\"kind\": \"otaProgress\"") != std::string::npos);
    CHECK(run(daemon, added(kWatchWords, {"-o", "value=state"})).out == "waiting\nwaiting\nsuccess\n");
  }

  TEST_CASE("only --wait gives the end a meaning for scripts [cli.md 43]") {
    const FakeDaemon well(replies(all_well()));
    const FakeDaemon failed(replies(some_failed()));
    CHECK(run(well, added(kWatchWords, {"--wait"})).code == 0);
    CHECK(run(failed, kWatchWords).code == 0);
    const auto out = run(failed, added(kWatchWords, {"--wait"}));
    CHECK(out.code == 10);
    CHECK(out.err ==
          "jlctl: error[job_failed]: 2 of 4 devices failed, 1 was canceled (ota-task/roll-1)\n"
          "hint: jlctl ota task devices roll-1 --state failed\n");
    CHECK(out.out.ends_with("failed 2, canceled 1 of 4\n"));
    const auto error = json::parse(run(failed, added(kWatchWords, {"--wait", "-o", "jsonl"})).err).at("error");
    CHECK(error.at("code") == "job_failed");
    CHECK(error.at("exitCode") == 10);
    CHECK(error.at("object") == "ota-task/roll-1");
  }

  TEST_CASE("--wait-timeout ends the wait with 8 and says that the task goes on [cli.md 44]") {
    const FakeDaemon daemon(replies(unfinished(Reply::After::nothing)));
    const auto out = run(daemon, added(kWatchWords, {"--wait", "--wait-timeout", "30ms"}));
    CHECK(out.code == 8);
    CHECK(out.out == "roll-1: waiting 50%, success 1, waiting 1 of 2\n");
    CHECK(out.err ==
          "jlctl: error[timeout]: \"roll-1\" is not over yet: success 1, waiting 1 of 2; the task goes on "
          "(ota-task/roll-1)\nhint: jlctl ota task watch roll-1 --wait\n");
    const auto useless = run(daemon, added(kWatchWords, {"--wait-timeout", "1h"}));
    CHECK(useless.code == 2);
    CHECK(useless.out.empty());
    CHECK(run(daemon, added(kAddWords, {"--wait-timeout", "1h"})).code == 2);
    CHECK(run(daemon, {"ota", "task", "retry", "roll-1", "--wait-timeout", "1h"}).code == 2);
  }

  TEST_CASE("--timeout is for the first answer only: the stream may be silent for longer [cli.md 44]") {
    const FakeDaemon daemon(replies(unfinished(Reply::After::nothing)));
    const auto out = run(daemon, added(kWatchWords, {"--timeout", "20ms", "--wait", "--wait-timeout", "200ms"}));
    CHECK(out.code == 8);
    CHECK(out.err.find("is not over yet") != std::string::npos);
    const FakeDaemon silent([](const SeenRequest&) {
      Reply reply;
      reply.silent = true;
      return reply;
    });
    const auto never = run(silent, added(kWatchWords, {"--timeout", "20ms"}));
    CHECK(never.code == 8);
    CHECK(never.err.find("did not answer in time") != std::string::npos);
  }

  TEST_CASE("a daemon that goes away midway is unavailable, a task that was deleted is not found") {
    for (const auto after : {Reply::After::closed, Reply::After::end}) {
      const FakeDaemon daemon(replies(unfinished(after)));
      const auto out = run(daemon, added(kWatchWords, {"--wait"}));
      CHECK(out.code == 7);
      CHECK(out.err.find("hint: ") != std::string::npos);
    }
    const json::object gone{{"code", "not_found"}, {"status", 404}, {"detail", "ota task \"roll-1\" was deleted"}};
    const FakeDaemon deleted(replies(lines({picture(1, 0, 0, 1), json::object{{"error", gone}}})));
    CHECK(run(deleted, added(kWatchWords, {"--wait"})).code == 3);
    CHECK(run(deleted, {"ota", "task", "watch", "other"}).code == 3);
  }

  TEST_CASE("where the last line was left out the daemon is asked once more") {
    std::atomic<int> asked{0};
    const FakeDaemon daemon([&](const SeenRequest&) {
      return ++asked == 1 ? lines({picture(0, 0, 0, 2), json::object{{"dropped", 4}}}) : lines({picture(2, 0, 0, 0)});
    });
    CHECK(run(daemon, added(kWatchWords, {"--wait"})).code == 0);
    CHECK(asked == 2);
  }

  TEST_CASE("add --wait shows what was done, follows, and ends as the task does") {
    const FakeDaemon well(replies(all_well()));
    const auto out = run(well, added(kAddWords, {"--wait"}), on_terminal());
    CHECK(out.code == 0);
    CHECK(out.out.empty());
    CHECK(out.err.starts_with("ota-task/roll-1 created (revision 5)\n"));
    CHECK(out.err.ends_with("100% success 2 of 2: success\n"));
    const auto logged = run(well, added(kAddWords, {"--wait"}));
    CHECK(logged.out.empty());
    CHECK(logged.err.ends_with("roll-1: success 100%, success 2 of 2\n"));
    CHECK(run(well, added(kAddWords, {"--wait", "--exit-changed"})).code == 21);
    CHECK(run(well, added(kAddWords, {"--wait", "-q"})).out == "roll-1\n");
    CHECK(run(well, added(kAddWords, {"--wait", "-o", "value=status.success"})).out == "2\n");
    const auto before = well.requests().size();
    CHECK(run(well, kAddWords).code == 0);
    CHECK(well.requests().size() == before + 1);
  }

  TEST_CASE("add --wait -o json is one document: what was done, and how it ended") {
    const FakeDaemon failed(replies(some_failed()));
    const auto out = run(failed, added(kAddWords, {"--wait", "--json"}));
    CHECK(out.code == 10);
    const auto data = json::parse(out.out).at("data");
    CHECK(data.at("result") == "created");
    CHECK(data.at("status") == json::value(picture(1, 2, 1, 0)));
    CHECK(json::parse(out.err).at("error").at("code") == "job_failed");
    const FakeDaemon gone(replies(unfinished(Reply::After::closed)));
    const auto lost = run(gone, added(kAddWords, {"--wait", "--json"}));
    CHECK(lost.code == 7);
    CHECK(json::parse(lost.out).at("data").at("status").at("success") == 1);
    const auto as_lines = run(failed, added(kAddWords, {"--wait", "-o", "jsonl"}));
    CHECK(std::ranges::count(as_lines.out, '\n') == 3);
    CHECK(as_lines.out.starts_with("{\"result\":\"created\""));
  }

  TEST_CASE("--device-file joins --device, and takes the place of a document's list") {
    const FakeDaemon daemon(replies(all_well()));
    const auto list = daemon.folder().file("north.txt", "# north\r\ndev-1\r\n\r\ndev-2\r\ndev-1\r\n");
    const auto devices = [&] { return daemon.requests().back().json().at("spec").at("deviceId"); };
    CHECK(run(daemon, added(kAddWords, {"--device-file", list})).code == 0);
    CHECK(devices() == json::value{"dev-1", "dev-2"});
    CHECK(run(daemon, added(kAddWords, {"--device-file", list, "--device", "dev-9", "--device", "dev-8"})).code == 0);
    CHECK(devices() == json::value{"dev-9", "dev-8", "dev-1", "dev-2"});
    Given given;
    given.input = "dev-7\n";
    CHECK(run(daemon, added(kAddWords, {"--device-file", "-"}), given).code == 0);
    CHECK(devices() == json::value{"dev-7"});
    const auto document = daemon.folder().file("task.yaml", "spec:\n  firmwareId: fw-1\n  deviceId: [dev-5]\n");
    CHECK(run(daemon, {"ota", "task", "add", "roll-1", "-f", document, "--device-file", list}).code == 0);
    CHECK(devices() == json::value{"dev-1", "dev-2"});
  }

  TEST_CASE("a --device-file that is wrong sends nothing, and says where it is wrong") {
    const FakeDaemon daemon(replies(all_well()));
    const auto list = daemon.folder().file("bad.txt", "dev-1\ndev 2\ndev/3\n");
    const auto out = run(daemon, added(kAddWords, {"--device-file", list}));
    CHECK(out.code == 5);
    CHECK(out.err.find(list + ":2: ") != std::string::npos);
    CHECK(out.err.find(list + ":3: ") != std::string::npos);
    CHECK(run(daemon, added(kAddWords, {"--device-file", daemon.folder().file("none.txt", "# all gone\n")})).code == 5);
    CHECK(run(daemon, added(kAddWords, {"--device-file", daemon.folder().path() + "/not-there"})).code == 2);
    CHECK(run(daemon, {"ota", "task", "add", "roll-1", "-f", "-", "--device-file", "-"}).code == 2);
    CHECK(daemon.requests().empty());
  }

  TEST_CASE("stop, resume, retry and remove name devices, or all, and say how many there were") {
    const FakeDaemon daemon({{"POST /v1/ota-tasks/roll-1/stop", ok(updated(535))},
                             {"POST /v1/ota-tasks/roll-1/resume", ok(updated(1))},
                             {"POST /v1/ota-tasks/roll-1/remove", ok(updated(2))},
                             {"POST /v1/ota-tasks/roll-1/retry",
                              failure(Error(Errc::unsupported, "devices of a pull task ask again by themselves"))}});
    const auto out = run(daemon, {"ota", "task", "stop", "roll-1"}, on_terminal());
    CHECK(out.code == 0);
    CHECK(out.err == "ota-task/roll-1: 535 devices stopped\n");
    CHECK(daemon.requests().back().json() == json::value(json::object()));
    const auto one = run(daemon, {"ota", "task", "resume", "roll-1", "device/dev-1"}, on_terminal());
    CHECK(one.err == "ota-task/roll-1: 1 device resumed\n");
    CHECK(daemon.requests().back().json() == json::value{{"devices", {"dev-1"}}});
    CHECK(run(daemon, {"ota", "task", "stop", "roll-1", "-o", "name"}).out == "ota-task/roll-1\n");
    CHECK(run(daemon, {"ota", "task", "stop", "roll-1", "--exit-changed"}).code == 21);
    const auto document = json::parse(run(daemon, {"ota", "task", "stop", "roll-1", "--json"}).out);
    CHECK(document.at("kind") == "mutation");
    CHECK(document.at("data") == json::value(updated(535)));
    CHECK(run(daemon, {"ota", "task", "retry", "roll-1"}).code == 5);
    CHECK(run(daemon, {"ota", "task", "stop"}).code == 2);
  }

  TEST_CASE("records are removed after a question, or with --yes [cli.md 39, 40]") {
    const FakeDaemon daemon({{"POST /v1/ota-tasks/roll-1/remove", ok(updated(2))},
                             {"POST /v1/ota-tasks/last/remove",
                              ok(json::object{{"result", "deleted"}, {"kind", "ota-task"}, {"id", "last"}})}});
    const auto refused = run(daemon, {"ota", "task", "remove", "roll-1", "a", "b"});
    CHECK(refused.code == 12);
    CHECK(refused.err.find("remove the records of 2 devices from ota-task/roll-1") != std::string::npos);
    CHECK(daemon.requests().empty());
    const auto out = run(daemon, {"ota", "task", "remove", "roll-1", "a", "b", "--yes"}, on_terminal());
    CHECK(out.err == "ota-task/roll-1: 2 devices removed\n");
    const auto last = run(daemon, {"ota", "task", "remove", "last", "a", "--yes"}, on_terminal());
    CHECK(last.err == "ota-task/last deleted\n");
    CHECK(run(daemon, {"ota", "task", "remove", "roll-1", "--yes"}).code == 2);
  }

  TEST_CASE("deleting a task says how many records go along [cli.md 39]") {
    const FakeDaemon daemon(
        {{"GET /v1/ota-tasks/roll-1/impact", ok(json::object{{"sessions", 0}, {"usedBy", json::array()}})},
         {"GET /v1/ota-tasks/roll-1", ok(json::object{{"id", "roll-1"}, {"status", picture(3, 1, 0, 0)}})}});
    const auto out = run(daemon, {"ota", "task", "delete", "roll-1"});
    CHECK(out.code == 12);
    CHECK(out.err.find("delete ota-task/roll-1: would delete the records of 4 devices; pass --yes") !=
          std::string::npos);
  }

  TEST_CASE("devices are a table that says how far each is; jsonl and name come as they are [cli.md 13, 14]") {
    const json::object done{{"deviceId", "dev-1"}, {"state", "success"},  {"progress", 100},      {"attempt", 1},
                            {"group", 1},          {"upgradeTime", "T1"}, {"completeTime", "T2"}, {"oldVersion", "1.0"},
                            {"bytesServed", 4096}, {"createTime", "T0"}};
    const json::object bad{{"deviceId", "dev-2"}, {"state", "failed"},           {"progress", 40},    {"attempt", 2},
                           {"group", 1},          {"errorReason", "no\x1broom"}, {"createTime", "T0"}};
    const FakeDaemon daemon({{"GET /v1/ota-tasks/roll-1/devices?state=failed&device=dev-2", lines({bad})},
                             {"GET /v1/ota-tasks/roll-1/devices", lines({done, bad})},
                             {"GET /v1/ota-tasks/none/devices", lines({})}});
    const std::vector<std::string> words{"ota", "task", "devices", "roll-1"};
    CHECK(run(daemon, words).out ==
          "DEVICE\tSTATE\tPROGRESS\tATTEMPT\tSTARTED\tENDED\tREASON\n"
          "dev-1\tsuccess\t100\t1\tT1\tT2\t\ndev-2\tfailed\t40\t2\t\t\tno\\x1broom\n");
    CHECK(run(daemon, added(words, {"-o", "wide", "--no-header"})).out ==
          "dev-1\tsuccess\t100\t1\t1\t1.0\t4096\tT1\tT2\t\t\ndev-2\tfailed\t40\t2\t1\t\t\t\t\t\tno\\x1broom\n");
    CHECK(run(daemon, added(words, {"-o", "name"})).out == "device/dev-1\ndevice/dev-2\n");
    CHECK(run(daemon, added(words, {"-q"})).out == "dev-1\ndev-2\n");
    CHECK(run(daemon, added(words, {"--fields", "deviceId,errorReason,steps", "--no-header"})).out ==
          "dev-1\t\t\ndev-2\tno\\x1broom\t\n");
    CHECK(run(daemon, added(words, {"dev-2", "--state", "failed", "-o", "jsonl"})).out ==
          json::serialize(bad).replace(0, 0, "") + "\n");
    CHECK(run(daemon, {"ota", "task", "devices", "none"}).out ==
          "DEVICE\tSTATE\tPROGRESS\tATTEMPT\tSTARTED\tENDED\tREASON\n");
    CHECK(run(daemon, {"ota", "task", "devices", "gone"}).code == 3);
  }

  TEST_CASE("devices -o json is one document, with the history where it was asked for") {
    const json::object step{{"time", "T1"}, {"event", "dispatched"}};
    const json::object row{{"deviceId", "dev-1"}, {"state", "waiting"}, {"steps", json::array{step}}};
    const FakeDaemon daemon(
        {{"GET /v1/ota-tasks/roll-1/devices?history=true", ok(json::object{{"items", json::array{row}}})}});
    const auto document = json::parse(run(daemon, {"ota", "task", "devices", "roll-1", "--history", "--json"}).out);
    CHECK(document.at("kind") == "otaRecordList");
    CHECK(document.at("data").at("items").at(0) == json::value(row));
  }

  TEST_CASE("the history of each device stands below it") {
    const json::object first{{"time", "T1"}, {"event", "dispatched"}};
    const json::object second{{"time", "T2"}, {"event", "refused"}, {"detail", "disk\nfull"}};
    const json::object row{{"deviceId", "dev-1"}, {"state", "failed"}, {"steps", json::array{first, second}}};
    const json::object other{{"deviceId", "dev-2"}, {"state", "waiting"}};
    const FakeDaemon daemon({{"GET /v1/ota-tasks/roll-1/devices?history=true", lines({row, other})}});
    CHECK(run(daemon, {"ota", "task", "devices", "roll-1", "--history", "--no-header"}).out ==
          "dev-1\tfailed\t\t\t\t\t\n  T1  dispatched\n  T2  refused  disk\\nfull\ndev-2\twaiting\t\t\t\t\t\n");
  }

  TEST_CASE("many devices come as a table whose columns were settled by the first thousand") {
    std::vector<json::value> rows;
    for (int i = 0; i < 2500; ++i)
      rows.push_back(json::object{{"deviceId", "dev-" + std::to_string(i)}, {"state", "waiting"}, {"progress", 0}});
    const FakeDaemon daemon({{"GET /v1/ota-tasks/roll-1/devices", lines(rows)}});
    const auto out = run(daemon, {"ota", "task", "devices", "roll-1"}).out;
    CHECK(std::ranges::count(out, '\n') == 2501);
    CHECK(out.starts_with("DEVICE\tSTATE"));
    CHECK(out.find("\ndev-999\twaiting\t0\t") < out.find("\ndev-1000\twaiting\t0\t"));
    CHECK(out.ends_with("dev-2499\twaiting\t0\t\t\t\t\n"));
  }

  TEST_CASE("check and verify are a line for people, and what the daemon says in JSON") {
    const json::object checked{{"firmware", "fw-1"}, {"server", "main"}, {"url", "http://gw/ota/v1/fw-1/f.bin?k=***"},
                               {"bytes", 421320},    {"elapsed", 0.12},  {"sha256", "ab12"},
                               {"result", "ok"}};
    const json::object verified{{"id", "fw-1"},     {"bytes", 421320}, {"signMethod", "md5"}, {"sign", "0cc1"},
                                {"actual", "0cc1"}, {"result", "ok"},  {"signature", "ok"}};
    const FakeDaemon daemon({{"POST /v1/ota/check", ok(checked)},
                             {"POST /v1/ota-firmwares/fw-1/verify", ok(verified)},
                             {"POST /v1/ota-firmwares/bad/verify", failure(Error(Errc::job_failed, "differs"))}});
    CHECK(run(daemon, {"ota", "check"}).out ==
          "fw-1 from server main: 421320 bytes in 0.12 s, sha256 ab12: ok  (http://gw/ota/v1/fw-1/f.bin?k=***)\n");
    CHECK(daemon.requests().back().json() == json::value(json::object()));
    CHECK(run(daemon, {"ota", "check", "ota-firmware/fw-1", "--server", "main", "-o", "value=bytes"}).out ==
          "421320\n");
    CHECK(daemon.requests().back().json() == json::value{{"firmware", "fw-1"}, {"server", "main"}});
    CHECK(run(daemon, {"ota", "firmware", "verify", "fw-1"}).out ==
          "fw-1: 421320 bytes, md5 0cc1: ok, signature: ok\n");
    const auto document = json::parse(run(daemon, {"ota", "firmware", "verify", "fw-1", "--json"}).out);
    CHECK(document.at("kind") == "otaVerification");
    CHECK(document.at("data") == json::value(verified));
    CHECK(run(daemon, {"ota", "firmware", "verify", "bad"}).code == 10);
  }
}
