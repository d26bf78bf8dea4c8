package subtensor

import (
	"context"
	"fmt"

	"finest/chain"
	"finest/chain/metadata"
)

// totalStakeIndex is the number of the field total_stake in
// get_selective_metagraph.
const totalStakeIndex = 69

// Neurons reads the neurons of a subnet after block at, in uid order, with five
// requests for 256 of them: the counts, hotkeys and registrations (two), the
// coldkeys, the stakes.
func (c *Client) Neurons(ctx context.Context, netuid uint16, at chain.Block) ([]chain.Neuron, error) {
	neurons, err := c.neurons(ctx, netuid, at)
	if err != nil {
		return nil, fmt.Errorf("read neurons of subnet %d at block %d: %w", netuid, at.Number, err)
	}
	return neurons, nil
}

func (c *Client) neurons(ctx context.Context, netuid uint16, at chain.Block) ([]chain.Neuron, error) {
	of := func(name string, keys ...any) item {
		return item{pallet: subtensorPallet, name: name, keys: append([]any{netuid}, keys...)}
	}
	values, err := c.readItems(ctx, at, of("NetworksAdded"), of("SubnetworkN"), of("LastUpdate"), of("ValidatorPermit"))
	if err != nil {
		return nil, err
	}
	r := &reader{values: values}
	exists, n := next[bool](r, "NetworksAdded"), int(next[uint64](r, "SubnetworkN"))
	updates, permits := list[uint64](r, "LastUpdate"), list[bool](r, "ValidatorPermit")
	if r.err != nil {
		return nil, r.err
	}
	if !exists {
		return nil, errNoSubnet
	}
	items := make([]item, 0, 2*n)
	for uid := range n {
		items = append(items, of("Keys", uid), of("BlockAtRegistration", uid))
	}
	if r.values, err = c.readItems(ctx, at, items...); err != nil {
		return nil, err
	}
	neurons := make([]chain.Neuron, n)
	items = items[:0]
	for uid := range neurons {
		x := &neurons[uid]
		x.UID, x.Hotkey, x.RegisteredAt = uint16(uid), r.key("Keys"), next[uint64](r, "BlockAtRegistration")
		if uid < len(updates) {
			x.LastUpdate = updates[uid]
		}
		x.Permit = uid < len(permits) && permits[uid]
		items = append(items, item{pallet: subtensorPallet, name: "Owner", keys: []any{x.Hotkey}})
	}
	if r.err != nil {
		return nil, r.err
	}
	if r.values, err = c.readItems(ctx, at, items...); err != nil {
		return nil, err
	}
	for uid := range neurons {
		neurons[uid].Coldkey = r.key("Owner")
	}
	if r.err != nil {
		return nil, r.err
	}
	return neurons, c.addStakes(ctx, netuid, at, neurons)
}

// addStakes fills in the stake that the chain weighs a hotkey with, from the
// first of the sources that this runtime has.
func (c *Client) addStakes(ctx context.Context, netuid uint16, at chain.Block, neurons []chain.Neuron) error {
	stakes, err := c.metagraphStakes(ctx, netuid, at)
	if missing(err) {
		stakes, err = c.liteStakes(ctx, netuid, at)
	}
	if missing(err) {
		stakes, err = c.alphaStakes(ctx, netuid, at, neurons)
	}
	if err != nil {
		return err
	}
	if len(stakes) != len(neurons) {
		return fmt.Errorf("%d stakes for %d neurons", len(stakes), len(neurons))
	}
	for uid := range neurons {
		neurons[uid].Stake = stakes[uid]
	}
	return nil
}

// metagraphStakes are the totals in which stake on the root network counts too:
// what the chain compares with its threshold.
func (c *Client) metagraphStakes(ctx context.Context, netuid uint16, at chain.Block) ([]uint64, error) {
	const trait, method = "SubnetInfoRuntimeApi", "get_selective_metagraph"
	v, err := c.apiCall(ctx, at, trait, method, metadata.Args{"netuid": netuid, "metagraph_indexes": []uint16{totalStakeIndex}})
	if err != nil {
		return nil, err
	}
	graph, err := as[metadata.Record](v, method)
	if err != nil {
		return nil, err
	}
	r := &reader{values: []any{graph.Get("total_stake")}}
	return list[uint64](r, "total_stake"), r.err
}

// liteStakes are the sums of what everybody staked with a hotkey on the subnet.
func (c *Client) liteStakes(ctx context.Context, netuid uint16, at chain.Block) ([]uint64, error) {
	const trait, method = "NeuronInfoRuntimeApi", "get_neurons_lite"
	v, err := c.apiCall(ctx, at, trait, method, metadata.Args{"netuid": netuid})
	if err != nil {
		return nil, err
	}
	r := &reader{values: []any{v}}
	neurons := list[metadata.Record](r, method)
	stakes := make([]uint64, len(neurons))
	for i, n := range neurons {
		r.values = append(r.values, n.Get("stake"))
		for _, pair := range list[[]any](r, "stake") {
			p := &reader{values: pair} // of an account and an amount
			p.key("staker")
			stakes[i] += next[uint64](p, "stake")
			if p.err != nil {
				return nil, p.err
			}
		}
	}
	return stakes, r.err
}

// alphaStakes are the same sums, from storage.
func (c *Client) alphaStakes(ctx context.Context, netuid uint16, at chain.Block, neurons []chain.Neuron) ([]uint64, error) {
	items := make([]item, len(neurons))
	for i, n := range neurons {
		items[i] = item{pallet: subtensorPallet, name: "TotalHotkeyAlpha", keys: []any{n.Hotkey, netuid}}
	}
	values, err := c.readItems(ctx, at, items...)
	if err != nil {
		return nil, err
	}
	r := &reader{values: values}
	stakes := make([]uint64, len(neurons))
	for i := range stakes {
		stakes[i] = next[uint64](r, "TotalHotkeyAlpha")
	}
	return stakes, r.err
}
