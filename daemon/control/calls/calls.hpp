#pragma once
// What each call of the control socket means: the command table's rows tied to the services. Reads run on a small pool,
// changes on the mutation thread, streams wherever their records come from; the control thread is never held up.
#include "daemon/access/commands.hpp"
#include "daemon/control/server.hpp"
#include "daemon/logs/logs.hpp"
#include "daemon/services/resources.hpp"

#include <memory>
#include <string>

namespace jl::control {

/// The rooms that calls reach into. All outlive Calls.
struct Rooms {
  store::Store& store;
  store::FileStore& files;
  services::Resources& resources;
  runtime::Runtime& runtime;
  access::Commands& commands;
  access::Sessions& sessions;
  device::Catalogs& catalogs;
  const device::Directory& directory;
  const device::Protocols& protocols;
  device::TailSink& tail;
  access::Traces& traces;
  logs::LogStore& logs;
  const Clock& clock;
  std::string node_id, state_dir;
  Millis started_at = 0;
  Millis command_timeout = 10'000;
  std::vector<std::unique_ptr<device::TurnLog>>& turn_logs;
};

class Calls {
 public:
  explicit Calls(const Rooms& rooms);
  ~Calls();
  Calls(const Calls&) = delete;
  /// Serves one call; the server's Handler.
  void handle(Call call, std::shared_ptr<Responder> responder);
  /// Says so in /v1/status.
  void set_ready(bool ready) { ready_ = ready; }
  /// Waits for reads in progress.
  void stop();

 private:
  using Reply = std::shared_ptr<Responder>;
  void mutate(const Call& call, const Reply& reply);
  void apply(const Call& call, const Reply& reply);
  void read(const Call& call, const Reply& reply);
  void list(const Call& call, const Reply& reply, const model::Kind& kind);
  void export_all(const Call& call, const Reply& reply);
  void device_command(const Call& call, const Reply& reply);
  void device_read(const Call& call, const Reply& reply);
  void tail_messages(const Call& call, const Reply& reply);
  void watch(const Call& call, const Reply& reply);
  void network_call(const Call& call, const Reply& reply);
  void network_clients(const Call& call, const Reply& reply, const std::shared_ptr<broker::Broker>& broker);
  void network_connections(const Call& call, const Reply& reply);
  void network_frame_test(const Call& call, const Reply& reply);
  void network_kick(const Call& call, const Reply& reply, const std::shared_ptr<broker::Broker>& broker);
  void network_subscribe(const Call& call, const Reply& reply, const std::shared_ptr<broker::Broker>& broker);
  void network_publish(const Call& call, const Reply& reply, const std::shared_ptr<broker::Broker>& broker);
  [[nodiscard]] Result<std::shared_ptr<broker::Broker>> broker_of(const std::string& network_id) const;
  void cert_generate(const Call& call, const Reply& reply);
  void cert_connect(const Call& call, const Reply& reply);
  void cert_with_keys(const Call& call, const Reply& reply);
  void file_fetch(const Call& call, const Reply& reply);
  using Work = void (Calls::*)(const Call&, const Reply&);
  void pooled(Call call, Reply reply, Work work);
  void slow(Call call, Reply reply, Work work);
  void run_guarded(const Call& call, const Reply& reply, Work work);
  void protocol_decode(const Call& call, const Reply& reply);
  void protocol_encode(const Call& call, const Reply& reply);
  void protocol_test(const Call& call, const Reply& reply);
  void protocol_document(const Call& call, const Reply& reply);
  void protocol_routes(const Call& call, const Reply& reply);
  void device_trace(const Call& call, const Reply& reply);
  void modbus_value_call(const Call& call, const Reply& reply);
  void modbus_test(const Call& call, const Reply& reply);
  void modbus_scan(const Call& call, const Reply& reply);
  void modbus_plan(const Call& call, const Reply& reply);
  void modbus_watch(const Call& call, const Reply& reply);
  void modbus_point(const Call& call, const Reply& reply);
  void modbus_bindings(const Call& call, const Reply& reply);
  void modbus_bind(const Call& call, const Reply& reply);
  /// Errors: not_found, disabled.
  [[nodiscard]] Status running_channel(const std::string& id) const;
  [[nodiscard]] Result<const codec::Protocol*> protocol_of(const std::string& id) const;
  void media_test(const Call& call, const Reply& reply);
  void ota_operation(const Call& call, const Reply& reply);
  void ota_devices(const Call& call, const Reply& reply);
  void ota_watch(const Call& call, const Reply& reply);
  void ota_check(const Call& call, const Reply& reply);
  void ota_verify(const Call& call, const Reply& reply);
  void log_call(const Call& call, const Reply& reply);
  [[nodiscard]] boost::json::object status() const;
  [[nodiscard]] std::string metrics() const;

  Rooms r_;
  std::atomic<bool> ready_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> slow_{0};  ///< of the slow pool, running and waiting
  struct Pool;
  std::unique_ptr<Pool> pool_;
};

/// The options of a call that changes something. Errors: bad_request.
[[nodiscard]] Result<services::MutationOptions> mutation_options(const Call& call);
/// Answers with what became of a change of an object.
void answer_mutation(const std::shared_ptr<Responder>& reply, Result<services::MutationResult> result,
                     const std::string& object);
/// Makes the merge patch of a cert out of the body of its renewal: new material takes the place of the old, whatever
/// form that had. Errors: bad_request.
[[nodiscard]] Status complete_renewal(boost::json::object& patch);
/// Sends a line of a long answer no faster than its reader takes them; false when the reader is gone or stands still.
[[nodiscard]] bool paced_line(Responder& reply, std::string line);
/// The OpenAPI 3.1 document of the command table.
[[nodiscard]] boost::json::object openapi_document();
/// "1h" back from now, RFC 3339 or epoch milliseconds; 0 when empty. Errors: bad_request naming the parameter.
[[nodiscard]] Result<Millis> time_parameter(const Call& call, std::string_view key, Millis now);
/// What is written to a slave: a list as JSON text becomes one, other texts stay for the type to read.
[[nodiscard]] boost::json::value modbus_value(const boost::json::value& given);
/// A whole number of the query within [0, max]; `otherwise` when absent. Errors: bad_request.
[[nodiscard]] Result<std::size_t> count_parameter(const Call& call, std::string_view key, std::size_t otherwise,
                                                  std::size_t max);

}  // namespace jl::control
