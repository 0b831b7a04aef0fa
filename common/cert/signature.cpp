#include "common/cert/signature.hpp"

#include "common/base/base64.hpp"
#include "common/cert/check.hpp"
#include "common/cert/openssl.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <system_error>
#include <vector>

namespace jl::cert {
namespace {

constexpr std::size_t kMaxGiven = 1024;  // base64 of a signature with generous white space

std::vector<const X509*> signers(const Bundle& bundle) {
  std::vector<const X509*> out;
  for (const Entry& entry : bundle.entries) {
    if (!entry.chain.empty()) out.push_back(entry.chain.front().get());
  }
  if (!out.empty()) return out;
  for (const Certificate& certificate : bundle.trust) out.push_back(certificate.get());
  return out;
}

bool verifies(std::string_view content, std::string_view signature, EVP_PKEY* key) {
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  // No digest: Ed25519 has its own within (RFC 8032 5.1).
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) != 1) return false;
  return EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(content), content.size()) == 1;
}

Error unreadable(const std::string& path, int error) {
  return {Errc::storage, "\"" + path + "\" cannot be read: " + std::generic_category().message(error)};
}

// A file's content in memory without a copy of it.
class Mapped {
 public:
  Mapped() = default;
  ~Mapped() {
    if (size_ > 0) ::munmap(data_, size_);
    if (fd_ >= 0) ::close(fd_);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  Status open(const std::string& path) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat about {};
    if (fd_ < 0 || ::fstat(fd_, &about) != 0) return unreadable(path, errno);
    if (!S_ISREG(about.st_mode)) return unreadable(path, EINVAL);
    if (about.st_size == 0) return {};  // mmap(2) takes no length of 0
    const auto size = static_cast<std::size_t>(about.st_size);
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd_, 0);
    if (data == MAP_FAILED) return unreadable(path, errno);  // NOLINT: a macro of <sys/mman.h>
    data_ = data;
    size_ = size;
    ::madvise(data_, size_, MADV_SEQUENTIAL);
    return {};
  }
  [[nodiscard]] std::string_view content() const { return {static_cast<const char*>(data_), size_}; }

 private:
  int fd_ = -1;
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace

Result<std::string> read_signature(std::string_view given) {
  if (given.size() == kSignatureBytes) return std::string(given);
  if (given.size() <= kMaxGiven) {
    if (auto bytes = from_pasted_base64(given); bytes && bytes->size() == kSignatureBytes) return std::move(*bytes);
  }
  return Error(Errc::invalid, "the signature is neither 64 bytes nor base64 of them",
               "openssl pkeyutl -sign -rawin -inkey KEY -in FILE -out FILE.sig", "signature");
}

Status verify_signature(std::string_view content, std::string_view signature, const Bundle& bundle) {
  const ErrorScope scope;
  if (signature.size() != kSignatureBytes)
    return Error(Errc::invalid, "a signature by Ed25519 has 64 bytes", {}, "signature");
  const auto certificates = signers(bundle);
  if (certificates.empty()) return Error(Errc::invalid, "there is no certificate to verify the signature with");
  std::string other;
  bool is_tried = false;
  for (const X509* certificate : certificates) {
    EVP_PKEY* key = X509_get0_pubkey(certificate);
    if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) {
      if (other.empty()) {
        other = "the key of certificate \"" + shown(subject_of(*certificate)) + "\" is " +
                (key ? key_type_of(*key) : "of an unknown type") + ", not Ed25519";
      }
      continue;
    }
    if (verifies(content, signature, key)) return {};
    is_tried = true;
  }
  if (!is_tried) return Error(Errc::unsupported, other, "sign with the key of an Ed25519 certificate");
  return Error(Errc::invalid, "the signature was not made over this file with the key of this certificate", {},
               "signature");
}

Status verify_file_signature(const std::string& path, std::string_view signature, const Bundle& bundle) {
  Mapped file;
  JL_CHECK(file.open(path));
  return verify_signature(file.content(), signature, bundle);
}

}  // namespace jl::cert
