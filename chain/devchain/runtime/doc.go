// Package runtime is the state machine of the devchain: what a Subtensor runtime
// does with extrinsics, written anew in Go. It knows no network, starts nothing
// and reads no clock: a state and an extrinsic make the next state.
//
// The folder schema holds the interface as text: types, storage items, calls,
// events, errors, constants and runtime APIs with the names, indices and shapes
// of Subtensor's spec 424. Metadata is built from it, and so is every storage
// key, so that what clients read is what the rules wrote.
package runtime
