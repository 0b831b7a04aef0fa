#pragma once
// Cuts a TCP byte stream into frames (粘拆包规则, network.md 2): one framer per connection, bytes in, frames out. Pure:
// no socket, no clock. The script rule needs an engine and is made in daemon/script.
#include "common/base/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace jl::wire::framing {

/// Takes the frames of one feed().
class FrameSink {
 public:
  /// `frame` is valid during the call. False: the connection is over, cut no more; feed() returns success at once.
  virtual bool on_frame(std::string_view frame) = 0;

 protected:
  ~FrameSink() = default;
};

class Framer {
 public:
  virtual ~Framer() = default;
  /// Takes one read and hands out the frames that it completes. After an error framing is lost: close the connection.
  /// Errors: too_large (maxFrameLength), invalid (a length field or a script that cannot be followed; the message says
  /// what and where).
  [[nodiscard]] virtual Status feed(std::string_view bytes, FrameSink& sink) = 0;
  /// The codec could not decode a frame: drops what the rule drops then (network.md 2.6). From inside of on_frame()
  /// too: the complete frames of this read still come, and what it leaves over counts as held back.
  virtual void reset() = 0;
  /// Bytes held back for a frame that is not complete.
  [[nodiscard]] virtual std::size_t buffered() const = 0;
};

/// Makes the framers of one component; immutable, any thread unless a rule says otherwise.
class FramingRule {
 public:
  virtual ~FramingRule() = default;
  /// On the connection's thread. Errors: those of the script's run.
  [[nodiscard]] virtual Result<std::unique_ptr<Framer>> open() const = 0;
};

inline constexpr std::size_t kDefaultMaxFrame = std::size_t{1} << 20u;

/// DIRECT 不处理: each read is a frame.
[[nodiscard]] std::unique_ptr<FramingRule> direct(std::size_t max_frame = kDefaultMaxFrame);
/// DELIMITED 分隔符 (2.1). `delimiter` is already bytes: see parse_delimiter(). Must not be empty.
[[nodiscard]] std::unique_ptr<FramingRule> delimited(std::string delimiter, std::size_t max_frame = kDefaultMaxFrame);
/// FIXED_LENGTH 固定长度 (2.2). `size` > 0.
[[nodiscard]] std::unique_ptr<FramingRule> fixed_length(std::size_t size, std::size_t max_frame = kDefaultMaxFrame);
/// LENGTH_FIELD 长度字段 (2.3): frames keep their header.
struct LengthField {
  std::size_t offset = 0;
  std::size_t length = 4;  ///< 1, 2, 3, 4 or 8
  bool little = false;
};
[[nodiscard]] std::unique_ptr<FramingRule> length_field(const LengthField& field,
                                                        std::size_t max_frame = kDefaultMaxFrame);

/// The bytes of a delimiter as JetLinks writes it: "0x0D0A", "\\r\\n", "@@" (2.1).
/// Errors: invalid, with what to write instead.
[[nodiscard]] Result<std::string> parse_delimiter(std::string_view text);

}  // namespace jl::wire::framing
