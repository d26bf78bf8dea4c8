// Exchanges a key and signatures with @polkadot/keyring.
//
// Usage: node polkadot.mjs FOLDER_WITH_NODE_MODULES < JSON
//
// Standard input is an object: "phrase", "password", "message", and "signature" of
// the message in hex. Standard output is an object.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const require = createRequire(path.join(path.resolve(process.argv[2]), 'node_modules', 'x'))
const { Keyring } = require('@polkadot/keyring')
const { cryptoWaitReady } = require('@polkadot/util-crypto')
const { u8aToHex, u8aWrapBytes } = require('@polkadot/util')

const { phrase, password, message, signature } = JSON.parse(readFileSync(0, 'utf8'))
await cryptoWaitReady()
const pair = new Keyring({ type: 'sr25519', ss58Format: 42 }).addFromMnemonic(phrase)
const bytes = new TextEncoder().encode(message)
console.log(JSON.stringify({
  address: pair.address,
  verified: pair.verify(bytes, signature, pair.publicKey),
  signature: u8aToHex(pair.sign(bytes)),
  wrapped: u8aToHex(pair.sign(u8aWrapBytes(bytes))),
  sealed: pair.toJson(password),
  open: pair.toJson()
}))
