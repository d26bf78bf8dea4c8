package runtime

import (
	"time"

	"finest/chain"
)

const genesisVersion = 1

// genesisJSON is Config as files hold it.
type genesisJSON struct {
	Version        int           `json:"version"`
	Start          int64         `json:"start,string"`      // Unix time, ms
	BlockTime      int64         `json:"block_time,string"` // ns
	Seed           account       `json:"seed"`
	DrandGenesis   uint32        `json:"drand_genesis"`
	DrandPeriod    uint32        `json:"drand_period"`
	Sudo           account       `json:"sudo"`
	Balances       []balanceJSON `json:"balances"`
	StakeThreshold uint64        `json:"stake_threshold,string"`
	NoGuards       bool          `json:"no_guards"`
	Subnets        []subnetJSON  `json:"subnets"`
}

type balanceJSON struct {
	Account account `json:"account"`
	Free    uint64  `json:"free,string"`
}

type subnetJSON struct {
	Netuid           uint16       `json:"netuid"`
	Owner            account      `json:"owner"`
	OwnerColdkey     account      `json:"owner_coldkey"`
	Tempo            uint16       `json:"tempo"`
	WeightsRateLimit uint64       `json:"weights_rate_limit,string"`
	MinWeights       uint16       `json:"min_weights"`
	MaxWeight        uint16       `json:"max_weight"`
	VersionKey       uint64       `json:"version_key,string"`
	CommitReveal     bool         `json:"commit_reveal"`
	RevealPeriod     uint64       `json:"reveal_period,string"`
	Mechanisms       uint8        `json:"mechanisms"`
	MaxUIDs          uint16       `json:"max_uids"`
	MaxValidators    uint16       `json:"max_validators"`
	ImmunityPeriod   uint16       `json:"immunity_period"`
	Elect            bool         `json:"elect"`
	Neurons          []neuronJSON `json:"neurons"`
}

type neuronJSON struct {
	Hotkey  account `json:"hotkey"`
	Coldkey account `json:"coldkey"`
	Stake   uint64  `json:"stake,string"`
	Permit  bool    `json:"permit"`
}

func newGenesis(c Config) genesisJSON {
	g := genesisJSON{
		Version: genesisVersion, Start: c.Start.UnixMilli(), BlockTime: int64(c.BlockTime), Seed: account(c.Seed),
		DrandGenesis: c.Drand.Genesis, DrandPeriod: c.Drand.Period, Sudo: account(c.Sudo),
		Balances: []balanceJSON{}, StakeThreshold: c.StakeThreshold, NoGuards: c.NoGuards, Subnets: []subnetJSON{},
	}
	for _, b := range c.Balances {
		g.Balances = append(g.Balances, balanceJSON{account(b.Account), b.Free})
	}
	for _, s := range c.Subnets {
		js := subnetJSON{
			Netuid: s.Netuid, Owner: account(s.Owner), OwnerColdkey: account(s.OwnerColdkey), Tempo: s.Tempo,
			WeightsRateLimit: s.WeightsRateLimit, MinWeights: s.MinWeights, MaxWeight: s.MaxWeight,
			VersionKey: s.VersionKey, CommitReveal: s.CommitReveal, RevealPeriod: s.RevealPeriod,
			Mechanisms: s.Mechanisms, MaxUIDs: s.MaxUIDs, MaxValidators: s.MaxValidators,
			ImmunityPeriod: s.ImmunityPeriod, Elect: s.Elect, Neurons: []neuronJSON{},
		}
		for _, n := range s.Neurons {
			js.Neurons = append(js.Neurons, neuronJSON{account(n.Hotkey), account(n.Coldkey), n.Stake, n.Permit})
		}
		g.Subnets = append(g.Subnets, js)
	}
	return g
}

func (g genesisJSON) config() Config {
	c := Config{
		Start: time.UnixMilli(g.Start).UTC(), BlockTime: time.Duration(g.BlockTime), Seed: g.Seed,
		Drand: Beacon{g.DrandGenesis, g.DrandPeriod}, Sudo: chain.PublicKey(g.Sudo), StakeThreshold: g.StakeThreshold, NoGuards: g.NoGuards,
	}
	for _, b := range g.Balances {
		c.Balances = append(c.Balances, Balance{chain.PublicKey(b.Account), b.Free})
	}
	for _, js := range g.Subnets {
		s := Subnet{
			Netuid: js.Netuid, Owner: chain.PublicKey(js.Owner), OwnerColdkey: chain.PublicKey(js.OwnerColdkey),
			Tempo: js.Tempo, WeightsRateLimit: js.WeightsRateLimit, MinWeights: js.MinWeights, MaxWeight: js.MaxWeight,
			VersionKey: js.VersionKey, CommitReveal: js.CommitReveal, RevealPeriod: js.RevealPeriod,
			Mechanisms: js.Mechanisms, MaxUIDs: js.MaxUIDs, MaxValidators: js.MaxValidators,
			ImmunityPeriod: js.ImmunityPeriod, Elect: js.Elect,
		}
		for _, n := range js.Neurons {
			s.Neurons = append(s.Neurons, Neuron{chain.PublicKey(n.Hotkey), chain.PublicKey(n.Coldkey), n.Stake, n.Permit})
		}
		c.Subnets = append(c.Subnets, s)
	}
	return c
}
