#include "daemon/codec/official/fields.hpp"

#include <initializer_list>

namespace jl::codec::official {
namespace {
constexpr FieldMask mask(std::initializer_list<Field> fields) {
  FieldMask all = 0;
  for (const Field field : fields) all |= bit(field);
  return all;
}
constexpr FieldMask kCommon = mask({Field::message_id, Field::timestamp, Field::code, Field::headers});
constexpr FieldMask kReply = mask({Field::success, Field::message});
constexpr FieldMask kValues = mask({Field::properties, Field::property_source_times, Field::property_states});
constexpr FieldMask kFirmware = mask({Field::version, Field::properties});

FieldMask own_fields(MessageType type) {
  switch (type) {
    case MessageType::report_property:
      return kValues;
    case MessageType::read_property_reply:
    case MessageType::write_property_reply:
      return kReply | kValues;
    case MessageType::event:
    case MessageType::report_collector:
      return mask({Field::data});
    case MessageType::invoke_function_reply:
      return kReply | mask({Field::function_id, Field::output});
    case MessageType::update_tag:
      return mask({Field::tags});
    case MessageType::derived_metadata:
      return mask({Field::metadata, Field::all});
    case MessageType::log:
      return mask({Field::log});
    case MessageType::state_check_reply:
      return kReply | mask({Field::state});
    case MessageType::disconnect_reply:
    case MessageType::upgrade_firmware_reply:
    case MessageType::acknowledge:
      return kReply;
    case MessageType::direct:
      return mask({Field::payload});
    case MessageType::report_firmware:
      return kFirmware;
    case MessageType::read_firmware_reply:
      return kReply | kFirmware;
    case MessageType::request_firmware:
      return mask({Field::current_version, Field::request_version});
    case MessageType::upgrade_firmware_progress:
      return kReply | mask({Field::progress, Field::complete, Field::version, Field::error_reason, Field::firmware_id});
    case MessageType::read_collector_data_reply:
    case MessageType::write_collector_data_reply:
      return kReply | mask({Field::data});
    default:
      return 0;
  }
}
}  // namespace

Field field_from(std::string_view key) {
  const auto first_of = [key](std::initializer_list<Field> candidates) {
    for (const Field field : candidates) {
      if (field_key(field) == key) return field;
    }
    return Field::none_;
  };
  switch (key.size()) {
    case 3:
      return first_of({Field::all, Field::log});
    case 4:
      return first_of({Field::data, Field::tags, Field::code});
    case 5:
      return first_of({Field::state});
    case 6:
      return first_of({Field::output});
    case 7:
      return first_of({Field::headers, Field::success, Field::message, Field::version, Field::payload});
    case 8:
      return first_of({Field::metadata, Field::progress, Field::complete});
    case 9:
      return first_of({Field::timestamp, Field::message_id});
    case 10:
      return first_of({Field::properties, Field::function_id, Field::firmware_id});
    case 11:
      return first_of({Field::error_reason});
    case 14:
      return first_of({Field::property_states, Field::current_version, Field::request_version});
    case 19:
      return first_of({Field::property_source_times});
    default:
      return Field::none_;
  }
}

FieldMask fields_of(MessageType type) { return kCommon | own_fields(type); }

}  // namespace jl::codec::official
