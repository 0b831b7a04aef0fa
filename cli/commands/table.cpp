// Which handler answers which command.
#include "cli/commands/handlers.hpp"

#include <algorithm>
#include <array>

namespace jl::cli {
namespace {

struct Entry {
  std::string_view noun;  ///< "*" = every kind
  std::string_view verb;
  Handler handler;
};

constexpr std::array<Entry, 79> kHandlers{{{"cert", "show", run_cert_show},
                                           {"cert", "renew", run_cert_renew},
                                           {"cert", "generate", run_cert_generate},
                                           {"cert", "check", run_cert_check},
                                           {"cert", "test-connect", run_cert_connect},
                                           {"media server", "test", run_get},
                                           {"ota", "check", run_ota_check},
                                           {"ota firmware", "add", run_ota_firmware_add},
                                           {"ota firmware", "verify", run_ota_firmware_verify},
                                           {"ota task", "add", run_ota_task_add},
                                           {"ota task", "stop", run_ota_task_operation},
                                           {"ota task", "resume", run_ota_task_operation},
                                           {"ota task", "retry", run_ota_task_operation},
                                           {"ota task", "remove", run_ota_task_remove},
                                           {"ota task", "devices", run_ota_task_devices},
                                           {"ota task", "watch", run_ota_task_watch},
                                           {"*", "add", run_add},
                                           {"*", "edit", run_edit},
                                           {"*", "show", run_show},
                                           {"*", "list", run_list},
                                           {"*", "enable", run_mutate_each},
                                           {"*", "disable", run_mutate_each},
                                           {"*", "delete", run_mutate_each},
                                           {"*", "exists", run_exists},
                                           {"*", "impact", run_get},
                                           {"network", "clients", run_network_clients},
                                           {"network", "kick", run_network_kick},
                                           {"network", "sub", run_network_sub},
                                           {"network", "pub", run_network_pub},
                                           {"network", "frame-test", run_network_frame_test},
                                           {"protocol", "decode", run_protocol_decode},
                                           {"protocol", "encode", run_protocol_encode},
                                           {"protocol", "test", run_protocol_test},
                                           {"protocol", "routes", run_get_list},
                                           {"protocol", "document", run_protocol_document},
                                           {"protocol", "trace", run_protocol_trace},
                                           {"protocol", "init", run_protocol_init},
                                           {"protocol", "pack", run_protocol_pack},
                                           {"device", "read", run_device_read},
                                           {"device", "write", run_device_write},
                                           {"device", "invoke", run_device_invoke},
                                           {"device", "messages", run_get_list},
                                           {"device", "state", run_get},
                                           {"device", "disconnect", run_device_disconnect},
                                           {"modbus", "read", run_modbus_read},
                                           {"modbus", "write", run_modbus_write},
                                           {"modbus", "test", run_modbus_test},
                                           {"modbus", "scan", run_modbus_scan},
                                           {"modbus", "watch", run_modbus_watch},
                                           {"modbus", "plan", run_modbus_plan},
                                           {"modbus", "bind", run_modbus_bind},
                                           {"modbus", "unbind", run_modbus_unbind},
                                           {"modbus", "bindings", run_get_list},
                                           {"modbus point", "read", run_modbus_point_read},
                                           {"modbus point", "write", run_modbus_point_write},
                                           {"modbus point", "import", run_modbus_import},
                                           {"modbus point", "export", run_modbus_export},
                                           {"log", "access", run_log},
                                           {"log", "system", run_log},
                                           {"log", "stats", run_get},
                                           {"log", "purge", run_log_purge},
                                           {"message", "tail", run_stream},
                                           {"", "watch", run_stream},
                                           {"", "apply", run_apply},
                                           {"", "export", run_export},
                                           {"", "diff", run_diff},
                                           {"", "validate", run_validate},
                                           {"import", "jetlinks", run_import_jetlinks},
                                           {"", "wait", run_wait},
                                           {"", "status", run_get},
                                           {"", "whoami", run_get},
                                           {"", "can", run_can},
                                           {"", "explain", run_explain},
                                           {"daemon", "wait", run_daemon_wait},
                                           {"config", "show", run_config_show},
                                           {"", "version", run_version},
                                           {"", "completion", run_completion},
                                           {"", "help", run_help}}};

}  // namespace

Handler handler_of(const control::Command& command) {
  if (command.verb.empty()) return nullptr;
  for (const Entry& entry : kHandlers) {
    const bool noun = entry.noun == command.noun || (entry.noun == "*" && command.kind);
    if (noun && entry.verb == command.verb) return entry.handler;
  }
  return nullptr;
}

}  // namespace jl::cli
