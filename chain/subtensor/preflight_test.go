package subtensor

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"finest/chain"
	"finest/chain/metadata"
)

// goodFacts take goodWeights.
func goodFacts() (Facts, []chain.Weight) {
	owner, caller := chain.PublicKey{1}, chain.PublicKey{2}
	return Facts{
		Subnet: chain.Subnet{
			Netuid: 3, Owner: owner, Tempo: 360, WeightsRateLimit: 100, MinWeights: 2, MaxWeight: math.MaxUint16,
			VersionKey: 5, StakeThreshold: 1000,
		},
		Neurons: 4, Mechanisms: 2, Block: 200,
		Caller: &chain.Neuron{UID: 1, Hotkey: caller, Stake: 1000, Permit: true, LastUpdate: 100},
	}, []chain.Weight{{UID: 0, Value: 10}, {UID: 2, Value: 20}}
}

func TestPreflight(t *testing.T) {
	type call struct {
		*Facts
		mechanism uint8
		weights   *[]chain.Weight
		key       uint64
	}
	for _, c := range []struct {
		name   string
		change func(c *call)
		want   string // names of the refusals
		err    error
	}{
		{"good", func(*call) {}, "", nil},
		{"root", func(c *call) { c.Subnet.Netuid = 0 }, "CanNotSetRootNetworkWeights", chain.ErrRejected},
		{"second mechanism", func(c *call) { c.mechanism = 1 }, "", nil},
		{"third mechanism", func(c *call) { c.mechanism = 2 }, "MechanismDoesNotExist", chain.ErrRejected},
		{"too many", func(c *call) { *c.weights = []chain.Weight{{UID: 0}, {UID: 1}, {UID: 2}, {UID: 3}, {UID: 4}} },
			"UidsLengthExceedUidsInSubNet UidVecContainInvalidOne", chain.ErrRejected},
		{"not registered", func(c *call) { c.Caller = nil }, "HotKeyNotRegisteredInSubNet", chain.ErrNotRegistered},
		{"low stake", func(c *call) { c.Caller.Stake-- }, "NotEnoughStakeToSetWeights", chain.ErrLowStake},
		{"low stake of the owner", func(c *call) { c.Caller.Stake, c.Caller.Hotkey = 0, c.Subnet.Owner }, "", nil},
		{"old version key", func(c *call) { c.key-- }, "IncorrectWeightVersionKey", chain.ErrVersionKey},
		{"newer version key", func(c *call) { c.key = math.MaxUint64 }, "", nil},
		{"no version key wanted", func(c *call) { c.Subnet.VersionKey, c.key = 0, 0 }, "", nil},
		{"too soon", func(c *call) { c.Block-- }, "SettingWeightsTooFast", nil},
		{"too soon for a commitment", func(c *call) { c.Block--; c.Subnet.CommitReveal = true }, "CommittingWeightsTooFast", nil},
		{"for the first time", func(c *call) { c.Caller.LastUpdate, c.Block = 0, 1 }, "", nil},
		{"no permit", func(c *call) { c.Caller.Permit = false }, "NeuronNoValidatorPermit", chain.ErrNoPermit},
		{"no permit of the owner", func(c *call) { c.Caller.Permit, c.Caller.Hotkey = false, c.Subnet.Owner }, "", nil},
		{"one for itself without permit", func(c *call) { c.Caller.Permit, *c.weights = false, []chain.Weight{{UID: 1, Value: 1}} }, "", nil},
		{"one for another", func(c *call) { *c.weights = []chain.Weight{{UID: 2, Value: 1}} }, "WeightVecLengthIsLow", chain.ErrRejected},
		{"none", func(c *call) { *c.weights = nil }, "WeightVecLengthIsLow", chain.ErrRejected},
		{"minimum above the neurons", func(c *call) {
			c.Subnet.MinWeights = 1024
			*c.weights = []chain.Weight{{UID: 0}, {UID: 1}, {UID: 2}, {UID: 3}}
		}, "", nil},
		{"twice", func(c *call) { *c.weights = []chain.Weight{{UID: 0}, {UID: 0}} }, "DuplicateUids", chain.ErrRejected},
		{"unknown uid", func(c *call) { *c.weights = []chain.Weight{{UID: 0}, {UID: 4}} }, "UidVecContainInvalidOne", chain.ErrRejected},
		{"above the limit", func(c *call) { c.Subnet.MaxWeight = math.MaxUint16/3*2 - 1 }, "MaxWeightExceeded", chain.ErrRejected},
		{"at the limit", func(c *call) { c.Subnet.MaxWeight = math.MaxUint16/3*2 + 1 }, "", nil},
		{"zeros below a limit", func(c *call) {
			c.Subnet.MaxWeight, *c.weights = 1, []chain.Weight{{UID: 0}, {UID: 2}}
		}, "", nil},
		{"one for itself above the limit", func(c *call) {
			c.Subnet.MaxWeight, *c.weights = 1, []chain.Weight{{UID: 1, Value: 1}}
		}, "", nil},
		{"several in order", func(c *call) { c.Caller.Stake, c.key, c.Caller.Permit = 0, 0, false },
			"NotEnoughStakeToSetWeights IncorrectWeightVersionKey NeuronNoValidatorPermit", chain.ErrLowStake},
	} {
		facts, weights := goodFacts()
		x := call{Facts: &facts, weights: &weights, key: facts.Subnet.VersionKey}
		c.change(&x)
		refusals := Preflight(facts, x.mechanism, weights, x.key)
		var names []string
		for _, r := range refusals {
			var refused *RefusedError
			if !errors.As(r, &refused) || refused.Detail == "" {
				t.Errorf("%s: refusal %v does not explain itself", c.name, r)
				continue
			}
			names = append(names, strings.TrimPrefix(refused.Name, subtensorPallet+"."))
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: refused for %q, want %q", c.name, got, c.want)
		}
		if c.err != nil && (len(refusals) == 0 || !errors.Is(refusals[0], c.err)) {
			t.Errorf("%s: %v, want %v", c.name, refusals, c.err)
		}
	}
}

func TestPreflightRateLimit(t *testing.T) {
	facts, weights := goodFacts()
	facts.Block = 101
	refusals := Preflight(facts, 0, weights, facts.Subnet.VersionKey)
	var early *chain.RateLimitError
	if len(refusals) != 1 || !errors.As(refusals[0], &early) || early.RetryAt != 200 {
		t.Fatalf("refusals %v, want a retry at block 200", refusals)
	}
	facts.Block = early.RetryAt
	if refusals := Preflight(facts, 0, weights, facts.Subnet.VersionKey); len(refusals) > 0 {
		t.Errorf("at that block: %v", refusals)
	}
}

// The names that Preflight uses are those of the runtime.
func TestPreflightNames(t *testing.T) {
	m := fixture(t, "metadata-spec424-v16.scale")
	p, ok := m.Pallet(subtensorPallet)
	if !ok {
		t.Fatal("no pallet")
	}
	facts, _ := goodFacts()
	facts.Subnet.Netuid, facts.Subnet.MaxWeight, facts.Subnet.MinWeights, facts.Subnet.StakeThreshold = 0, 1, 4, math.MaxUint64
	facts.Caller.Permit, facts.Block = false, 0
	weights := []chain.Weight{{UID: 9, Value: 1}, {UID: 9, Value: 1}}
	refusals := Preflight(facts, 9, weights, 0)
	facts.Caller, facts.Neurons = nil, 1
	refusals = append(refusals, Preflight(facts, 9, weights, 0)...)
	if len(refusals) < 10 {
		t.Errorf("%d refusals of a call with nothing right", len(refusals))
	}
	for _, r := range refusals {
		var refused *RefusedError
		if !errors.As(r, &refused) {
			t.Fatal(r)
		}
		name := strings.TrimPrefix(refused.Name, subtensorPallet+".")
		if !slices.ContainsFunc(m.Types[*p.Errors].Variants, func(v metadata.Variant) bool { return v.Name == name }) {
			t.Errorf("the runtime has no error %s", name)
		}
	}
}
