package conformance

import (
	"errors"
	"slices"
	"testing"

	"finest/chain"
	"finest/chain/metadata"
)

const maxWeight = 65535

// Group 7: weights are stored, scaled and stamped, and refused in the order of the
// chain's checks.
func testWeights(t *testing.T, n *node, s subnet) {
	n.rateLimit(t, s, 0)
	in := n.do(t, s.owner, "SubtensorModule", "set_weights", s.weightArgs(chain.Weight{UID: 0, Value: 1}, chain.Weight{UID: 1, Value: 2}, chain.Weight{UID: 3, Value: 4}))
	if e := in.event(t, "SubtensorModule", "WeightsSet"); e.Fields[0].Value != uint64(s.id) || e.Fields[1].Value != uint64(0) {
		t.Errorf("event names index %v and uid %v, want %d and 0", e.Fields[0].Value, e.Fields[1].Value, s.id)
	}
	n.wantWeights(t, s, in, []chain.Weight{{UID: 0, Value: maxWeight / 4}, {UID: 1, Value: maxWeight / 2}, {UID: 3, Value: maxWeight}})
	for _, c := range n.weightRefusals(s) {
		t.Run(c.want, func(t *testing.T) { c.run(t) })
	}
}

// wantWeights compares what uid 0 has set; values are rounded one way or the other.
func (n *node) wantWeights(t *testing.T, s subnet, in included, want []chain.Weight) {
	t.Helper()
	got, err := n.client.Weights(t.Context(), s.id, 0, in.block)
	near := func(a, b chain.Weight) bool {
		return a.UID == b.UID && max(a.Value, b.Value)-min(a.Value, b.Value) <= 1
	}
	if err != nil || !slices.EqualFunc(got, want, near) {
		t.Errorf("weights are %v, %v; want %v", got, err, want)
	}
	updates, _ := n.read(t, "SubtensorModule", "LastUpdate", s.id).([]any)
	if len(updates) == 0 || updates[0] != in.block.Number {
		t.Errorf("last updates are %v, want %d first", updates, in.block.Number)
	}
}

type weightRefusal struct {
	want string
	run  func(t *testing.T)
}

// weightRefusals are the errors of set_weights in the order of the chain (chain.md
// 1.4); the rate limit and commit-reveal have groups of their own.
func (n *node) weightRefusals(s subnet) []weightRefusal {
	const far = 4000 // no subnet has so many uids
	one, two := chain.Weight{UID: 1, Value: 1}, chain.Weight{UID: 2, Value: 1}
	refused := func(t *testing.T, name string, by chain.Signer, args metadata.Args) {
		t.Helper()
		n.refused(t, "SubtensorModule."+name, by, "SubtensorModule", "set_weights", args)
	}
	// while sets something of the chain for the time of a test.
	while := func(t *testing.T, call, arg string, on, off any, subnetOnly bool) (restore func()) {
		t.Helper()
		args := func(v any) metadata.Args {
			a := metadata.Args{arg: v}
			if subnetOnly {
				a["netuid"] = s.id
			}
			return a
		}
		n.set(t, call, args(on))
		return func() {
			if err := n.sudo(t, call, args(off)); err != nil {
				t.Error(err)
			}
		}
	}
	plain := func(name string, by chain.Signer, args metadata.Args) weightRefusal {
		return weightRefusal{name, func(t *testing.T) { refused(t, name, by, args) }}
	}
	many := make([]chain.Weight, len(s.hotkeys)+2)
	for i := range many {
		many[i] = chain.Weight{UID: uint16(i), Value: 1}
	}
	return []weightRefusal{
		{"CanNotSetRootNetworkWeights", func(t *testing.T) {
			n.store(t, false, "SubtensorModule", "CommitRevealWeightsEnabled", 0)
			refused(t, "CanNotSetRootNetworkWeights", s.owner, with(s.weightArgs(one), "netuid", 0))
		}},
		plain("WeightVecNotEqualSize", s.owner, with(s.weightArgs(one, two), "weights", []uint16{1})),
		{"MechanismDoesNotExist", func(t *testing.T) {
			n.refused(t, "SubtensorModule.MechanismDoesNotExist", s.owner, "SubtensorModule", "set_mechanism_weights", with(s.weightArgs(one), "mecid", 1))
		}},
		plain("UidsLengthExceedUidsInSubNet", s.owner, s.weightArgs(many...)),
		plain("HotKeyNotRegisteredInSubNet", s.stranger, s.weightArgs(one)),
		{"NotEnoughStakeToSetWeights", func(t *testing.T) {
			defer while(t, "sudo_set_stake_threshold", "min_stake", uint64(1e15), n.read(t, "SubtensorModule", "StakeThreshold"), false)()
			refused(t, "NotEnoughStakeToSetWeights", s.hotkeys[0], s.weightArgs(one))
		}},
		{"IncorrectWeightVersionKey", func(t *testing.T) {
			defer while(t, "sudo_set_weights_version_key", "weights_version_key", 7, 0, true)()
			refused(t, "IncorrectWeightVersionKey", s.owner, with(s.weightArgs(one), "version_key", 6))
			n.do(t, s.owner, "SubtensorModule", "set_weights", with(s.weightArgs(one), "version_key", 7))
		}},
		plain("NeuronNoValidatorPermit", s.hotkeys[0], s.weightArgs(one, two)),
		plain("DuplicateUids", s.owner, s.weightArgs(one, one)),
		plain("UidVecContainInvalidOne", s.owner, s.weightArgs(one, chain.Weight{UID: far, Value: 1})),
		{"WeightVecLengthIsLow", func(t *testing.T) {
			defer while(t, "sudo_set_min_allowed_weights", "min_allowed_weights", 3, 1, true)()
			refused(t, "WeightVecLengthIsLow", s.owner, s.weightArgs(one, two))
			// One weight for oneself is never too few, and needs no permit.
			n.do(t, s.hotkeys[0], "SubtensorModule", "set_weights", s.weightArgs(one))
		}},
		{"MaxWeightExceeded", func(t *testing.T) {
			n.store(t, maxWeight/3, "SubtensorModule", "MaxWeightsLimit", s.id)
			refused(t, "MaxWeightExceeded", s.owner, s.weightArgs(one, two))
			n.store(t, maxWeight, "SubtensorModule", "MaxWeightsLimit", s.id)
		}},
	}
}

// Group 8: the block before the rate limit has passed refuses weights, the block
// in which it has just passed takes them.
func testRateLimit(t *testing.T, n *node, s subnet) {
	const limit = 8 // blocks, more than a development chain makes for two transactions
	set := func() (included, error) {
		return n.try(t, s.owner, "SubtensorModule", "set_weights", s.weightArgs(chain.Weight{UID: 1, Value: 1}))
	}
	first, err := set()
	if err != nil {
		t.Fatal(err)
	}
	n.rateLimit(t, s, limit)
	defer n.rateLimit(t, s, 0)
	boundary := first.block.Number + limit
	n.reach(t, boundary-2)
	again, err := set()
	var r *refusal
	switch {
	case err == nil && again.block.Number < boundary:
		t.Fatalf("block %d takes weights, want block %d", again.block.Number, boundary)
	case err == nil && n.dev == nil:
		t.Logf("this node was too fast to ask for block %d: block %d took weights", boundary-1, again.block.Number)
	case !errors.As(err, &r) || !r.is("SubtensorModule.SettingWeightsTooFast"):
		t.Fatalf("for block %d: %v", boundary-1, err)
	default:
		n.reach(t, boundary)
		if again, err = set(); err != nil {
			t.Fatal(err)
		}
	}
	boundary = again.block.Number + limit
	n.reach(t, boundary-1)
	last, err := set()
	if err != nil {
		t.Fatalf("for block %d: %v", boundary, err)
	}
	if got := last.block.Number; got < boundary || n.dev != nil && got > boundary {
		t.Errorf("block %d takes weights, want block %d", got, boundary)
	}
}
