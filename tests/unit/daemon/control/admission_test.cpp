#include "daemon/control/admission.hpp"
#include "common/control/api.hpp"
#include "common/control/uploads.hpp"
#include "daemon/control/access_record.hpp"

#include <doctest/doctest.h>

using namespace jl;
using namespace jl::control;

namespace {

constexpr std::array kRoles{Role::none, Role::viewer, Role::operator_, Role::admin};

Caller caller_with(Role role) {
  Caller out;
  out.uid = 1001;
  out.user = "bob";
  out.role = role;
  return out;
}

std::string with_id(std::string path) {
  if (const auto at = path.find("{id}"); at != std::string::npos) path.replace(at, 4, "x-1");
  return path;
}

std::string code(const Admission& admission) { return admission.refusal ? std::string(admission.refusal->word()) : ""; }

RequestHead head(std::string_view method, std::string_view target) {
  RequestHead out;
  out.method = method;
  out.target = target;
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("control.admission");

TEST_CASE("every command is open to its role and those above, and to no other") {
  std::size_t checked = 0;
  for (const Command& command : commands()) {
    if (command.path.empty()) continue;
    for (const Role role : kRoles) {
      CAPTURE(command.method);
      CAPTURE(command.path);
      CAPTURE(to_string(role));
      const std::string target = with_id(command.path) + (command.upload ? "?purpose=protocol" : "");
      const auto got = admit(head(command.method, target), caller_with(role));
      CHECK(got.command == &command);
      CHECK(code(got) == (role >= command.role ? "" : "denied"));
      CHECK((role != Role::none || got.refusal.has_value() || command.path == "/v1/version"));
      ++checked;
    }
  }
  CHECK(checked > 4 * 60);
}

TEST_CASE("who is refused learns who it is, what is needed and where roles are given") {
  const auto got = admit(head("POST", "/v1/networks"), caller_with(Role::viewer));
  REQUIRE(got.refusal.has_value());
  CHECK(got.refusal->message == "\"network add\" needs the role admin; user \"bob\" (uid 1001) has viewer");
  CHECK(got.refusal->hint.find("\"roles:\" in /etc/jlinkd/jlinkd.yaml") != std::string::npos);
}

TEST_CASE("callers without a role do not learn which paths exist") {
  CHECK(code(admit(head("GET", "/v1/nothing"), caller_with(Role::none))) == "denied");
  CHECK(code(admit(head("PUT", "/v1/networks"), caller_with(Role::none))) == "denied");
  CHECK(code(admit(head("GET", "/v1/nothing"), caller_with(Role::viewer))) == "not_found");
}

TEST_CASE("secrets in clear are for administrators only, and recorded [cli 49]") {
  for (const Role role : kRoles) {
    CAPTURE(to_string(role));
    CHECK(code(admit(head("GET", "/v1/export?withSecrets"), caller_with(role))) ==
          (role == Role::admin ? "" : "denied"));
  }
  const auto* command = find_command("", "export");
  CHECK(is_recorded(*command, {{"withSecrets", ""}}));
  CHECK_FALSE(is_recorded(*command, {}));
  CHECK(is_recorded(*find_command("device", "write"), {}));
  CHECK(is_recorded(*find_command("network", "add"), {}));
  CHECK_FALSE(is_recorded(*find_command("network", "list"), {}));
}

TEST_CASE("another major version of the API is refused before anything else [cli 54]") {
  struct Row {
    std::string_view version, want;
  };
  for (const auto& row : {Row{"", ""}, Row{"1.0", ""}, Row{"1.9", ""}, Row{"1", ""}, Row{"2.0", "version_mismatch"},
                          Row{"0.9", "version_mismatch"}, Row{"x", "bad_request"}, Row{"1x", "bad_request"},
                          Row{"99999999999999999999", "bad_request"}}) {
    CAPTURE(row.version);
    auto request = head("GET", "/v1/status");
    request.client_api = row.version;
    CHECK(code(admit(request, caller_with(Role::viewer))) == row.want);
  }
  auto request = head("NONSENSE", "nowhere");
  request.client_api = "2.0";
  CHECK(code(admit(request, caller_with(Role::none))) == "version_mismatch");
}

TEST_CASE("paths and methods lead where they should, ids are checked") {
  const auto viewer = caller_with(Role::viewer);
  const auto wrong_method = admit(head("PUT", "/v1/networks"), caller_with(Role::admin));
  CHECK(code(wrong_method) == "method_not_allowed");
  CHECK(wrong_method.allow == "GET, POST");
  const auto typo = admit(head("GET", "/v1/netwroks"), viewer);
  CHECK(typo.refusal->hint == "did you mean \"/v1/networks\"?");
  CHECK(admit(head("GET", "/v1/networks/a%2Db"), viewer).id == "a-b");
  for (const auto* target : {"/v1/networks/a%2Fb", "/v1/networks/a%00b", "/v1/networks/%20", "/v1/networks/-a",
                             "/v1/networks/../status", "/v1//status"}) {
    CAPTURE(target);
    CHECK(code(admit(head("GET", target), viewer)) == "not_found");
  }
  CHECK(code(admit(head("GET", "/v1/networks?nmae=x"), viewer)) == "bad_request");
  CHECK(code(admit(head("GET", "/v1/networks?a=%"), viewer)) == "bad_request");
}

TEST_CASE("bodies must be JSON, of their size, and where a body belongs") {
  const auto admin = caller_with(Role::admin);
  const auto with_body = [](std::string_view method, std::string_view target, std::string_view type,
                            std::optional<std::uint64_t> length) {
    auto out = head(method, target);
    out.content_type = type;
    out.content_length = length;
    out.is_chunked = !length.has_value();
    if (out.is_chunked) out.transfer_encoding = "chunked";
    return out;
  };
  CHECK(code(admit(with_body("POST", "/v1/networks", "application/json", 10), admin)) == "");
  CHECK(code(admit(with_body("POST", "/v1/networks", "Application/JSON ; charset=utf-8", {}), admin)) == "");
  CHECK(code(admit(with_body("POST", "/v1/networks", "", 0), admin)) == "");
  CHECK(code(admit(with_body("POST", "/v1/networks", "", 10), admin)) == "bad_request");
  CHECK(code(admit(with_body("POST", "/v1/networks", "text/plain", {}), admin)) == "bad_request");
  CHECK(code(admit(with_body("POST", "/v1/networks", "application/jsonp", 1), admin)) == "bad_request");
  CHECK(code(admit(with_body("GET", "/v1/networks", "application/json", 10), admin)) == "bad_request");
  CHECK(code(admit(with_body("DELETE", "/v1/networks/a", "application/json", 10), admin)) == "bad_request");
  CHECK(code(admit(with_body("POST", "/v1/networks", "application/json", kMaxBody), admin)) == "");
  CHECK(code(admit(with_body("POST", "/v1/networks", "application/json", kMaxBody + 1), admin)) == "too_large");
  CHECK(code(admit(with_body("POST", "/v1/apply", "application/json", kMaxApplyBody), admin)) == "");
  CHECK(code(admit(with_body("POST", "/v1/apply", "application/json", kMaxApplyBody + 1), admin)) == "too_large");
}

TEST_CASE("a file is bytes, for a purpose that is known, and of the size that the purpose may have") {
  struct Row {
    std::string_view target, type;
    std::optional<std::uint64_t> length;
    std::string_view want;
  };
  const std::string_view good = "/v1/files?purpose=protocol";
  const std::uint64_t most = find_upload_purpose("protocol")->max_size;
  for (const auto& row :
       {Row{good, "", 10, ""}, Row{good, "application/octet-stream", {}, ""},
        Row{good, "Application/Octet-Stream; x=y", most, ""}, Row{good, "", most + 1, "too_large"},
        Row{good, "application/json", 10, "bad_request"},
        Row{good, "application/x-www-form-urlencoded", 10, "bad_request"}, Row{"/v1/files", "", 10, "bad_request"},
        Row{"/v1/files?purpose=", "", 10, "bad_request"}, Row{"/v1/files?purpose=nothing", "", 10, "bad_request"},
        Row{"/v1/files?purpose=protocol&purpose=protocol", "", 10, "bad_request"},
        Row{"/v1/files?purpose=protocol&x=y", "", 10, "bad_request"},
        Row{"/v1/files?purpose=protocol&signMethod=md5", "", 10, "bad_request"},
        Row{"/v1/files?purpose=protocol&sign=", "", 10, "bad_request"}}) {
    CAPTURE(row.target);
    CAPTURE(row.type);
    auto request = head("POST", row.target);
    request.content_type = row.type;
    request.content_length = row.length;
    request.is_chunked = !row.length.has_value();
    if (request.is_chunked) request.transfer_encoding = "chunked";
    const auto got = admit(request, caller_with(Role::operator_));
    CHECK(code(got) == row.want);
    if (row.want.empty()) CHECK(got.max_body == most);
  }
  CHECK(is_recorded(*find_command("file", "upload"), {}));
}

TEST_CASE("the sign of firmware is judged before any of it is read") {
  const std::string md5 = "900150983CD24fb0d6963f7d28e17f72";
  struct Row {
    std::string query;
    std::string field;  // at fault, "" = none
    std::string digits;
  };
  for (const auto& row :
       {Row{"", "", ""}, Row{"&signMethod=sha256", "", ""},
        Row{"&signMethod=md5&sign=" + md5, "", "900150983cd24fb0d6963f7d28e17f72"},
        Row{"&sign=" + md5, "signMethod", ""}, Row{"&signMethod=crc&sign=" + md5, "signMethod", ""},
        Row{"&signMethod=sha256&sign=" + md5, "sign", ""}, Row{"&signMethod=md5&sign=%00" + md5.substr(1), "", ""}}) {
    CAPTURE(row.query);
    const std::string target = "/v1/files?purpose=firmware" + row.query;
    auto request = head("POST", target);
    request.content_length = std::uint64_t{4} << 30u;
    const auto got = admit(request, caller_with(Role::operator_));
    if (row.query.find("%00") != std::string::npos) {
      CHECK(code(got) == "bad_request");
      continue;
    }
    CHECK(code(got) == (row.field.empty() ? "" : "invalid"));
    if (got.refusal) CHECK(got.refusal->field == row.field);
    if (!got.refusal) {
      CHECK(got.upload.with_md5);
      CHECK((got.upload.sign ? got.upload.sign->digits : "") == row.digits);
    }
    request.content_length = (std::uint64_t{4} << 30u) + 1;
    if (row.field.empty()) CHECK(code(admit(request, caller_with(Role::operator_))) == "too_large");
  }
}

TEST_CASE("HTTP is taken narrowly [RFC 9112]") {
  const auto viewer = caller_with(Role::viewer);
  const auto refused = [&](auto change) {
    auto request = head("GET", "/v1/status");
    change(request);
    return code(admit(request, viewer));
  };
  CHECK(refused([](auto&) {}) == "");
  CHECK(refused([](auto& h) { h.version = 10; }) == "bad_request");
  CHECK(refused([](auto& h) { h.hosts = 0; }) == "");
  CHECK(refused([](auto& h) { h.hosts = 2; }) == "bad_request");
  CHECK(refused([](auto& h) { h.transfer_encoding = "gzip"; }) == "bad_request");
  CHECK(refused([](auto& h) { h.transfer_encoding = "gzip, chunked", h.is_chunked = true; }) == "bad_request");
  CHECK(refused([](auto& h) { h.expect = "100-Continue"; }) == "");
  CHECK(refused([](auto& h) { h.expect = "200-ok"; }) == "bad_request");
}

TEST_CASE("a record says who, what, on what, how long and how it ended") {
  auto caller = caller_with(Role::admin);
  caller.pid = 77;
  caller.claimed_user = "alice";
  const auto admission = admit(head("DELETE", "/v1/networks/net-1?maxDisconnect=3"), caller);
  REQUIRE_FALSE(admission.refusal.has_value());
  const CallMemo memo("DELETE", admission, 1000);
  CallEnd end;
  end.notes.revision_before = 4;
  end.notes.revision_after = 5;
  const boost::json::value want{{"action", "network delete"},
                                {"method", "DELETE"},
                                {"path", "/v1/networks/net-1"},
                                {"object", "network/net-1"},
                                {"user", "bob"},
                                {"uid", 1001u},
                                {"pid", 77},
                                {"role", "admin"},
                                {"claimed", {{"user", "alice"}}},
                                {"duration", 0.25},
                                {"status", "ok"},
                                {"httpStatus", 200},
                                {"revisionBefore", 4u},
                                {"revisionAfter", 5u},
                                {"parameters", {{"query", {{"maxDisconnect", "3"}}}}}};
  CHECK(boost::json::value(access_record(memo, caller, end, 1250)) == want);
}

TEST_CASE("what a record keeps of a body is masked and small") {
  const auto admission = admit(head("POST", "/v1/networks"), caller_with(Role::admin));
  CallMemo memo("POST", admission, 0);
  boost::json::array documents;
  for (int i = 0; i < 10'000; ++i) documents.push_back(boost::json::object{{"name", "n"}});
  memo.note_body(admission, {{"id", "net-2"}, {"spec", {{"password", "canary"}}}, {"many", documents}});
  CHECK(memo.object == "network/net-2");
  const std::string text = boost::json::serialize(memo.parameters);
  CHECK(text.find("canary") == std::string::npos);
  CHECK(text.find("net-2") != std::string::npos);
  CHECK(text.size() < 32'000);
}

TEST_CASE("claims are cut and made printable") {
  CHECK(claimed_text("alice\x1b[31m\xFF") == "alice?[31m?");
  CHECK(claimed_text(std::string(500, 'x')).size() == 200);
}

TEST_SUITE_END();
