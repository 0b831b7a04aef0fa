// What scripts find: Buffer, utils, Java and console (network.md 2.5).
#include "tests/unit/daemon/script/support.hpp"

using namespace jl::script;
using namespace jl::script::testing;

TEST_SUITE_BEGIN("script");

namespace {
struct Row {
  std::string expression;
  std::string want;
};
void check_rows(std::initializer_list<Row> rows, const char* bytes) {
  for (const Row& row : rows) {
    CAPTURE(row.expression);
    CHECK(evaluate(row.expression, bytes) == row.want);
  }
}
}  // namespace

TEST_CASE("a Buffer's numbers, absolute and in both byte orders (network.md 2.5)") {
  check_rows({{"b.length()", "10"},
              {"b.getByte(0)", "-1"},
              {"b.getUnsignedByte(0)", "255"},
              {"b.getShort(0)", "-2"},
              {"b.getUnsignedShort(0)", "65534"},
              {"b.getShortLE(0)", "-257"},
              {"b.getUnsignedShortLE(0)", "65279"},
              {"b.getMedium(0)", "-509"},
              {"b.getUnsignedMedium(0)", "16776707"},
              {"b.getMediumLE(0)", "261887"},
              {"b.getUnsignedMediumLE(7)", "657416"},
              {"b.getMediumLE(-0)", "261887"},
              {"b.getInt(0)", "-130300"},
              {"b.getUnsignedInt(0)", "4294836996"},
              {"b.getIntLE(2)", "100992003"},
              {"b.getUnsignedIntLE(0)", "67370751"},
              {"b.getLong(2)", "217304205466535940"},
              {"b.getLongLE(2)", "722836566451749900"},
              {"b.getInt(1.9)", "-33356795"},
              {"b.getByte('2')", "3"},
              {"b.getInt(7)", "RangeError"},
              {"b.getByte(-1)", "RangeError"},
              {"b.getByte(10)", "RangeError"},
              {"b.getLong(3)", "RangeError"},
              {"b.getByte(NaN)", "-1"}},
             "FF FE 03 04 05 06 07 08 08 0A");
  check_rows({{"b.getFloat(0)", "1.5"}, {"b.getDouble(4)", "-2.25"}}, "3F C0 00 00 C0 02 00 00 00 00 00 00");
  check_rows({{"b.getDouble(0)", "NaN"}, {"b.getFloat(0)", "NaN"}}, "FF FF FF FF FF FF FF 01");
}

TEST_CASE("a Buffer's parts and texts (network.md 2.5)") {
  check_rows({{"b.getBytes().join()", "65,-61,-92,-1"},
              {"b.getBytes(1,3).join()", "-61,-92"},
              {"b.getBytes().length", "4"},
              {"b.getBytes(2,1)", "RangeError"},
              {"b.getBytes(0,5)", "RangeError"},
              {"b.slice(1,1).length()", "0"},
              {"b.slice().setByte(0,66).toString('ISO-8859-1').charCodeAt(0) + b.getByte(0)", "131"},
              {"b.copy().appendByte(1).length() - b.length()", "1"},
              {"b.getBuffer(0,1).toString()", "A"},
              {"b.getBuffer()", ""},
              {"b.getString(0,3)", "A\xC3\xA4"},
              {"b.getString(0,3,'utf-8')", "A\xC3\xA4"},
              {"b.toString()", "A\xC3\xA4\xEF\xBF\xBD"},
              {"b.toString('ISO-8859-1').length", "4"},
              {"b.toString('US-ASCII')", "A\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
              {"b.toString('GBK')", "RangeError"},
              {"'' + b", "A\xC3\xA4\xEF\xBF\xBD"}},
             "41 C3 A4 FF");
}

TEST_CASE("a Buffer grows by append and changes by set (network.md 2.5)") {
  const Row rows[] = {{"appendByte(-1)", "FF"},
                      {"appendUnsignedByte(255)", "FF"},
                      {"appendShort(-2)", "FF FE"},
                      {"appendShortLE(-2)", "FE FF"},
                      {"appendUnsignedShort(65534)", "FF FE"},
                      {"appendMedium(66051)", "01 02 03"},
                      {"appendMediumLE(66051)", "03 02 01"},
                      {"appendInt(16909060)", "01 02 03 04"},
                      {"appendIntLE(16909060)", "04 03 02 01"},
                      {"appendUnsignedInt(4294967295)", "FF FF FF FF"},
                      {"appendLong(1)", "00 00 00 00 00 00 00 01"},
                      {"appendLongLE(-2)", "FE FF FF FF FF FF FF FF"},
                      {"appendFloat(1.5)", "3F C0 00 00"},
                      {"appendDouble(-2.25)", "C0 02 00 00 00 00 00 00"},
                      {"appendString('\\u00e4')", "C3 A4"},
                      {"appendString('\\u00e4\\u7ed3','ISO-8859-1')", "E4 3F"},
                      {"appendString('a\\u0000b')", "61 00 62"},
                      {"appendBytes([1,-1,255,256])", "01 FF FF 00"},
                      {"appendBytes([1,2,3],1,2)", "02 03"},
                      {"appendBuffer(b)", "0A 0B 0C 0D"},
                      {"appendBuffer(b,2,1)", "0C"},
                      {"appendBuffer(b).setByte(1,7)", "0A 07 0C 0D"},
                      {"appendBuffer(b).setShortLE(2,258)", "0A 0B 02 01"},
                      {"appendBuffer(b).setInt(0,-1)", "FF FF FF FF"},
                      {"appendBuffer(b).setString(1,'AB')", "0A 41 42 0D"},
                      {"appendBuffer(b).setBytes(2,[1,2])", "0A 0B 01 02"},
                      {"appendBuffer(b).setBuffer(0,b.slice(2,4))", "0C 0D 0C 0D"}};
  for (const Row& row : rows) {
    CAPTURE(row.expression);
    const Rule rule =
        rule_of("parser.fixed(4).handler(function(b,p){p.result(p.newBuffer()." + row.expression + ").complete()})");
    Cutting script(rule);
    CHECK(script.feed("0A 0B 0C 0D") == row.want);
  }
  check_rows({{"b.setInt(0,1)", "RangeError"},
              {"b.setByte(4,1)", "RangeError"},
              {"b.appendBytes([1],1,1)", "RangeError"},
              {"b.appendBuffer(3)", "TypeError"},
              {"p.newBuffer().appendString('x'.repeat(16777216)).appendByte(1)", "RangeError"}},
             "01 02");
}

TEST_CASE("BytesUtils: what is called high first is little endian (network.md 2.5)") {
  for (const char* name : {"org.jetlinks.core.utils.BytesUtils", "org.jetlinks.pro.network.utils.BytesUtils",
                           "org.jetlinks.community.network.utils.BytesUtils"}) {
    CAPTURE(name);
    const std::string u = std::string("Java.type('") + name + "').";
    const Row rows[] = {{"highBytesToInt(b.getBytes(0,4))", "67305985"},
                        {"lowBytesToInt(b.getBytes(0,4))", "16909060"},
                        {"leToInt(b.getBytes(),1,2)", "770"},
                        {"beToInt(b.getBytes(),1,2)", "515"},
                        {"beToInt([-1,-1,-1,-2])", "-2"},
                        {"leToInt([-1])", "255"},
                        {"leToInt(b.getBytes(),0,8)", "67305985"},
                        {"highBytesToLong(b.getBytes(0,8))", "-70080650589044220"},
                        {"lowBytesToLong([0,0,0,0,0,0,1,2])", "258"},
                        {"beToLong([-1,-1,-1,-1,-1,-1,-1,-1])", "-1"},
                        {"leToLong([-1,-1,-1,-1,0,0,0,0])", "4294967295"},
                        {"intToLe(258).join()", "2,1,0,0"},
                        {"intToBe(-2).join()", "-1,-1,-1,-2"},
                        {"shortToLe(513).join()", "1,2"},
                        {"shortToBe(-1).join()", "-1,-1"},
                        {"longToBe(258).join()", "0,0,0,0,0,0,1,2"},
                        {"longToLe(-1).join()", "-1,-1,-1,-1,-1,-1,-1,-1"},
                        {"reverse([1,2,3]).join()", "3,2,1"},
                        {"leToInt(b.getBytes(),7,2)", "RangeError"}};
    for (const Row& row : rows) {
      CAPTURE(row.expression);
      CHECK(evaluate(u + row.expression, "01 02 03 04 05 06 07 FF") == row.want);
    }
  }
  CHECK(evaluate("org.jetlinks.core.utils.BytesUtils.leToInt([1,1])") == "257");
}

TEST_CASE("utils, console and the few Java types (network.md 2.5)") {
  check_rows({{"utils.now() > 1600000000000", "true"},
              {"utils.now('yyyy-MM-dd HH:mm:ss').length", "19"},
              {"utils.newByteArray(3).join()", "0,0,0"},
              {"utils.newIntArray(-1)", "RangeError"},
              {"utils.newLongArray(1e9)", "RangeError"},
              {"utils.max(1,3,2) + utils.min(4,2)", "5"},
              {"utils.md5Hex('abc')", "900150983cd24fb0d6963f7d28e17f72"},
              {"utils.sha1Hex('abc')", "a9993e364706816aba3e25717850c26c9cd0d89d"},
              {"utils.toJsonString(utils.parseJson('{\"a\":[1]}'))", "{\"a\":[1]}"},
              {"(function(){var m=utils.newMap();m.put('a',1);return m.get('a')+m.size()+utils.toJsonString(m)})()",
               "2{\"a\":1}"},
              {"(function(){var l=utils.newList();l.add(5);return l.get(0)+l.size()})()", "6"},
              {"new (Java.type('java.util.ArrayList'))().size()", "0"},
              {"Java.type('java.lang.System')", "Error"},
              {"console.log('a {} b {}', 1, {x:1})", "undefined"},
              {"console.warn()", "undefined"},
              {"print(b)", "undefined"},
              {"'ab'.repeat(2) + 'x'.padStart(3,'-') + 'x'.padEnd(2)", "abab--xx "},
              {"'x'.padStart(1e9)", "RangeError"},
              {"'xx'.repeat(1e7)", "RangeError"}},
             "01");
}
