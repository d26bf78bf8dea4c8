package localchain

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"finest/chain"
	"finest/internal/canon"
	"finest/internal/durable"
)

// Files of a chain's folder.
const (
	genesisFile = "genesis.json"
	seedFile    = "seed"
	journalFile = "extrinsics.journal"
	headFile    = "head"
	lockFile    = "lock"
)

// MaxNeurons is the most hotkeys a subnet registers, as MaxAllowedUids of
// Subtensor has it by default.
const MaxNeurons = 256

// ErrExists says that the folder holds a chain already.
var ErrExists = errors.New("a local chain exists")

// Clock tells the time and wakes sleepers; SystemClock is the real one.
type Clock interface {
	Now() time.Time
	// After returns a channel that receives once d has passed.
	After(d time.Duration) <-chan time.Time
}

// SystemClock is the clock of the operating system.
type SystemClock struct{}

// Now returns the current time.
func (SystemClock) Now() time.Time { return time.Now() }

// After waits for d.
func (SystemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Config is what block 0 fixes for ever.
type Config struct {
	// BlockTime is the time between two blocks, at least a millisecond.
	BlockTime time.Duration
	// FinalityLag is how many blocks the newest final block is behind the head.
	FinalityLag uint64
	Subnets     []SubnetConfig
}

// SubnetConfig holds the settings of one subnet and the hotkeys registered in
// block 0, which get uids 0, 1, … in this order.
type SubnetConfig struct {
	Netuid uint16          // not 0, the root network
	Owner  chain.PublicKey // a hotkey; it needs no permit
	Tempo  uint64          // blocks of an epoch, at least 1
	// WeightsRateLimit, MinWeights and VersionKey limit nothing when 0.
	WeightsRateLimit uint64
	MinWeights       uint16
	MaxWeight        uint16 // 0 stands for 65535, which limits nothing
	VersionKey       uint64
	Neurons          []Registration
}

// Registration is one hotkey on a subnet.
type Registration struct {
	Hotkey, Coldkey chain.PublicKey
	Stake           uint64 // rao
	Permit          bool
}

func (c Config) validate() error {
	if c.BlockTime < time.Millisecond {
		return fmt.Errorf("block time %s is below a millisecond", c.BlockTime)
	}
	if c.FinalityLag > maxWaitBlocks {
		return fmt.Errorf("finality lag of %d blocks", c.FinalityLag)
	}
	seen := map[uint16]bool{0: true}
	for _, s := range c.Subnets {
		switch {
		case seen[s.Netuid]:
			return fmt.Errorf("subnet %d is the root network or given twice", s.Netuid)
		case s.Tempo == 0:
			return fmt.Errorf("subnet %d has no tempo", s.Netuid)
		case len(s.Neurons) > MaxNeurons:
			return fmt.Errorf("subnet %d has %d neurons, more than %d", s.Netuid, len(s.Neurons), MaxNeurons)
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

// Create makes a chain in dir whose block 0 is now. It fails with ErrExists if
// there is one; an attempt that was cut short leaves none.
func Create(dir string, cfg Config, clock Clock) error {
	if err := cfg.validate(); err != nil {
		return fmt.Errorf("create local chain in %s: %w", dir, err)
	}
	lock, err := durable.WaitLock(filepath.Join(dir, lockFile))
	if err != nil {
		return fmt.Errorf("create local chain: %w", err)
	}
	defer func() { _ = lock.Unlock() }()
	if _, err := os.Stat(filepath.Join(dir, genesisFile)); err == nil {
		return fmt.Errorf("create local chain in %s: %w", dir, ErrExists)
	}
	raw, err := canon.Marshal(newGenesis(cfg, clock.Now()))
	if err != nil {
		return fmt.Errorf("create local chain in %s: %w", dir, err)
	}
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return fmt.Errorf("create local chain in %s: %w", dir, err)
	}
	if err := durable.WriteBytes(filepath.Join(dir, seedFile), 0o600, []byte(hex.EncodeToString(seed[:]))); err != nil {
		return fmt.Errorf("create local chain: %w", err)
	}
	// The genesis comes last: with it the folder is a chain.
	if err := durable.WriteBytes(filepath.Join(dir, genesisFile), 0o644, raw); err != nil {
		return fmt.Errorf("create local chain: %w", err)
	}
	return nil
}

const genesisVersion = 1

// genesis is Config with the start, as genesis.json holds it: canonical JSON
// with numbers that may pass 53 bits as strings.
type genesis struct {
	Version     int             `json:"version"`
	Start       int64           `json:"start,string"`      // Unix time, ns
	BlockTime   int64           `json:"block_time,string"` // ns
	FinalityLag uint64          `json:"finality_lag"`
	Subnets     []genesisSubnet `json:"subnets"`
}

type genesisSubnet struct {
	Netuid           uint16          `json:"netuid"`
	Owner            account         `json:"owner"`
	Tempo            uint64          `json:"tempo,string"`
	WeightsRateLimit uint64          `json:"weights_rate_limit,string"`
	MinWeights       uint16          `json:"min_weights"`
	MaxWeight        uint16          `json:"max_weight"`
	VersionKey       uint64          `json:"version_key,string"`
	Neurons          []genesisNeuron `json:"neurons"`
}

type genesisNeuron struct {
	Hotkey  account `json:"hotkey"`
	Coldkey account `json:"coldkey"`
	Stake   uint64  `json:"stake,string"`
	Permit  bool    `json:"permit"`
}

func newGenesis(cfg Config, start time.Time) genesis {
	g := genesis{
		Version: genesisVersion, Start: start.UnixNano(), BlockTime: int64(cfg.BlockTime),
		FinalityLag: cfg.FinalityLag, Subnets: []genesisSubnet{},
	}
	for _, s := range cfg.Subnets {
		gs := genesisSubnet{
			Netuid: s.Netuid, Owner: account(s.Owner), Tempo: s.Tempo, WeightsRateLimit: s.WeightsRateLimit,
			MinWeights: s.MinWeights, MaxWeight: s.MaxWeight, VersionKey: s.VersionKey, Neurons: []genesisNeuron{},
		}
		if gs.MaxWeight == 0 {
			gs.MaxWeight = noWeightLimit
		}
		for _, n := range s.Neurons {
			gs.Neurons = append(gs.Neurons, genesisNeuron{account(n.Hotkey), account(n.Coldkey), n.Stake, n.Permit})
		}
		g.Subnets = append(g.Subnets, gs)
	}
	return g
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
