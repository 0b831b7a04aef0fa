// Commands have ids of text, frames have numbers: the session remembers which is which, for the last 32. What stands in
// ctx.session.state is kept as JSON until the connection ends.
const MOST = 32;

// A number for the command that is being encoded.
export function numberOf(ctx) {
  const {messageType, messageId, functionId} = ctx.message;
  const state = ctx.session.state;
  state.number = ((state.number ?? 0) % 0xffff) + 1;
  state.waiting = [...(state.waiting ?? []), {number: state.number, messageType, messageId, functionId}].slice(-MOST);
  return state.number;
}

// The command that an answer's number stands for, once; undefined when nobody waits for it.
export function messageOf(ctx, number) {
  const state = ctx.session.state;
  const found = (state.waiting ?? []).find(command => command.number === number);
  if (found) state.waiting = state.waiting.filter(command => command !== found);
  return found;
}
