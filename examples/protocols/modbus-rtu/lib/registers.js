// The registers of the device, as its manual lists them. `per` is how many units of the register make one of the
// property; two registers make one number of 32 bits, the higher half first.
const table = [
  {name: "temperature", address: 0, type: "i16", per: 10},
  {name: "humidity", address: 1, type: "u16", per: 10},
  {name: "energy", address: 2, type: "u32", per: 100},
  {name: "setpoint", address: 16, type: "i16", per: 10, writable: true},
  {name: "quota", address: 17, type: "u32", per: 1, writable: true},
];

const SIZES = {i16: 1, u16: 1, i32: 2, u32: 2}; // in registers
const MOST = 125; // registers in one request (Modbus application protocol 6.3)

// {address, count, read(reader), write(value) -> bytes} of a property.
export function registerOf(name) {
  const row = table.find(entry => entry.name === name);
  if (!row) throw new Error(`there is no register for "${name}"`);
  return {
    address: row.address,
    count: SIZES[row.type],
    read: reader => reader[row.type]() / row.per,
    write: value => {
      if (!row.writable) throw new Error(`"${name}" can only be read`);
      return new Writer()[row.type](Math.round(Number(value) * row.per)).toBytes();
    },
  };
}

// The registers from the first to the last of some properties: {address, count}.
export function spanOf(names) {
  const found = names.map(registerOf);
  const address = Math.min(...found.map(register => register.address));
  const count = Math.max(...found.map(register => register.address + register.count)) - address;
  if (!(count > 0 && count <= MOST)) throw new RangeError(`${names.length} properties are not read with one request`);
  return {address, count};
}
