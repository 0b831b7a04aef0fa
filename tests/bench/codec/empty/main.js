export function decode() {}
