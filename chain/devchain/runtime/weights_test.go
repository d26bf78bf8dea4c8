package runtime_test

import (
	"fmt"
	"testing"

	"finest/chain/devchain/runtime"
	"finest/chain/metadata"
)

func weights(version uint64, pairs ...uint16) metadata.Args {
	uids, values := []uint16{}, []uint16{}
	for i := 0; i+1 < len(pairs); i += 2 {
		uids, values = append(uids, pairs[i]), append(values, pairs[i+1])
	}
	return metadata.Args{"netuid": netuid, "dests": uids, "weights": values, "version_key": version}
}

// Each case breaks one rule and, where it can, all that are looked at after it, so
// that the order shows.
func TestSetWeightsRefusals(t *testing.T) {
	cases := []struct {
		name    string
		by      string
		change  func(*runtime.Subnet)
		prepare func(*world)
		args    metadata.Args
		want    string
	}{
		{name: "commit-reveal", by: "//Stranger", change: func(s *runtime.Subnet) { s.CommitReveal = true }, args: weights(0, 9, 1, 9, 1, 9, 1), want: "SubtensorModule.CommitRevealEnabled"},
		{name: "lengths", by: "//Stranger", args: metadata.Args{"netuid": netuid, "dests": []uint16{1}, "weights": []uint16{}, "version_key": 0}, want: "SubtensorModule.WeightVecNotEqualSize"},
		{name: "too many", by: "//Stranger", args: weights(0, 0, 1, 1, 1, 2, 1, 3, 1, 4, 1), want: "SubtensorModule.UidsLengthExceedUidsInSubNet"},
		{name: "not registered", by: "//Stranger", args: weights(0, 9, 1, 9, 1), want: "SubtensorModule.HotKeyNotRegisteredInSubNet"},
		{name: "version key", by: "//Miner", args: weights(2, 9, 1, 9, 1), want: "SubtensorModule.IncorrectWeightVersionKey"},
		{name: "permit", by: "//Miner", args: weights(3, 9, 1, 9, 1), want: "SubtensorModule.NeuronNoValidatorPermit"},
		{name: "permit for a weight of another", by: "//Miner", args: weights(3, 1, 1), want: "SubtensorModule.NeuronNoValidatorPermit"},
		{name: "no permit for itself", by: "//Miner", args: weights(3, 2, 1)},
		{name: "owner without permit", by: "//Owner", args: weights(3, 1, 1, 2, 2)},
		{name: "duplicates", by: "//Validator", args: weights(3, 9, 1, 9, 1), want: "SubtensorModule.DuplicateUids"},
		{name: "no such uid", by: "//Validator", args: weights(3, 9, 1), want: "SubtensorModule.UidVecContainInvalidOne"},
		{name: "too few", by: "//Validator", args: weights(3, 2, 1), want: "SubtensorModule.WeightVecLengthIsLow"},
		{name: "too few of a small subnet", by: "//Validator", change: func(s *runtime.Subnet) { s.MinWeights = 100 }, args: weights(3, 0, 1, 1, 1, 2, 1, 3, 1)},
		{name: "too large", by: "//Validator", change: func(s *runtime.Subnet) { s.MaxWeight = 32767 }, args: weights(3, 1, 2, 2, 1), want: "SubtensorModule.MaxWeightExceeded"},
		{name: "shares within the limit", by: "//Validator", change: func(s *runtime.Subnet) { s.MaxWeight = 32768 }, args: weights(3, 1, 2, 2, 2)},
		{name: "stake", by: "//Validator", prepare: func(w *world) { w.state.SetStake(netuid, key(w, "//Validator").PublicKey(), 0) }, args: weights(3, 9, 1), want: "Custom error: 1"},
		{name: "fine", by: "//Validator", args: weights(3, 1, 1, 2, 2)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(t)
			cfg.StakeThreshold = 1
			cfg.Subnets[0].Neurons[0].Stake = 0 // the owner needs none
			if c.change != nil {
				c.change(&cfg.Subnets[0])
			}
			w := newWorld(t, cfg)
			w.state.SetStake(netuid, key(t, "//Stranger").PublicKey(), 1)
			if c.prepare != nil {
				c.prepare(w)
			}
			if got := w.do(key(t, c.by), "SubtensorModule", "set_weights", c.args); got != c.want {
				t.Errorf("outcome %q, want %q", got, c.want)
			}
		})
	}
}

func TestSetWeights(t *testing.T) {
	w := newWorld(t, config(t))
	if got := w.do(key(t, "//Validator"), "SubtensorModule", "set_weights", weights(3, 1, 30000, 2, 100, 3, 0)); got != "" {
		t.Fatal(got)
	}
	want := "[[1 65535] [2 218] [3 0]]" // the largest becomes 65535
	if got := fmt.Sprint(w.read("SubtensorModule", "Weights", netuid, 1)); got != want {
		t.Errorf("weights %s, want %s", got, want)
	}
	if got := fmt.Sprint(w.read("SubtensorModule", "LastUpdate", netuid)); got != "[0 1 0 0]" {
		t.Errorf("last update %s", got)
	}
	if e := w.deposited("SubtensorModule", "WeightsSet"); len(e) != 1 || fmt.Sprint(e[0].Fields) != "[{ 7} { 1}]" {
		t.Errorf("events %v", e)
	}
}

// Exactly the rate limit later weights are taken again, and not a block earlier.
func TestRateLimit(t *testing.T) {
	w := newWorld(t, config(t)) // limit 5
	by := key(t, "//Validator")
	for _, c := range []struct {
		block uint32
		want  string
	}{{1, ""}, {5, "Custom error: 6"}, {6, ""}, {7, "Custom error: 6"}, {11, ""}} {
		w.blocks(int(c.block - w.number - 1))
		if got := w.do(by, "SubtensorModule", "set_weights", weights(3, 1, 1, 2, 2)); got != c.want {
			t.Errorf("block %d: outcome %q, want %q", c.block, got, c.want)
		}
	}
}

func TestMechanisms(t *testing.T) {
	cfg := config(t)
	cfg.Subnets[0].Mechanisms = 2
	w := newWorld(t, cfg)
	args := weights(3, 1, 1, 2, 2)
	args["mecid"] = 1
	if got := w.do(key(t, "//Validator"), "SubtensorModule", "set_mechanism_weights", args); got != "" {
		t.Fatal(got)
	}
	if got := fmt.Sprint(w.read("SubtensorModule", "Weights", 4096+netuid, 1)); got != "[[1 32768] [2 65535]]" {
		t.Errorf("weights %s", got)
	}
	args["mecid"] = 2
	if got := w.do(key(t, "//Validator"), "SubtensorModule", "set_mechanism_weights", args); got != "SubtensorModule.MechanismDoesNotExist" {
		t.Errorf("outcome %q", got)
	}
}

func TestBatchSetWeights(t *testing.T) {
	cfg := config(t)
	second := cfg.Subnets[0]
	second.Netuid, second.VersionKey = 8, 9
	cfg.Subnets = append(cfg.Subnets, second)
	w := newWorld(t, cfg)
	rows := []any{[]any{[]any{1, 1}, []any{2, 2}}, []any{[]any{1, 1}, []any{2, 2}}}
	args := metadata.Args{"netuids": []uint16{7, 8}, "weights": rows, "version_keys": []uint64{3, 3}}
	if got := w.do(key(t, "//Validator"), "SubtensorModule", "batch_set_weights", args); got != "" {
		t.Fatal(got)
	}
	if len(w.deposited("SubtensorModule", "WeightsSet")) != 1 || len(w.deposited("SubtensorModule", "BatchWeightItemFailed")) != 1 {
		t.Errorf("events %v", w.events)
	}
	args["version_keys"] = []uint64{3}
	if got := w.do(key(t, "//Validator"), "SubtensorModule", "batch_set_weights", args); got != "Custom error: 18" {
		t.Errorf("outcome %q", got)
	}
}
