// Package devchain is a development chain that speaks the wire of Bittensor: a
// node in the process, with blocks, a pool, finality and forks, whose JSON-RPC
// real clients of any language use over a loopback websocket. What its blocks do
// to the state is for package runtime.
//
// It is no copy of a Substrate node where nobody looks: the state root is a hash
// over the sorted state and the extrinsics root one over the list, not roots of
// tries, so there are no proofs; the node is the only author of blocks, and
// nobody votes on what is final. A block's seal is drawn from a secret seed, so
// that no hash is known before its block to anyone who only uses the wire.
//
// Faults makes the node do what networks and chains do at bad times: cut
// connections, silence, refused extrinsics, late inclusion, reorganisations,
// upgrades of the runtime.
package devchain
