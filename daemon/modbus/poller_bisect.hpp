#pragma once
// Which part of a block a server refuses: the block is halved, refused halves again, down to single points. Says what
// to ask next and takes what was answered; knows neither requests nor time.
#include <cstddef>
#include <cstdint>
#include <vector>

namespace jl::modbus {

class Bisection {
 public:
  /// Points [begin, end) of the block, to be read with one request.
  struct Part {
    std::size_t begin = 0, end = 0;
    [[nodiscard]] std::size_t size() const { return end - begin; }
    bool operator==(const Part&) const = default;
  };
  enum class Verdict : std::uint8_t {
    fine,
    refused,
    unknown,  ///< no answer that tells
  };

  /// Begins with a block that was refused. `addresses`: of its points, 2 at least, in ascending order.
  explicit Bisection(std::vector<std::uint16_t> addresses);
  /// What to ask first: both halves.
  [[nodiscard]] std::vector<Part> first() const;
  /// Takes the answer to a part that was asked and not answered before. What to ask next: nothing, or two halves.
  [[nodiscard]] std::vector<Part> answer(const Part& part, Verdict verdict);
  /// Whether all that was asked is answered.
  [[nodiscard]] bool is_done() const { return open_ == 0; }
  /// Single points that were refused, in ascending order.
  [[nodiscard]] std::vector<std::size_t> refused() const;
  /// Where a request must end: before these addresses. Each lies between two halves that are fine although both at once
  /// are refused: the server refuses the gap, or so many at once.
  [[nodiscard]] std::vector<std::uint16_t> cuts() const;

 private:
  struct Node {
    Part part;
    Verdict verdict = Verdict::unknown;
    std::size_t left = 0, right = 0;  ///< nodes of its halves; 0 = it has none
  };
  void halve(std::size_t node);
  [[nodiscard]] std::size_t middle_of(const Part& part) const;

  std::vector<std::uint16_t> addresses_;
  std::vector<Node> nodes_;  // the block first; at most two for each point
  std::size_t open_ = 0;     // asked, not answered
};

}  // namespace jl::modbus
