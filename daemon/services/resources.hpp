#pragma once
// Everything that can be done to resources: one way through for every noun. Changes run on the mutation thread, reads
// on the caller's.
#include "common/text/diff.hpp"
#include "daemon/services/bonds.hpp"
#include "daemon/services/mutator.hpp"
#include "daemon/services/rules.hpp"

#include <functional>

namespace jl::services {

struct MutationOptions {
  std::optional<std::uint64_t> if_revision;
  std::optional<std::size_t> max_disconnect;
  std::string request_id;    ///< of the caller, for safe retries; "" = none
  std::string request_text;  ///< what the id stands for: the call and its body, hashed
  bool if_not_exists = false, if_exists = false, force = false;
  bool dry_run = false;  ///< of a deletion: say what would go, change nothing
};

enum class Verb : std::uint8_t { add, edit, enable, disable, erase };

struct Mutation {
  Verb verb{};
  std::string kind, id;
  boost::json::object document;  ///< add: the document; edit: the merge patch
  /// edit: makes the merge patch of the resource as it is, instead of `document`.
  std::function<Result<boost::json::object>(const Resource& now)> patch{};
  MutationOptions options;
};

/// What a change did, as the API answers it.
struct MutationResult {
  int http_status = 200;
  boost::json::object body;
  store::Revision revision_before = 0, revision_after = 0;
};
using MutationDone = std::function<void(Result<MutationResult>)>;

struct ApplyRequest {
  boost::json::array documents;
  std::string set;
  bool prune = false, dry_run = false;
  MutationOptions options;
};
/// Phase ("reading", "checking", "committing"), how many of how many. Called on the mutation thread.
using Progress = std::function<void(std::string_view phase, std::size_t done, std::size_t total)>;

struct ListFilter {
  std::string name;  ///< glob on the name
  std::optional<bool> enabled;
  std::vector<std::pair<std::string, std::string>> fields;  ///< spec member = value
  std::string state;                                        ///< devices
  std::size_t limit = 0;                                    ///< 0 = all
};

class Resources final : public access::Provisioner {
 public:
  struct Parts {
    store::Store& store;
    store::FileStore& files;
    const device::Secrets& secrets;
    device::Catalogs& catalogs;
    device::Protocols& protocols;
    access::Sessions& sessions;
    const Clock& clock;
    std::string node_id;
    Millis started_at;
  };
  Resources(const Parts& parts, Mutator& mutator) : p_(parts), mutator_(mutator) {}
  /// The runtime stands on the access path, which stands on this: it is told after both exist, before anything runs.
  void set_runtime(runtime::Runtime& runtime) { runtime_ = &runtime; }

  /// Answers on the mutation thread, or at once when the daemon is stopping or overloaded.
  void mutate(Mutation mutation, MutationDone done);
  void apply(ApplyRequest request, Progress progress, MutationDone done);

  /// A resource with its status and masked secrets. Errors: not_found.
  [[nodiscard]] Result<boost::json::object> show(std::string_view kind, std::string_view id) const;
  [[nodiscard]] Result<bool> exists(std::string_view kind, std::string_view id) const;
  /// Visits documents sorted by id until the visitor says false.
  Status list(const model::Kind& kind, const ListFilter& filter,
              const std::function<bool(boost::json::object)>& visit) const;
  /// Visits manifests in dependency order.
  Status export_all(const std::vector<std::string>& kinds, bool with_secrets,
                    const std::function<bool(boost::json::object)>& visit) const;
  /// {"sessions":N,"usedBy":[..],"usedByTotal":N}. Errors: not_found.
  [[nodiscard]] Result<boost::json::object> impact(std::string_view kind, std::string_view id) const;
  /// Ids of a kind that start with a prefix.
  [[nodiscard]] Result<std::vector<std::string>> names(std::string_view kind, std::string_view prefix,
                                                       std::size_t limit) const;
  /// How much a document's status is to say: all there is, what columns show, or the same of one of many.
  enum class Detail : std::uint8_t { full, brief, listed };
  /// The document of one resource, secrets masked.
  [[nodiscard]] boost::json::object document(Resource resource, Detail detail) const;
  /// Deletes answers kept for retries that are older than 24 h.
  void forget_old_requests();
  /// Loads a local package anew because its folder changed; gateways take its routes. Any thread.
  void reload_protocol(const std::string& id);
  /// Deletes uploaded files that no resource names and that are older than an hour.
  void sweep_files();

  // access::Provisioner
  void register_device(access::Registration registration, std::function<void(Status)> done) override;
  void unbind_child(std::string child_id, std::string parent_id) override;
  void derive_metadata(std::string device_id, std::string metadata, bool replace) override;

 private:
  struct Committed {
    store::Revision revision = 0;
    std::size_t disconnected = 0;
    std::vector<std::string> warnings;
  };
  [[nodiscard]] Result<Committed> commit(View& view, RuleContext& rules, const MutationOptions& options,
                                         const MutationResult* reply_for_retry);
  [[nodiscard]] Result<MutationResult> run(const Mutation& mutation);
  [[nodiscard]] Result<MutationResult> run_apply(const ApplyRequest& request, const Progress& progress);
  [[nodiscard]] Result<std::optional<MutationResult>> replayed(const MutationOptions& options) const;
  void submit(std::function<Result<MutationResult>()> work, MutationDone done);
  void submit_wish(std::function<Result<MutationResult>()> work, MutationDone done);
  Status put_new(View& view, Resource resource, const Resource* before, std::vector<Problem>& problems) const;
  [[nodiscard]] Status disable_users(View& view, const Resource& protocol) const;
  [[nodiscard]] Result<MutationResult> answer(const Mutation& mutation, std::string_view result, const Resource* before,
                                              const Resource* after, const Committed* committed,
                                              const Aftermath& aftermath = {}) const;
  [[nodiscard]] boost::json::array changed_fields(const runtime::ResourceChange& change) const;
  void add_status(boost::json::object& document, const Resource& resource, Detail detail) const;

  Parts p_;
  Mutator& mutator_;
  runtime::Runtime* runtime_ = nullptr;
  std::shared_ptr<std::atomic<std::size_t>> wishes_ =
      std::make_shared<std::atomic<std::size_t>>(0);  ///< of devices, waiting
};

/// Lays one thing model over another, entry by entry by id.
[[nodiscard]] boost::json::value merge_metadata(const boost::json::value& base, const boost::json::value& over);

}  // namespace jl::services
