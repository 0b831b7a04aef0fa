// Reading test cases. What they are compared with is in case_compare.cpp.
#include "daemon/codec/package/cases.hpp"

#include "common/base/base64.hpp"
#include "common/base/hex.hpp"
#include "daemon/codec/package/case_fields.hpp"
#include "daemon/codec/package/json_file.hpp"

#include <algorithm>

namespace jl::codec::package {
namespace {

/// Reads the cases of one file. Members of JSON type are taken from where they stand: the field tables would read a
/// text that looks like JSON as JSON.
class CaseReader {
 public:
  CaseReader(std::vector<Case>& cases, std::vector<Problem>& problems) : cases_(cases), problems_(problems) {}

  void file(const JsonFile& file) {
    file_ = &file;
    const std::size_t first = problems_.size();
    if (const auto* list = file.value().if_array()) {
      for (std::size_t i = 0; i < list->size(); ++i) one((*list)[i], "[" + std::to_string(i) + "]");
    } else {
      one(file.value(), "");
    }
    file.locate(problems_, first);
  }

 private:
  void problem(const std::string& at, std::string message) {
    if (problems_.size() < kMaxProblems) problems_.push_back({at, std::move(message), Errc::invalid, {}, {}});
  }
  static std::string below(const std::string& at, std::string_view key) {
    return at.empty() ? std::string(key) : at + "." + std::string(key);
  }

  // The struct of an object, by its field table; what is wrong is told.
  template <class T>
  T read(const json::value& given, const std::string& at) {
    if (!given.is_object()) {
      problem(at, "must be an object");
      return {};
    }
    const json::object& object = given.get_object();
    return model::from_json<T>(model::normalize(model::table_of<T>(), object, object, at, problems_));
  }
  static const json::value* member(const json::value& object, std::string_view key) {
    const auto* members = object.if_object();
    const auto* value = members ? members->if_contains(key) : nullptr;
    return value && !value->is_null() ? value : nullptr;
  }

  void one(const json::value& given, const std::string& at) {
    if (cases_.size() == kMaxCases) return problem(at, "is more than the " + std::to_string(kMaxCases) + "th case");
    const auto fields = read<fields::CaseFields>(given, at);
    Case out;
    out.name = fields.name;
    out.transport = fields.transport;
    out.position = file_->position_of(at);
    if (const auto* value = member(given, "device")) {
      auto device = read<fields::CaseDevice>(*value, below(at, "device"));
      out.device =
          Case::Device{std::move(device.id), std::move(device.product_id), std::move(device.config), device.online};
    }
    if (const auto* value = member(given, "state")) {
      if (!value->is_object()) problem(below(at, "state"), "must be an object, as ctx.session.state is");
      out.state = json::serialize(*value);
    }
    input(given, at, out);
    if (const auto* value = member(given, "expect")) expect(*value, below(at, "expect"), out);
    cases_.push_back(std::move(out));
  }

  void input(const json::value& given, const std::string& at, Case& out) {
    const json::value* decode = member(given, "decode");
    const json::value* encode = member(given, "encode");
    const json::value* authenticate = member(given, "authenticate");
    if ((decode != nullptr) + (encode != nullptr) + (authenticate != nullptr) != 1)
      return problem(at, "needs one of decode, encode and authenticate");
    if (decode) {
      steps(*decode, below(at, "decode"), out);
    } else if (encode) {
      out.kind = Case::Kind::encode;
      const auto* type = member(*encode, "messageType");
      if (!type || !type->is_string()) problem(below(at, "encode"), "must be a device message with its messageType");
      out.message = json::serialize(*encode);
    } else {
      out.kind = Case::Kind::authenticate;
      const auto said = read<fields::Credentials>(*authenticate, below(at, "authenticate"));
      CaseInput& step = out.inputs.emplace_back();
      add(step, "clientId", said.client_id);
      add(step, "username", said.username);
      add(step, "password", said.password);
      add(step, "path", said.path);
      add(step, "query", said.query);
    }
  }

  void steps(const json::value& given, const std::string& at, Case& out) {
    const auto* list = given.if_array();
    if (!list) return out.inputs.push_back(step(given, at));
    if (list->empty()) problem(at, "is empty");
    if (list->size() > kMaxSteps) return problem(at, "has more than " + std::to_string(kMaxSteps) + " messages");
    for (std::size_t i = 0; i < list->size(); ++i)
      out.inputs.push_back(step((*list)[i], at + "[" + std::to_string(i) + "]"));
  }

  CaseInput step(const json::value& given, const std::string& at) {
    const auto said = read<fields::Input>(given, at);
    CaseInput out;
    const Content content = bytes(given, said, at);
    out.payload = content.value ? json::serialize(*content.value) : content.bytes;
    out.is_text = content.form == ExpectedWire::Form::text || content.form == ExpectedWire::Form::json;
    add(out, "topic", said.topic);
    add(out, "clientId", said.client_id);
    add(out, "path", said.path);
    add(out, "method", said.method);
    add(out, "query", said.query);
    add(out, "contentType", said.content_type);
    if (said.qos) out.numbers.emplace_back("qos", static_cast<double>(*said.qos));
    if (said.content_format) out.numbers.emplace_back("contentFormat", static_cast<double>(*said.content_format));
    return out;
  }

  static void add(CaseInput& step, const char* name, const std::string& value) {
    if (!value.empty()) step.texts.emplace_back(name, value);
  }

  struct Content {
    ExpectedWire::Form form = ExpectedWire::Form::any;
    std::string bytes{};
    const json::value* value = nullptr;  ///< of "json"
  };

  // hex, text, base64 or json; none of them is fine.
  Content bytes(const json::value& given, const fields::Bytes& said, const std::string& at) {
    Content out;
    int count = 0;
    if (said.hex) {
      ++count, out.form = ExpectedWire::Form::bytes;
      auto read = from_hex(*said.hex);
      if (!read) problem(below(at, "hex"), "must be pairs of hex digits, spaces between them allowed");
      out.bytes = std::move(read).value_or("");
    }
    if (said.text) ++count, out.form = ExpectedWire::Form::text, out.bytes = *said.text;
    if (said.base64) {
      ++count, out.form = ExpectedWire::Form::bytes;
      auto read = from_pasted_base64(*said.base64);
      if (!read) problem(below(at, "base64"), read.error().message);
      if (read) out.bytes = std::move(*read);
    }
    const auto* object = given.if_object();
    if (const auto* value = object ? object->if_contains("json") : nullptr)
      ++count, out.form = ExpectedWire::Form::json, out.value = value;
    if (count > 1) problem(at, "has more than one of hex, text, base64 and json");
    return out;
  }

  void expect(const json::value& given, const std::string& at, Case& out) {
    const auto said = read<fields::ExpectFields>(given, at);
    out.expect.error = said.error;
    out.expect.success = said.success;
    if (const auto* value = member(given, "messages")) {
      const auto* list = value->if_array();
      if (!list) problem(below(at, "messages"), "must be a list of device messages");
      if (list) out.expect.messages = *list;
    }
    if (const auto* value = member(given, "sent")) sent(*value, below(at, "sent"), out);
    const bool is_authenticate = out.kind == Case::Kind::authenticate;
    if (is_authenticate != out.expect.success.has_value() && out.expect.error.empty())
      problem(at, is_authenticate ? "needs success: true or false" : "has success, which only authenticate has");
    if (!member(given, "messages") && !member(given, "sent") && out.expect.error.empty() && !out.expect.success)
      problem(at, "is empty: it needs messages, sent, error or success");
  }

  void sent(const json::value& given, const std::string& at, Case& out) {
    const auto* list = given.if_array();
    if (!list) return problem(at, "must be a list of what is sent to the device");
    auto& all = out.expect.sent.emplace();
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::string here = at + "[" + std::to_string(i) + "]";
      const auto said = read<fields::Sent>((*list)[i], here);
      Content content = bytes((*list)[i], said, here);
      ExpectedWire& wire = all.emplace_back();
      wire.form = content.form;
      wire.bytes = std::move(content.bytes);
      if (content.value) wire.value = *content.value;
      wire.topic = said.topic;
    }
  }

  static constexpr std::size_t kMaxProblems = 1000;
  std::vector<Case>& cases_;
  std::vector<Problem>& problems_;
  const JsonFile* file_ = nullptr;
};

}  // namespace

Result<std::vector<Case>> read_cases(const Files& files) {
  std::vector<Case> cases;
  std::vector<Problem> problems;
  CaseReader reader(cases, problems);
  for (const auto& [path, content] : files) {
    if (!path.starts_with("tests/") || !path.ends_with(".json")) continue;
    if (const auto file = JsonFile::read(files, path, problems)) reader.file(*file);
  }
  if (!problems.empty()) return error_of(std::move(problems));
  return cases;
}

}  // namespace jl::codec::package
