#include "daemon/modbus/line_impl.hpp"

#include <utility>

namespace jl::modbus {
namespace {

using wire::modbus::Frame;
using wire::modbus::Reply;
using Kind = Outcome::Kind;

/// Requests to doubtful units that may be in flight besides the window.
constexpr std::size_t kMaxDoubtful = 16;
/// A gateway says that the unit behind it is not there (V1.1b3 §7).
constexpr std::uint8_t kGatewayPath = 10, kGatewayTarget = 11;

/// Whether an answer is one to this request at all. Without transaction ids its length must tell as well.
bool fits(const Order& order, const Frame& frame, bool rtu) {
  const auto code = static_cast<std::uint8_t>(frame.pdu.front());
  const auto function = static_cast<std::uint8_t>(order.request.function);
  if (frame.unit != order.unit || (code & 0x7Fu) != function) return false;
  if (!rtu || code != function || !is_read(order.request.function)) return true;
  return frame.pdu.size() == 2 + data_size(order.request.function, order.request.count);
}

/// "illegal data address (2)", "exception 77".
std::string exception_problem(std::uint8_t code) {
  std::string text = wire::modbus::exception_text(code);
  if (!text.starts_with("exception")) text += " (" + std::to_string(code) + ")";
  return text;
}

}  // namespace

Line::Impl::Impl(const LineOptions& given, LineHouse& owner, std::uint32_t seed)
    : options(given), house(owner), random(seed), transaction(static_cast<std::uint16_t>(seed)) {
  if (options.rtu) {
    framer = std::make_unique<wire::modbus::RtuFramer>();
  } else {
    framer = std::make_unique<wire::modbus::TcpFramer>();
  }
}

bool Line::Impl::tell() {
  if (ended.empty()) return false;
  while (!ended.empty()) {
    const Ended next = std::move(ended.front());
    ended.pop_front();
    if (next.done) next.done(next.outcome);
  }
  return true;
}

bool Line::Impl::goes_beside(const Order& order, const Unit& unit) const {
  const bool is_unknown = unit.stats.replies + unit.stats.exceptions == 0;
  return !options.rtu && (unit.breaker.is_doubtful() || (is_unknown && order.priority == Priority::read));
}

bool Line::Impl::may_go(const Order& order) {
  if (order.unit == 0) return counted < window();
  const Unit& unit = units[order.unit];
  if (now < unit.paused_until || now < unit.held_until) return false;
  // Two writes that are under way at once could change places within a gateway.
  if (unit.writes_in_flight != 0 && !is_read(order.request.function)) return false;
  if (!goes_beside(order, unit)) return counted < window();
  return unit.in_flight == 0 && in_flight.size() - counted < kMaxDoubtful;
}

void Line::Impl::send_what_may_go() {
  while (open && !reconnecting && now >= free_at && !(options.rtu && !in_flight.empty())) {
    std::optional<Order> next = queue.pop([this](const Order& order) { return may_go(order); });
    if (!next) return;
    send(std::move(*next));
  }
}

std::uint16_t Line::Impl::next_transaction() {
  const auto is_taken = [this](const Sent& sent) { return sent.transaction == transaction; };
  do ++transaction;
  while (std::any_of(in_flight.begin(), in_flight.end(), is_taken));
  return transaction;
}

void Line::Impl::send(Order order) {
  const std::string pdu = encode(order.request);
  const std::uint16_t id = options.rtu ? std::uint16_t{0} : next_transaction();
  const std::string frame =
      options.rtu ? wire::modbus::rtu_frame(order.unit, pdu) : wire::modbus::tcp_frame(id, order.unit, pdu);
  ++stats.requests;
  stats.sent_bytes += frame.size();
  if (order.unit == 0) {
    free_at = now + std::max(options.broadcast_delay, options.request_delay);
    end(order, {.kind = Kind::ok});
  } else {
    Unit& unit = units[order.unit];
    ++unit.stats.requests;
    ++unit.in_flight;
    if (!is_read(order.request.function)) ++unit.writes_in_flight;
    const Millis timeout = order.timeout > 0 ? order.timeout : options.request_timeout;
    const bool counts = !goes_beside(order, unit);
    const bool probe = unit.breaker.is_open() && order.priority == Priority::poll;
    if (counts) ++counted;
    in_flight.push_back({std::move(order), id, now, timeout, counts, probe, false});
  }
  house.send(frame);  // last: it may end the connection, or even answer
}

void Line::Impl::take(const Frame& frame) {
  const auto place = options.rtu ? in_flight.begin() : std::find_if(in_flight.begin(), in_flight.end(), [&](auto& s) {
    return s.transaction == frame.transaction;
  });
  const bool waits = place != in_flight.end();
  if (!waits || !fits(place->order, frame, options.rtu)) {
    if (waits && (!options.rtu || place->order.unit == frame.unit)) place->strays = true;
    return on_stray(frame);
  }
  Sent sent = take_out(place);
  on_answer(sent, parse_reply(sent.order.request, frame.pdu));
}

void Line::Impl::on_stray(const Frame& frame) {
  ++stats.late;
  const auto found = units.find(frame.unit);
  if (found == units.end()) return;
  // What the unit was held back for has come.
  const auto function = static_cast<std::uint8_t>(found->second.held_for);
  if ((static_cast<std::uint8_t>(frame.pdu.front()) & 0x7Fu) == function) found->second.held_until = 0;
}

void Line::Impl::on_answer(Sent& sent, const Reply& reply) {
  Unit& unit = units[sent.order.unit];
  Outcome outcome{.rtt = now - sent.at};
  unasked = 0;
  if (reply.kind == Reply::Kind::malformed) {
    outcome.kind = Kind::malformed;
    outcome.problem = reply.problem;
    ++stats.malformed;
    ++unit.stats.malformed;
    unit.breaker.on_malformed(options, now, {sent.probe, outcome.rtt}, random);
    pause(unit);
  } else {
    stats.rtt.add(outcome.rtt);
    unit.stats.rtt.add(outcome.rtt);
  }
  if (reply.kind == Reply::Kind::exception) {
    outcome.kind = Kind::exception;
    outcome.exception = reply.exception;
    outcome.problem = exception_problem(reply.exception);
    ++stats.exceptions[reply.exception < stats.exceptions.size() ? reply.exception : 0];
    ++unit.stats.exceptions;
    pause(unit);
    const bool absent = reply.exception == kGatewayPath || reply.exception == kGatewayTarget;
    absent ? on_unanswered(unit, sent) : unit.breaker.on_answer(now);
  }
  if (reply.kind == Reply::Kind::ok) {
    outcome.kind = Kind::ok;
    outcome.data = reply.data;
    ++stats.replies;
    ++unit.stats.replies;
    unit.breaker.on_answer(now);
  }
  // Told at once: the data lives in the frame.
  if (sent.order.done) sent.order.done(outcome);
}

void Line::Impl::flush_silence() {
  if (options.rtu && framer->pending() != 0 && now - last_byte_at >= options.silence) framer->on_silence(on_frame);
  stats.garbage = framer->garbage();
}

void Line::Impl::feed(std::string_view bytes) {
  if (!open || bytes.empty()) return;
  stats.received_bytes += bytes.size();
  silent_timeouts = 0;
  if (broken) return;
  flush_silence();
  if (!open) return;  // an outcome ended the connection
  last_byte_at = now;
  unasked += bytes.size();
  const Status status = framer->feed(bytes, on_frame);
  stats.garbage = framer->garbage();
  if (status && unasked < kMaxUnasked) return;
  broken = true;
  ask_to_reconnect(status ? "it sends without an end what nobody asked for" : status.error().message);
}

Line::Impl::Sent Line::Impl::take_out(std::vector<Sent>::iterator place) {
  Sent sent = std::move(*place);
  in_flight.erase(place);
  Unit& unit = units[sent.order.unit];
  --unit.in_flight;
  if (!is_read(sent.order.request.function)) --unit.writes_in_flight;
  if (sent.counts) --counted;
  free_at = std::max(free_at, now + options.request_delay);
  return sent;
}

void Line::Impl::expire() {
  for (;;) {
    const auto due = std::find_if(in_flight.begin(), in_flight.end(), [this](auto& s) { return s.deadline() <= now; });
    if (due == in_flight.end()) return;
    on_timeout(take_out(due));
  }
}

void Line::Impl::on_timeout(Sent sent) {
  Unit& unit = units[sent.order.unit];
  ++stats.timeouts;
  ++unit.stats.timeouts;
  pause(unit);
  if (options.rtu) {
    unit.held_until = now + sent.timeout;
    unit.held_for = sent.order.request.function;
  }
  std::string problem = "no answer within " + std::to_string(sent.timeout) + " ms";
  if (sent.strays) problem += ", only one that does not fit";
  end(sent.order, {.kind = Kind::timeout, .problem = std::move(problem)});
  on_unanswered(unit, sent);
  // Whoever looks for units finds most of them silent, which says nothing about the connection.
  const bool is_unknown = unit.stats.replies + unit.stats.exceptions == 0;
  if (is_unknown && sent.order.priority != Priority::poll) return;
  if (++silent_timeouts < kSilentTimeouts) return;
  ask_to_reconnect("not a byte came in answer to the last " + std::to_string(silent_timeouts) + " requests");
}

void Line::Impl::on_unanswered(Unit& unit, const Sent& sent) {
  if (!unit.breaker.on_unanswered(options, now, {sent.probe, now - sent.at}, random)) return;
  for (Order& order : queue.take_polls(sent.order.unit)) skip(order);
}

void Line::Impl::skip(Order& order) {
  Unit& unit = units[order.unit];
  ++stats.skipped;
  ++unit.stats.skipped;
  const std::string name = "unit " + std::to_string(order.unit);
  end(order, {.kind = Kind::skipped,
              .problem = unit.breaker.is_given_up() ? name + " was given up: it did not answer for 10 minutes"
                                                    : name + " does not answer"});
}

void Line::Impl::end_all(Kind kind, const std::string& problem) {
  while (!in_flight.empty()) {
    Sent sent = take_out(in_flight.begin());
    // clear(): its answer may still come, and without transaction ids be taken for that to the next request.
    if (options.rtu && open) {
      Unit& unit = units[sent.order.unit];
      unit.held_until = std::max(unit.held_until, sent.deadline());
      unit.held_for = sent.order.request.function;
    }
    end(sent.order, {.kind = kind, .problem = problem});
  }
  for (Order& order : queue.take_all()) end(order, {.kind = kind, .problem = problem});
  for (auto& [number, unit] : units) unit.breaker.drop_probe();
}

void Line::Impl::ask_to_reconnect(std::string why) {
  if (std::exchange(reconnecting, true)) return;
  house.reconnect(std::move(why));
}

}  // namespace jl::modbus
