#include "daemon/wire/framing/search.hpp"

#include "tests/unit/daemon/wire/framing/support.hpp"

using namespace jl::wire::framing;
using namespace jl::wire::framing::testing;

TEST_SUITE_BEGIN("wire.framing");

TEST_CASE("the search finds what std::string_view::find does, in one piece and in pieces") {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    // Two letters make partial matches that fail, and overlap, the rule.
    std::string delimiter(1 + random() % 6, 'a');
    for (char& c : delimiter) c = static_cast<char>('a' + random() % 2);
    std::string text(random() % 40, 'a');
    for (char& c : text) c = static_cast<char>('a' + random() % (round % 2 == 0 ? 2 : 3));
    CAPTURE(delimiter);
    CAPTURE(text);
    const DelimiterSearch search(delimiter);
    const std::size_t at = text.find(delimiter);
    const std::size_t want = at == std::string::npos ? at : at + delimiter.size();

    std::size_t matched = 0;
    REQUIRE(search.find_end(text, 0, matched) == want);
    if (want != std::string::npos) REQUIRE(matched == 0);
    if (want == std::string::npos) REQUIRE(text.ends_with(delimiter.substr(0, matched)));

    matched = 0;
    const std::size_t cut = text.empty() ? 0 : random() % text.size();
    std::size_t got = search.find_end(std::string_view(text).substr(0, cut), 0, matched);
    if (got == std::string::npos) got = search.find_end(text, cut, matched);
    REQUIRE(got == want);
  }
}

TEST_SUITE_END();
