#include "daemon/codec/package/route_check.hpp"

#include "common/base/words.hpp"

#include <algorithm>
#include <array>

namespace jl::codec::package {
namespace {

// MQTT 5 §4.7.1: "+" is a whole level, "#" the last one. access.md 4.1: {name:label} is "+", {#:label} is "#".
std::string level_problem(std::string_view level, bool is_last) {
  const std::string quoted = "\"" + std::string(level) + "\"";
  if (level.starts_with('{') && level.ends_with('}')) {
    const std::string_view inside = level.substr(1, level.size() - 2);
    const std::string_view name = inside.substr(0, inside.find(':'));
    if (name == "#") return is_last ? "" : quoted + " stands for the rest and must come last";
    if (name.empty() || inside.find_first_of("{}+#") != std::string_view::npos)
      return quoted + " is no placeholder; write {name} or {name:label}";
    return "";
  }
  if (level == "#") return is_last ? "" : "\"#\" stands for the rest and must come last";
  if (level == "+") return "";
  if (level.find_first_of("{}") != std::string_view::npos)
    return quoted + " is only partly a placeholder; a placeholder is a whole level";
  if (level.find_first_of("+#") != std::string_view::npos) return quoted + " has a wildcard beside other text";
  return "";
}

// What a route matches, whatever its placeholders are called.
std::string pattern_of(std::string_view topic) {
  std::string out;
  for (std::size_t from = 0;;) {
    const std::size_t end = std::min(topic.find('/', from), topic.size());
    const std::string_view level = topic.substr(from, end - from);
    if (level.starts_with("{#")) {
      out += '#';
    } else {
      out += level.starts_with('{') ? std::string_view("+") : level;
    }
    if (end == topic.size()) return out;
    out += '/';
    from = end + 1;
  }
}

bool has_methods(Transport transport) { return transport == Transport::http || transport == Transport::coap; }

class RouteCheck {
 public:
  RouteCheck(Transport transport, std::vector<Problem>& problems) : transport_(transport), problems_(problems) {}

  void add(const fields::Route& given, const std::string& at) {
    const auto [key, topic] = topic_of(given, at);
    Route route;
    route.group = given.group, route.description = given.description, route.example = given.example;
    route.topic = topic;
    // A route that says nothing is what devices send to.
    route.upstream = given.upstream.value_or(!given.downstream.value_or(false));
    route.downstream = given.downstream.value_or(false);
    if (!route.upstream && !route.downstream) problem(at, "is neither upstream nor downstream");
    if (given.qos && transport_ != Transport::mqtt) problem(at + ".qos", "only MQTT has it");
    route.qos = static_cast<int>(given.qos.value_or(1));
    if (topic.empty()) return;
    for (const std::string& method : methods_of(given, at)) {
      route.method = method;
      add_once(route, at + "." + key);
    }
  }

  std::vector<Route> take() { return std::move(routes_); }

 private:
  void problem(const std::string& at, std::string message) {
    problems_.push_back({at, std::move(message), Errc::invalid, {}, {}});
  }

  // JetLinks calls it topic, address or path, by the transport; any of them is understood.
  std::pair<std::string, std::string> topic_of(const fields::Route& given, const std::string& at) {
    const std::array<std::pair<const char*, const std::string*>, 3> all{
        {{"topic", &given.topic}, {"address", &given.address}, {"path", &given.path}}};
    const auto is_given = [](const auto& entry) { return !entry.second->empty(); };
    const auto found = std::ranges::find_if(all, is_given);
    if (found == all.end()) {
      problem(at, transport_ == Transport::mqtt ? "has no topic" : "has no address");
      return {};
    }
    if (std::ranges::count_if(all, is_given) > 1) problem(at, "has more than one of topic, address and path");
    const std::string wrong = topic_problem(*found->second, transport_ != Transport::mqtt);
    if (!wrong.empty()) problem(at + "." + found->first, wrong);
    return {found->first, *found->second};
  }

  std::vector<std::string> methods_of(const fields::Route& given, const std::string& at) {
    static const std::vector<std::string> http{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"};
    static const std::vector<std::string> coap{"GET", "POST", "PUT", "DELETE", "FETCH", "PATCH", "iPATCH"};
    std::vector<std::pair<std::string, std::string>> named;  // path, word
    if (!given.method.empty()) named.emplace_back(at + ".method", given.method);
    for (std::size_t i = 0; i < given.methods.size(); ++i)
      named.emplace_back(at + ".methods[" + std::to_string(i) + "]", given.methods[i]);
    if (!has_methods(transport_)) {
      if (!named.empty()) problem(named.front().first, "only HTTP and CoAP have methods");
      return {""};
    }
    if (named.empty()) return {"POST"};
    const auto& known = transport_ == Transport::http ? http : coap;
    std::vector<std::string> out;
    for (const auto& [path, word] : named) {
      const auto legal = std::ranges::find_if(known, [&w = word](const std::string& k) { return iequals(k, w); });
      if (legal == known.end()) {
        problem(path, "\"" + word + "\" is none of " + join(known));
      } else {
        out.push_back(*legal);
      }
    }
    return out;
  }

  void add_once(const Route& route, const std::string& at) {
    const std::string pattern = pattern_of(route.topic);
    for (std::size_t i = 0; i < routes_.size(); ++i) {
      const Route& other = routes_[i];
      const bool same_way = (route.upstream && other.upstream) || (route.downstream && other.downstream);
      if (!same_way || other.method != route.method || patterns_[i] != pattern) continue;
      return problem(at, "matches the same as the route \"" + other.topic + "\"");
    }
    if (routes_.size() == fields::kMaxRoutes)
      return problem(at, "is more than the " + std::to_string(fields::kMaxRoutes) + "th route, each method counted");
    routes_.push_back(route);
    patterns_.push_back(pattern);
  }

  Transport transport_;
  std::vector<Problem>& problems_;
  std::vector<Route> routes_;
  std::vector<std::string> patterns_;  // of routes_
};

}  // namespace

std::string topic_problem(std::string_view topic, bool is_path) {
  if (!is_printable_utf8(topic)) return "has control characters";
  if (is_path && !topic.starts_with('/')) return "does not start with \"/\"";
  if (is_path && topic.find_first_of("? ") != std::string_view::npos)
    return "is more than the path of a URL: it has a \"?\" or a space";
  if (topic.starts_with("$share/")) return "is a shared subscription";  // MQTT 5 §4.8.2
  for (std::size_t from = 0;;) {
    const std::size_t end = std::min(topic.find('/', from), topic.size());
    if (std::string wrong = level_problem(topic.substr(from, end - from), end == topic.size()); !wrong.empty())
      return wrong;
    if (end == topic.size()) return "";
    from = end + 1;
  }
}

std::vector<Route> check_routes(Transport transport, const std::vector<fields::Route>& declared, const std::string& at,
                                std::vector<Problem>& problems) {
  RouteCheck check(transport, problems);
  for (std::size_t i = 0; i < declared.size(); ++i) check.add(declared[i], at + "[" + std::to_string(i) + "]");
  return check.take();
}

}  // namespace jl::codec::package
