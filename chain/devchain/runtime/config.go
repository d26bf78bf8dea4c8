package runtime

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"finest/chain"
	"finest/internal/canon"
)

// Config is what block 0 fixes for ever. Its JSON form is stable: canonical, keys
// as hex, numbers that may pass 53 bits as strings.
type Config struct {
	// Start is the time of block 0, in whole milliseconds.
	Start time.Time
	// BlockTime is the time between two blocks that the runtime states, at least a
	// millisecond.
	BlockTime time.Duration
	// Seed makes the key of the chain's own drand beacon.
	Seed [32]byte
	// Drand says when rounds of the beacon are out; zero stands for the times of
	// quicknet, so that rounds which clients compute for it fit.
	Drand Beacon
	// Sudo administers the chain; zero stands for //Alice. It is funded.
	Sudo     chain.PublicKey
	Balances []Balance
	// StakeThreshold is the stake in rao that setting weights needs.
	StakeThreshold uint64
	// NoGuards leaves all refusals of Subtensor's calls to their dispatch, as
	// runtimes before spec 425 did with most of them: an extrinsic that sets weights
	// too early gets into a block and fails there.
	NoGuards bool
	Subnets  []Subnet
}

// Beacon holds the times of drand rounds: round 1 is out at Genesis (Unix time,
// s), and one more after each Period.
type Beacon struct {
	Genesis uint32
	Period  uint32 // s
}

// Alice is the public key of //Alice, the account of development chains.
var Alice = chain.PublicKey(mustHex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"))

func mustHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// Balance is what an account owns, in rao.
type Balance struct {
	Account chain.PublicKey
	Free    uint64
}

// Subnet holds the settings of one subnet and the hotkeys registered in block 0,
// which get uids 0, 1, … in this order.
type Subnet struct {
	Netuid uint16 // not 0, the root network
	// Owner is a hotkey; it needs no permit. OwnerColdkey is the same if zero.
	Owner, OwnerColdkey chain.PublicKey
	// Tempo is the length of an epoch in blocks; 0 stops epochs.
	Tempo uint16
	// WeightsRateLimit, MinWeights and VersionKey limit nothing when 0.
	WeightsRateLimit uint64
	MinWeights       uint16
	MaxWeight        uint16 // 0 stands for 65535, which limits nothing
	VersionKey       uint64
	CommitReveal     bool
	RevealPeriod     uint64 // epochs; 0 stands for 1
	Mechanisms       uint8  // 0 stands for 1
	MaxUIDs          uint16 // 0 stands for 256
	MaxValidators    uint16 // 0 stands for 128; matters with Elect
	ImmunityPeriod   uint16 // blocks; 0 stands for 4096
	// Elect gives permits anew in each epoch, to the hotkeys with most stake.
	// Without it permits stay as they were given.
	Elect   bool
	Neurons []Neuron
}

// Neuron is one hotkey on a subnet. Coldkey is the hotkey itself if zero.
type Neuron struct {
	Hotkey, Coldkey chain.PublicKey
	Stake           uint64 // rao
	Permit          bool
}

// Defaults of Config and limits of it.
const (
	defaultMaxUIDs = 256   // SubtensorModule.MaxAllowedUids
	noWeightLimit  = 65535 // the largest weight, so no limit
	genesisBalance = 1e15  // rao that the sudo account owns: a million
	minBlockTime   = time.Millisecond
)

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	if c.BlockTime < minBlockTime {
		return fmt.Errorf("block time %s is below a millisecond", c.BlockTime)
	}
	if c.Drand != (Beacon{}) && c.Drand.Period == 0 {
		return fmt.Errorf("drand rounds have no period")
	}
	seen := map[uint16]bool{0: true}
	for _, s := range c.Subnets {
		limit := int(orDefault(s.MaxUIDs, defaultMaxUIDs))
		switch {
		case seen[s.Netuid]:
			return fmt.Errorf("subnet %d is the root network or given twice", s.Netuid)
		case s.Netuid >= mechanismStride:
			return fmt.Errorf("subnet %d is not below %d", s.Netuid, mechanismStride)
		case len(s.Neurons) > limit:
			return fmt.Errorf("subnet %d has %d neurons, more than %d", s.Netuid, len(s.Neurons), limit)
		}
		seen[s.Netuid] = true
		hotkeys := map[chain.PublicKey]bool{}
		for _, n := range s.Neurons {
			if hotkeys[n.Hotkey] {
				return fmt.Errorf("hotkey %x is registered twice on subnet %d", n.Hotkey, s.Netuid)
			}
			hotkeys[n.Hotkey] = true
		}
	}
	return nil
}

// orDefault returns v, or def if v is zero.
func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// account is a public key as 64 hex digits of JSON.
type account chain.PublicKey

func (a account) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, a[:]), nil }

func (a *account) UnmarshalText(text []byte) error {
	h, err := canon.ParseHash(string(text))
	if err != nil {
		return fmt.Errorf("public key: %w", err)
	}
	*a = account(h)
	return nil
}

// MarshalJSON writes the canonical form.
func (c Config) MarshalJSON() ([]byte, error) { return canon.Marshal(newGenesis(c)) }

// UnmarshalJSON reads the canonical form; fields that it does not know are errors.
func (c *Config) UnmarshalJSON(raw []byte) error {
	var g genesisJSON
	if err := canon.Unmarshal(raw, &g); err != nil {
		return fmt.Errorf("read genesis: %w", err)
	}
	if g.Version != genesisVersion {
		return fmt.Errorf("read genesis: version %d, this program knows %d", g.Version, genesisVersion)
	}
	*c = g.config()
	return nil
}

var (
	_ json.Marshaler   = Config{}
	_ json.Unmarshaler = (*Config)(nil)
)
