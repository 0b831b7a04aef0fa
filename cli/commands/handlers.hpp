#pragma once
// The handlers of all commands; commands/table.cpp says which is whose.
#include "cli/context.hpp"

namespace jl::cli {

struct Document;

// generic.cpp, batch.cpp: verbs of every kind
Result<int> run_add(Context& context);
Result<int> run_edit(Context& context);
Result<int> run_show(Context& context);
Result<int> run_list(Context& context);
Result<int> run_exists(Context& context);
Result<int> run_mutate_each(Context& context);  ///< enable, disable, delete

/// One call per id, a result per id; `show` writes the only one.
using ShowOne = Status (*)(Context& context, const json::value& reply);
Result<int> call_each(Context& context, ShowOne show);

// cert.cpp
Result<int> run_cert_show(Context& context);
Result<int> run_cert_renew(Context& context);
Result<int> run_cert_generate(Context& context);
Result<int> run_cert_check(Context& context);
Result<int> run_cert_connect(Context& context);
/// Says what a key store is (JKS, PFX) where the document brings one and does not say; other kinds stay as they are.
void detect_cert_format(const Context& context, json::object& content);

// network.cpp
Result<int> run_network_clients(Context& context);
Result<int> run_network_kick(Context& context);
Result<int> run_network_sub(Context& context);
Result<int> run_network_pub(Context& context);
Result<int> run_network_frame_test(Context& context);

// protocol.cpp
Result<int> run_protocol_decode(Context& context);
Result<int> run_protocol_encode(Context& context);
Result<int> run_protocol_test(Context& context);
Result<int> run_protocol_document(Context& context);
Result<int> run_protocol_trace(Context& context);

// package.cpp
Result<int> run_protocol_init(Context& context);
Result<int> run_protocol_pack(Context& context);

// device.cpp
Result<int> run_device_read(Context& context);
Result<int> run_device_write(Context& context);
Result<int> run_device_invoke(Context& context);
Result<int> run_device_disconnect(Context& context);

// modbus.cpp
Result<int> run_modbus_read(Context& context);
Result<int> run_modbus_write(Context& context);
Result<int> run_modbus_test(Context& context);
Result<int> run_modbus_scan(Context& context);
Result<int> run_modbus_watch(Context& context);
Result<int> run_modbus_plan(Context& context);
Result<int> run_modbus_bind(Context& context);
Result<int> run_modbus_unbind(Context& context);
Result<int> run_modbus_point_read(Context& context);
Result<int> run_modbus_point_write(Context& context);

// modbus_csv.cpp
Result<int> run_modbus_import(Context& context);
Result<int> run_modbus_export(Context& context);

// ota.cpp, ota_watch.cpp, ota_devices.cpp, ota_firmware.cpp
Result<int> run_ota_check(Context& context);
Result<int> run_ota_firmware_add(Context& context);
Result<int> run_ota_firmware_verify(Context& context);
Result<int> run_ota_task_add(Context& context);
Result<int> run_ota_task_operation(Context& context);  ///< stop, resume, retry
Result<int> run_ota_task_remove(Context& context);
Result<int> run_ota_task_devices(Context& context);
Result<int> run_ota_task_watch(Context& context);
/// Images may be large and far away: half an hour for the daemon to answer, unless the user said how long.
void allow_for_download(Context& context);
/// What goes along when tasks are deleted: "would delete the records of 1000 devices", or "".
[[nodiscard]] std::string records_at_stake(Context& context, const Words& tasks);

// streams.cpp: message tail, watch, log access and system
Result<int> run_stream(Context& context);
/// Shows an endless answer, item by item; `row_of` makes what is shown of each.
using RowOf = json::value (*)(const json::value& item);
Result<int> follow(Context& context, Request request, RowOf row_of = nullptr);
Result<int> run_log(Context& context);
Result<int> run_log_purge(Context& context);

// manifests.cpp, export.cpp
Result<int> run_apply(Context& context);
Result<int> run_diff(Context& context);
Result<int> run_validate(Context& context);
Result<int> run_export(Context& context);

// import.cpp
Result<int> run_import_jetlinks(Context& context);

// wait.cpp
Result<int> run_wait(Context& context);
Result<int> run_daemon_wait(Context& context);

// info.cpp
Result<int> run_get(Context& context);  ///< whatever the path answers, as it is: status, whoami, impact, device state
Result<int> run_get_list(Context& context);
Result<int> run_can(Context& context);
Result<int> run_version(Context& context);
Result<int> run_config_show(Context& context);
Result<int> run_explain(Context& context);
Result<int> run_completion(Context& context);
Result<int> run_help(Context& context);

/// Sends a document; problems that the daemon finds get their places in the file it came from. Answers its reply.
[[nodiscard]] Result<json::value> send_document(Context& context, Request request, Document document);
/// What the daemon found remarkable about a call that it carried out.
void show_warnings(Context& context, const json::value& reply);
/// Shows what a mutation answered: documents for programs, a remark for a person.
[[nodiscard]] Status report_mutation(Context& context, const json::value& reply);
/// Remarks on what went along with a deletion.
void note_aftermath(Context& context, const json::value& reply);

}  // namespace jl::cli
