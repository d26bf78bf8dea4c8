package subtensor

import (
	"context"
	"errors"
	"fmt"

	"finest/chain"
	"finest/chain/metadata"
)

// Weights reads the weights of a uid after block at, as the chain stores them;
// nil without.
func (c *Client) Weights(ctx context.Context, netuid, uid uint16, at chain.Block) ([]chain.Weight, error) {
	return c.MechanismWeights(ctx, netuid, 0, uid, at)
}

// MechanismWeights reads the weights of a uid for one mechanism of the subnet.
func (c *Client) MechanismWeights(ctx context.Context, netuid uint16, mechanism uint8, uid uint16, at chain.Block) ([]chain.Weight, error) {
	fail := func(err error) ([]chain.Weight, error) {
		return nil, fmt.Errorf("read weights of uid %d on subnet %d at block %d: %w", uid, netuid, at.Number, err)
	}
	v, err := c.read(ctx, at, subtensorPallet, "Weights", storageIndex(netuid, mechanism), uid)
	if err != nil {
		return fail(err)
	}
	r := &reader{values: []any{v}}
	var out []chain.Weight
	for _, pair := range list[[]any](r, "Weights") {
		p := &reader{values: pair}
		out = append(out, chain.Weight{UID: uint16(next[uint64](p, "uid")), Value: uint16(next[uint64](p, "weight"))})
		if p.err != nil {
			return fail(p.err)
		}
	}
	if r.err != nil {
		return fail(r.err)
	}
	return out, nil
}

// SetWeights sets the weights of the signer's uid and returns once that is final.
// Where there are fewer than the subnet wants, weights of 0 are added (Pad); what
// the chain would refuse for another reason is refused before it is sent
// (Preflight). Where commit-reveal is on, the weights are encrypted to the drand
// round that is out when the chain reveals them, and Weights shows them then.
func (c *Client) SetWeights(ctx context.Context, by chain.Signer, netuid uint16, weights []chain.Weight, versionKey uint64) (chain.Inclusion, error) {
	return c.SetMechanismWeights(ctx, by, netuid, 0, weights, versionKey)
}

// SetMechanismWeights is SetWeights for one mechanism of the subnet.
func (c *Client) SetMechanismWeights(ctx context.Context, by chain.Signer, netuid uint16, mechanism uint8, weights []chain.Weight, versionKey uint64) (chain.Inclusion, error) {
	t := setting{by: by, netuid: netuid, mechanism: mechanism, versionKey: versionKey}
	in, err := c.setWeights(ctx, t, weights)
	if err != nil {
		return chain.Inclusion{}, fmt.Errorf("set weights of %s on subnet %d: %w", by.Address(), netuid, err)
	}
	return in, nil
}

// setting is who sets weights, and where.
type setting struct {
	by         chain.Signer
	netuid     uint16
	mechanism  uint8
	versionKey uint64
}

func (s setting) index() uint16 { return storageIndex(s.netuid, s.mechanism) }

func (c *Client) setWeights(ctx context.Context, t setting, weights []chain.Weight) (chain.Inclusion, error) {
	if len(weights) == 0 {
		// A subnet whose minimum is 0 would take them, and drop all that were set.
		return chain.Inclusion{}, fmt.Errorf("no weights are given: %w", chain.ErrRejected)
	}
	head, err := c.Head(ctx)
	if err != nil {
		return chain.Inclusion{}, err
	}
	facts, err := c.facts(ctx, t, head)
	if err != nil {
		return chain.Inclusion{}, err
	}
	if self := len(weights) == 1 && facts.Caller != nil && weights[0].UID == facts.Caller.UID; !self {
		weights = pad(weights, facts.Neurons, facts.Subnet.MinWeights)
	}
	if refusals := Preflight(facts, t.mechanism, weights, t.versionKey); len(refusals) > 0 {
		return chain.Inclusion{}, refusals[0]
	}
	rt, err := c.runtimeAt(ctx, head.Hash)
	if err != nil {
		return chain.Inclusion{}, err
	}
	var call string
	var args metadata.Args
	if facts.Subnet.CommitReveal {
		call, args, err = c.timelockedCall(ctx, rt.Meta, t, facts, head, weights)
	} else {
		call, args, err = plainCall(rt.Meta, t, weights)
	}
	if err != nil {
		return chain.Inclusion{}, err
	}
	return c.submitWeights(ctx, t, facts.Caller.UID, call, args, c.updated(t, facts.Caller.UID))
}

// plainCall is the call that sets weights for all to see.
func plainCall(m *metadata.Metadata, t setting, weights []chain.Weight) (string, metadata.Args, error) {
	uids, values := columns(weights)
	return t.choose(m, "set_mechanism_weights", "set_weights", metadata.Args{
		"netuid": t.netuid, "mecid": t.mechanism, "dests": uids, "weights": values, "version_key": t.versionKey,
	})
}

// choose picks the call for mechanisms, and where the runtime lacks it, and the
// mechanism is the first, the older one, which takes no mechanism.
func (s setting) choose(m *metadata.Metadata, call, older string, args metadata.Args) (string, metadata.Args, error) {
	switch {
	case m.HasCall(subtensorPallet, call):
		return call, args, nil
	case s.mechanism == 0 && m.HasCall(subtensorPallet, older):
		delete(args, "mecid")
		return older, args, nil
	case s.mechanism == 0:
		call = older
	}
	return "", nil, &metadata.MissingError{What: "call", Name: subtensorPallet + "." + call}
}

func columns(weights []chain.Weight) (uids, values []uint16) {
	for _, w := range weights {
		uids, values = append(uids, w.UID), append(values, w.Value)
	}
	return uids, values
}

// updated is the effect of calls that move the last update of a uid.
func (c *Client) updated(t setting, uid uint16) effectFunc {
	return func(ctx context.Context, since chain.Block) (*chain.Block, error) {
		final, err := c.Finalized(ctx)
		if err != nil {
			return nil, err
		}
		last, err := c.lastUpdate(ctx, final, t.index(), uid)
		if err != nil || last <= since.Number {
			return nil, err
		}
		b, err := c.BlockAt(ctx, last)
		return &b, err
	}
}

func (c *Client) submitWeights(ctx context.Context, t setting, uid uint16, call string, args metadata.Args, done effectFunc) (chain.Inclusion, error) {
	r, err := c.submit(ctx, t.by, subtensorPallet, call, args, done)
	if errors.Is(err, errTooFast) {
		err = c.rateLimit(ctx, t, uid, err)
	}
	return chain.Inclusion{Block: r.Block}, err
}

// rateLimit says when weights are accepted, after err said that they were not
// yet. If that cannot be found out it is err.
func (c *Client) rateLimit(ctx context.Context, t setting, uid uint16, err error) error {
	var refused *RefusedError
	head, failed := c.Head(ctx)
	if failed != nil || !errors.As(err, &refused) {
		return err
	}
	subnet, failed := c.Subnet(ctx, t.netuid, head)
	if failed != nil {
		return err
	}
	last, failed := c.lastUpdate(ctx, head, t.index(), uid)
	if failed != nil {
		return err
	}
	return &RefusedError{Name: refused.Name, Detail: refused.Detail, Err: &chain.RateLimitError{RetryAt: retryAt(last, subnet.WeightsRateLimit)}}
}

// lastUpdate is the block in which a uid set weights last; 0 if it never did.
func (c *Client) lastUpdate(ctx context.Context, at chain.Block, index, uid uint16) (uint64, error) {
	v, err := c.read(ctx, at, subtensorPallet, "LastUpdate", index)
	if err != nil {
		return 0, err
	}
	r := &reader{values: []any{v}}
	updates := list[uint64](r, "LastUpdate")
	if int(uid) >= len(updates) {
		return 0, r.err
	}
	return updates[uid], r.err
}

// facts reads what Preflight checks, after block at.
func (c *Client) facts(ctx context.Context, t setting, at chain.Block) (Facts, error) {
	subnet, err := c.Subnet(ctx, t.netuid, at)
	if err != nil {
		return Facts{}, err
	}
	f := Facts{Subnet: subnet, Block: at.Number + 1}
	of := func(name string, without any, keys ...any) item { return item{subtensorPallet, name, keys, without} }
	values, err := c.readItems(ctx, at, of("SubnetworkN", nil, t.netuid), of("MechanismCountCurrent", uint64(1), t.netuid),
		of("ValidatorPermit", nil, t.netuid), of("LastUpdate", nil, t.index()), of("Uids", nil, t.netuid, t.by.PublicKey()))
	if err != nil {
		return Facts{}, err
	}
	r := &reader{values: values}
	f.Neurons, f.Mechanisms = uint16(next[uint64](r, "SubnetworkN")), uint8(next[uint64](r, "MechanismCountCurrent"))
	permits, updates := list[bool](r, "ValidatorPermit"), list[uint64](r, "LastUpdate")
	if r.err != nil || r.values[0] == nil {
		return f, r.err // the hotkey has no uid
	}
	uid := int(next[uint64](r, "Uids"))
	f.Caller = &chain.Neuron{UID: uint16(uid), Hotkey: t.by.PublicKey(), Permit: uid < len(permits) && permits[uid]}
	if uid < len(updates) {
		f.Caller.LastUpdate = updates[uid]
	}
	if r.err == nil && subnet.StakeThreshold > 0 {
		f.Caller.Stake, r.err = c.stake(ctx, t.netuid, at, f.Caller.UID)
	}
	return f, r.err
}

// stake is what the chain compares with its threshold.
func (c *Client) stake(ctx context.Context, netuid uint16, at chain.Block, uid uint16) (uint64, error) {
	neurons, err := c.neurons(ctx, netuid, at)
	if err != nil {
		return 0, err
	}
	if int(uid) >= len(neurons) {
		return 0, nil
	}
	return neurons[uid].Stake, nil
}
