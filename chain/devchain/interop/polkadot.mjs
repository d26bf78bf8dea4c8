// Drives a devchain with @polkadot/api.
//
// Usage: node polkadot.mjs ws://127.0.0.1:PORT FOLDER_WITH_NODE_MODULES
//
// The chain is that of interop_test.go. A line is printed for every step that
// passed; the first step that fails ends the run with status 1.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import path from 'node:path'

const [endpoint, folder] = process.argv.slice(2)
const require = createRequire(path.join(path.resolve(folder), 'node_modules', 'x'))
const { ApiPromise, WsProvider, Keyring } = require('@polkadot/api')
const { u8aToString } = require('@polkadot/util')

const PLAIN = 1 // netuid, commit-reveal off
const UPGRADED = 425 // spec version after the upgrade
const CLAIM = 'bob/fineweb@0123456789abcdef0123456789abcdef01234567'

const connect = () => ApiPromise.create({ provider: new WsProvider(endpoint), noInitWarn: true, throwOnConnect: true })

const step = (name) => console.log(`ok: ${name}`)

// send resolves with the result of an extrinsic once it is final.
const send = (tx, signer) => new Promise((resolve, reject) => {
  tx.signAndSend(signer, (result) => {
    if (result.isError) reject(new Error(`extrinsic ended as ${result.status.type}`))
    if (result.status.isFinalized) resolve(result)
  }).catch(reject)
})

// outcome sends, and returns the result and the name of the error, '' on success.
async function outcome (tx, signer) {
  const result = await send(tx, signer)
  if (!result.dispatchError) {
    assert.ok(result.events.some(({ event }) => event.method === 'ExtrinsicSuccess'))
    return { result, error: '' }
  }
  assert.ok(result.dispatchError.isModule, String(result.dispatchError))
  const { section, name } = tx.registry.findMetaError(result.dispatchError.asModule)
  return { result, error: `${section}.${name}` }
}

// accepted sends, and wants success.
async function accepted (tx, signer) {
  const { result, error } = await outcome(tx, signer)
  assert.equal(error, '')
  return result
}

async function reads (api, alice, bob) {
  assert.equal(api.runtimeVersion.specName.toString(), 'node-subtensor')
  assert.equal(api.registry.chainSS58, 42)
  assert.deepEqual(api.registry.chainTokens, ['TAO'])
  const header = await api.rpc.chain.getHeader()
  const atHeader = await api.at(header.hash)
  assert.equal((await atHeader.query.system.number()).toNumber(), header.number.toNumber())
  step('connect, metadata, header, storage at a block')

  const graph = (await api.call.subnetInfoRuntimeApi.getMetagraph(PLAIN)).unwrap()
  assert.deepEqual(graph.hotkeys.map(String), [alice.address, bob.address])
  assert.deepEqual(graph.validatorPermit.map((p) => p.isTrue), [true, false])
  const neurons = await api.call.neuronInfoRuntimeApi.getNeuronsLite(PLAIN)
  assert.equal(neurons.length, 2)
  assert.equal((await api.query.subtensorModule.uids(PLAIN, bob.address)).unwrap().toNumber(), 1)
  const keys = await api.query.subtensorModule.keys.entries(PLAIN)
  assert.deepEqual(keys.map(([, hotkey]) => hotkey.toString()), [alice.address, bob.address])
  step('metagraph and neurons through runtime APIs, storage maps')

  const { data } = await api.query.system.account(alice.address)
  assert.ok(data.free.toBigInt() > 0n)
  assert.equal((await api.rpc.system.accountNextIndex(alice.address)).toNumber(),
    (await api.call.accountNonceApi.accountNonce(alice.address)).toNumber())
  const info = await api.tx.system.remark('0x01').paymentInfo(alice)
  assert.ok(info.partialFee.toBigInt() >= 0n)
  step('balance, nonce, fee')
}

async function follows (api) {
  const numbers = []
  await new Promise((resolve, reject) => {
    api.rpc.chain.subscribeNewHeads((header) => {
      numbers.push(header.number.toNumber())
      if (numbers.length === 3) resolve()
    }).catch(reject)
  })
  assert.equal(numbers[2], numbers[0] + 2)
  let seen
  const final = await new Promise((resolve, reject) => {
    api.rpc.chain.subscribeFinalizedHeads((header) => {
      if (seen !== undefined && header.number.toNumber() > seen) resolve(header)
      seen = header.number.toNumber()
    }).catch(reject)
  })
  assert.equal((await api.rpc.chain.getBlockHash(final.number.toNumber())).toHex(), final.hash.toHex())
  step('subscriptions of heads; header hashes agree with the chain')

  const moments = []
  const stop = await new Promise((resolve, reject) => {
    const unsubscribe = api.query.timestamp.now((now) => {
      moments.push(now.toNumber())
      if (moments.length === 2) resolve(unsubscribe)
    })
    unsubscribe.catch(reject)
  })
  stop()
  assert.ok(moments[1] > moments[0])
  step('subscription of storage')
}

async function writes (api, alice, bob, eve) {
  const info = { fields: [{ Raw52: CLAIM }] }
  const { events } = await accepted(api.tx.commitments.setCommitment(PLAIN, info), bob)
  assert.ok(events.some(({ event }) => api.events.commitments.Commitment.is(event)))
  const stored = (await api.query.commitments.commitmentOf(PLAIN, bob.address)).unwrap()
  assert.equal(u8aToString(stored.info.fields[0].asRaw52), CLAIM)
  const all = await api.query.commitments.commitmentOf.entries(PLAIN)
  assert.deepEqual(all.map(([key]) => key.args[1].toString()), [bob.address])
  step('commitment written, its event, read by key and as a map')

  const { error } = await outcome(api.tx.commitments.setCommitment(PLAIN, info), eve)
  assert.equal(error, 'commitments.AccountNotAllowedCommit')
  step('commitment of a stranger refused by name')

  await accepted(api.tx.subtensorModule.setMechanismWeights(PLAIN, 0, [0, 1], [1, 4], 0), alice)
  const weights = await api.query.subtensorModule.weights(PLAIN, 0)
  assert.deepEqual(weights.toJSON(), [[0, 16384], [1, 65535]])
  step('weights set and read')

  const before = (await api.query.system.account(eve.address)).data.free.toBigInt()
  await accepted(api.tx.balances.transferKeepAlive(eve.address, 1_000_000_000), alice)
  const after = (await api.query.system.account(eve.address)).data.free.toBigInt()
  assert.equal(after - before, 1_000_000_000n)
  const remark = api.tx.system.remark('0x66696e657374')
  const { partialFee } = await remark.paymentInfo(alice)
  const { events: paid } = await accepted(remark, alice)
  const fee = paid.find(({ event }) => api.events.transactionPayment.TransactionFeePaid.is(event))
  assert.equal(fee.event.data.actualFee.toBigInt(), partialFee.toBigInt())
  step('transfer and remark, for the fee that was stated')
}

async function upgrade (api, bob) {
  console.log('upgrade') // asks the test for it
  await new Promise((resolve, reject) => {
    api.rpc.chain.subscribeNewHeads(() => {
      if (api.runtimeVersion.specVersion.toNumber() === UPGRADED) resolve()
    }).catch(reject)
  })
  await accepted(api.tx.commitments.setCommitment(PLAIN, { fields: [{ Raw3: 'new' }, { BigRaw: '0x' + 'ab'.repeat(512) }] }), bob)
  const stored = (await api.query.commitments.commitmentOf(PLAIN, bob.address)).unwrap()
  assert.equal(u8aToString(stored.info.fields[0].asRaw3), 'new')
  assert.equal(stored.info.fields[1].asBigRaw.length, 512)
  step('runtime upgrade with moved indices, without a new connection')

  // A connection that saw an upgrade has read metadata V14, which tells of no
  // runtime APIs; a new one reads V16.
  const fresh = await connect()
  assert.equal((await fresh.call.subnetInfoRuntimeApi.getMetagraph(PLAIN)).unwrap().hotkeys.length, 2)
  await fresh.disconnect()
  step('connect to the upgraded runtime')
}

const api = await connect()
try {
  const keyring = new Keyring({ type: 'sr25519', ss58Format: 42 })
  const [alice, bob, eve] = ['//Alice', '//Bob', '//Eve'].map((uri) => keyring.addFromUri(uri))
  await reads(api, alice, bob)
  await follows(api)
  await writes(api, alice, bob, eve)
  await upgrade(api, bob)
} finally {
  await api.disconnect()
}
