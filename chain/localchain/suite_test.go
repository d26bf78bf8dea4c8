package localchain_test

import (
	"testing"
	"time"

	"finest/chain"
	"finest/chain/chaintest"
	"finest/chain/localchain"
	"finest/chain/wallet"
)

const (
	netuid    = 7
	blockTime = 250 * time.Millisecond
	lag       = 2
)

var genesisTime = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func key(t testing.TB, uri string) *wallet.Hotkey {
	t.Helper()
	h, err := wallet.FromURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// config registers //Owner, //Validator, //Miner and //Other, in this order.
func config(t testing.TB) localchain.Config {
	t.Helper()
	register := func(uri string, permit bool) localchain.Registration {
		return localchain.Registration{
			Hotkey: key(t, uri).PublicKey(), Coldkey: key(t, uri+"//cold").PublicKey(), Stake: 1e18, Permit: permit,
		}
	}
	return localchain.Config{
		BlockTime: blockTime, FinalityLag: lag,
		Subnets: []localchain.SubnetConfig{{
			Netuid: netuid, Owner: key(t, "//Owner").PublicKey(), Tempo: 100,
			WeightsRateLimit: 20, MinWeights: 2, VersionKey: 3,
			Neurons: []localchain.Registration{
				register("//Owner", false), register("//Validator", true), register("//Miner", false), register("//Other", false),
			},
		}},
	}
}

func create(t testing.TB, cfg localchain.Config, clock localchain.Clock) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := localchain.Create(dir, cfg, clock); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t testing.TB, dir string, clock localchain.Clock) *localchain.Chain {
	t.Helper()
	c, err := localchain.Open(dir, clock)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func env(t testing.TB, clock localchain.Clock, dir string) chaintest.Env {
	t.Helper()
	var client, peer chain.Client = open(t, dir, clock), open(t, dir, clock)
	return chaintest.Env{
		Client: client, Peer: peer, Netuid: netuid, NoSubnet: netuid + 1,
		Validator: key(t, "//Validator"), Miner: key(t, "//Miner"), Other: key(t, "//Other"), Stranger: key(t, "//Stranger"),
	}
}

func TestSuite(t *testing.T) {
	chaintest.Suite(t, func(t *testing.T) chaintest.Env {
		clock := chaintest.NewAutoClock(genesisTime)
		return env(t, clock, create(t, config(t), clock))
	})
}

// All specs on one chain, one after the other, as a real chain has them.
func TestSuiteOnUsedChain(t *testing.T) {
	clock := chaintest.NewAutoClock(genesisTime)
	dir := create(t, config(t), clock)
	chaintest.Suite(t, func(t *testing.T) chaintest.Env { return env(t, clock, dir) })
}
