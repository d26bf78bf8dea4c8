package subtensor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"finest/chain"
	"finest/chain/metadata"
	"finest/chain/rpc"
)

// errSignAgain: no block can hold the transaction any more, for a reason that a
// new signature takes away.
var errSignAgain = fmt.Errorf("no block holds the transaction, and none can any more: %w", chain.ErrOutdated)

// drops is how many lost connections are answered by sending again at once;
// after further ones it is time to look first.
const drops = 3

// follower sends one transaction and follows it.
//
// The truth is in final blocks alone: what the node tells of the transaction
// only says when to look there. Sending the same bytes twice is harmless, since
// their nonce can be used once; so after a lost connection they are sent again,
// to learn of their fate, while a new signature waits until the old one is dead.
type follower struct {
	c      *Client
	tx     *transaction
	effect effectFunc
	sub    *rpc.Subscription
	// sent: the node may have it. known: what follow returns is its fate.
	sent, known bool
	// silent: the node does not take it again, so only looking helps.
	silent bool
	drops  int
}

// follow returns when a final block holds the transaction, or none can.
func (f *follower) follow(ctx context.Context) (receipt, error) {
	defer f.unwatch()
	for {
		if f.sent {
			r, err := f.look(ctx)
			switch {
			case f.known:
				return r, err
			case ctx.Err() != nil:
				return r, ctx.Err()
			case errors.Is(err, rpc.ErrClosed):
				return r, err
			case errors.Is(err, chain.ErrUnavailable):
				f.c.o.Log.Warn().Err(err).Msg("cannot look for a transaction")
			case err != nil:
				return r, err
			}
		}
		wait := true
		if f.sub == nil && !f.silent {
			var err error
			if wait, err = f.send(ctx); err != nil {
				return receipt{}, err
			}
		}
		if !wait {
			continue
		}
		if r, err := f.listen(ctx); f.known || err != nil {
			return r, err
		}
	}
}

func (f *follower) unwatch() {
	if f.sub != nil {
		f.sub.Close()
		f.sub = nil
	}
}

// send hands the transaction to the node. wait says whether to give it time now.
func (f *follower) send(ctx context.Context) (wait bool, err error) {
	sub, err := f.c.main.Subscribe(ctx, "author_submitAndWatchExtrinsic", "author_unwatchExtrinsic", hexBytes(f.tx.bytes))
	if err == nil {
		f.sub, f.sent = sub, true
		return true, nil
	}
	var refusal *rpc.Error
	switch {
	case errors.As(err, &refusal) && refusal.Code == codeImported:
		f.sent, f.silent = true, true // the pool has it
		return true, nil
	case errors.As(err, &refusal) && !f.sent:
		f.known = true
		return false, poolError(refusal)
	case errors.As(err, &refusal):
		// In a block, or overtaken by a change of the chain: final blocks tell.
		f.silent = true
		f.c.o.Log.Debug().Err(err).Msg("transaction is not taken again")
		return true, nil
	case ctx.Err() != nil:
		f.sent = f.sent || !errors.Is(err, rpc.ErrUnreachable)
		return false, ctx.Err()
	case !f.sent && !errors.Is(err, rpc.ErrDisconnected) && (errors.Is(err, rpc.ErrUnreachable) || errors.Is(err, rpc.ErrClosed)):
		f.known = true
		return false, unavailable(ctx, err)
	}
	f.sent = true
	f.drops++
	f.c.o.Log.Warn().Err(err).Msg("connection lost while a transaction was sent")
	return f.drops > drops || !errors.Is(err, rpc.ErrDisconnected), nil
}

// listen waits for news of the transaction, or until it is time to look.
func (f *follower) listen(ctx context.Context) (receipt, error) {
	timer := f.c.o.After(f.c.o.Poll)
	for {
		var more <-chan struct{}
		if f.sub != nil {
			more = f.sub.More()
		}
		select {
		case <-ctx.Done():
			return receipt{}, ctx.Err()
		case <-timer:
			return receipt{}, nil
		case <-more:
		}
		for f.sub != nil {
			note, err := f.sub.TryNext()
			if err != nil {
				f.unwatch()
				f.drops++
				break
			}
			if note == nil {
				break
			}
			if r, err := f.heard(ctx, note); f.known || err != nil {
				return r, err
			}
		}
		if f.sub == nil && f.drops <= drops {
			return receipt{}, nil
		}
	}
}

// status of a transaction as author_submitAndWatchExtrinsic tells: a word, or an
// object with one key (sc-transaction-pool-api, TransactionStatus).
func status(note json.RawMessage) (name string, hash chain.Hash) {
	if json.Unmarshal(note, &name) == nil {
		return name, hash
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(note, &object) != nil || len(object) != 1 {
		return "", hash
	}
	for name, v := range object {
		var h hexHash
		if json.Unmarshal(v, &h) == nil {
			hash = chain.Hash(h)
		}
		return name, hash
	}
	return "", hash
}

// heard acts on a status.
func (f *follower) heard(ctx context.Context, note json.RawMessage) (receipt, error) {
	name, hash := status(note)
	f.c.o.Log.Debug().Str("status", name).Stringer("block", hash).Msg("transaction")
	switch name {
	case "finalized":
		f.unwatch()
		f.silent = true
		h, err := f.c.headerOf(ctx, hash)
		if err == nil {
			var r receipt
			block := chain.Block{Number: uint64(h.Number), Hash: hash}
			if r, err = f.lookIn(ctx, block); f.known {
				return r, err
			}
		}
		if err != nil {
			f.c.o.Log.Warn().Err(err).Msg("cannot read the block of a transaction")
		}
	case "finalityTimeout", "invalid", "usurped":
		f.unwatch()
		f.silent = true
	case "dropped": // the pool was full; it may be taken the next time
		f.unwatch()
		select {
		case <-f.c.o.After(f.c.o.Poll):
		case <-ctx.Done():
			return receipt{}, ctx.Err()
		}
	}
	return receipt{}, nil
}

// look searches the final blocks.
func (f *follower) look(ctx context.Context) (receipt, error) {
	tx := f.tx
	final, err := f.c.Finalized(ctx)
	if err != nil {
		return receipt{}, err
	}
	used, err := f.c.nonceAt(ctx, final, tx.by)
	if err != nil {
		return receipt{}, err
	}
	if used > uint64(tx.nonce) {
		for n := tx.looked + 1; n <= min(final.Number, tx.death-1); n++ {
			b, err := f.c.BlockAt(ctx, n)
			if err != nil {
				return receipt{}, err
			}
			if r, err := f.lookIn(ctx, b); f.known || err != nil {
				return r, err
			}
			tx.looked = n
		}
		f.known = true
		return receipt{}, fmt.Errorf("nonce %d was used by another transaction: %w", tx.nonce, errSignAgain)
	}
	if tx.looked = max(tx.looked, final.Number); final.Number+1 >= tx.death {
		f.known = true
		return receipt{}, fmt.Errorf("its era ended with block %d: %w", tx.death-1, errSignAgain)
	}
	v, err := f.c.versionAt(ctx, final)
	if err != nil {
		return receipt{}, err
	}
	if v.Spec != tx.runtime.Spec {
		f.known = true
		return receipt{}, fmt.Errorf("it was signed for runtime %d, the chain now runs %d: %w", tx.runtime.Spec, v.Spec, errSignAgain)
	}
	return receipt{}, nil
}

// nonceAt is the next nonce of an account after a block.
func (c *Client) nonceAt(ctx context.Context, at chain.Block, who chain.PublicKey) (uint64, error) {
	v, err := c.read(ctx, at, "System", "Account", who)
	if err != nil {
		return 0, err
	}
	info, _ := v.(metadata.Record)
	nonce, ok := info.Get("nonce").(uint64)
	if !ok {
		return 0, fmt.Errorf("nonce of an account is %T in this runtime", info.Get("nonce"))
	}
	return nonce, nil
}

// lookIn searches a final block. Where its content cannot be read any more, the
// effect of the call decides.
func (f *follower) lookIn(ctx context.Context, b chain.Block) (receipt, error) {
	r, err := f.receiptIn(ctx, b)
	if !errors.Is(err, chain.ErrUnknownBlock) || f.effect == nil {
		return r, err
	}
	found, err := f.effect(ctx, f.tx.since)
	if err != nil || found == nil {
		return receipt{}, err
	}
	f.known = true
	return receipt{Block: *found}, nil
}

// body is what is read of a block.
type body struct {
	Block struct {
		Extrinsics []hexBytes `json:"extrinsics"`
	} `json:"block"`
}

// receiptIn is the receipt of the transaction if the block holds it.
func (f *follower) receiptIn(ctx context.Context, b chain.Block) (receipt, error) {
	content, err := askBlock[body](ctx, f.c, b, "chain_getBlock")
	if err != nil {
		return receipt{}, fmt.Errorf("read block %d: %w", b.Number, err)
	}
	index := slices.IndexFunc(content.Block.Extrinsics, func(x hexBytes) bool { return slices.Equal(x, f.tx.bytes) })
	if index < 0 {
		return receipt{}, nil
	}
	events, err := f.c.events(ctx, b)
	if err != nil {
		return receipt{}, err
	}
	r := receipt{Block: b}
	succeeded := false
	for _, e := range events {
		if e.Extrinsic != index {
			continue
		}
		r.Events = append(r.Events, e)
		if e.Pallet != "System" {
			continue
		}
		switch e.Name {
		case "ExtrinsicSuccess":
			succeeded = true
		case "ExtrinsicFailed":
			layout, err := f.c.layoutAt(ctx, b)
			if err != nil {
				return receipt{}, err
			}
			f.known = true
			return r, fmt.Errorf("in block %d: %w", b.Number, dispatchError(layout.Meta, e.Fields.Get("dispatch_error")))
		}
	}
	if !succeeded {
		return receipt{}, fmt.Errorf("block %d holds the transaction, but its events do not tell of it", b.Number)
	}
	f.known = true
	return r, nil
}
