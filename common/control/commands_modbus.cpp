#include "common/control/command_rows.hpp"
#include "common/model/modbus.hpp"

namespace jl::control {

namespace {

constexpr const char* kTarget =
    "id of a channel, or a place that need not be configured: tcp://HOST[:PORT], rtu-over-tcp://HOST:PORT, "
    "tls://HOST[:PORT], rtu:///dev/ttyUSB0?baud=9600&parity=even";

template <class E>
std::vector<std::string> words_of() {
  std::vector<std::string> out;
  for (const auto& word : model::EnumWords<E>::words()) out.push_back(word.word);
  return out;
}

Flag body(std::string name, std::string value, std::string help) {
  return {std::move(name), std::move(value), std::move(help), Where::body};
}
Flag body_word(std::string name, std::vector<std::string> words, std::string help) {
  Flag f = body(std::move(name), "WORD", std::move(help));
  f.words = std::move(words);
  return f;
}

// Where a value stands and how its bytes are to be read; the fields of a point, in short.
std::vector<Flag> place_flags() {
  return {body("unit", "N", "address of the slave, 1 unless given"),
          body_word("function", words_of<model::ModbusArea>(), "data area, HoldingRegisters unless given"),
          body_word("type", words_of<model::ModbusType>(), "of the value; uint16, of bits bool, unless given"),
          body_word("order", words_of<model::ModbusOrder>(), "byte order; the channel's unless given"),
          body("quantity", "N", "registers or bits; what the type takes unless given"),
          body("bit", "N", "type bit: which one, 0 = least significant"),
          body_word("byte", words_of<model::ModbusByte>(), "types int8 and uint8: which half of the register"),
          body("scale", "NUMBER", "value = raw * scale + offset"),
          body("offset", "NUMBER", "see scale"),
          body("decimals", "N", "round to so many decimals"),
          body("timeout-ms", "N", "wait for the answer; the channel's request timeout, or 2000, unless given"),
          body("trace", "", "show the frames as well")};
}

class Rows {
 public:
  explicit Rows(std::vector<Command>& out) : out_(out) {}

  Command& add(std::string verb, std::string method, std::string path, std::string summary) {
    Command c;
    c.noun = noun_;
    c.verb = std::move(verb), c.method = std::move(method), c.path = std::move(path), c.summary = std::move(summary);
    c.kind = kind_;
    return out_.emplace_back(std::move(c));
  }
  void below(const model::Kind* kind) { kind_ = kind, noun_ = kind->noun(); }

 private:
  std::vector<Command>& out_;
  std::string noun_ = "modbus";
  const model::Kind* kind_ = nullptr;
};

void add_requests(Rows& rows) {
  Command& read = rows.add("read", "POST", "/v1/modbus/read", "read a value of a slave, whether it is a point or not");
  read.description =
      "Sends one request, ahead of what is polled, and shows the value and its bytes. Nothing needs to be configured: "
      "a target that is no channel is dialled for this request alone.";
  read.role = Role::operator_;
  read.arguments = {{"TARGET", kTarget, "modbus-channel"},
                    {"ADDRESS", "from zero, decimal or hex; or as PLC manuals print it: 40108"}};
  read.flags = place_flags();
  read.examples = {"jlctl modbus read plc-1 40108 --type float32", "jlctl modbus read tcp://10.0.0.7 0x10 --quantity 8",
                   "jlctl modbus read plc-1 17 --function Coils --unit 3 --trace"};

  Command& write = rows.add("write", "POST", "/v1/modbus/write", "write a value of a slave");
  write.description = "Range-checked before anything is sent; done when the slave has answered.";
  write.role = Role::operator_;
  write.arguments = {{"TARGET", kTarget, "modbus-channel"},
                     {"ADDRESS", "as of modbus read"},
                     {"VALUE", "number, true or false, text, hex digits of bytes, or a JSON list of them"}};
  write.flags = place_flags();
  write.flags.push_back(body("verify", "", "read it back and compare"));
  write.flags.push_back(body("force-multiple", "", "function 15 or 16 even for a single one"));
  write.examples = {"jlctl modbus write plc-1 40108 21.5 --type float32 --verify",
                    "jlctl modbus write plc-1 17 true --function Coils"};

  Command& test =
      rows.add("test", "POST", "/v1/modbus/test", "connect to a slave, read once, and say how long it took");
  test.description =
      "Fine when the slave answers, be it with an exception. Ends with code 1 when there is no connection, 8 without "
      "an answer.";
  test.role = Role::operator_;
  test.arguments = {{"TARGET", kTarget, "modbus-channel"}};
  test.flags = {body("unit", "N", "address of the slave, 1 unless given"),
                body_word("function", words_of<model::ModbusArea>(), "data area, HoldingRegisters unless given"),
                body("address", "ADDRESS", "what is read, 0 unless given"),
                body("timeout-ms", "N", "wait for the answer, 2000 unless given"),
                body("trace", "", "show the frames as well")};
  test.examples = {"jlctl modbus test plc-1", "jlctl modbus test tcp://10.0.0.7:502 --unit 3"};

  Command& scan = rows.add("scan", "GET", "/v1/modbus/scan", "find the units that answer behind one address");
  scan.role = Role::operator_, scan.streams = true;
  scan.arguments = {{"TARGET", kTarget, "modbus-channel", false, false, "target"}};
  scan.flags = {query("units", "LIST", "which: 1-32, or 1,5,10-20; 1-247 unless given"),
                query("function", "WORD", "data area that is read, HoldingRegisters unless given"),
                query("address", "ADDRESS", "what is read, 0 unless given"),
                query("timeout-ms", "N", "wait for each, 500 unless given"),
                query("all", "", "list those that do not answer as well")};
  scan.flags[1].words = words_of<model::ModbusArea>();
  scan.examples = {"jlctl modbus scan tcp://10.0.0.7 --units 1-32", "jlctl modbus scan plc-1 -o jsonl"};
}

void add_views(Rows& rows) {
  Command& watch =
      rows.add("watch", "GET", "/v1/modbus-channels/{id}/watch", "values of a channel's points as they are read, live");
  watch.streams = true;
  watch.arguments = {{"CHANNEL", "id of the channel", "modbus-channel"},
                     {"POINT", "only these points", "modbus-point", true, true, "point"}};
  watch.flags = {query("trace", "", "the frames as well, in hex"), query("limit", "N", "end after this many")};
  watch.examples = {"jlctl modbus watch plc-1", "jlctl modbus watch plc-1 boiler-temp --trace -o jsonl"};

  Command& plan = rows.add("plan", "GET", "/v1/modbus-channels/{id}/plan",
                           "which requests read the points of a channel, and how often");
  plan.arguments = {{"CHANNEL", "id of the channel", "modbus-channel"}};
  plan.examples = {"jlctl modbus plan plc-1", "jlctl modbus plan plc-1 -o json"};
}

void add_bindings(Rows& rows) {
  Command& bind =
      rows.add("bind", "POST", "/v1/devices/{id}/bind", "make a point the source of a device's property (绑定)");
  bind.description =
      "What is read at the point becomes reports of the property; reading and writing the property reads and writes "
      "the point. The device's product needs a gateway with provider modbus-tcp.";
  bind.role = Role::admin, bind.mutates = true;
  bind.arguments = {{"DEVICE", "id of the device", "device"},
                    {"PROPERTY", "of its thing model"},
                    {"POINT", "id of the point", "modbus-point"}};
  bind.examples = {"jlctl modbus bind boiler-1 temperature boiler-temp"};

  Command& unbind =
      rows.add("unbind", "POST", "/v1/devices/{id}/unbind", "take points off a device's properties (解绑)");
  unbind.role = Role::admin, unbind.mutates = true;
  unbind.arguments = {{"DEVICE", "id of the device", "device"}, {"PROPERTY", "bound properties", "", false, true}};
  unbind.flags = {query("if-exists", "", "fine if a property is not bound")};
  unbind.examples = {"jlctl modbus unbind boiler-1 temperature"};

  Command& bindings = rows.add("bindings", "GET", "/v1/modbus/bindings", "which properties are bound to which points");
  Flag device = query("device", "ID", "only of this device");
  device.completes = "device";
  Flag point = query("point", "ID", "only of this point");
  point.completes = "modbus-point";
  Flag channel = query("channel", "ID", "only of this channel's points");
  channel.completes = "modbus-channel";
  bindings.flags = {device, point, channel};
  bindings.examples = {"jlctl modbus bindings", "jlctl modbus bindings --channel plc-1 -o json"};
}

void add_points(Rows& rows) {
  Command& read = rows.add("read", "POST", "/v1/modbus-points/{id}/read", "read points now");
  read.description = "Sends a request for each, ahead of what is polled, whether the point is polled or not.";
  read.role = Role::operator_;
  read.arguments = {{"ID", "ids of points", "modbus-point", false, true}};
  read.examples = {"jlctl modbus point read boiler-temp"};

  Command& write = rows.add("write", "POST", "/v1/modbus-points/{id}/write", "write a point");
  write.role = Role::operator_;
  write.arguments = {{"ID", "id of the point", "modbus-point"},
                     {"VALUE", "number, true or false, text, hex digits of bytes, or a JSON list of them"}};
  write.flags = {body("verify", "", "what is read back must be what was written")};
  write.examples = {"jlctl modbus point write boiler-setpoint 55.5 --verify"};

  Command& import = rows.add("import", "", "", "add or change points from a CSV file, all or none");
  import.description =
      "The first line names the columns: id, name, description, enabled, and the fields of a point as they are called "
      "in \"jlctl explain modbus-point\". Separated by commas, semicolons or tabs. A row is a whole point: empty "
      "cells, and columns that are not there, are defaults. A point without an id is called CHANNEL.NAME. Points of "
      "the "
      "channel that have no row stay as they are. What is wrong is told with the number of its line; then nothing is "
      "changed.";
  import.role = Role::admin;
  import.arguments = {{"CHANNEL", "id of the channel", "modbus-channel"},
                      { "FILE",
                        "CSV file, or - for standard input",
                        "file" }};
  import.flags = {local("dry-run", "", "only say what would change; ends with code 20 when something would")};
  import.examples = {"jlctl modbus point import plc-1 points.csv",
                     "jlctl modbus point import plc-1 points.csv --dry-run"};

  Command& exports = rows.add("export", "", "", "write the points of a channel as CSV that import reads");
  exports.description =
      "The columns are id, name, description, enabled, where the values stand, and whatever else is not a default.";
  exports.arguments = {{"CHANNEL", "id of the channel", "modbus-channel"}};
  exports.flags = {local("file", "FILE", "write to this file instead of standard output")};
  exports.flags[0].short_name = 'f';
  exports.examples = {"jlctl modbus point export plc-1 > points.csv", "jlctl modbus point export plc-1 -f points.csv"};
}

}  // namespace

void add_modbus(std::vector<Command>& out) {
  Rows rows(out);
  add_requests(rows);
  add_views(rows);
  add_bindings(rows);
  rows.below(model::find_kind("modbus-point"));
  add_points(rows);
}

}  // namespace jl::control
