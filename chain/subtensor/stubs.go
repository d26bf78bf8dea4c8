package subtensor

import (
	"context"
	"errors"

	"finest/chain"
	"finest/chain/metadata"
)

var errLater = errors.New("not yet")

// runtime is one version of the runtime.
type runtime struct {
	Meta            *metadata.Metadata
	Spec, TxVersion uint32
}

// runtimeAt is the runtime that executes the block after at: the one to sign
// for, and the one whose runtime APIs answer at that block.
func (c *Client) runtimeAt(ctx context.Context, at chain.Hash) (*runtime, error) {
	return nil, errLater
}

// layoutAt is the runtime that executed block at, which the state and the events
// of that block are encoded by.
func (c *Client) layoutAt(ctx context.Context, at chain.Block) (*runtime, error) {
	return nil, errLater
}

// read reads one value; the default where it is unset, nil where it is optional.
func (c *Client) read(ctx context.Context, at chain.Block, pallet, item string, keys ...any) (any, error) {
	return nil, errLater
}

// readMany reads several values of one item, in the order of the keys.
func (c *Client) readMany(ctx context.Context, at chain.Block, pallet, item string, keys [][]any) ([]any, error) {
	return nil, errLater
}

// entry of a map.
type entry struct {
	keys  []any
	value any
}

// readMap reads all entries of a map whose keys begin with prefix, in the order
// of their storage keys; keys are those after the prefix too, all of them.
func (c *Client) readMap(ctx context.Context, at chain.Block, pallet, item string, prefix ...any) ([]entry, error) {
	return nil, errLater
}

// apiCall calls a runtime API on the state after block at.
func (c *Client) apiCall(ctx context.Context, at chain.Block, trait, method string, args metadata.Args) (any, error) {
	return nil, errLater
}

// events are those of block at.
func (c *Client) events(ctx context.Context, at chain.Block) ([]metadata.Event, error) {
	return nil, errLater
}

// receipt of a transaction that succeeded, in a final block.
type receipt struct {
	Block chain.Block
	// Events of this transaction.
	Events []metadata.Event
}

// submit signs a call and returns when it succeeded in a final block. effect is
// asked where the blocks that may hold the transaction cannot be read any more:
// it returns the block in which the call took effect, after block since, or nil.
func (c *Client) submit(ctx context.Context, by chain.Signer, pallet, call string, args metadata.Args, effect func(ctx context.Context, since chain.Block) (*chain.Block, error)) (receipt, error) {
	return receipt{}, errLater
}

// submit uses, from errors.go:
//
//	func poolError(err *rpc.Error) error                       // author_submit… was refused
//	func dispatchError(m *metadata.Metadata, v any) error      // v: the dispatch_error of System.ExtrinsicFailed
