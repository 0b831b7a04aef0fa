#pragma once
// Reading and writing properties of a device at its Modbus points: one message down, one answer up.
#include "common/base/result.hpp"
#include "daemon/modbus/channels.hpp"

#include <functional>
#include <optional>
#include <string>

namespace jl::runtime {

/// Where a property is.
struct ModbusPlace {
  std::string channel_id, point_id;
};

/// Carries out a READ_PROPERTY or WRITE_PROPERTY message (JSON) at the points. `reply` is called on `thread` with the
/// answer, once the slaves have answered: with success false and the reason when one of them has not done so. Reads go
/// out together; writes one after the other, in the message's order, and the first that fails ends them. Properties
/// without a place are passed over in reads unless none has one; a write of them fails before anything is sent. At most
/// 500 properties.
/// Errors: invalid.
[[nodiscard]] Status start_exchange(modbus::Channels& channels, network::IoThread& thread, std::string_view message,
                                    const std::string& device_id,
                                    const std::function<std::optional<ModbusPlace>(const std::string&)>& place_of,
                                    std::function<void(const std::string& reply)> reply);

}  // namespace jl::runtime
