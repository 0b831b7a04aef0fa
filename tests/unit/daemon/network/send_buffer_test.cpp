#include "daemon/network/send_buffer.hpp"

#include <doctest/doctest.h>

namespace jl::network {
namespace {

TEST_SUITE("network.send_buffer") {
  TEST_CASE("what was written under a commit number is not sendable while that is the number") {
    SendBuffer buffer;
    buffer.begin(7) += "seven";
    CHECK(buffer.sendable(7).empty());
    CHECK(buffer.sendable(8) == "seven");
    buffer.begin(8) += "eight";
    buffer.begin(8) += "more";
    CHECK(buffer.sendable(8) == "seven");
    CHECK(buffer.sendable(9) == "seveneightmore");
    CHECK(buffer.unsent() == 14);
  }

  TEST_CASE("bytes that were sent leave, and the mark of the held ones moves with them") {
    SendBuffer buffer;
    buffer.begin(1) += "0123456789";
    buffer.begin(2) += "abcdef";
    buffer.consume(3);
    CHECK(buffer.sendable(2) == "3456789");
    CHECK(buffer.unsent() == 13);
    buffer.consume(7);
    CHECK(buffer.sendable(2).empty());
    CHECK(buffer.sendable(3) == "abcdef");
    buffer.consume(6);
    CHECK(buffer.unsent() == 0);
    buffer.begin(3) += "x";
    CHECK(buffer.sendable(4) == "x");
  }

  TEST_CASE("the pool hands small buffers out again, empty, and lets big ones go") {
    SendBufferPool pool;
    auto buffer = pool.take();
    const SendBuffer* const first = buffer.get();
    buffer->begin(1) += "left over";
    pool.give(std::move(buffer));
    buffer = pool.take();
    CHECK(buffer.get() == first);
    CHECK(buffer->unsent() == 0);
    buffer->begin(2).assign(10'000, 'x');
    buffer->consume(10'000);
    pool.give(std::move(buffer));
    CHECK(pool.take()->capacity() < 10'000);
    pool.give(nullptr);
  }
}

}  // namespace
}  // namespace jl::network
