package subtensor

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"finest/chain"
	"finest/chain/metadata"
)

const (
	commitmentsPallet = "Commitments"
	commitmentItem    = "CommitmentOf"
	commitmentCall    = "set_commitment"
)

// Commitment reads the last commitment of a hotkey after block at; nil without
// one. CommitmentFields also tells of what kind its fields are.
func (c *Client) Commitment(ctx context.Context, netuid uint16, hotkey chain.PublicKey, at chain.Block) (*chain.Commitment, error) {
	found, err := c.CommitmentFields(ctx, netuid, hotkey, at)
	if found == nil {
		return nil, err
	}
	plain := found.plain()
	return &plain, nil
}

// CommitmentFields reads the last commitment of a hotkey after block at; nil
// without one. The chain removes the fields that it revealed.
func (c *Client) CommitmentFields(ctx context.Context, netuid uint16, hotkey chain.PublicKey, at chain.Block) (*Commitment, error) {
	v, err := c.read(ctx, at, commitmentsPallet, commitmentItem, netuid, hotkey)
	if err != nil {
		return nil, fmt.Errorf("read commitment on subnet %d at block %d: %w", netuid, at.Number, err)
	}
	if v == nil {
		return nil, nil
	}
	found, err := commitmentOf(hotkey, v)
	if err != nil {
		return nil, fmt.Errorf("read commitment on subnet %d at block %d: %w", netuid, at.Number, err)
	}
	return found, nil
}

// Commitments lists the commitments of all registered hotkeys after block at, in
// uid order, with three requests and one for each further thousand. One that
// cannot be read is left out and logged.
func (c *Client) Commitments(ctx context.Context, netuid uint16, at chain.Block) ([]chain.Commitment, error) {
	out, err := c.commitments(ctx, netuid, at)
	if err != nil {
		return nil, fmt.Errorf("list commitments of subnet %d at block %d: %w", netuid, at.Number, err)
	}
	return out, nil
}

func (c *Client) commitments(ctx context.Context, netuid uint16, at chain.Block) ([]chain.Commitment, error) {
	rt, err := c.layoutAt(ctx, at)
	if err != nil {
		return nil, err
	}
	item, err := rt.Meta.StorageItem(commitmentsPallet, commitmentItem)
	if err != nil {
		return nil, err
	}
	prefix, err := item.Key(netuid)
	if err != nil {
		return nil, err
	}
	keys, err := c.keys(ctx, at, prefix)
	if err != nil {
		return nil, err
	}
	hotkeys := make([]chain.PublicKey, len(keys))
	for i, key := range keys {
		parts, err := item.DecodeKey(key)
		if err != nil {
			return nil, fmt.Errorf("storage key %x: %w", key, err)
		}
		r := &reader{values: parts} // of a subnet and a hotkey
		next[uint64](r, "netuid")
		if hotkeys[i] = r.key("hotkey"); r.err != nil {
			return nil, r.err
		}
	}
	found, err := c.decodeCommitments(ctx, at, item, hotkeys, keys)
	if err != nil {
		return nil, err
	}
	return c.inUIDOrder(ctx, netuid, at, found)
}

// decodeCommitments reads the commitments with these storage keys and leaves out
// those that are not there.
func (c *Client) decodeCommitments(ctx context.Context, at chain.Block, item *metadata.StorageItem, hotkeys []chain.PublicKey, keys [][]byte) ([]chain.Commitment, error) {
	raw, err := c.rawMany(ctx, at, keys)
	if err != nil {
		return nil, err
	}
	out := make([]chain.Commitment, 0, len(keys))
	for i, hotkey := range hotkeys {
		if raw[i] == nil {
			continue
		}
		v, err := item.Decode(raw[i])
		var found *Commitment
		if err == nil {
			found, err = commitmentOf(hotkey, v)
		}
		if err != nil {
			c.o.Log.Warn().Err(err).Hex("hotkey", hotkey[:]).Uint64("block", at.Number).Msg("a commitment cannot be read and is left out")
			continue
		}
		out = append(out, found.plain())
	}
	return out, nil
}

// inUIDOrder sorts commitments and leaves out those of hotkeys without a uid,
// whose commitments the chain keeps.
func (c *Client) inUIDOrder(ctx context.Context, netuid uint16, at chain.Block, found []chain.Commitment) ([]chain.Commitment, error) {
	items := make([]item, len(found))
	for i, f := range found {
		items[i] = item{pallet: subtensorPallet, name: "Uids", keys: []any{netuid, f.Hotkey}}
	}
	values, err := c.readItems(ctx, at, items...)
	if err != nil {
		return nil, err
	}
	uids := make(map[chain.PublicKey]uint64, len(found))
	for i, v := range values {
		if v == nil {
			continue
		}
		if uids[found[i].Hotkey], err = as[uint64](v, "Uids"); err != nil {
			return nil, err
		}
	}
	found = slices.DeleteFunc(found, func(f chain.Commitment) bool { _, has := uids[f.Hotkey]; return !has })
	slices.SortFunc(found, func(a, b chain.Commitment) int { return cmp.Compare(uids[a.Hotkey], uids[b.Hotkey]) })
	return found, nil
}

// CommitmentEvents returns the commitments written in block at, at most one a
// hotkey, in the order of the events, as storage holds them after the block.
func (c *Client) CommitmentEvents(ctx context.Context, netuid uint16, at chain.Block) ([]chain.Commitment, error) {
	out, err := c.commitmentEvents(ctx, netuid, at)
	if err != nil {
		return nil, fmt.Errorf("read commitments of subnet %d written in block %d: %w", netuid, at.Number, err)
	}
	return out, nil
}

func (c *Client) commitmentEvents(ctx context.Context, netuid uint16, at chain.Block) ([]chain.Commitment, error) {
	events, err := c.events(ctx, at)
	if err != nil {
		return nil, err
	}
	var hotkeys []chain.PublicKey
	for _, e := range events {
		if e.Pallet != commitmentsPallet || (e.Name != "Commitment" && e.Name != "TimelockCommitment") {
			continue
		}
		r := &reader{values: []any{e.Fields.Get("netuid"), e.Fields.Get("who")}}
		subnet, who := next[uint64](r, "netuid"), r.key("who")
		if r.err != nil {
			return nil, fmt.Errorf("event %s: %w", e.Name, r.err)
		}
		if subnet == uint64(netuid) {
			// Of several by one hotkey the last stands.
			hotkeys = append(slices.DeleteFunc(hotkeys, func(k chain.PublicKey) bool { return k == who }), who)
		}
	}
	if len(hotkeys) == 0 {
		return nil, nil
	}
	rt, err := c.layoutAt(ctx, at)
	if err != nil {
		return nil, err
	}
	item, err := rt.Meta.StorageItem(commitmentsPallet, commitmentItem)
	if err != nil {
		return nil, err
	}
	keys := make([][]byte, len(hotkeys))
	for i, hotkey := range hotkeys {
		if keys[i], err = item.Key(netuid, hotkey); err != nil {
			return nil, err
		}
	}
	return c.decodeCommitments(ctx, at, item, hotkeys, keys)
}

// Revealed lists what the chain decrypted of each hotkey's commitments after
// block at: the last ten.
func (c *Client) Revealed(ctx context.Context, netuid uint16, at chain.Block) (map[chain.PublicKey][]Reveal, error) {
	entries, err := c.readMap(ctx, at, commitmentsPallet, "RevealedCommitments", netuid)
	if err != nil {
		return nil, fmt.Errorf("list revealed commitments of subnet %d at block %d: %w", netuid, at.Number, err)
	}
	out := make(map[chain.PublicKey][]Reveal, len(entries))
	for _, e := range entries {
		r := &reader{values: append(slices.Clone(e.keys), e.value)}
		next[uint64](r, "netuid")
		hotkey := r.key("hotkey")
		for _, pair := range list[[]any](r, "RevealedCommitments") {
			p := &reader{values: pair, err: r.err}
			out[hotkey] = append(out[hotkey], Reveal{Data: next[[]byte](p, "data"), Block: next[uint64](p, "block")})
			r.err = p.err
		}
		if r.err != nil {
			return nil, fmt.Errorf("list revealed commitments of subnet %d at block %d: %w", netuid, at.Number, r.err)
		}
	}
	return out, nil
}

// SetCommitment writes fields as Raw, those of more than 128 bytes as BigRaw, and
// returns once that is final.
func (c *Client) SetCommitment(ctx context.Context, by chain.Signer, netuid uint16, fields [][]byte) (chain.Inclusion, error) {
	typed := make([]Field, len(fields))
	for i, f := range fields {
		typed[i] = RawField(bytes.Clone(f))
	}
	return c.SetCommitmentFields(ctx, by, netuid, typed)
}

// SetCommitmentFields writes fields of any kind and returns once that is final.
func (c *Client) SetCommitmentFields(ctx context.Context, by chain.Signer, netuid uint16, fields []Field) (chain.Inclusion, error) {
	in, err := c.setCommitment(ctx, by, netuid, fields)
	if err != nil {
		return chain.Inclusion{}, fmt.Errorf("set commitment of %s on subnet %d: %w", by.Address(), netuid, err)
	}
	return in, nil
}

func (c *Client) setCommitment(ctx context.Context, by chain.Signer, netuid uint16, fields []Field) (chain.Inclusion, error) {
	if len(fields) == 0 {
		return chain.Inclusion{}, fmt.Errorf("no field: %w", chain.ErrRejected)
	}
	values := make([]metadata.Enum, len(fields))
	for i, f := range fields {
		var err error
		if values[i], err = f.value(); err != nil {
			return chain.Inclusion{}, fmt.Errorf("field %d: %w", i, err)
		}
	}
	args := metadata.Args{"netuid": netuid, "info": values}
	if err := c.mayCommit(ctx, by, netuid, len(fields), args); err != nil {
		return chain.Inclusion{}, err
	}
	effect := func(ctx context.Context, since chain.Block) (*chain.Block, error) {
		final, err := c.Finalized(ctx)
		if err != nil {
			return nil, err
		}
		found, err := c.CommitmentFields(ctx, netuid, by.PublicKey(), final)
		if err != nil || found == nil || found.Block <= since.Number || !slices.EqualFunc(found.Fields, fields, sameField) {
			return nil, err
		}
		b, err := c.BlockAt(ctx, found.Block)
		return &b, err
	}
	r, err := c.submit(ctx, by, commitmentsPallet, commitmentCall, args, effect)
	return chain.Inclusion{Block: r.Block}, err
}

func sameField(a, b Field) bool {
	return a.Kind == b.Kind && a.Round == b.Round && bytes.Equal(a.Data, b.Data)
}

// mayCommit refuses what the chain would refuse, before anything is signed.
func (c *Client) mayCommit(ctx context.Context, by chain.Signer, netuid uint16, fields int, args metadata.Args) error {
	head, err := c.Head(ctx)
	if err != nil {
		return err
	}
	rt, err := c.runtimeAt(ctx, head.Hash)
	if err != nil {
		return err
	}
	most := uint64(MaxFields)
	if v, err := rt.Meta.ConstantValue(commitmentsPallet, "MaxFields"); err == nil {
		if most, err = as[uint64](v, "MaxFields"); err != nil {
			return err
		}
	}
	if uint64(fields) > most {
		return &RefusedError{Name: "Commitments.TooManyFieldsInCommitmentInfo", Detail: fmt.Sprintf("%d fields, at most %d are allowed", fields, most), Err: chain.ErrRejected}
	}
	if _, err := rt.Meta.Call(commitmentsPallet, commitmentCall, args); err != nil {
		return fmt.Errorf("runtime %d does not take it: %w: %w", rt.Spec, err, chain.ErrRejected)
	}
	uid, err := c.read(ctx, head, subtensorPallet, "Uids", netuid, by.PublicKey())
	if err == nil && uid == nil {
		err = &RefusedError{Name: "Commitments.AccountNotAllowedCommit", Detail: "no uid on the subnet", Err: chain.ErrNotRegistered}
	}
	return err
}
