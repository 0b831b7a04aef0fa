#include "daemon/store/store.hpp"

#include "common/base/assert.hpp"

#include <algorithm>
#include <array>

namespace jl::store {

std::string_view to_string(Family family) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(Family::count_)> kNames = {
      "resources", "references", "devices", "messages", "logs", "upgrades", "sessions", "meta"};
  const auto at = static_cast<std::size_t>(family);
  JL_ASSERT(at < kNames.size());
  return kNames[at];
}

std::string key(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (const auto part : parts) size += part.size() + 1;
  std::string out;
  out.reserve(size);
  bool first = true;
  for (const auto part : parts) {
    if (!first) out.push_back('\0');
    out.append(part);
    first = false;
  }
  return out;
}

std::string_view key_part(std::string_view key, std::size_t index) {
  for (; index > 0; --index) {
    const auto separator = key.find('\0');
    if (separator == std::string_view::npos) return {};
    key.remove_prefix(separator + 1);
  }
  return key.substr(0, key.find('\0'));
}

void append_u64(std::string& key, std::uint64_t value) {
  for (unsigned shift = 64; shift > 0;) {
    shift -= 8;
    key.push_back(static_cast<char>((value >> shift) & 0xFFu));
  }
}

std::uint64_t read_u64(std::string_view bytes) {
  if (bytes.size() < 8) return 0;
  std::uint64_t value = 0;
  for (const char c : bytes.substr(0, 8)) value = (value << 8u) | static_cast<unsigned char>(c);
  return value;
}

std::string prefix_end(std::string_view prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF) prefix.remove_suffix(1);
  std::string end(prefix);
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

void Transaction::put(Family family, std::string key, std::string value) {
  ops_.push_back({Op::Kind::put, family, std::move(key), std::move(value)});
}

void Transaction::erase(Family family, std::string key) {
  ops_.push_back({Op::Kind::erase, family, std::move(key), {}});
}

void Transaction::erase_range(Family family, std::string from, std::string to) {
  ops_.push_back({Op::Kind::erase_range, family, std::move(from), std::move(to)});
}

void Transaction::expect(std::string key, Revision revision) { expectations_.push_back({std::move(key), revision}); }

}  // namespace jl::store
