package devchaintest_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"finest/chain"
	"finest/chain/chaintest"
	"finest/chain/devchain/devchaintest"
	"finest/chain/devchain/runtime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	netuid = 7
	hidden = 8 // with commit-reveal
	// threshold is the stake that setting weights needs, in rao.
	threshold = 1000
)

// config registers //Owner, //Validator, //Miner, //Other and //Poor, in this
// order.
func config(t testing.TB) runtime.Config {
	t.Helper()
	sub := runtime.Subnet{
		Netuid: netuid, Owner: devchaintest.Key(t, "//Owner").PublicKey(), Tempo: 100,
		WeightsRateLimit: 20, MinWeights: 2, VersionKey: 3,
	}
	for _, uri := range []string{"//Owner", "//Validator", "//Miner", "//Other", "//Poor"} {
		n := runtime.Neuron{
			Hotkey: devchaintest.Key(t, uri).PublicKey(), Coldkey: devchaintest.Key(t, uri+"//cold").PublicKey(),
			Stake: 1e18, Permit: uri == "//Validator" || uri == "//Poor",
		}
		if uri == "//Poor" {
			n.Stake = threshold - 1
		}
		sub.Neurons = append(sub.Neurons, n)
	}
	secret := sub
	secret.Netuid, secret.CommitReveal = hidden, true
	return runtime.Config{
		Start: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), BlockTime: 12 * time.Second,
		StakeThreshold: threshold, Subnets: []runtime.Subnet{sub, secret},
	}
}

func env(t *testing.T) chaintest.Env {
	node := devchaintest.Start(t, config(t))
	endpoint := devchaintest.Listen(t, node)
	key := func(uri string) chain.Signer { return devchaintest.Key(t, uri) }
	return chaintest.Env{
		Client: devchaintest.Eager(node, devchaintest.Dial(t, endpoint)),
		Peer:   devchaintest.Eager(node, devchaintest.Dial(t, endpoint)),
		Netuid: netuid, NoSubnet: hidden + 1, Hidden: hidden,
		Validator: key("//Validator"), Miner: key("//Miner"), Other: key("//Other"), Stranger: key("//Stranger"),
		Poor: key("//Poor"),
	}
}

// The client and the node together do what chain.Client says.
func TestSuite(t *testing.T) {
	chaintest.Suite(t, func(t *testing.T) chaintest.Env { return env(t) })
}

// All specs on one chain, one after the other, as a real chain has them.
func TestSuiteOnUsedChain(t *testing.T) {
	one := env(t)
	chaintest.Suite(t, func(*testing.T) chaintest.Env { return one })
}
