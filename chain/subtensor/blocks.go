package subtensor

import (
	"context"
	"errors"
	"fmt"
	"math"

	"finest/chain"
	"finest/chain/rpc"
)

// unknownNumber stands for the number of a block of which only the hash is
// known. Numbers of blocks have 32 bits.
const unknownNumber = math.MaxUint64

// header is what is kept of the header of a block.
type header struct {
	Parent hexHash   `json:"parentHash"`
	Number hexNumber `json:"number"`
}

// headerOf fetches a header by its hash.
func (c *Client) headerOf(ctx context.Context, hash chain.Hash) (header, error) {
	if h, ok := c.headers.get(hash); ok {
		return h, nil
	}
	h, err := askBlock[header](ctx, c, chain.Block{Number: unknownNumber, Hash: hash}, "chain_getHeader")
	if err != nil {
		return header{}, err
	}
	c.headers.put(hash, *h)
	return *h, nil
}

// askBlock calls a method that answers null for a block that the node does not
// have, whose part an archive may have.
func askBlock[T any](ctx context.Context, c *Client, b chain.Block, method string) (*T, error) {
	var part *T
	if err := c.callAt(ctx, b, &part, method, wire(b.Hash)); err != nil {
		return nil, err
	}
	if part == nil && c.archive != nil {
		if err := c.callOn(ctx, c.archive, &part, method, wire(b.Hash)); err != nil {
			return nil, err
		}
	}
	if part == nil {
		return nil, fmt.Errorf("block %s: %w", b.Hash, chain.ErrUnknownBlock)
	}
	return part, nil
}

// named asks for the hash of a block that moves, and adds its number.
func (c *Client) named(ctx context.Context, what, method string) (chain.Block, error) {
	var hash hexHash
	if err := c.call(ctx, &hash, method); err != nil {
		return chain.Block{}, fmt.Errorf("read %s block: %w", what, err)
	}
	h, err := c.headerOf(ctx, chain.Hash(hash))
	if err != nil {
		return chain.Block{}, fmt.Errorf("read %s block: %w", what, err)
	}
	return chain.Block{Number: uint64(h.Number), Hash: chain.Hash(hash)}, nil
}

// Head returns the newest block of the best chain.
func (c *Client) Head(ctx context.Context) (chain.Block, error) {
	return c.named(ctx, "newest", "chain_getBlockHash")
}

// Finalized returns the newest final block.
func (c *Client) Finalized(ctx context.Context) (chain.Block, error) {
	b, err := c.named(ctx, "newest final", "chain_getFinalizedHead")
	if err == nil {
		c.final.put(b.Hash, struct{}{})
		c.mu.Lock()
		c.finalized = max(c.finalized, b.Number)
		c.mu.Unlock()
	}
	return b, err
}

// BlockAt returns the block with this number.
func (c *Client) BlockAt(ctx context.Context, number uint64) (chain.Block, error) {
	if err := ctx.Err(); err != nil {
		return chain.Block{}, err
	}
	c.mu.Lock()
	final := number <= c.finalized
	c.mu.Unlock()
	var hash hexHash
	if number <= math.MaxUint32 {
		err := c.call(ctx, &hash, "chain_getBlockHash", number)
		if err == nil && hash == (hexHash{}) && final && c.archive != nil {
			err = c.callOn(ctx, c.archive, &hash, "chain_getBlockHash", number)
		}
		if err != nil {
			return chain.Block{}, fmt.Errorf("read block %d: %w", number, err)
		}
	}
	if hash == (hexHash{}) {
		return chain.Block{}, fmt.Errorf("read block %d: %w", number, chain.ErrUnknownBlock)
	}
	b := chain.Block{Number: number, Hash: chain.Hash(hash)}
	if final {
		c.final.put(b.Hash, struct{}{})
	}
	return b, nil
}

// onChain returns chain.ErrUnknownBlock for a block that is not, or no longer,
// on the best chain: a node answers for the state of forks, too.
func (c *Client) onChain(ctx context.Context, at chain.Block) error {
	if _, ok := c.final.get(at.Hash); ok {
		h, err := c.headerOf(ctx, at.Hash)
		if err == nil && uint64(h.Number) != at.Number {
			err = fmt.Errorf("block %s has the number %d, not %d: %w", at.Hash, h.Number, at.Number, chain.ErrUnknownBlock)
		}
		return err
	}
	b, err := c.BlockAt(ctx, at.Number)
	if err == nil && b != at {
		err = fmt.Errorf("block %d is %s, not %s: %w", at.Number, b.Hash, at.Hash, chain.ErrUnknownBlock)
	}
	return err
}

// WaitFinalized returns the newest final block as soon as its number is at least
// number. It listens to the node, and asks where nothing was heard for a while.
func (c *Client) WaitFinalized(ctx context.Context, number uint64) (chain.Block, error) {
	b, err := c.Finalized(ctx)
	if err != nil || b.Number >= number {
		return b, err
	}
	for {
		b, err := c.listenFinalized(ctx, number)
		if err != nil || b.Number >= number {
			return b, err
		}
	}
}

// listenFinalized waits as WaitFinalized does, until the subscription is lost.
func (c *Client) listenFinalized(ctx context.Context, number uint64) (b chain.Block, err error) {
	var sub *rpc.Subscription
	for range readAttempts {
		sub, err = c.main.Subscribe(ctx, "chain_subscribeFinalizedHeads", "chain_unsubscribeFinalizedHeads")
		if !errors.Is(err, rpc.ErrDisconnected) {
			break
		}
	}
	if err != nil {
		return b, fmt.Errorf("wait for block %d to be final: %w", number, unavailable(ctx, err))
	}
	defer sub.Close()
	for {
		select {
		case <-sub.More():
		case <-c.o.After(c.o.Poll):
		case <-ctx.Done():
			return b, ctx.Err()
		}
		var lost error
		for {
			note, err := sub.TryNext()
			if lost = err; note == nil {
				break
			}
		}
		if b, err = c.Finalized(ctx); err != nil || b.Number >= number || lost != nil {
			return b, err
		}
	}
}
