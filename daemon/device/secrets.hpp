#pragma once
// Secrets inside resources: sealed before they reach the store, shown as fingerprints, opened only where a codec or a
// component needs them. Which values are secret comes from the field tables and from the keys that protocols ask for.
#include "common/model/resource.hpp"
#include "daemon/store/seal.hpp"

#include <map>
#include <string>

namespace jl::device {

class Secrets {
 public:
  explicit Secrets(store::Sealer sealer) : sealer_(std::move(sealer)) {}

  /// Seals every secret of `after` in place; of those that are only ever compared, a hash is sealed instead. A value
  /// equal to the one in `before` keeps its sealed text, so that an unchanged resource stays the same to the byte. A
  /// placeholder ("sealed:<fingerprint>", as shown by mask) stands for the stored value; one that does not match it is
  /// a secret_missing problem.
  void seal(model::Resource& after, const model::Resource* before, std::vector<Problem>& problems) const;
  /// Replaces every sealed value by its placeholder.
  void mask(model::Resource& resource) const;
  /// Replaces every sealed value by its plain text. Errors: corrupt.
  Status reveal(model::Resource& resource) const;
  /// A keyed hash of a text that may hold secrets, to recognise it again.
  [[nodiscard]] std::string fingerprint(std::string_view text) const { return sealer_.fingerprint(text); }
  /// A key of this daemon for signing, by what it is for.
  [[nodiscard]] std::string derived_key(std::string_view purpose) const { return sealer_.derived_key(purpose); }
  /// The configuration of a product or device, opened. Errors: corrupt.
  [[nodiscard]] Result<std::map<std::string, Secret, std::less<>>> open_config(const model::Resource& resource) const;

 private:
  store::Sealer sealer_;
};

/// The prefix of a placeholder.
inline constexpr std::string_view kPlaceholder = "sealed:";

}  // namespace jl::device
