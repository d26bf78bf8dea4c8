package subtensor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"

	"finest/chain"
	"finest/chain/extrinsic"
	"finest/chain/metadata"
)

const (
	// eraPeriod is how many blocks a transaction stays valid.
	eraPeriod = 64
	// finalityLag is how far the newest final block may be behind the newest for
	// an era to begin with it; beyond, finality has stalled.
	finalityLag = eraPeriod / 2
	// signatures is how often a call is signed before it is given up: again after
	// a runtime upgrade, an era that passed, a nonce that another process used.
	signatures = 3
)

// receipt of a transaction that succeeded, in a final block.
type receipt struct {
	Block chain.Block
	// Events of this transaction; none where only its effect was found.
	Events []metadata.Event
}

// effectFunc returns the block in which a call took effect, after block since,
// or nil.
type effectFunc = func(ctx context.Context, since chain.Block) (*chain.Block, error)

// account is what is kept of a signer.
type account struct {
	turn chan struct{} // has room for the one who writes
	// open is a transaction that was sent and whose fate is not known, because
	// the context of the caller ended. It belongs to whoever has the turn.
	open *transaction
}

// transaction that was signed.
type transaction struct {
	by      chain.PublicKey
	call    []byte
	bytes   []byte
	nonce   uint32
	runtime *runtime
	since   chain.Block // final when it was signed: it can only be in a later block
	death   uint64      // number of the first block that cannot hold it
	looked  uint64      // blocks up to this number, all final, do not hold it
}

func (c *Client) account(who chain.PublicKey) *account {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.accounts[who]
	if a == nil {
		a = &account{turn: make(chan struct{}, 1)}
		c.accounts[who] = a
	}
	return a
}

// submit signs a call and returns when it succeeded in a final block, or with an
// error when it failed in one or can be in none. One key has one transaction
// under way at a time. If ctx ends before that is known, the next submit of the
// same call goes on with the same transaction instead of sending another.
//
// effect is asked where the blocks that may hold the transaction cannot be read
// any more; nil: an error then.
func (c *Client) submit(ctx context.Context, by chain.Signer, pallet, call string, args metadata.Args, effect effectFunc) (receipt, error) {
	if err := ctx.Err(); err != nil {
		return receipt{}, err
	}
	a := c.account(by.PublicKey())
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return receipt{}, ctx.Err()
	}
	r, err := c.settle(ctx, a, by, pallet, call, args, effect)
	if err != nil {
		return r, fmt.Errorf("submit %s.%s: %w", pallet, call, err)
	}
	return r, nil
}

// settle signs and follows until the call is in a final block or cannot be.
func (c *Client) settle(ctx context.Context, a *account, by chain.Signer, pallet, call string, args metadata.Args, effect effectFunc) (r receipt, err error) {
	tx := a.open
	if tx != nil {
		again, err := tx.runtime.Meta.Call(pallet, call, args)
		if err != nil || !bytes.Equal(again, tx.call) {
			// Another call. The open one may still happen, before this one.
			tx, a.open = nil, nil
		}
	}
	for range signatures {
		if tx == nil {
			if tx, err = c.sign(ctx, by, pallet, call, args); err != nil {
				return receipt{}, err
			}
		}
		f := follower{c: c, tx: tx, sent: tx == a.open, effect: effect}
		a.open = tx
		r, err = f.follow(ctx)
		if !f.known {
			if f.sent {
				return r, fmt.Errorf("whether it took effect is not known: %w", err)
			}
			a.open = nil
			return r, err
		}
		a.open, tx = nil, nil
		if !errors.Is(err, errSignAgain) && !errors.Is(err, chain.ErrOutdated) && !errors.Is(err, errPriority) {
			return r, err
		}
		c.o.Log.Info().Str("call", pallet+"."+call).Err(err).Msg("transaction is signed again")
		if errors.Is(err, errPriority) {
			// Another process wrote with this key: its transaction has to leave
			// the pool before the node counts on from its nonce.
			select {
			case <-c.o.After(c.o.Poll):
			case <-ctx.Done():
				return r, ctx.Err()
			}
		}
	}
	return r, err
}

// sign makes a transaction for the runtime of the newest block.
func (c *Client) sign(ctx context.Context, by chain.Signer, pallet, call string, args metadata.Args) (*transaction, error) {
	final, err := c.Finalized(ctx)
	if err != nil {
		return nil, err
	}
	head, err := c.Head(ctx)
	if err != nil {
		return nil, err
	}
	// The era begins with a block that no reorganisation can take away.
	born := final
	if head.Number > final.Number+finalityLag {
		if born, err = c.BlockAt(ctx, head.Number-finalityLag); err != nil {
			return nil, err
		}
	}
	r, err := c.runtimeAt(ctx, head.Hash)
	if err != nil {
		return nil, err
	}
	encoded, err := r.Meta.Call(pallet, call, args)
	if err != nil {
		return nil, err
	}
	var nonce uint64
	if err := c.call(ctx, &nonce, "system_accountNextIndex", by.Address()); err != nil {
		return nil, fmt.Errorf("read nonce: %w", err)
	}
	if nonce > math.MaxUint32 {
		return nil, fmt.Errorf("read nonce: node says %d", nonce)
	}
	c.mu.Lock()
	genesis := c.genesis
	c.mu.Unlock()
	era := extrinsic.MortalAt(born.Number, eraPeriod)
	xt, err := extrinsic.Sign(r.Meta, by, encoded, extrinsic.Params{
		Spec: r.Spec, TxVersion: r.TxVersion, Genesis: genesis,
		EraBlock: born.Hash, Era: era, Nonce: uint32(nonce),
	})
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return &transaction{
		by: by.PublicKey(), call: encoded, bytes: xt, nonce: uint32(nonce), runtime: r,
		since: final, death: era.Death(born.Number), looked: final.Number,
	}, nil
}
