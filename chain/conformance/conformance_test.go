package conformance

import (
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"finest/chain/devchain"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// endpointVariable names the node to test.
const endpointVariable = "FINEST_CHAIN_WS"

// The node of the environment; without one three development chains: one that
// makes blocks on demand, one whose runtime refuses in blocks only, and one that
// makes blocks by the clock and has no methods for tests, as nodes of a network.
func TestConformance(t *testing.T) {
	if endpoint := os.Getenv(endpointVariable); endpoint != "" {
		open(t, endpoint).groups(t)
		return
	}
	t.Run("on demand", func(t *testing.T) { start(t, false, devchain.OnDemand).groups(t) })
	t.Run("without guards", func(t *testing.T) { start(t, true, devchain.OnDemand).groups(t) })
	t.Run("by the clock", func(t *testing.T) {
		n := start(t, false, devchain.Every(5*time.Millisecond))
		n.dev, n.methods = nil, nil
		n.groups(t)
	})
}

// groups runs the groups in their order on one chain. Those after
// an upgrade of the runtime run on the new one.
func (n *node) groups(t *testing.T) {
	s := n.newSubnet(t, "shared", 3)
	for _, g := range []struct {
		name string
		run  func(*testing.T, *node, subnet)
	}{
		{"01 genesis metadata and spec", testIdentity},
		{"02 golden calls and keys", testGolden},
		{"03 transactions", testTransactions},
		{"04 commitment of a stranger", testStranger},
		{"05 commitments", testCommitments},
		{"06 pages of commitments", testPages},
		{"07 weights", testWeights},
		{"08 rate limit", testRateLimit},
		{"09 commit and reveal", testReveal},
		{"10 recycled uid", testRecycled},
		{"11 upgrade", testUpgrade},
		{"12 lost connection", testLost},
		{"13 key files", testKeyFiles},
		{"14 signatures", testSignatures},
		{"contract of chain.Client", testContract},
	} {
		t.Run(g.name, func(t *testing.T) { g.run(t, n, s) })
	}
}
