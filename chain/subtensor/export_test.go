package subtensor

import (
	"context"

	"finest/chain"
	"finest/chain/metadata"
)

// SubmitUnchecked submits a call of SubtensorModule without Preflight.
func (c *Client) SubmitUnchecked(ctx context.Context, by chain.Signer, call string, args metadata.Args) (chain.Block, error) {
	r, err := c.submit(ctx, by, subtensorPallet, call, args, nil)
	return r.Block, err
}

// Refusals is Preflight with the facts after block at.
func (c *Client) Refusals(ctx context.Context, by chain.Signer, netuid uint16, mechanism uint8, weights []chain.Weight, versionKey uint64, at chain.Block) ([]error, error) {
	facts, err := c.facts(ctx, setting{by: by, netuid: netuid, mechanism: mechanism}, at)
	return Preflight(facts, mechanism, weights, versionKey), err
}

// ExplainTooFast is what SetWeights makes of a refusal because of the rate limit.
func (c *Client) ExplainTooFast(ctx context.Context, by chain.Signer, netuid, uid uint16) error {
	return c.rateLimit(ctx, setting{by: by, netuid: netuid}, uid, &RefusedError{Name: "SettingWeightsTooFast", Err: errTooFast})
}
