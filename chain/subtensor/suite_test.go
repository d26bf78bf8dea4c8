package subtensor_test

import (
	"testing"
	"time"

	"finest/chain/chaintest"
	"finest/chain/devchain"
	"finest/chain/devchain/devchaintest"
	"finest/chain/devchain/runtime"
)

const (
	netuid = 7
	hidden = 8 // commit-reveal
)

// config registers //Owner, //Validator, //Miner, //Other and //Poor, in this
// order, on a plain subnet and on one with commit-reveal.
func config(t testing.TB) runtime.Config {
	t.Helper()
	const threshold = 1e12
	neuron := func(uri string, permit bool) runtime.Neuron {
		return runtime.Neuron{
			Hotkey: devchaintest.Key(t, uri).PublicKey(), Coldkey: devchaintest.Key(t, uri+"//cold").PublicKey(),
			Stake: threshold, Permit: permit,
		}
	}
	plain := runtime.Subnet{
		Netuid: netuid, Owner: devchaintest.Key(t, "//Owner").PublicKey(), Tempo: 100,
		WeightsRateLimit: 20, MinWeights: 3, VersionKey: 3,
		Neurons: []runtime.Neuron{
			neuron("//Owner", false), neuron("//Validator", true), neuron("//Miner", false), neuron("//Other", false), neuron("//Poor", true),
		},
	}
	plain.Neurons[4].Stake--
	committed := plain
	committed.Netuid, committed.CommitReveal, committed.Tempo = hidden, true, 30
	return runtime.Config{BlockTime: 12 * time.Second, StakeThreshold: threshold, Subnets: []runtime.Subnet{plain, committed}}
}

func env(t testing.TB, node *devchain.Node) chaintest.Env {
	t.Helper()
	endpoint := devchaintest.Listen(t, node)
	return chaintest.Env{
		Client: devchaintest.Eager(node, devchaintest.Dial(t, endpoint)), Peer: devchaintest.Eager(node, devchaintest.Dial(t, endpoint)),
		Netuid: netuid, NoSubnet: netuid + 2, Hidden: hidden,
		Validator: devchaintest.Key(t, "//Validator"), Miner: devchaintest.Key(t, "//Miner"), Other: devchaintest.Key(t, "//Other"),
		Stranger: devchaintest.Key(t, "//Stranger"), Poor: devchaintest.Key(t, "//Poor"),
	}
}

func TestSuite(t *testing.T) {
	chaintest.Suite(t, func(t *testing.T) chaintest.Env { return env(t, devchaintest.Start(t, config(t))) })
}

// All specs on one chain, one after the other, as a real chain has them.
func TestSuiteOnUsedChain(t *testing.T) {
	node := devchaintest.Start(t, config(t))
	chaintest.Suite(t, func(t *testing.T) chaintest.Env { return env(t, node) })
}
