#include "tests/unit/daemon/wire/framing/support.hpp"

using namespace jl::wire::framing;
using namespace jl::wire::framing::testing;

TEST_SUITE_BEGIN("wire.framing");

TEST_CASE("delimiters are read as JetLinks reads them (network.md 2.1)") {
  struct Row {
    const char* text;
    const char* bytes;
  };
  const Row rows[] = {
      {"0x0D0A", "0D 0A"},
      {"0x0d0a", "0D 0A"},
      {"0xAbCd00", "AB CD 00"},
      {"  0x40\n", "40"},
      {"0X0D", "30 58 30 44"},  // only a lower-case 0x begins hexadecimal
      {"\\r\\n", "0D 0A"},
      {"@@", "40 40"},
      {" a b ", "61 20 62"},
      {"\\b\\t\\n\\f\\r", "08 09 0A 0C 0D"},
      {"\\\"\\'\\\\", "22 27 5C"},
      {"\\0", "00"},
      {"\\7", "07"},
      {"\\12", "0A"},
      {"\\377", "FF"},
      {"\\400", "20 30"},  // no byte is larger than \377
      {"\\1234", "53 34"},
      {"\\08", "00 38"},
      {"\\8", "38"},
      {"\\u000D\\u000a", "0D 0A"},
      {"\\u00FFf", "FF 66"},
      {"\\x0A", "78 30 41"},  // not an escape of Java
      {"a\\", "61"},
      {"\\ \\", "20"},
      {"\\\\r", "5C 72"},
      {"\xC3\xBF", "FF"},  // U+00FF
      {"\xC2\x80", "80"},
      {"\\\xC3\xA9", "E9"},
      {"a\x01z", "61 01 7A"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const jl::Result<std::string> bytes = parse_delimiter(row.text);
    REQUIRE(bytes.has_value());
    CHECK(hex(*bytes) == row.bytes);
  }
}

TEST_CASE("delimiters that cannot be meant are refused with what to write instead (network.md 2.1)") {
  struct Row {
    const char* text;
    const char* message;
    const char* hint;  // where it is particular
  };
  const Row rows[] = {
      {"", "delimiter is blank", ""},
      {" \r\n\t ", "delimiter is blank", "write control characters as \\r\\n or as 0x0D0A"},
      {"\n", "delimiter is blank", ""},
      {"0x", "delimiter \"0x\" has no digits", ""},
      {"0x0", "delimiter \"0x0\" has an odd number of digits", ""},
      {"0x0D 0A", "delimiter \"0x0D 0A\" has an odd number of digits", ""},
      {"0x0D0G", "delimiter \"0x0D0G\" is not hexadecimal", ""},
      {"0x-1", "delimiter \"0x-1\" is not hexadecimal", ""},
      {"\\", "delimiter \"\\\" is a lone backslash", "write \\\\ for a backslash"},
      {"\\u12", "\\u in the delimiter is not followed by four hexadecimal digits", ""},
      {"\\u00g0", "\\u in the delimiter is not followed by four hexadecimal digits", ""},
      {"\xE7\xBB\x93", "character \"\xE7\xBB\x93\" (U+7ED3) of the delimiter is not one byte",
       "write its bytes as hexadecimal, such as 0xE7BB93 for \"\xE7\xBB\x93\" in UTF-8"},
      {"@\xC4\x80", "character \"\xC4\x80\" (U+0100) of the delimiter is not one byte", ""},
      {"\xF0\x9F\x98\x80", "character \"\xF0\x9F\x98\x80\" (U+1F600) of the delimiter is not one byte", ""},
      {"\\u7ED3", "character \"\\u7ED3\" (U+7ED3) of the delimiter is not one byte",
       "write its bytes as hexadecimal, such as 0x0D0A"},
      {"\xFF", "delimiter is not UTF-8", ""},
      {"a\xED\xA0\x80", "delimiter is not UTF-8", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const jl::Result<std::string> bytes = parse_delimiter(row.text);
    REQUIRE(!bytes.has_value());
    CHECK(bytes.error().code == jl::Errc::invalid);
    CHECK(bytes.error().message == row.message);
    CHECK_FALSE(bytes.error().hint.empty());
    if (*row.hint != '\0') CHECK(bytes.error().hint == row.hint);
  }
}

TEST_CASE("any text makes a delimiter that is not empty, or an error") {
  std::mt19937 random(7);
  constexpr std::string_view kAlphabet = "\\\\\\u0x17f8rn\"' \xC3\xA9\xE7\xBB\x93";
  for (int round = 0; round < 50000; ++round) {
    std::string text(random() % 12, ' ');
    for (char& c : text) c = kAlphabet[random() % kAlphabet.size()];
    CAPTURE(text);
    const jl::Result<std::string> bytes = parse_delimiter(text);
    if (bytes) REQUIRE_FALSE(bytes->empty());
    if (bytes) REQUIRE(bytes->size() <= text.size());
    if (!bytes) REQUIRE_FALSE(bytes.error().message.empty());
  }
}

TEST_SUITE_END();
