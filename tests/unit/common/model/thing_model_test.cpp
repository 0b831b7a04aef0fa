#include "common/model/thing_model.hpp"

#include "common/model/product.hpp"
#include "tests/unit/common/model/support.hpp"

using namespace jl;
using namespace jl::model;

namespace {

ThingModel parse(const std::string& text) {
  std::vector<Problem> problems;
  ThingModel model = parse_thing_model(js(text), "metadata", problems);
  for (const Problem& problem : problems) FAIL_CHECK(problem.field << ": " << problem.message);
  return model;
}

Briefs wrong(const std::string& text) {
  std::vector<Problem> problems;
  (void)parse_thing_model(js(text), "m", problems);
  return brief(problems);
}

// The value type of one property.
ValueType type_of(const std::string& type) {
  return parse("{'properties':[{'id':'p','valueType':" + type + "}]}").properties.at("p").type;
}

struct Row {
  const char *type, *given, *result;  // no result: an error
};

}  // namespace

TEST_SUITE("common.model") {
  TEST_CASE("a thing model has properties, functions, events and tags [access.md 6]") {
    const ThingModel model = parse(
        "{'properties':[{'id':'temp','name':'T','valueType':{'type':'double'},'expands':{'type':['read','report']}},"
        "{'id':'target','valueType':{'type':'int'}},{'id':'serial','valueType':{'type':'string'},'expands':{'readOnly':"
        "true}}],"
        "'functions':[{'id':'reboot','async':true,'inputs':[{'id':'delay','valueType':{'type':'int'}}],'output':{'type'"
        ":'boolean'}}],"
        "'events':[{'id':'overheat','name':'Hot'}],'tags':[{'id':'site','valueType':{'type':'string'}}]}");
    CHECK(model.properties.at("temp").readable);
    CHECK_FALSE(model.properties.at("temp").writable);
    CHECK(model.properties.at("temp").reports);
    CHECK(model.properties.at("target").writable);
    CHECK_FALSE(model.properties.at("serial").writable);
    CHECK(model.functions.at("reboot").async);
    CHECK(model.functions.at("reboot").inputs.at(0).id == "delay");
    CHECK(model.events.at("overheat") == "Hot");
    CHECK(model.tags.contains("site"));
    CHECK(parse("null").properties.empty());
  }

  TEST_CASE("every value type of JetLinks is known") {
    for (const char* word : {"int", "long", "short", "byte", "float", "double", "string", "text", "password", "boolean",
                             "date", "file", "geoPoint", "geoShape", "user", "INT", "Geopoint"}) {
      CAPTURE(word);
      CHECK(wrong("{'properties':[{'id':'p','valueType':{'type':'" + std::string(word) + "'}}]}").empty());
    }
    CHECK(type_of("{'type':'enum','elements':[{'value':'a','text':'A'}]}").elements.size() == 1);
    CHECK(type_of("{'type':'array','elementType':{'type':'int'}}").element_type->kind == ValueKind::int_);
    CHECK(type_of("{'type':'object','properties':[{'id':'x','valueType':{'type':'int'}}]}").properties.at(0).id == "x");
  }

  TEST_CASE("what is wrong with a thing model is told with its path") {
    CHECK(wrong("[]") == Briefs{"m invalid"});
    CHECK(wrong("'text'") == Briefs{"m invalid"});
    CHECK(wrong("{'propertys':[]}") == Briefs{"m.propertys unknown_field"});
    CHECK(wrong("{'properties':{}}") == Briefs{"m.properties invalid"});
    CHECK(wrong("{'properties':[1]}") == Briefs{"m.properties[0] invalid"});
    CHECK(wrong("{'properties':[{}]}") == Briefs{"m.properties[0].id invalid", "m.properties[0].valueType invalid"});
    CHECK(wrong("{'properties':[{'id':'p','valueType':{}}]}") == Briefs{"m.properties[0].valueType.type invalid"});
    CHECK(wrong("{'properties':[{'id':'p','valueType':'int'}]}") == Briefs{"m.properties[0].valueType invalid"});
    CHECK(wrong("{'properties':[{'id':'p','valueType':{'type':'integer'}}]}") ==
          Briefs{"m.properties[0].valueType.type invalid"});
    CHECK(wrong("{'properties':[{'id':'p','valueType':{'type':'int','min':2,'max':1}}]}") ==
          Briefs{"m.properties[0].valueType.min invalid"});
    CHECK(wrong("{'properties':[{'id':'p','valueType':{'type':'enum'}}]}") ==
          Briefs{"m.properties[0].valueType.elements invalid"});
    CHECK(wrong("{'properties':[{'id':'p','valueType':{'type':'enum','elements':[{'text':'A'}]}}]}").front() ==
          "m.properties[0].valueType.elements[0].value invalid");
    CHECK(wrong("{'properties':[{'id':'p','valueType':{'type':'array'}}]}") ==
          Briefs{"m.properties[0].valueType.elementType invalid"});
    CHECK(wrong("{'properties':[{'id':'p','valueType':{'type':'int'}},{'id':'p','valueType':{'type':'int'}}]}") ==
          Briefs{"m.properties[1].id invalid"});
    CHECK(wrong("{'functions':[{'id':'f'},{'id':'f'}],'events':[{'id':'e'},{'id':'e'}]}") ==
          Briefs{"m.functions[1].id invalid", "m.events[1].id invalid"});
    CHECK(wrong("{'functions':[{'id':'f','inputs':[{'id':'i'}]}]}") ==
          Briefs{"m.functions[0].inputs[0].valueType invalid"});
  }

  TEST_CASE("value types nest at most 8 deep") {
    const auto nested = [](int depth) {
      std::string type = "{'type':'int'}";
      for (int i = 0; i < depth; ++i) type = "{'type':'array','elementType':" + type + "}";
      return wrong("{'properties':[{'id':'p','valueType':" + type + "}]}");
    };
    CHECK(nested(8).empty());
    CHECK(nested(9).size() == 1);
  }

  TEST_CASE("values are converted to what the type wants, or refused") {
    for (const Row& row :
         {Row{"{'type':'int'}", "7", "7"},
          Row{"{'type':'int'}", "'-7'", "-7"},
          Row{"{'type':'int'}", "7.0", "7"},
          Row{"{'type':'int'}", "7.5", nullptr},
          Row{"{'type':'int'}", "'x'", nullptr},
          Row{"{'type':'int'}", "true", nullptr},
          Row{"{'type':'int'}", "2147483648", nullptr},
          Row{"{'type':'long'}", "2147483648", "2147483648"},
          Row{"{'type':'short'}", "32768", nullptr},
          Row{"{'type':'byte'}", "-129", nullptr},
          Row{"{'type':'byte'}", "127", "127"},
          Row{"{'type':'int','min':0,'max':'10'}", "11", nullptr},
          Row{"{'type':'int','min':0}", "-1", nullptr},
          Row{"{'type':'double'}", "'21.5'", "21.5"},
          Row{"{'type':'double'}", "21", "21"},
          Row{"{'type':'double'}", "'nan'", nullptr},
          Row{"{'type':'float','max':1}", "1.5", nullptr},
          Row{"{'type':'double'}", "[]", nullptr},
          Row{"{'type':'boolean'}", "true", "true"},
          Row{"{'type':'boolean'}", "'false'", "false"},
          Row{"{'type':'boolean'}", "'x'", nullptr},
          Row{"{'type':'boolean','trueValue':'1','falseValue':'0'}", "1", "'1'"},
          Row{"{'type':'boolean','trueValue':'1','falseValue':'0'}", "false", "'0'"},
          Row{"{'type':'enum','elements':[{'value':1},{'value':'b'}]}", "'1'", "1"},
          Row{"{'type':'enum','elements':[{'value':'a'}]}", "'c'", nullptr},
          Row{"{'type':'enum','multi':true,'elements':[{'value':'a'},{'value':'b'}]}", "['b','a']", "['b','a']"},
          Row{"{'type':'enum','elements':[{'value':'a'}]}", "['a']", nullptr},
          Row{"{'type':'array','elementType':{'type':'int'}}", "['1',2]", "[1,2]"},
          Row{"{'type':'array','elementType':{'type':'int'}}", "['x']", nullptr},
          Row{"{'type':'array','elementType':{'type':'int'}}", "1", nullptr},
          Row{"{'type':'object','properties':[{'id':'x','valueType':{'type':'int'}}]}", "{'x':'1','y':2}",
              "{'x':1,'y':2}"},
          Row{"{'type':'object','properties':[{'id':'x','valueType':{'type':'int'}}]}", "{'x':'z'}", nullptr},
          Row{"{'type':'object'}", "1", nullptr},
          Row{"{'type':'string'}", "21.5", "'21.5'"},
          Row{"{'type':'string'}", "true", "'true'"},
          Row{"{'type':'string','expands':{'maxLength':2}}", "'温度'", "'温度'"},
          Row{"{'type':'string','expands':{'maxLength':2}}", "'abc'", nullptr},
          Row{"{'type':'date'}", "1700000000000", "1700000000000"},
          Row{"{'type':'geoPoint'}", "{'lat':1,'lon':2}", "{'lat':1,'lon':2}"},
          Row{"{'type':'int'}", "null", "null"}}) {
      CAPTURE(row.type);
      CAPTURE(row.given);
      const auto value = convert_value(type_of(row.type), js(row.given), "p");
      CHECK(value.has_value() == (row.result != nullptr));
      if (value.has_value() && row.result) {
        CHECK(*value == js(row.result));
      } else if (value.has_error()) {
        CHECK(value.error().code == Errc::parameter_error);
      }
    }
  }

  TEST_CASE("an error within a value names the place") {
    const auto value = convert_value(type_of("{'type':'object','properties':[{'id':'x','valueType':{'type':'int'}}]}"),
                                     js("{'x':'z'}"), "p");
    CHECK(value.error().field == "p.x");
  }

  TEST_CASE("a device's own model lies over its product's, by id") {
    const ThingModel merged = merge_models(
        parse("{'properties':[{'id':'a','valueType':{'type':'int'}},{'id':'b','valueType':{'type':'int'}}]}"),
        parse("{'properties':[{'id':'b','valueType':{'type':'string'}}],'events':[{'id':'e'}]}"));
    CHECK(merged.properties.size() == 2);
    CHECK(merged.properties.at("b").type.kind == ValueKind::string);
    CHECK(merged.events.contains("e"));
  }

  TEST_CASE("a product takes its thing model as JSON or as JetLinks' JSON text") {
    const json::value metadata = js("{'properties':[{'id':'p','valueType':{'type':'int'}}]}");
    json::object document{{"id", "t"}, {"spec", {{"metadata", json::serialize(metadata)}}}};
    std::vector<Problem> problems;
    CHECK(read_resource(*find_kind("product"), document, problems).spec.at("metadata") == metadata);
    CHECK(problems.empty());
    CHECK(problems_of("product", "{'id':'t','spec':{'metadata':'no json'}}") == Briefs{"spec.metadata invalid"});
    CHECK(problems_of("product", "{'id':'t','spec':{'metadata':{'properties':[{'id':'p'}]}}}") ==
          Briefs{"spec.metadata.properties[0].valueType invalid"});
  }
}
