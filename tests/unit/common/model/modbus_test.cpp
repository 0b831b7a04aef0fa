#include "common/model/modbus.hpp"

#include "common/model/device.hpp"
#include "tests/unit/common/model/support.hpp"

using namespace jl;
using namespace jl::model;

namespace {

// What a point becomes, beside channel and address.
ModbusPoint point(const std::string& rest) {
  return from_json<ModbusPoint>(read("modbus-point", "{'id':'p','spec':{'channelId':'c'," + rest + "}}").spec);
}
Briefs point_problems(const std::string& rest) {
  return problems_of("modbus-point", "{'id':'p','spec':{'channelId':'c'," + rest + "}}");
}
Briefs channel_problems(const std::string& spec) {
  return problems_of("modbus-channel", "{'id':'c','spec':{" + spec + "}}");
}

}  // namespace

TEST_SUITE("common.model.modbus") {
  TEST_CASE("addresses are decimal, hex, or as PLC manuals print them [operations 2.1]") {
    struct Row {
      const char* text;
      ModbusArea area;
      int address;
    };
    constexpr auto kHolding = ModbusArea::holding_registers;
    const Row rows[] = {{"0", kHolding, 0},
                        {"107", kHolding, 107},
                        {"0x6B", kHolding, 107},
                        {"0X6b", kHolding, 107},
                        {"40001", kHolding, 0},
                        {"40108", kHolding, 107},
                        {"49999", kHolding, 9998},
                        {"400001", kHolding, 0},
                        {"465536", kHolding, 65535},
                        {"65535", kHolding, 65535},
                        {"0x9C41", kHolding, 40001},
                        {"30001", kHolding, 30001},
                        {"30001", ModbusArea::input_registers, 0},
                        {"40001", ModbusArea::input_registers, 40001},
                        {"10017", ModbusArea::discrete_inputs, 16},
                        {"00017", ModbusArea::coils, 16},
                        {"17", ModbusArea::coils, 17},
                        {"000017", ModbusArea::coils, 16}};
    for (const Row& row : rows) {
      CAPTURE(row.text);
      const auto got = parse_modbus_address(row.text, row.area);
      REQUIRE(got.has_value());
      CHECK(*got == row.address);
    }
    for (const char* bad : {"", "x", "-1", "1.5", "65536", "0x10000", "40000", "400000", "465537", "300001", "4x0001",
                            "0x", " 1", "99999999999"}) {
      CAPTURE(bad);
      const auto got = parse_modbus_address(bad, kHolding);
      REQUIRE_FALSE(got.has_value());
      CHECK(got.error().code == Errc::invalid);
    }
  }

  TEST_CASE("every address is read back from its canonical text and from PLC notation") {
    for (const ModbusArea area :
         {ModbusArea::coils, ModbusArea::discrete_inputs, ModbusArea::holding_registers, ModbusArea::input_registers}) {
      for (int address = 0; address <= 65535; ++address) {
        const auto wire = static_cast<std::uint16_t>(address);
        const auto text = parse_modbus_address(modbus_address_text(wire, area), area);
        const auto plc = parse_modbus_address(plc_address(wire, area), area);
        if (!text || *text != wire || !plc || *plc != wire) FAIL("address " << address);
      }
    }
    CHECK(plc_address(107, ModbusArea::holding_registers) == "40108");
    CHECK(plc_address(65535, ModbusArea::holding_registers) == "465536");
    CHECK(plc_address(0, ModbusArea::coils) == "00001");
  }

  TEST_CASE("a point is read: address and words become canonical, defaults follow the area") {
    const ModbusPoint a = point("'address':40108,'function':'holding','type':'float','order':'cdab'");
    CHECK(a.address == "107");
    CHECK(a.wire_address() == 107);
    CHECK(a.value_type() == ModbusType::float32);
    CHECK(a.count() == 2);
    CHECK(a.order == ModbusOrder::cdab);
    CHECK_FALSE(a.writes());
    const ModbusPoint coil = point("'address':'0x10','function':'coil','access':'rw'");
    CHECK(coil.value_type() == ModbusType::boolean);
    CHECK(coil.count() == 1);
    CHECK(coil.writes());
    // What would be PLC notation stays the address that it is.
    CHECK(point("'address':'0x9C41'").address == "0x9C41");
    CHECK(point("'address':'0x9C41'").wire_address() == 40001);
  }

  TEST_CASE("what does not fit together in a point is refused, each with its field [operations 2.1, 2.2]") {
    struct Row {
      const char* spec;
      Briefs want;
    };
    const Row rows[] = {
        {"'address':'40000'", {"spec.address invalid"}},
        {"'unitId':1", {"spec.address invalid"}},
        {"'address':1,'function':'coil','type':'int16'", {"spec.type invalid"}},
        {"'address':1,'type':'int16','order':'ABCDEFGH'", {"spec.order invalid"}},
        {"'address':1,'type':'int64','order':'AB'", {"spec.order invalid"}},
        {"'address':1,'type':'bit'", {"spec.bit invalid"}},
        {"'address':1,'bit':3", {"spec.bit invalid"}},
        {"'address':1,'scaleFactor':0", {"spec.scaleFactor invalid"}},
        {"'address':1,'type':'string'", {"spec.quantity invalid"}},
        {"'address':1,'type':'string','quantity':4,'scaleFactor':2", {"spec.scaleFactor invalid"}},
        {"'address':1,'quantity':126", {"spec.quantity invalid"}},
        {"'address':1,'type':'float32','quantity':3", {"spec.quantity invalid"}},
        {"'address':1,'type':'uint8','quantity':2", {"spec.quantity invalid"}},
        {"'address':65535,'type':'uint32'", {"spec.quantity invalid"}},
        {"'address':1,'function':'input','access':'rw'", {"spec.access invalid"}},
        {"'address':1,'unitId':0", {"spec.unitId invalid"}},
        {"'address':1,'access':'rw','quantity':124", {"spec.quantity invalid"}},
        {"'address':1,'interval':5", {"spec.interval invalid"}},
        {"'address':1,'access':'write','interval':1000", {"spec.interval invalid"}},
        {"'address':1,'deadBand':0.5", {"spec.changedOnly invalid"}},
        {"'address':1,'changedOnly':true,'deadBand':-1", {"spec.deadBand invalid"}},
        {"'address':1,'maskWrite':true", {"spec.maskWrite invalid"}},
        {"'address':1,'unitId':256", {"spec.unitId invalid"}},
    };
    for (const Row& row : rows) {
      CAPTURE(row.spec);
      CHECK(point_problems(row.spec) == row.want);
    }
  }

  TEST_CASE("points at the edges of what the wire carries are taken") {
    for (const char* good :
         {"'address':65535", "'address':65534,'type':'uint32'", "'address':0,'quantity':125",
          "'address':0,'function':'coil','quantity':2000", "'address':0,'quantity':123,'access':'rw'",
          "'address':0,'unitId':0,'access':'write'", "'address':0,'unitId':255,'interval':10",
          "'address':0,'interval':0", "'address':0,'type':'bit','bit':15,'maskWrite':true,'access':'rw'"}) {
      CAPTURE(good);
      CHECK(point_problems(good) == Briefs{});
    }
  }

  TEST_CASE("a channel names what its transport needs and nothing else [operations 2.5]") {
    CHECK(channel_problems("'host':'10.0.0.7'") == Briefs{});
    CHECK(channel_problems("'host':'fe80::1'") == Briefs{});
    CHECK(channel_problems("'transport':'rtu','device':'/dev/ttyUSB0','parity':'E'") == Briefs{});
    CHECK(channel_problems("'transport':'tls','host':'plc'") == Briefs{});
    CHECK(channel_problems("") == Briefs{"spec.host invalid"});
    CHECK(channel_problems("'host':'10.0.0.7:502'") == Briefs{"spec.host invalid"});
    CHECK(channel_problems("'transport':'rtu'") == Briefs{"spec.device invalid"});
    CHECK(channel_problems("'transport':'rtu','device':'ttyUSB0'") == Briefs{"spec.device invalid"});
    CHECK(channel_problems("'transport':'rtu','device':'/dev/x','host':'h','port':1") ==
          Briefs{"spec.host invalid", "spec.port invalid"});
    CHECK(channel_problems("'host':'h','device':'/dev/x'") == Briefs{"spec.device invalid"});
    CHECK(channel_problems("'host':'h','certId':'c'") == Briefs{"spec.certId invalid"});
    CHECK(channel_problems("'host':'h','order':'AB'") == Briefs{"spec.order invalid"});
    CHECK(channel_problems("'host':'h','maxInFlight':17") == Briefs{"spec.maxInFlight invalid"});
  }

  TEST_CASE("a device's property is bound once") {
    const std::string one = "{'property':'t','point':'p1'}";
    CHECK(problems_of("device", "{'id':'d','spec':{'productId':'x','bindings':[" + one + "]}}") == Briefs{});
    CHECK(problems_of("device", "{'id':'d','spec':{'productId':'x','bindings':[" + one + "," + one + "]}}") ==
          Briefs{"spec.bindings[1].property invalid"});
    const Resource device = read("device", "{'id':'d','spec':{'productId':'x','bindings':[" + one + "]}}");
    bool found = false;
    for (const auto& use : references_of(device)) found |= use.kind == "modbus-point" && use.id == "p1";
    CHECK(found);
    CHECK_FALSE(read("device", "{'id':'d','spec':{'productId':'x','bindings':[]}}").spec.contains("bindings"));
  }

  TEST_CASE("kinds are found by the words of jlctl, too") {
    REQUIRE(find_kind("modbus point"));
    CHECK(find_kind("modbus point") == find_kind("modbus-point"));
    CHECK_FALSE(find_kind(""));
    CHECK(noun_of("modbus-channel") == "modbus channel");
    CHECK(noun_of("device") == "device");
  }
}
