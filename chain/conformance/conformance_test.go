package conformance

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The groups, in the order of the reference, on one chain. Those after an upgrade
// of the runtime run on the new one.
func TestConformance(t *testing.T) {
	n := open(t)
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
