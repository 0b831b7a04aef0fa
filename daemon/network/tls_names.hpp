#pragma once
// Which certificate a host name asks for: the names that certificates carry, in the order of a key store's entries.
#include "common/cert/bundle.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

namespace jl::network {

class TlsNames {
 public:
  /// Adds a certificate under its SAN dNSNames and its subject's CNs; a name that is taken stays with the first.
  void add(const X509& certificate, std::size_t index);
  /// Whose index serves this name: exact, else "*." in place of its first label, else 0, the default. Case is ignored.
  [[nodiscard]] std::size_t find(std::string_view name) const;

 private:
  void add_name(const ASN1_STRING& name, std::size_t index);
  std::unordered_map<std::string, std::size_t> names_;  // in lower case
};

}  // namespace jl::network
