// The rules of the pipe engine one by one (network.md 2.4).
#include "tests/unit/daemon/wire/framing/support.hpp"

using namespace jl::wire::framing;
using namespace jl::wire::framing::testing;
using jl::Errc;
using jl::Status;

TEST_SUITE_BEGIN("wire.framing");

namespace {
Status nothing(std::string_view, Pipe&) { return {}; }

/// The frames of one read and, after them, the word of the error.
std::string feed(Pipe& pipe, LambdaSteps& steps, FrameRecorder& sink, const std::string& bytes) {
  const Status status = pipe.feed(bytes, steps, sink);
  std::string text = sink.take();
  if (!status) text += (text.empty() ? "error " : " | error ") + std::string(status.error().word());
  return text;
}
}  // namespace

TEST_CASE("after the last step comes the first, and then the first again (network.md 2.4)") {
  struct Row {
    std::size_t steps;
    const char* ran;
  };
  for (const Row& row : {Row{1, "0000000"}, Row{2, "0100100"}, Row{3, "0120012"}}) {
    Pipe pipe(100);
    FrameRecorder sink;
    LambdaSteps steps(std::vector<LambdaSteps::Step>(row.steps, nothing));
    REQUIRE(pipe.fixed(1).has_value());
    CHECK(feed(pipe, steps, sink, "abcdefg").empty());
    CHECK(steps.ran == row.ran);
  }
}

TEST_CASE("complete() goes back to the first step and the first rule (network.md 2.4)") {
  Pipe pipe(100);
  FrameRecorder sink;
  LambdaSteps steps({[](std::string_view record, Pipe& it) -> Status {
                       JL_CHECK(it.result(record));
                       return it.delimited("\n");
                     },
                     emit, nothing});
  REQUIRE(pipe.fixed(2).has_value());
  CHECK(feed(pipe, steps, sink, "12abc\n34\n5") == "31 32 61 62 63 | 33 34");
  CHECK(steps.ran == "0101");
  CHECK(pipe.buffered() == 1);
}

TEST_CASE("of fixed(2).fixed(3) the first record has 3 bytes, the ones after complete() 2 (network.md 2.4)") {
  Pipe pipe(100);
  FrameRecorder sink;
  LambdaSteps steps({emit});
  REQUIRE(pipe.fixed(2).has_value());
  REQUIRE(pipe.fixed(3).has_value());
  CHECK(feed(pipe, steps, sink, "abcdefg") == "61 62 63 | 64 65 | 66 67");
}

TEST_CASE("a first rule set by fixed() holds after delimited() too (network.md 2.4)") {
  Pipe pipe(100);
  FrameRecorder sink;
  LambdaSteps steps({emit});
  REQUIRE(pipe.delimited(",").has_value());
  REQUIRE(pipe.fixed(1).has_value());
  CHECK(feed(pipe, steps, sink, "abc,d,") == "61 | 62 63 | 64");
}

TEST_CASE("with a length of zero result().fixed(0) emits, and what comes after fixed(0) is in the next frame") {
  FrameRecorder sink;
  LambdaSteps before({[](std::string_view record, Pipe& it) -> Status {
    JL_CHECK(it.result(record));
    return it.fixed(0);
  }});
  Pipe first(100);
  REQUIRE(first.fixed(1).has_value());
  CHECK(feed(first, before, sink, "ab") == "61 | 62");

  LambdaSteps after({[](std::string_view record, Pipe& it) -> Status {
    JL_CHECK(it.fixed(0));
    return it.result(record);
  }});
  Pipe second(100);
  REQUIRE(second.fixed(1).has_value());
  CHECK(feed(second, after, sink, "a").empty());
  CHECK(feed(second, after, sink, "bc") == "61 | 62");
}

TEST_CASE("one step may complete several frames, empty ones too; without results nothing comes (network.md 2.4)") {
  Pipe pipe(100);
  FrameRecorder sink;
  LambdaSteps steps({[](std::string_view record, Pipe& it) -> Status {
    JL_CHECK(it.complete());
    for (const char& c : record) {
      JL_CHECK(it.result(std::string_view(&c, 1)));
      JL_CHECK(it.complete());
      JL_CHECK(it.complete());
    }
    JL_CHECK(it.result(""));
    return it.complete();
  }});
  REQUIRE(pipe.fixed(3).has_value());
  CHECK(feed(pipe, steps, sink, "abc") == "61 | 62 | 63 | <empty>");
}

TEST_CASE("empty records between adjacent delimiters run steps too (network.md 2.1, 2.4)") {
  Pipe pipe(100);
  FrameRecorder sink;
  LambdaSteps steps({emit});
  REQUIRE(pipe.delimited("\r\n").has_value());
  CHECK(feed(pipe, steps, sink, "\r\n\r\na\r") == "<empty> | <empty>");
  CHECK(feed(pipe, steps, sink, "\n") == "61");
}

TEST_CASE("a rule that a step sets cuts the next record of the same read (network.md 2.4)") {
  Pipe pipe(100);
  FrameRecorder sink;
  LambdaSteps steps({[](std::string_view record, Pipe& it) -> Status {
                       JL_CHECK(it.result(record));
                       return it.delimited(record);
                     },
                     emit});
  REQUIRE(pipe.fixed(1).has_value());
  CHECK(feed(pipe, steps, sink, ";ab,;,ab;,x") == "3B 61 62 2C | 2C 61 62 3B");
}

TEST_CASE("data without a step is an error, once there is a record (network.md 2.4)") {
  Pipe pipe(100);
  FrameRecorder sink;
  LambdaSteps steps;
  REQUIRE(pipe.fixed(2).has_value());
  CHECK(feed(pipe, steps, sink, "a").empty());
  CHECK(feed(pipe, steps, sink, "b") == "error invalid");
}

TEST_CASE("without a rule and without direct() data is dropped (network.md 2.4)") {
  Pipe pipe(100);
  FrameRecorder sink;
  LambdaSteps steps({emit});
  CHECK(feed(pipe, steps, sink, "abc").empty());
  CHECK(pipe.buffered() == 0);
  CHECK(steps.ran.empty());
  REQUIRE(pipe.fixed(1).has_value());  // and does not come back when there is a rule
  CHECK(feed(pipe, steps, sink, "d") == "64");
}

TEST_CASE("direct(): what the function returns is a frame, after those it completes itself (network.md 2.4)") {
  Pipe pipe(3);
  FrameRecorder sink;
  LambdaSteps steps;
  steps.direct = [](std::string_view bytes, Pipe& it, bool& emits, std::string& frame) -> Status {
    JL_CHECK(it.result("r"));
    JL_CHECK(it.complete());
    emits = !bytes.starts_with('-');
    frame = bytes.substr(1);
    return {};
  };
  CHECK(feed(pipe, steps, sink, "xab") == "72 | 61 62");
  CHECK(feed(pipe, steps, sink, "x") == "72 | <empty>");
  CHECK(feed(pipe, steps, sink, "-ab") == "72");
  CHECK(feed(pipe, steps, sink, "xabcd") == "72 | error too_large");
  CHECK(pipe.buffered() == 0);
  sink.then = [](std::string_view) { return false; };
  CHECK(feed(pipe, steps, sink, "xab") == "72");
}

TEST_CASE("direct() is not asked once there is a rule, its own included (network.md 2.4)") {
  Pipe pipe(100);
  FrameRecorder sink;
  LambdaSteps steps({emit});
  steps.direct = [](std::string_view bytes, Pipe& it, bool& emits, std::string& frame) {
    emits = true;
    frame = bytes;
    return it.fixed(2);
  };
  CHECK(feed(pipe, steps, sink, "abc") == "61 62 63");
  CHECK(feed(pipe, steps, sink, "abc") == "61 62");
  CHECK(pipe.buffered() == 1);
}

TEST_CASE("what scripts may not ask for") {
  Pipe pipe(3);
  CHECK(pipe.fixed(-1).error().code == Errc::invalid);
  CHECK(pipe.fixed(std::numeric_limits<std::int32_t>::min()).error().code == Errc::invalid);
  CHECK(pipe.fixed(4).error().code == Errc::too_large);
  CHECK(pipe.delimited("").error().code == Errc::invalid);
  CHECK(pipe.delimited("abcd").error().code == Errc::too_large);
  CHECK(pipe.result("abcd").error().code == Errc::too_large);
  CHECK(pipe.fixed(3).has_value());
  CHECK(pipe.delimited("abc").has_value());
  CHECK(pipe.result("ab").has_value());
  CHECK(pipe.result("cd").error().code == Errc::too_large);
  CHECK(pipe.result("c").has_value());
}

TEST_CASE("the error of a step comes with its number, after the frames before it (network.md 2.4)") {
  Pipe pipe(100);
  FrameRecorder sink;
  LambdaSteps steps({[](std::string_view record, Pipe& it) -> Status {
                       JL_CHECK(it.result(record));
                       if (record == "a") return it.complete();
                       return record == "b" ? it.fixed(-5) : Status{};
                     },
                     [](std::string_view, Pipe&) -> Status { return jl::Error(Errc::timeout, "too slow", "h"); }});
  REQUIRE(pipe.fixed(1).has_value());
  const Status negative = pipe.feed("abcd", steps, sink);
  REQUIRE(!negative);
  CHECK(negative.error().code == Errc::invalid);
  CHECK(negative.error().message == "step 1 of the framing script: fixed(-5) asks for a negative length");
  CHECK(sink.take() == "61");
  CHECK(pipe.buffered() == 0);

  const Status slow = pipe.feed("e", steps, sink);
  REQUIRE(!slow);
  CHECK(slow.error().code == Errc::timeout);
  CHECK(slow.error().message == "step 2 of the framing script: too slow");
  CHECK(slow.error().hint == "h");
}

TEST_CASE("records and unfinished records of a delimiter obey maxFrameLength") {
  FrameRecorder sink;
  LambdaSteps steps({emit});
  Pipe whole(3);
  REQUIRE(whole.delimited("\r\n").has_value());
  CHECK(feed(whole, steps, sink, "abc\r\nabcd\r\n") == "61 62 63 | error too_large");
  Pipe part(3);
  REQUIRE(part.delimited("\r\n").has_value());
  CHECK(feed(part, steps, sink, "abc\r").empty());
  CHECK(feed(part, steps, sink, "\r") == "error too_large");
  CHECK(part.buffered() == 0);
}

TEST_CASE("a sink that says no ends the read in the middle of a step, without an error") {
  Pipe pipe(100);
  FrameRecorder sink;
  sink.then = [](std::string_view) { return false; };
  LambdaSteps steps({[](std::string_view record, Pipe& it) -> Status {
    JL_CHECK(emit(record, it));
    JL_CHECK(emit(record, it));
    return jl::Error(Errc::failed, "late");
  }});
  REQUIRE(pipe.fixed(1).has_value());
  CHECK(feed(pipe, steps, sink, "abc") == "61");
  CHECK(pipe.buffered() == 0);
}

TEST_CASE("reset from inside of on_frame leaves the pipe at its first step (network.md 2.6)") {
  Pipe pipe(100);
  FrameRecorder sink;
  sink.then = [&](std::string_view) {
    pipe.reset();
    return true;
  };
  LambdaSteps steps({[](std::string_view record, Pipe& it) -> Status {
                       JL_CHECK(it.result(record));
                       return it.fixed(2);
                     },
                     emit});
  REQUIRE(pipe.fixed(1).has_value());
  CHECK(feed(pipe, steps, sink, "1ab2cd3e") == "31 61 62 | 32 63 64");
  CHECK(feed(pipe, steps, sink, "f") == "33 65 66");
}

TEST_CASE("reset from inside of a step drops the results instead of emitting them (network.md 2.4)") {
  Pipe pipe(100);
  FrameRecorder sink;
  LambdaSteps steps({[](std::string_view record, Pipe& it) -> Status {
    JL_CHECK(it.result(record));
    if (record == "x") it.reset();
    return record == "." ? it.complete() : Status{};
  }});
  REQUIRE(pipe.fixed(1).has_value());
  CHECK(feed(pipe, steps, sink, "axb.cd.") == "62 2E | 63 64 2E");
}

TEST_CASE("after reset bytes that were searched for another rule are looked at again (network.md 2.6)") {
  Pipe pipe(100);
  FrameRecorder sink;
  LambdaSteps steps({[](std::string_view record, Pipe& it) -> Status {
                       JL_CHECK(it.result(record));
                       return it.delimited("\r\n");
                     },
                     emit});
  REQUIRE(pipe.delimited(",").has_value());
  CHECK(feed(pipe, steps, sink, "a,b,c,d\r").empty());
  pipe.reset();
  CHECK(feed(pipe, steps, sink, "\n\r\n") == "62 63 2C 64");
}

TEST_CASE("a frame completed outside of a read is for nobody") {
  Pipe pipe(100);
  FrameRecorder sink;
  LambdaSteps steps({emit});
  REQUIRE(pipe.fixed(1).has_value());
  REQUIRE(pipe.result("early").has_value());
  REQUIRE(pipe.complete().has_value());
  CHECK(feed(pipe, steps, sink, "a") == "61");
  REQUIRE(pipe.result("kept").has_value());
  CHECK(feed(pipe, steps, sink, "b") == "6B 65 70 74 62");
}

TEST_CASE("records within one read are views into it") {
  Pipe pipe(100);
  FrameRecorder sink;
  std::vector<const char*> places;
  LambdaSteps steps({[&](std::string_view record, Pipe& it) -> Status {
    places.push_back(record.data());
    return it.delimited(";");
  }});
  REQUIRE(pipe.fixed(2).has_value());
  const std::string read = "abcd;ef;g";
  REQUIRE(pipe.feed(read, steps, sink).has_value());
  CHECK(places == std::vector<const char*>{read.data(), read.data() + 2, read.data() + 5});
  CHECK(pipe.buffered() == 1);
}

TEST_SUITE_END();
