#include "cli/import/ids.hpp"

#include "common/base/words.hpp"

#include <fmt/format.h>
#include <cstdint>

namespace jl::cli::jetlinks {
namespace {

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// FNV-1a, 64 bit: the same on every machine and in every version.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return hash;
}

}  // namespace

std::string legal_id(std::string_view kind, std::string_view id) {
  if (is_valid_id(id)) return std::string(id);
  constexpr std::size_t kMostKept = 47;  // leaves room for "-" and the hash
  std::string kept;
  for (const char c : id) {
    const bool is_fine = is_alphanumeric(c) || ((c == '.' || c == '_' || c == '-') && !kept.empty());
    if (is_fine) {
      kept += c;
    } else if (!kept.empty() && kept.back() != '-') {
      kept += '-';
    }
    if (kept.size() == kMostKept) break;
  }
  while (!kept.empty() && kept.back() == '-') kept.pop_back();
  if (kept.empty()) kept = kind;
  return fmt::format("{}-{:016x}", kept, hash_of(id));
}

std::string variable_for(std::string_view kind, std::string_view id, std::string_view field) {
  std::string out = "JETLINKS";
  for (const std::string_view part : {kind, id, field}) {
    out += '_';
    for (const char c : part) out += is_alphanumeric(c) ? (c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c) : '_';
  }
  return out;
}

}  // namespace jl::cli::jetlinks
