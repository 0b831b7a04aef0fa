#include "daemon/access/password_check.hpp"

#include "common/base/assert.hpp"
#include "daemon/device/password_hash.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace jl::access {

PasswordCheck::PasswordCheck() {
  JL_ASSERT(RAND_bytes(key_.data(), static_cast<int>(key_.size())) == 1);
  thread_ = std::thread([this] { run(); });
}

PasswordCheck::~PasswordCheck() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
  OPENSSL_cleanse(key_.data(), key_.size());
}

std::string PasswordCheck::digest_of(const Secret& hash, const Secret& plain) const {
  const Secret both(hash.reveal() + '\0' + plain.reveal());
  const std::string& text = both.reveal();
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  const auto* done = HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                          reinterpret_cast<unsigned char*>(out.data()), &size);
  JL_ASSERT(done != nullptr);
  out.resize(size);
  return out;
}

void PasswordCheck::check(const Secret& hash, const Secret& plain, network::IoThread& thread,
                          std::function<void(Outcome)> done) {
  std::string digest = digest_of(hash, plain);
  Outcome known = Outcome::busy;
  {
    const std::lock_guard lock(mutex_);
    if (is_remembered(hash, digest)) {
      known = Outcome::right;
    } else if (waiting_.size() < kMaxWaiting && !stop_) {
      waiting_.push_back({hash, plain, std::move(digest), &thread, std::move(done)});
      wake_.notify_one();
      return;
    }
  }
  done(known);
}

bool PasswordCheck::is_remembered(const Secret& hash, const std::string& digest) const {
  const auto at = remembered_.find(hash.reveal());
  return at != remembered_.end() && CRYPTO_memcmp(at->second.data(), digest.data(), digest.size()) == 0;
}

void PasswordCheck::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (stop_) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    // Many that come with the same password at once, as after a restart, wait for one of them only.
    const bool known = is_remembered(job.hash, job.digest);
    lock.unlock();
    const bool right = known || device::verify_password(job.hash.reveal(), job.plain.reveal());
    job.thread->post([done = std::move(job.done), right] { done(right ? Outcome::right : Outcome::wrong); });
    lock.lock();
    if (!right) continue;
    if (remembered_.size() >= kMaxRemembered) remembered_.clear();
    remembered_[job.hash.reveal()] = std::move(job.digest);
  }
}

}  // namespace jl::access
