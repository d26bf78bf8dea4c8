package subtensor

import (
	"context"
	"fmt"

	"finest/chain"
)

const subtensorPallet = "SubtensorModule"

// errNoSubnet is under the name the chain has for it.
var errNoSubnet = fmt.Errorf("SubtensorModule.SubnetNotExists: %w", chain.ErrRejected)

// mechanismStride is the distance of two mechanisms of a subnet in storage
// (GLOBAL_MAX_SUBNET_COUNT of subtensor).
const mechanismStride = 4096

// storageIndex is the key of a mechanism's weights, last updates and
// commitments: for the first one the number of the subnet itself.
func storageIndex(netuid uint16, mechanism uint8) uint16 {
	return uint16(mechanism)*mechanismStride + netuid
}

// Subnet reads the settings of a subnet after block at.
func (c *Client) Subnet(ctx context.Context, netuid uint16, at chain.Block) (chain.Subnet, error) {
	fail := func(err error) (chain.Subnet, error) {
		return chain.Subnet{}, fmt.Errorf("read subnet %d at block %d: %w", netuid, at.Number, err)
	}
	of := func(name string, without any) item { return item{subtensorPallet, name, []any{netuid}, without} }
	values, err := c.readItems(ctx, at,
		of("NetworksAdded", nil), of("SubnetOwnerHotkey", nil), of("Tempo", nil), of("WeightsSetRateLimit", nil),
		of("MinAllowedWeights", nil), of("MaxWeightsLimit", uint64(noWeightLimit)), of("WeightsVersionKey", nil),
		item{subtensorPallet, "StakeThreshold", nil, uint64(0)},
		of("CommitRevealWeightsEnabled", false), of("RevealPeriodEpochs", uint64(1)))
	if err != nil {
		return fail(err)
	}
	r := &reader{values: values}
	exists := next[bool](r, "NetworksAdded")
	s := chain.Subnet{
		Netuid:           netuid,
		Owner:            r.key("SubnetOwnerHotkey"),
		Tempo:            next[uint64](r, "Tempo"),
		WeightsRateLimit: next[uint64](r, "WeightsSetRateLimit"),
		MinWeights:       uint16(next[uint64](r, "MinAllowedWeights")),
		MaxWeight:        uint16(next[uint64](r, "MaxWeightsLimit")),
		VersionKey:       next[uint64](r, "WeightsVersionKey"),
		StakeThreshold:   next[uint64](r, "StakeThreshold"),
		CommitReveal:     next[bool](r, "CommitRevealWeightsEnabled"),
		RevealPeriod:     next[uint64](r, "RevealPeriodEpochs"),
	}
	if r.err != nil {
		return fail(r.err)
	}
	if !exists {
		return fail(errNoSubnet)
	}
	return s, nil
}
