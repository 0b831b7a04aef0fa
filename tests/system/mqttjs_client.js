// MQTT.js as an application, in 3.1.1 and 5: QoS 0 to 2, retained, will, session, properties.
// Exits 1 at the first surprise.
//
// usage: NODE_PATH=/usr/share/nodejs node mqttjs_client.js PORT USER PASSWORD [CA-FILE]
'use strict'
const assert = require('assert')
const crypto = require('crypto')
const fs = require('fs')
const mqtt = require('mqtt')

const [port, username, password, authority] = process.argv.slice(2)
const deadline = 15000

// A connected client; its messages wait in a queue.
async function application (protocolVersion, clientId, options = {}) {
  const client = mqtt.connect({
    protocol: authority ? 'mqtts' : 'mqtt',
    host: 'localhost',
    port: Number(port),
    ca: authority ? [fs.readFileSync(authority)] : undefined,
    username,
    password,
    protocolVersion,
    clientId,
    reconnectPeriod: 0,
    ...options
  })
  const messages = []
  const waiting = []
  client.on('message', (topic, payload, packet) => {
    const { qos, retain, properties } = packet
    const message = { topic, payload: payload.toString(), qos, retain, properties }
    if (waiting.length) waiting.shift()(message)
    else messages.push(message)
  })
  const connack = await within('CONNACK', new Promise((resolve, reject) => {
    client.once('connect', resolve)
    client.once('error', reject)
  }))
  return {
    sessionPresent: connack.sessionPresent,
    subscribe: (topic, qos) => within('SUBACK', call(done => client.subscribe(topic, { qos }, done))),
    publish: (topic, payload, how) => within('PUBLISH', call(done => client.publish(topic, payload, how, done))),
    leave: () => within('close', call(done => client.end(false, {}, done))),
    die: () => client.stream.destroy(),
    message: async (topic, payload, qos, retain = false) => {
      const got = messages.shift() || await within('message', new Promise(resolve => waiting.push(resolve)))
      assert.deepStrictEqual([got.topic, got.payload, got.qos, got.retain], [topic, payload, qos, retain])
      return got
    }
  }
}

function call (start) {
  return new Promise((resolve, reject) => start(error => error ? reject(error) : resolve()))
}

function within (what, promise) {
  let timer
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${deadline} ms`)), deadline)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

async function run (version) {
  const base = `mqttjs/${crypto.randomBytes(4).toString('hex')}`
  const names = [0, 1, 2].map(() => `j${crypto.randomBytes(6).toString('hex')}`)
  const keep = version === 5
    ? { clean: false, properties: { sessionExpiryInterval: 300 } }
    : { clean: false }
  const sender = await application(version, names[0])
  const receiver = await application(version, names[1], keep)
  assert.strictEqual(receiver.sessionPresent, false)
  await receiver.subscribe(`${base}/+`, 2)
  for (const qos of [0, 1, 2]) {
    await sender.publish(`${base}/x`, `${qos}`, { qos })
    await receiver.message(`${base}/x`, `${qos}`, qos)
  }

  await sender.publish(`${base}/kept/x`, 'kept', { qos: 1, retain: true })
  await receiver.subscribe(`${base}/kept/#`, 1)
  await receiver.message(`${base}/kept/x`, 'kept', 1, true)
  await sender.publish(`${base}/kept/x`, '', { qos: 1, retain: true })
  await receiver.message(`${base}/kept/x`, '', 1)

  const will = { topic: `${base}/will`, payload: 'gone', qos: 1, retain: false }
  const dying = await application(version, names[2], { will })
  dying.die()
  await receiver.message(`${base}/will`, 'gone', 1)

  await receiver.leave()
  for (let index = 0; index < 5; ++index) await sender.publish(`${base}/x`, `${index}`, { qos: index < 3 ? 1 : 2 })
  const again = await application(version, names[1], keep)
  assert.strictEqual(again.sessionPresent, true, 'the session is lost')
  for (let index = 0; index < 5; ++index) await again.message(`${base}/x`, `${index}`, index < 3 ? 1 : 2)

  if (version === 5) {
    const properties = {
      responseTopic: `${base}/answer`,
      correlationData: Buffer.from([0, 1]),
      contentType: 'text/plain',
      userProperties: { b: ['1', '3'], a: '2' }
    }
    await sender.publish(`${base}/x`, 'p', { qos: 1, properties })
    const got = (await again.message(`${base}/x`, 'p', 1)).properties
    assert.strictEqual(got.responseTopic, `${base}/answer`)
    assert.deepStrictEqual([...got.correlationData], [0, 1])
    assert.strictEqual(got.contentType, 'text/plain')
    assert.deepStrictEqual({ ...got.userProperties }, properties.userProperties)
  }
  await again.leave()
  await (await application(version, names[1])).leave()
  await sender.leave()
}

run(4).then(() => run(5)).then(() => process.exit(0), error => {
  console.error(error)
  process.exit(1)
})
