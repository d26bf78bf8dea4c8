// Package interop exchanges keys and signatures with tools that others wrote: the
// Python package bittensor-wallet (wallet.py) and polkadot.js (polkadot.mjs), both
// ways. chain/devchain/interop/setup.sh installs them; what is not installed is
// skipped, and the test says so.
package interop
