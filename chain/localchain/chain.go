// Package localchain is a chain.Client over a folder, for one machine: no node,
// no process that makes blocks, any number of processes that read and write.
//
// Time makes the blocks: block n exists from start + n × block time on. An
// extrinsic is appended to a journal, under a lock, for the block after the
// head; it is signed, verified and judged by the rules of a Subtensor node. A
// block's hash is SHA-256(seed ‖ number, 8 bytes big endian ‖ hash of its
// extrinsics), where the seed is random, secret to the folder's owner and drawn
// at creation, so that no hash is known before its block to anyone who only
// uses the interface.
//
// That a block, once seen by anyone, never changes rests on two things: whoever
// writes reads the clock while holding the lock, and whoever takes a block for
// existing has held the lock at a time when it did. The newest block seen is
// kept in the folder, so the chain does not go back with a clock that does.
package localchain

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"finest/chain"
	"finest/internal/canon"
)

// Chain is a chain in a folder. It holds no files open between calls.
type Chain struct {
	dir       string
	clock     Clock
	seed      [32]byte
	start     time.Time
	blockTime time.Duration
	lag       uint64
	root      [sha256.Size]byte // hash of the genesis, the body of block 0

	mu      sync.Mutex
	state   *state
	head    uint64 // newest block known to be complete
	opened  bool   // head and state were read at least once
	entries int    // of the journal, in state
	size    int64  // of the journal when it was read
}

var _ chain.Client = (*Chain)(nil)

// Open opens the chain in dir, made by Create. Several processes may open one
// folder.
func Open(dir string, clock Clock) (*Chain, error) {
	raw, err := os.ReadFile(filepath.Join(dir, genesisFile))
	if err != nil {
		return nil, fmt.Errorf("open local chain: %w", err)
	}
	var g genesis
	if err := canon.Unmarshal(raw, &g); err != nil {
		return nil, fmt.Errorf("open local chain in %s: %s: %w", dir, genesisFile, err)
	}
	if g.Version != genesisVersion || g.BlockTime < int64(time.Millisecond) {
		return nil, fmt.Errorf("open local chain in %s: %s is of version %d, this program reads %d", dir, genesisFile, g.Version, genesisVersion)
	}
	c := &Chain{
		dir: dir, clock: clock, start: time.Unix(0, g.Start), blockTime: time.Duration(g.BlockTime),
		lag: g.FinalityLag, root: sha256.Sum256(raw),
	}
	seed, err := os.ReadFile(filepath.Join(dir, seedFile))
	if err != nil {
		return nil, fmt.Errorf("open local chain: %w", err)
	}
	if n, err := hex.Decode(c.seed[:], seed[:min(len(seed), 2*len(c.seed))]); err != nil || n != len(c.seed) {
		return nil, fmt.Errorf("open local chain in %s: %s is damaged", dir, seedFile)
	}
	c.state = newState(g, c.hash(0, c.root))
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.advance(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Chain) hash(number uint64, body [sha256.Size]byte) chain.Hash {
	return sha256.Sum256(slices.Concat(c.seed[:], binary.BigEndian.AppendUint64(nil, number), body[:]))
}

// block returns a complete block; c.mu is held.
func (c *Chain) block(number uint64) chain.Block {
	body := c.state.bodies[number]
	if number == 0 {
		body = c.root
	}
	return chain.Block{Number: number, Hash: c.hash(number, body)}
}

// finalized returns the newest final block; c.mu is held.
func (c *Chain) finalized() chain.Block {
	return c.block(c.head - min(c.lag, c.head))
}

// look calls f with c.mu held and the state up to date.
func (c *Chain) look(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.advance(); err != nil {
		return err
	}
	return f()
}

// at calls f as look does, if the block is on the chain.
func (c *Chain) at(ctx context.Context, at chain.Block, f func() error) error {
	return c.look(ctx, func() error {
		if at.Number > c.head {
			return fmt.Errorf("block %d: %w", at.Number, chain.ErrUnknownBlock)
		}
		if at != c.block(at.Number) {
			return fmt.Errorf("block %d with hash %s: %w", at.Number, at.Hash, chain.ErrUnknownBlock)
		}
		return f()
	})
}

// Head returns the newest block.
func (c *Chain) Head(ctx context.Context) (b chain.Block, err error) {
	err = c.look(ctx, func() error { b = c.block(c.head); return nil })
	return b, err
}

// Finalized returns the newest final block.
func (c *Chain) Finalized(ctx context.Context) (b chain.Block, err error) {
	err = c.look(ctx, func() error { b = c.finalized(); return nil })
	return b, err
}

// BlockAt returns the block with this number.
func (c *Chain) BlockAt(ctx context.Context, number uint64) (b chain.Block, err error) {
	err = c.look(ctx, func() error {
		if number > c.head {
			return fmt.Errorf("block %d: %w", number, chain.ErrUnknownBlock)
		}
		b = c.block(number)
		return nil
	})
	return b, err
}

// Subnet reads the settings of a subnet, which never change here.
func (c *Chain) Subnet(ctx context.Context, netuid uint16, at chain.Block) (s chain.Subnet, err error) {
	err = c.at(ctx, at, func() error {
		sub, err := c.state.subnet(netuid)
		if err == nil {
			s = sub.settings
		}
		return err
	})
	return s, err
}

// Neurons lists the registered hotkeys in uid order.
func (c *Chain) Neurons(ctx context.Context, netuid uint16, at chain.Block) (ns []chain.Neuron, err error) {
	err = c.at(ctx, at, func() error {
		sub, err := c.state.subnet(netuid)
		if err != nil {
			return err
		}
		for _, n := range sub.neuronsAt(at.Number) {
			ns = append(ns, n.view(at.Number))
		}
		return nil
	})
	return ns, err
}

// Weights reads the weights of a uid.
func (c *Chain) Weights(ctx context.Context, netuid, uid uint16, at chain.Block) (ws []chain.Weight, err error) {
	err = c.at(ctx, at, func() error {
		sub, err := c.state.subnet(netuid)
		if err != nil {
			return err
		}
		if ns := sub.neuronsAt(at.Number); int(uid) < len(ns) {
			v, _ := ns[uid].weights.at(at.Number)
			ws = slices.Clone(v.value)
		}
		return nil
	})
	return ws, err
}

// Commitment reads the last commitment of a hotkey.
func (c *Chain) Commitment(ctx context.Context, netuid uint16, hotkey chain.PublicKey, at chain.Block) (cm *chain.Commitment, err error) {
	err = c.at(ctx, at, func() error {
		sub, err := c.state.subnet(netuid)
		if err != nil {
			return err
		}
		if n := sub.registered(hotkey, at.Number); n != nil {
			cm = n.commitment(at.Number)
		}
		return nil
	})
	return cm, err
}

// Commitments lists the commitments of all hotkeys in uid order.
func (c *Chain) Commitments(ctx context.Context, netuid uint16, at chain.Block) (cms []chain.Commitment, err error) {
	err = c.at(ctx, at, func() error {
		sub, err := c.state.subnet(netuid)
		if err != nil {
			return err
		}
		for _, n := range sub.neuronsAt(at.Number) {
			if cm := n.commitment(at.Number); cm != nil {
				cms = append(cms, *cm)
			}
		}
		return nil
	})
	return cms, err
}

// CommitmentEvents lists the commitments written in one block.
func (c *Chain) CommitmentEvents(ctx context.Context, netuid uint16, at chain.Block) (cms []chain.Commitment, err error) {
	err = c.at(ctx, at, func() error {
		sub, err := c.state.subnet(netuid)
		if err != nil {
			return err
		}
		for _, n := range sub.committed[at.Number] {
			cms = append(cms, *n.commitment(at.Number))
		}
		return nil
	})
	return cms, err
}

// maxWaitBlocks bounds one sleep, so that no block number overflows a time.
const maxWaitBlocks = 1000

// WaitFinalized returns the newest final block as soon as its number is at
// least number.
func (c *Chain) WaitFinalized(ctx context.Context, number uint64) (chain.Block, error) {
	for {
		b, err := c.Finalized(ctx)
		if err != nil || b.Number >= number {
			return b, err
		}
		if err := c.sleep(ctx, number+min(c.lag, math.MaxUint64-number)); err != nil {
			return chain.Block{}, err
		}
	}
}

// sleep waits until the clock makes block number, or for maxWaitBlocks.
func (c *Chain) sleep(ctx context.Context, number uint64) error {
	now := c.clock.Now()
	soon := uint64(max(now.Sub(c.start), 0)/c.blockTime) + maxWaitBlocks
	due := c.start.Add(time.Duration(min(number, soon)) * c.blockTime)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.clock.After(max(due.Sub(now), 0)):
		return nil
	}
}

// unavailable wraps an error of the file system: later it may work.
func (c *Chain) unavailable(err error) error {
	return fmt.Errorf("local chain in %s: %w", c.dir, errors.Join(chain.ErrUnavailable, err))
}
