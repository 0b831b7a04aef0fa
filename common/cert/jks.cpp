#include "common/cert/store.hpp"
namespace jl::cert {
Result<Store> read_jks(std::string_view, const StorePasswords&) {
  return Error{Errc::unsupported, "the key store is JKS"};
}
}  // namespace jl::cert
