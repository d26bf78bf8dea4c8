package subtensor

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"finest/chain"
	"finest/chain/metadata"
)

// CommitHash is what commit-reveal of version 2 commits to: the BLAKE2b-256 of
// account, storage index (4096·mechanism + netuid), uids, values, salt and
// version key.
func CommitHash(hotkey chain.PublicKey, netuid uint16, mechanism uint8, weights []chain.Weight, salt []uint16, versionKey uint64) chain.Hash {
	uids, values := columns(weights)
	b := binary.LittleEndian.AppendUint16(hotkey[:], storageIndex(netuid, mechanism))
	b = appendU16s(appendU16s(appendU16s(b, uids), values), salt)
	return metadata.SumBlake2_256(binary.LittleEndian.AppendUint64(b, versionKey))
}

// CommitWeights commits to the hash of weights (CommitHash); RevealWeights shows
// them in the epoch that the subnet's reveal period says.
func (c *Client) CommitWeights(ctx context.Context, by chain.Signer, netuid uint16, mechanism uint8, hash chain.Hash) (chain.Inclusion, error) {
	t := setting{by: by, netuid: netuid, mechanism: mechanism}
	in, err := c.hashedWeights(ctx, t, "commit_mechanism_weights", "commit_weights", metadata.Args{"commit_hash": hash}, nil)
	if err != nil {
		return chain.Inclusion{}, fmt.Errorf("commit weights of %s on subnet %d: %w", by.Address(), netuid, err)
	}
	return in, nil
}

// RevealWeights shows the weights that CommitWeights committed to. Where a
// connection was lost, the block it returns may be a later one than that of the
// reveal.
func (c *Client) RevealWeights(ctx context.Context, by chain.Signer, netuid uint16, mechanism uint8, weights []chain.Weight, salt []uint16, versionKey uint64) (chain.Inclusion, error) {
	t := setting{by: by, netuid: netuid, mechanism: mechanism}
	uids, values := columns(weights)
	hash := CommitHash(by.PublicKey(), netuid, mechanism, weights, salt, versionKey)
	// A reveal leaves the last update alone, but takes the commitment away.
	gone := func(ctx context.Context, _ chain.Block) (*chain.Block, error) {
		final, err := c.Finalized(ctx)
		if err != nil {
			return nil, err
		}
		if held, err := c.committed(ctx, t, hash, final); held || err != nil {
			return nil, err
		}
		return &final, nil
	}
	in, err := c.hashedWeights(ctx, t, "reveal_mechanism_weights", "reveal_weights",
		metadata.Args{"uids": uids, "values": values, "salt": salt, "version_key": versionKey}, gone)
	if err != nil {
		return chain.Inclusion{}, fmt.Errorf("reveal weights of %s on subnet %d: %w", by.Address(), netuid, err)
	}
	return in, nil
}

// committed says whether the chain holds the commitment to hash.
func (c *Client) committed(ctx context.Context, t setting, hash chain.Hash, at chain.Block) (bool, error) {
	v, err := c.read(ctx, at, subtensorPallet, "WeightCommits", t.index(), t.by.PublicKey())
	if v == nil || err != nil {
		return false, err
	}
	r := &reader{values: []any{v}}
	for _, commit := range list[[]any](r, "WeightCommits") {
		p := &reader{values: commit} // of a hash and blocks
		if bytes.Equal(next[[]byte](p, "hash"), hash[:]) {
			return true, nil
		}
	}
	return false, r.err
}

// hashedWeights submits a call of commit-reveal version 2; done nil: one that
// moves the last update.
func (c *Client) hashedWeights(ctx context.Context, t setting, call, older string, args metadata.Args, done effectFunc) (chain.Inclusion, error) {
	head, err := c.Head(ctx)
	if err != nil {
		return chain.Inclusion{}, err
	}
	facts, err := c.facts(ctx, t, head)
	if err != nil {
		return chain.Inclusion{}, err
	}
	switch {
	case facts.Caller == nil:
		return chain.Inclusion{}, &RefusedError{Name: subtensorPallet + ".HotKeyNotRegisteredInSubNet", Err: chain.ErrNotRegistered}
	case !facts.Subnet.CommitReveal:
		return chain.Inclusion{}, &RefusedError{Name: subtensorPallet + ".CommitRevealDisabled", Err: chain.ErrCommitReveal}
	}
	rt, err := c.runtimeAt(ctx, head.Hash)
	if err != nil {
		return chain.Inclusion{}, err
	}
	args["netuid"], args["mecid"] = t.netuid, t.mechanism
	if call, args, err = t.choose(rt.Meta, call, older, args); err != nil {
		return chain.Inclusion{}, err
	}
	if done == nil {
		done = c.updated(t, facts.Caller.UID)
	}
	return c.submitWeights(ctx, t, facts.Caller.UID, call, args, done)
}
