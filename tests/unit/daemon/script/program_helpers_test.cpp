// Reader, Writer, checksums, charsets, crypto and CBOR: what codec writers find in the global object.
#include "tests/unit/daemon/script/program_support.hpp"

using namespace jl::script;
using namespace jl::script::testing;

TEST_SUITE_BEGIN("program");

namespace {
struct Row {
  std::string expression, want;
};
template <std::size_t kRows>
void check(const Row (&rows)[kRows]) {
  for (const auto& [expression, want] : rows) {
    CAPTURE(expression);
    CHECK(value_of("(() => { const R = (h, o) => new Reader(hex.decode(h), o); const W = o => new Writer(o); "
                   "const H = w => hex.encode(w.toBytes()); return " +
                   expression + "; })()") == want);
  }
}
}  // namespace

TEST_CASE("Reader reads numbers of both orders from front to back") {
  const Row kRows[] = {
      {"R('ff').u8()", "255"},
      {"R('ff').i8()", "-1"},
      {"R('0102').u16()", "258"},
      {"R('0102').u16le()", "513"},
      {"R('0102', {little: true}).u16()", "513"},
      {"R('0102', {little: true}).u16be()", "258"},
      {"R('fffe').i16()", "-2"},
      {"R('010203').u24()", "66051"},
      {"R('ffffff').i24()", "-1"},
      {"R('030201').i24le()", "66051"},
      {"R('ffffffff').u32()", "4294967295"},
      {"R('ffffffff').i32()", "-1"},
      {"R('001fffffffffffff').u64()", "9007199254740991"},
      {"R('ffffffffffffffff').i64()", "-1"},
      {"R('0100000000000000').u64le()", "1"},
      {"R('ffffffffffffffff').u64text()", "\"18446744073709551615\""},
      {"R('8000000000000000').i64text()", "\"-9223372036854775808\""},
      {"R('3fc00000').f32()", "1.5"},
      {"R('000000000000f83f').f64le()", "1.5"},
      {"R('7ff0000000000001').f64()", "null"},
      {"R('fff8dead00000000').f64() + ''", "\"NaN\""},
      {"R('12345678').bcd(3)", "\"123456\""},
      {"R('0aff').hex(2)", "\"0aff\""},
      {"R('c4e3bac3').text(4, 'GBK')", "\"你好\""},
      {"R('68c3a9').text(3)", "\"hé\""},
      {"R('010203').bytes(2)", "\"AQI=\""},
      {"(r => [r.skip(1).u8(), r.rest(), r.remaining])(R('010203'))", "[2,\"Aw==\",0]"},
      {"(r => [r.position, r.length, r.remaining, r.seek(2).position, r.u8()])(R('010203'))", "[0,3,3,2,3]"},
      {"(r => [r.peek(), r.peek(2), r.position])(R('010203'))", "[1,3,0]"},
      {"new Reader([1, 255, -1]).hex(3)", "\"01ffff\""},
      {"new Reader(new DataView(new Uint8Array([1, 2, 3]).buffer, 1)).u16()", "515"},
      {"new Reader(new Uint8Array([1, 2, 3]).subarray(1)).u16()", "515"},
      {"new Reader(new Uint8Array(0)).remaining", "0"},
  };
  check(kRows);
}

TEST_CASE("Reader throws where there is nothing to read, and does not move then") {
  const std::pair<std::string, std::string> kRows[] = {
      {"R('0102').u32()", "RangeError: 4 bytes at offset 0 are outside of 2 bytes"},
      {"R('01').skip(1).u8()", "RangeError: 1 byte at offset 1 is outside of 1 bytes"},
      {"R('01').seek(2)", "RangeError: 0 bytes at offset 2 are outside of 1 bytes"},
      {"R('01').skip(-1)", "RangeError: skip(): -1 is no whole number from 0 to 16777216"},
      {"R('01').bytes(1.5)", "RangeError: bytes(): 1.5 is no whole number from 0 to 16777216"},
      {"R('01').bytes('1')", "TypeError: bytes() takes a number"},
      {"R('01').bytes({valueOf() { for (;;); }})", "TypeError: bytes() takes a number"},
      {"R('0020000000000000').u64()", "RangeError: the 64-bit number at offset 0 is beyond 2^53: use u64text()"},
      {"R('8000000000000000').i64()", "RangeError: the 64-bit number at offset 0 is beyond 2^53: use i64text()"},
      {"R('011a').bcd(2)", "RangeError: byte 0x1A at offset 1 is not BCD"},
      {"R('01').text(1, 'big5')", "RangeError: unsupported charset \"big5\": utf-8, ascii, latin1, gbk or gb18030"},
      {"new Reader('text')", "TypeError: Reader takes a Uint8Array or an array of bytes"},
      {"new Reader()", "TypeError: Reader takes a Uint8Array or an array of bytes"},
      {"Reader(new Uint8Array(1))", "TypeError: new Reader(bytes)"},
      {"Reader.prototype.u8.call({})", "TypeError: this is no Reader"},
      {"Reader.prototype.u8.call(new Writer())", "TypeError: this is no Reader"},
      {"Reader.prototype.rest()", "TypeError: this is no Reader"},
      {"Writer.prototype.setBytes(0, [])", "TypeError: this is no Writer"},
      {"Writer.prototype.bytes([])", "TypeError: this is no Writer"},
      {"new Reader(new Uint8Array(1), 3)", "TypeError: options are {little: true}"},
  };
  for (const auto& [expression, want] : kRows) {
    CAPTURE(expression);
    CHECK(value_of(std::string("(R => ") + expression +
                   ")(h => new Reader(hex.decode(h)))") == "\"error: " + [](std::string text) {
      for (std::size_t at = 0; (at = text.find('"', at)) != std::string::npos; at += 2) text.insert(at, "\\");
      return text;
    }(want) + "\"");
  }
  CHECK(value_of("(r => { try { r.u32(); } catch (e) {} try { r.bcd(2); } catch (e) {} return r.position; })"
                 "(new Reader([0x1a, 0x1a]))") == "0");
}

TEST_CASE("Writer writes what Reader reads, chained, and checks ranges") {
  const Row kRows[] = {
      {"H(W().u8(255).i8(-1).u16(258).u16le(258).u24(66051).i24(-2))",
       "\"ffff0102020101"
       "0203fffffe\""},
      {"H(W({little: true}).u16(258).u32(1).u16be(258))", "\"0201010000000102\""},
      {"H(W().u64(9007199254740991).i64(-1).u64('18446744073709551615').i64('-9223372036854775808'))",
       "\"001fffffffffffffffffffffffffffffffffffffffffffff8000000000000000\""},
      {"H(W().f32(1.5).f64(1.5).f32(NaN))", "\"3fc000003ff80000000000007fc00000\""},
      {"H(W().bcd('123').bcd('12', 3).bcd(7))", "\"012300001207\""},
      {"H(W().hex('0a FF').text('你好', 'gbk').text('é').text('é', 'latin1').bytes([1, -1]).fill(2, 7).fill(1))",
       "\"0affc4e3bac3c3a9e901ff070700\""},
      {"H(W().u16(0).u8(9).setU16(0, 513).setU8(2, 1).setU16le(1, 1))", "\"020100\""},
      {"H(W().fill(4).setBytes(1, [1, 2]).setF32(0, 1.5))", "\"3fc00000\""},
      {"W().u16(1).length", "2"},
      {"W().bytes([1, 2]).bytes()", "\"AQI=\""},
      {"H(W().fill(1000, 1)).length", "2000"},
  };
  check(kRows);
  const std::pair<std::string, std::string> kErrors[] = {
      {"u8(300)", "RangeError: u8: 300 is no whole number from 0 to 255"},
      {"u8(-1)", "RangeError: u8: -1 is no whole number from 0 to 255"},
      {"i8(128)", "RangeError: i8: 128 is no whole number from -128 to 127"},
      {"u16(1.5)", "RangeError: u16: 1.5 is no whole number from 0 to 65535"},
      {"u32(4294967296)", "RangeError: u32: 4294967296 is no whole number from 0 to 4294967295"},
      {"u8(NaN)", "RangeError: u8: nan is no whole number from 0 to 255"},
      {"u8('1')", "TypeError: u8 takes a number"},
      {"u8({valueOf() { for (;;); }})", "TypeError: u8 takes a number"},
      {"u64('x')", "RangeError: \\\"x\\\" is no 64-bit number"},
      {"u64('18446744073709551616')", "RangeError: \\\"18446744073709551616\\\" is no 64-bit number"},
      {"bcd('12x')", "RangeError: bcd() takes decimal digits"},
      {"bcd('123456', 2)", "RangeError: 6 digits in 2 bytes"},
      {"hex('0')", "RangeError: hex() takes pairs of hexadecimal digits"},
      {"setU16(0, 1)", "RangeError: 2 bytes at offset 0 are outside of 0 bytes"},
      {"fill(1e9)", "RangeError: fill(): 1000000000 is no whole number from 0 to 16777216"},
      {"text(3)", "TypeError: a text is a string"},
      {"u8.call({}, 1)", "TypeError: this is no Writer"},
  };
  for (const auto& [expression, want] : kErrors) {
    CAPTURE(expression);
    CHECK(value_of(std::string("new Writer().") + expression) == std::string("\"error: ") + want + "\"");
  }
  CHECK(
      says(value_of("(w => { for (;;) w.fill(9000000); })(new Writer())"), "RangeError: a Writer of more than 16 MiB"));
}

TEST_CASE("checksums of \"123456789\" are those of the CRC catalogue") {
  const Row kRows[] = {
      {"crc.crc8('123456789')", "244"},                                                   // CRC-8/SMBUS F4
      {"crc.crc16Modbus('123456789')", "19255"},                                          // 4B37
      {"crc.crc16Ccitt('123456789')", "10673"},                                           // CRC-16/IBM-3740 29B1
      {"crc.crc16Xmodem('123456789')", "12739"},                                          // 31C3
      {"crc.crc16Kermit('123456789')", "8585"},                                           // 2189
      {"crc.crc16X25('123456789')", "36974"},                                             // CRC-16/IBM-SDLC 906E
      {"crc.crc32('123456789')", "3421780262"},                                           // CRC-32/ISO-HDLC CBF43926
      {"crc.of({width: 8, poly: 0x31, refin: true, refout: true}, '123456789')", "161"},  // MAXIM A1
      {"crc.of({width: 12, poly: 0x80f, refout: true}, '123456789')", "3503"},            // UMTS DAF
      {"crc.of({width: 16, poly: 0x3d65, xorout: 0xffff}, '123456789')", "49847"},        // EN C2B7
      {"crc.of({width: 16, poly: 0x8005, init: 0xffff, refin: true, refout: true, xorout: 0xffff}, '123456789')",
       "46280"},                                                                             // USB B4C8
      {"crc.of({width: 24, poly: 0x864cfb, init: 0xb704ce}, '123456789')", "2215682"},       // OPENPGP
      {"crc.of({width: 32, poly: 0x04c11db7, init: 0xffffffff}, '123456789')", "58124007"},  // MPEG-2
      // Long inputs take another way: the checksum of a text with its own checksum behind it is a constant.
      {"(t => crc.crc16Modbus(W({little: true}).text(t).u16(crc.crc16Modbus(t)).toBytes()))('x'.repeat(5000))", "0"},
      {"(t => crc.crc16Xmodem(W().text(t).u16(crc.crc16Xmodem(t)).toBytes()))('x'.repeat(5000))", "0"},
      {"(t => crc.crc32(W({little: true}).text(t).u32(crc.crc32(t)).toBytes()))('x'.repeat(5000))", "558161692"},
      {"crc.crc16Modbus(new Uint8Array([1, 3, 0, 0, 0, 1]))", "2692"},
      {"crc.crc8([])", "0"},
      {"checksum.sum8([255, 2])", "1"},
      {"checksum.sum16([255, 255, 255])", "765"},
      {"checksum.xor8([1, 2, 4])", "7"},
  };
  check(kRows);
  CHECK(value_of("crc.of({width: 7, poly: 3}, [])") ==
        "\"error: RangeError: width: 7 is no whole number from 8 to 32\"");
  CHECK(says(value_of("crc.crc8(3)"), "TypeError: crc takes a Uint8Array or an array of bytes"));
}

TEST_CASE("texts, digits and charsets go both ways") {
  const Row kRows[] = {
      {"hex.encode([1, 255])", "\"01ff\""},
      {"hex.decode(' 0A fF\\n')", "\"Cv8=\""},
      {"base64.encode('abc')", "\"YWJj\""},
      {"utf8.decode(base64.decode('YWJj'))", "\"abc\""},
      {"bcd.encode('123', 3)", "\"AAEj\""},
      {"bcd.decode([0x12, 0x34])", "\"1234\""},
      {"hex.encode(utf8.encode('é你😀'))", "\"c3a9e4bda0f09f9880\""},
      {"utf8.decode([0xff, 65])",
       "\"\xEF\xBF\xBD"
       "A\""},
      {"text.decode(text.encode('你好，A', 'gb18030'), 'gb18030')", "\"你好，A\""},
      {"hex.encode(text.encode('你😀好A', 'gbk'))", "\"c4e33fbac341\""},
      {"text.decode([0xc4, 0xe3, 0xff, 65], 'gbk')",
       "\"你\xEF\xBF\xBD"
       "A\""},
      {"hex.encode(text.encode('aé', 'ascii'))", "\"613f\""},
      {"text.decode([0xe9], 'latin1')", "\"é\""},
      {"text.decode(new Uint8Array(0), 'gbk')", "\"\""},
      {"text.decode(text.encode('好'.repeat(5000), 'gbk'), 'gbk') === '好'.repeat(5000)", "true"},
  };
  check(kRows);
  CHECK(says(value_of("hex.decode('0g')"), "RangeError: hex.decode() takes pairs of hexadecimal digits"));
  CHECK(says(value_of("base64.decode('?')"), "RangeError: base64.decode(): "));
  CHECK(says(value_of("bcd.encode('1a')"), "RangeError: bcd() takes decimal digits"));
  CHECK(says(value_of("text.encode({toString() { for (;;); }})"), "TypeError: a text is a string"));
}

TEST_CASE("hashes and ciphers are those of their standards") {
  const Row kRows[] = {
      {"hex.encode(hash.md5('abc'))", "\"900150983cd24fb0d6963f7d28e17f72\""},
      {"hex.encode(hash.sha1('abc'))", "\"a9993e364706816aba3e25717850c26c9cd0d89d\""},
      {"hex.encode(hash.sha256('abc'))", "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""},
      {"hash.sha512(new Uint8Array(0)).length", "64"},
      // RFC 2202, RFC 4231, test case 2
      {"hex.encode(hmac.md5('Jefe', 'what do ya want for nothing?'))", "\"750c783e6ab0b503eaa86e310a5db738\""},
      {"hex.encode(hmac.sha1('Jefe', 'what do ya want for nothing?'))", "\"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79\""},
      {"hex.encode(hmac.sha256('Jefe', 'what do ya want for nothing?'))",
       "\"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843\""},
      // FIPS 197 appendix C.1, SP 800-38A F.2.1
      {"hex.encode(aes.encrypt({mode: 'ecb', key: hex.decode('000102030405060708090a0b0c0d0e0f'), padding: 'none'}, "
       "hex.decode('00112233445566778899aabbccddeeff')))",
       "\"69c4e0d86a7b0430d8cdb78070b4c55a\""},
      {"hex.encode(aes.encrypt({mode: 'cbc', key: hex.decode('2b7e151628aed2a6abf7158809cf4f3c'), iv: "
       "hex.decode('000102030405060708090a0b0c0d0e0f'), padding: 'none'}, "
       "hex.decode('6bc1bee22e409f96e93d7e117393172a')))",
       "\"7649abac8119b246cee98e9b12e9197d\""},
      {"utf8.decode(aes.decrypt({mode: 'cbc', key: 'k'.repeat(32), iv: 'i'.repeat(16)}, aes.encrypt({mode: 'cbc', key: "
       "'k'.repeat(32), iv: 'i'.repeat(16)}, 'some text')))",
       "\"some text\""},
      {"aes.encrypt({mode: 'ecb', key: 'k'.repeat(24)}, '').length", "16"},
  };
  check(kRows);
  const std::pair<std::string, std::string> kErrors[] = {
      {"aes.encrypt({mode: 'gcm', key: 'k'}, '')", "RangeError: mode is"},
      {"aes.encrypt({mode: 'ecb', key: 'k'}, '')", "RangeError: a key of 1 bytes: 16, 24 or 32"},
      {"aes.encrypt({mode: 'cbc', key: 'k'.repeat(16), iv: 'i'}, '')", "RangeError: an iv of 1 bytes: 16"},
      {"aes.encrypt({mode: 'ecb', key: 'k'.repeat(16), padding: 'none'}, 'x')", "RangeError: 1 bytes are no multiple"},
      {"aes.decrypt({mode: 'ecb', key: 'k'.repeat(16)}, new Uint8Array(16))", "Error: aes.decrypt(): a wrong key"},
      {"aes.decrypt({mode: 'ecb', key: 'k'.repeat(16), padding: 'x'}, new Uint8Array(16))", "RangeError: padding is"},
      {"aes.encrypt()", "TypeError: aes takes"},
      {"hmac.md5(3, '')", "TypeError: hmac: the key takes"},
  };
  for (const auto& [expression, want] : kErrors) {
    CAPTURE(expression);
    CHECK_MESSAGE(says(value_of(expression), want), value_of(expression));
  }
}

TEST_CASE("CBOR has the encodings of RFC 8949 appendix A") {
  const std::pair<std::string, std::string> kRows[] = {
      {"00", "0"},
      {"17", "23"},
      {"1818", "24"},
      {"1903e8", "1000"},
      {"1b000000e8d4a51000", "1000000000000"},
      {"20", "-1"},
      {"3863", "-100"},
      {"fb3ff199999999999a", "1.1"},
      {"f5", "true"},
      {"f6", "null"},
      {"6161", "\"a\""},
      {"62c3bc", "\"ü\""},
      {"4401020304", "\"AQIDBA==\""},
      {"83010203", "[1,2,3]"},
      {"a26161016162820203", "{\"a\":1,\"b\":[2,3]}"},
  };
  for (const auto& [hex, want] : kRows) {
    CAPTURE(hex);
    CHECK(value_of(fmt::format("cbor.decode(hex.decode('{}'))", hex)) == want);
    CHECK(value_of(fmt::format("hex.encode(cbor.encode(cbor.decode(hex.decode('{}'))))", hex)) ==
          fmt::format("\"{}\"", hex));
  }
  const std::pair<std::string, std::string> kOneWay[] = {
      {"f93c00", "1"},
      {"f90001", "5.960464477539063e-8"},
      {"fa47c35000", "100000"},
      {"f97c00", "null"},
      {"c074323031332d30332d32315432303a30343a30305a", "\"2013-03-21T20:04:00Z\""},
      {"9f0102ff", "[1,2]"},
      {"5f42010243030405ff", "\"AQIDBAU=\""},
      {"7f61616162ff", "\"ab\""},
      {"bf6161f5ff", "{\"a\":true}"},
      {"a101f5", "{\"1\":true}"},
      {"f7", "null"},
      {"8018", "error"},
      {"", "error"},
      {"18", "error"},
      {"9bffffffffffffffff", "error"},
      {"5bffffffffffffffff", "error"},
      {"bbffffffffffffffff", "error"},
      {"1bffffffffffffffff", "error"},
      {"1c", "error"},
      {"ff", "error"},
      {"1f", "error"},
      {"5f6161ff", "error"},
      {"a18001", "error"},
      {"9f01", "error"},
      {"f8ff", "error"},
      {"0000", "error"},
  };
  for (const auto& [hex, want] : kOneWay) {
    CAPTURE(hex);
    const std::string got = value_of(fmt::format("cbor.decode(hex.decode('{}'))", hex));
    CHECK_MESSAGE((std::string(want) == "error" ? says(got, "RangeError: cbor.decode(): offset") : got == want), got);
  }
  CHECK(says(value_of("cbor.decode(new Uint8Array(1000).fill(0x81))"), "is nested too deeply"));
  CHECK(says(value_of("(a => { a[0] = a; cbor.encode(a); })([])"), "nested too deeply"));
  CHECK(value_of("Object.keys(cbor.decode(cbor.encode({['__proto__']: {x: 1}})))") == "[\"__proto__\"]");
}

TEST_CASE("BytesUtils has JetLinks' names, whose high and low mean the opposite (network.md 2.5)") {
  const Row kRows[] = {
      {"BytesUtils.leToInt([1, 2])", "513"},
      {"BytesUtils.beToInt([1, 2])", "258"},
      {"BytesUtils.beToInt([9, 1, 2, 9], 1, 2)", "258"},
      {"BytesUtils.highBytesToInt([1, 0, 0, 0])", "1"},
      {"BytesUtils.lowBytesToInt([1, 0, 0, 0])", "16777216"},
      {"BytesUtils.highBytesToLong(m1())", "-1"},
      {"BytesUtils.leToLong([0, 0, 0, 0, 1])", "4294967296"},
      {"hex.encode(BytesUtils.intToLe(513))", "\"01020000\""},
      {"hex.encode(BytesUtils.intToBe(513))", "\"00000201\""},
      {"hex.encode(BytesUtils.shortToLe(-2))", "\"feff\""},
      {"BytesUtils.leToInt(new Uint8Array([1, 2]))", "513"},
  };
  for (const auto& [expression, want] : kRows) {
    CAPTURE(expression);
    CHECK(value_of("(m1 => " + expression + ")(() => new Uint8Array(8).fill(255))") == want);
  }
}
