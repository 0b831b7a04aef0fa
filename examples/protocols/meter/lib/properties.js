// What a meter has, by number: how each is read from and written to a frame.
const readOnly = name => () => { throw new Error(`"${name}" can only be read`); };

const properties = [
  {number: 1, name: "energy", read: reader => reader.u32() / 100, write: readOnly("energy")},
  {number: 2, name: "voltage", read: reader => reader.u16() / 10, write: readOnly("voltage")},
  {number: 3, name: "power", read: reader => reader.i32(), write: readOnly("power")},
  {number: 4, name: "interval", read: reader => reader.u16(), write: (writer, value) => writer.u8(4).u16(Number(value))},
];

export function propertyByNumber(number) {
  return properties.find(property => property.number === number) ?? unknown(number);
}

export function propertyByName(name) {
  return properties.find(property => property.name === name) ?? unknown(`"${name}"`);
}

function unknown(which) {
  throw new Error(`a meter has no property ${which}`);
}
