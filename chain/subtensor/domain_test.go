package subtensor_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"finest/chain"
	"finest/chain/devchain"
	"finest/chain/devchain/devchaintest"
	"finest/chain/devchain/runtime"
	"finest/chain/metadata"
	"finest/chain/subtensor"
	"finest/chain/timelock"
	"finest/chain/wallet"
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

// world is a chain with a client.
type world struct {
	testing.TB
	node   *devchain.Node
	client *subtensor.Client
}

func newWorld(t testing.TB, change ...func(*runtime.Config)) *world {
	t.Helper()
	cfg := config(t)
	for _, c := range change {
		c(&cfg)
	}
	node, client := devchaintest.Open(t, cfg)
	node.Seal(devchaintest.DefaultLag + 1)
	return &world{t, node, client}
}

func (w *world) key(uri string) *wallet.Hotkey { return devchaintest.Key(w, uri) }

func must[T any](t testing.TB, what string) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return v
	}
}

func (w *world) weights(netuid uint16, mechanism uint8, uri string) []chain.Weight {
	w.Helper()
	head := w.node.Head()
	for _, n := range must[[]chain.Neuron](w, "neurons")(w.client.Neurons(w.Context(), netuid, head)) {
		if n.Hotkey == w.key(uri).PublicKey() {
			return must[[]chain.Weight](w, "weights")(w.client.MechanismWeights(w.Context(), netuid, mechanism, n.UID, head))
		}
	}
	w.Fatalf("%s is not registered", uri)
	return nil
}

var all = []chain.Weight{{UID: 0, Value: 1}, {UID: 1, Value: 2}, {UID: 2, Value: 65535}}

// No weights would withdraw all that were set, which the chain allows where a
// subnet asks for none.
func TestNoWeights(t *testing.T) {
	w := newWorld(t, func(c *runtime.Config) { c.Subnets[0].MinWeights = 0 })
	_, err := w.client.SetWeights(t.Context(), w.key("//Validator"), netuid, nil, 3)
	if !errors.Is(err, chain.ErrRejected) {
		t.Errorf("error is %v, want %v", err, chain.ErrRejected)
	}
}

func TestMechanisms(t *testing.T) {
	w := newWorld(t, func(c *runtime.Config) { c.Subnets[0].Mechanisms = 2 })
	first, second := slices.Clone(all), slices.Clone(all)
	second[0].Value = 77
	must[chain.Inclusion](t, "set")(w.client.SetMechanismWeights(t.Context(), w.key("//Validator"), netuid, 0, first, 3))
	// Each mechanism has a rate limit of its own.
	must[chain.Inclusion](t, "set")(w.client.SetMechanismWeights(t.Context(), w.key("//Validator"), netuid, 1, second, 3))
	for mechanism, want := range [][]chain.Weight{first, second} {
		if got := w.weights(netuid, uint8(mechanism), "//Validator"); !slices.Equal(got, want) {
			t.Errorf("mechanism %d has weights %v, want %v", mechanism, got, want)
		}
	}
	_, err := w.client.SetMechanismWeights(t.Context(), w.key("//Validator"), netuid, 2, first, 3)
	var refused *subtensor.RefusedError
	if !errors.As(err, &refused) || refused.Name != "SubtensorModule.MechanismDoesNotExist" {
		t.Errorf("third mechanism: error %v", err)
	}
}

func TestHashedWeights(t *testing.T) {
	w := newWorld(t)
	by, salt := w.key("//Validator"), []uint16{9, 8, 7}
	commit := func(weights []chain.Weight) (chain.Inclusion, error) {
		return w.client.CommitWeights(t.Context(), by, hidden, 0, subtensor.CommitHash(by.PublicKey(), hidden, 0, weights, salt, 3))
	}
	reveal := func(weights []chain.Weight) (chain.Inclusion, error) {
		return w.client.RevealWeights(t.Context(), by, hidden, 0, weights, salt, 3)
	}
	must[chain.Inclusion](t, "commit")(commit(all))
	if _, err := reveal(all); !errors.Is(err, chain.ErrRejected) {
		t.Errorf("revealed in the epoch of the commitment: error %v", err)
	}
	other := slices.Clone(all)
	other[1].Value++
	if _, err := reveal(other); !errors.Is(err, chain.ErrRejected) {
		t.Errorf("revealed what was not committed to: error %v", err)
	}
	w.node.Seal(30) // the next epoch
	must[chain.Inclusion](t, "reveal")(reveal(all))
	if got := w.weights(hidden, 0, "//Validator"); !slices.Equal(got, all) {
		t.Errorf("revealed %v, want %v", got, all)
	}
	if _, err := w.client.CommitWeights(t.Context(), by, netuid, 0, chain.Hash{}); !errors.Is(err, chain.ErrCommitReveal) {
		t.Errorf("commitment without commit-reveal: error %v", err)
	}
	if _, err := w.client.CommitWeights(t.Context(), w.key("//Stranger"), hidden, 0, chain.Hash{}); !errors.Is(err, chain.ErrNotRegistered) {
		t.Errorf("commitment of a stranger: error %v", err)
	}
}

func TestTimelockedCommitment(t *testing.T) {
	w := newWorld(t)
	by := w.key("//Miner")
	// The chain's own beacon, as the client reads it.
	cfg := config(t)
	beacon := timelock.Scheme{PublicKey: timelock.NewSecret(cfg.Seed[:]).PublicKey(), Genesis: timelock.Quicknet().Genesis, Period: timelock.Quicknet().Period}
	round := beacon.RoundAt(w.node.Time().Add(10 * w.node.BlockTime()))
	secret := must[[]byte](t, "encrypt")(timelock.Encrypt(beacon, round, []byte("\x18secret"), rand.Reader))
	in := must[chain.Inclusion](t, "commit")(w.client.SetCommitmentFields(t.Context(), by, netuid, []subtensor.Field{
		subtensor.RawField([]byte("open")), {Kind: subtensor.KindTimelocked, Data: secret, Round: round},
	}))
	events := must[[]chain.Commitment](t, "events")(w.client.CommitmentEvents(t.Context(), netuid, in.Block))
	if len(events) != 1 || len(events[0].Fields) != 2 || !bytes.Equal(events[0].Fields[1], secret) {
		t.Errorf("events of the block: %+v", events)
	}
	at := func() *subtensor.Commitment {
		return must[*subtensor.Commitment](t, "read")(w.client.CommitmentFields(t.Context(), netuid, by.PublicKey(), w.node.Head()))
	}
	if got := at(); len(got.Fields) != 2 || got.Fields[1].Round != round || got.Fields[1].Kind != subtensor.KindTimelocked {
		t.Errorf("written %+v", got)
	}
	w.node.Seal(12)
	if got := at(); len(got.Fields) != 1 || string(got.Fields[0].Data) != "open" || got.Block != in.Block.Number {
		t.Errorf("after the reveal %+v", got)
	}
	all := must[map[chain.PublicKey][]subtensor.Reveal](t, "revealed")(w.client.Revealed(t.Context(), netuid, w.node.Head()))
	got := all[by.PublicKey()]
	if len(all) != 1 || len(got) != 1 || got[0].Text() != "secret" || got[0].Block <= in.Block.Number || got[0].Block > w.node.Head().Number {
		t.Errorf("revealed %+v", all)
	}
}

// What Preflight refuses the chain refuses for the same reason, and what it lets
// pass the chain takes.
func TestPreflightIsRight(t *testing.T) {
	two := []chain.Weight{{UID: 0, Value: 1}, {UID: 1, Value: 1}}
	for _, c := range []struct {
		name    string
		by      string
		config  func(*runtime.Config)
		key     uint64
		weights []chain.Weight
	}{
		{name: "good", by: "//Validator", key: 3, weights: all},
		{name: "newer key", by: "//Validator", key: 4, weights: all},
		{name: "old key", by: "//Validator", key: 2, weights: all},
		{name: "owner", by: "//Owner", key: 3, weights: all},
		{name: "miner", by: "//Miner", key: 3, weights: all},
		// Where stake is needed the pool finds a stranger's too low first.
		{name: "stranger", by: "//Stranger", key: 3, weights: all, config: func(c *runtime.Config) { c.StakeThreshold = 0 }},
		{name: "poor", by: "//Poor", key: 3, weights: all},
		{name: "itself", by: "//Validator", key: 3, weights: []chain.Weight{{UID: 1, Value: 3}}},
		{name: "itself without permit", by: "//Miner", key: 3, weights: []chain.Weight{{UID: 2, Value: 3}}},
		{name: "short", by: "//Validator", key: 3, weights: two},
		{name: "none", by: "//Validator", key: 3},
		{name: "twice", by: "//Validator", key: 3, weights: append(slices.Clone(two), two[0])},
		{name: "unknown uid", by: "//Validator", key: 3, weights: append(slices.Clone(two), chain.Weight{UID: 5, Value: 1})},
		{name: "too many", by: "//Validator", key: 3, weights: append(slices.Clone(all), append(slices.Clone(two), two...)...)},
		{name: "commit-reveal", by: "//Validator", key: 3, weights: all, config: func(c *runtime.Config) { c.Subnets[0].CommitReveal = true }},
		{name: "above the limit", by: "//Validator", key: 3, weights: all, config: func(c *runtime.Config) { c.Subnets[0].MaxWeight = 65000 }},
		{name: "below the limit", by: "//Validator", key: 3, weights: all, config: func(c *runtime.Config) { c.Subnets[0].MaxWeight = 65534 }},
		{name: "even", by: "//Validator", key: 3, weights: []chain.Weight{{UID: 0, Value: 5}, {UID: 1, Value: 5}, {UID: 3, Value: 5}},
			config: func(c *runtime.Config) { c.Subnets[0].MaxWeight = 21845 }},
		{name: "even above the limit", by: "//Validator", key: 3, weights: []chain.Weight{{UID: 0, Value: 5}, {UID: 1, Value: 5}, {UID: 3, Value: 5}},
			config: func(c *runtime.Config) { c.Subnets[0].MaxWeight = 21844 }},
		{name: "zeros", by: "//Validator", key: 3, weights: []chain.Weight{{UID: 0}, {UID: 1}, {UID: 3}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			change := c.config
			if change == nil {
				change = func(*runtime.Config) {}
			}
			w := newWorld(t, change)
			refusals, err := w.client.Refusals(t.Context(), w.key(c.by), netuid, 0, c.weights, c.key, w.node.Head())
			if err != nil {
				t.Fatal(err)
			}
			uids, values := []uint16{}, []uint16{}
			for _, x := range c.weights {
				uids, values = append(uids, x.UID), append(values, x.Value)
			}
			_, got := w.client.SubmitUnchecked(t.Context(), w.key(c.by), "set_mechanism_weights",
				metadata.Args{"netuid": netuid, "mecid": 0, "dests": uids, "weights": values, "version_key": c.key})
			if c.name == "commit-reveal" {
				if !errors.Is(got, chain.ErrCommitReveal) || len(refusals) > 0 {
					t.Errorf("plain weights with commit-reveal: chain %v, preflight %v", got, refusals)
				}
				return
			}
			if (got == nil) != (len(refusals) == 0) {
				t.Fatalf("chain: %v, preflight: %v", got, refusals)
			}
			if got == nil {
				return
			}
			var ours, theirs *subtensor.RefusedError
			if !errors.As(refusals[0], &ours) || !errors.As(got, &theirs) {
				t.Fatalf("chain: %v, preflight: %v", got, refusals)
			}
			// The pool has its own names for some.
			inBlock := theirs.Name == ours.Name
			if !errors.Is(got, ours.Err) || (!inBlock && theirs.Name != "StakeAmountTooLow (pool, custom error 1)") {
				t.Errorf("chain: %v, preflight: %v", got, refusals[0])
			}
		})
	}
}

func TestRateLimitFromTheChain(t *testing.T) {
	w := newWorld(t)
	by := w.key("//Validator")
	in := must[chain.Inclusion](t, "set")(w.client.SetWeights(t.Context(), by, netuid, all, 3))
	_, err := w.client.SubmitUnchecked(t.Context(), by, "set_weights",
		metadata.Args{"netuid": netuid, "dests": []uint16{0, 1, 2}, "weights": []uint16{1, 1, 1}, "version_key": 3})
	var refused *subtensor.RefusedError
	if !errors.As(err, &refused) || refused.Name != "RateLimitExceeded (pool, custom error 6)" {
		t.Errorf("too soon: error %v", err)
	}
	var early *chain.RateLimitError
	if err := w.client.ExplainTooFast(t.Context(), by, netuid, 1); !errors.As(err, &early) || early.RetryAt != in.Block.Number+20 {
		t.Errorf("explained as %v, want a retry at block %d", err, in.Block.Number+20)
	}
}

// A uid that changes hands between two reads: each read is of its block, and the
// commitment of the one before is nobody's.
func TestRecycledUID(t *testing.T) {
	w := newWorld(t, func(c *runtime.Config) {
		c.Subnets[0].MaxUIDs, c.Subnets[0].ImmunityPeriod = 5, 1
	})
	for _, uri := range []string{"//Owner", "//Validator", "//Miner", "//Other", "//Poor"} {
		must[chain.Inclusion](t, "commit")(w.client.SetCommitment(t.Context(), w.key(uri), netuid, [][]byte{[]byte(uri)}))
	}
	w.node.Seal(10)
	before := w.node.Head()
	w.node.Edit(func(s *runtime.State) { s.SetBalance(w.key("//New//cold").PublicKey(), 1e15) })
	w.node.Seal(1)
	registered, err := w.client.SubmitUnchecked(t.Context(), w.key("//New//cold"), "burned_register",
		metadata.Args{"netuid": netuid, "hotkey": w.key("//New").PublicKey()})
	if err != nil {
		t.Fatal(err)
	}
	old := must[[]chain.Neuron](t, "neurons")(w.client.Neurons(t.Context(), netuid, before))
	now := must[[]chain.Neuron](t, "neurons")(w.client.Neurons(t.Context(), netuid, registered))
	if len(old) != 5 || len(now) != 5 {
		t.Fatalf("%d neurons before, %d after", len(old), len(now))
	}
	uid := slices.IndexFunc(now, func(n chain.Neuron) bool { return n.Hotkey == w.key("//New").PublicKey() })
	if uid < 0 {
		t.Fatal("the new hotkey has no uid")
	}
	if now[uid].RegisteredAt != registered.Number || old[uid].RegisteredAt >= before.Number {
		t.Errorf("uid %d was %+v and is %+v", uid, old[uid], now[uid])
	}
	replaced := old[uid].Hotkey
	for _, c := range must[[]chain.Commitment](t, "commitments")(w.client.Commitments(t.Context(), netuid, registered)) {
		if c.Hotkey == replaced || c.Hotkey == w.key("//New").PublicKey() {
			t.Errorf("uid %d: listed %+v", uid, c)
		}
	}
	list := must[[]chain.Commitment](t, "commitments")(w.client.Commitments(t.Context(), netuid, before))
	if len(list) != 5 {
		t.Errorf("%d commitments before, want 5", len(list))
	}
	if _, err := w.client.SetCommitment(t.Context(), w.key(uriOf(w, replaced)), netuid, [][]byte{{1}}); !errors.Is(err, chain.ErrNotRegistered) {
		t.Errorf("commitment of the replaced hotkey: error %v", err)
	}
}

func uriOf(w *world, k chain.PublicKey) string {
	for _, uri := range []string{"//Owner", "//Validator", "//Miner", "//Other", "//Poor"} {
		if w.key(uri).PublicKey() == k {
			return uri
		}
	}
	w.Fatalf("whose key is %x?", k)
	return ""
}

// Calls, events, errors and storage are found by name, so an upgrade that moves
// their indices needs no restart.
func TestUpgradeInBetween(t *testing.T) {
	w := newWorld(t)
	by := w.key("//Validator")
	write := func(text string) {
		t.Helper()
		in := must[chain.Inclusion](t, "commit")(w.client.SetCommitment(t.Context(), by, netuid, [][]byte{[]byte(text)}))
		events := must[[]chain.Commitment](t, "events")(w.client.CommitmentEvents(t.Context(), netuid, in.Block))
		if len(events) != 1 || string(events[0].Fields[0]) != text {
			t.Errorf("wrote %q, events %+v", text, events)
		}
		_, err := w.client.SetWeights(t.Context(), w.key("//Miner"), netuid, all, 3)
		if !errors.Is(err, chain.ErrNoPermit) {
			t.Errorf("weights without permit: error %v", err)
		}
	}
	write("before")
	w.node.Faults().Upgrade(runtime.V2)
	w.node.Seal(1)
	write("after")
	must[chain.Inclusion](t, "set weights")(w.client.SetWeights(t.Context(), by, netuid, all, 3))
	if got := w.weights(netuid, 0, "//Validator"); !slices.Equal(got, all) {
		t.Errorf("weights %v, want %v", got, all)
	}
	// Blocks from before the upgrade still read as they were written.
	for number := range w.node.Head().Number {
		b := must[chain.Block](t, "block")(w.client.BlockAt(t.Context(), number+1))
		for _, e := range must[[]chain.Commitment](t, "events")(w.client.CommitmentEvents(t.Context(), netuid, b)) {
			if text := string(e.Fields[0]); text != "before" && text != "after" {
				t.Errorf("block %d has %q", b.Number, text)
			}
		}
	}
}

func TestTooManyFields(t *testing.T) {
	w := newWorld(t)
	_, err := w.client.SetCommitment(t.Context(), w.key("//Miner"), netuid, [][]byte{{1}, {2}, {3}, {4}})
	var refused *subtensor.RefusedError
	if !errors.As(err, &refused) || refused.Name != "Commitments.TooManyFieldsInCommitmentInfo" {
		t.Errorf("four fields: error %v", err)
	}
}

func TestNeuronsOfAFullSubnet(t *testing.T) {
	w := newWorld(t, func(c *runtime.Config) {
		for i := len(c.Subnets[0].Neurons); i < 256; i++ {
			key := devchaintest.Key(t, fmt.Sprintf("//neuron//%d", i)).PublicKey()
			c.Subnets[0].Neurons = append(c.Subnets[0].Neurons, runtime.Neuron{Hotkey: key, Stake: uint64(i)})
		}
	})
	neurons := must[[]chain.Neuron](t, "neurons")(w.client.Neurons(t.Context(), netuid, w.node.Head()))
	if len(neurons) != 256 {
		t.Fatalf("%d neurons", len(neurons))
	}
	for i, n := range neurons {
		if int(n.UID) != i || i >= 5 && (n.Stake != uint64(i) || n.Coldkey != n.Hotkey) {
			t.Fatalf("neuron %d is %+v", i, n)
		}
	}
	if n := neurons[1]; n.Coldkey != w.key("//Validator//cold").PublicKey() || !n.Permit || n.Stake != 1e12 {
		t.Errorf("validator is %+v", n)
	}
}
