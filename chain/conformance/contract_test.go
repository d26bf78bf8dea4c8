package conformance

import (
	"context"
	"testing"

	"finest/chain"
	"finest/chain/chaintest"
	"finest/chain/devchain/devchaintest"
	"finest/chain/metadata"
)

// driven is a client whose waits make the blocks that they wait for, where the
// node can be told to.
type driven struct {
	chain.Client
	node *node
}

func (d driven) WaitFinalized(ctx context.Context, number uint64) (chain.Block, error) {
	const lag, far = 2, 10_000 // of development chains; beyond what is waited for in earnest
	final, err := d.Finalized(ctx)
	if err == nil && number > final.Number && number < final.Number+far && d.node.has("dev_newBlock") {
		if err := d.node.until(ctx, number+lag); err != nil {
			return chain.Block{}, err
		}
	}
	return d.Client.WaitFinalized(ctx, number)
}

// The contract of chain.Client, on a subnet with one permitted validator.
func testContract(t *testing.T, n *node, _ subnet) {
	const epoch, limit = 50, 10 // blocks
	s := n.newSubnet(t, "contract", 2)
	n.set(t, "sudo_set_weights_version_key", metadata.Args{"netuid": s.id, "weights_version_key": 3})
	n.set(t, "sudo_set_min_allowed_weights", metadata.Args{"netuid": s.id, "min_allowed_weights": 2})
	// Stake makes epochs renew the permit.
	n.store(t, uint64(1e12), "SubtensorModule", "TotalHotkeyAlpha", s.owner.PublicKey(), s.id)
	n.store(t, []bool{true, false, false}, "SubtensorModule", "ValidatorPermit", s.id)
	n.set(t, "sudo_set_tempo", metadata.Args{"netuid": s.id, "tempo": epoch})
	n.rateLimit(t, s, limit)
	const noSubnet = 4000
	env := chaintest.Env{
		Client: driven{n.client, n}, Peer: driven{devchaintest.Dial(t, n.endpoint), n},
		Netuid: s.id, NoSubnet: noSubnet,
		Validator: s.owner, Miner: s.hotkeys[0], Other: s.hotkeys[1], Stranger: s.stranger,
	}
	chaintest.Suite(t, func(*testing.T) chaintest.Env { return env })
}
