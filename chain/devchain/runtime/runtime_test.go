package runtime_test

import (
	"errors"
	"testing"
	"time"

	"finest/chain"
	"finest/chain/devchain/runtime"
	"finest/chain/extrinsic"
	"finest/chain/metadata"
	"finest/chain/wallet"
)

const netuid = 7

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func key(t testing.TB, uri string) *wallet.Hotkey {
	t.Helper()
	h, err := wallet.FromURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// config has one subnet with //Owner, //Validator, //Miner and //Other as uids 0 to 3.
func config(t testing.TB) runtime.Config {
	t.Helper()
	neuron := func(uri string, permit bool) runtime.Neuron {
		return runtime.Neuron{Hotkey: key(t, uri).PublicKey(), Coldkey: key(t, uri+"//cold").PublicKey(), Stake: 1e12, Permit: permit}
	}
	return runtime.Config{
		Start: start, BlockTime: 12 * time.Second, Seed: [32]byte{1},
		Subnets: []runtime.Subnet{{
			Netuid: netuid, Owner: key(t, "//Owner").PublicKey(), OwnerColdkey: key(t, "//Owner//cold").PublicKey(), Tempo: 20,
			WeightsRateLimit: 5, MinWeights: 2, VersionKey: 3, ImmunityPeriod: 10,
			Neurons: []runtime.Neuron{neuron("//Owner", false), neuron("//Validator", true), neuron("//Miner", false), neuron("//Other", false)},
		}},
	}
}

// world is a chain that makes a block when a test asks for it.
type world struct {
	testing.TB
	cfg    runtime.Config
	state  *runtime.State
	number uint32
	head   chain.Hash
	hashes []chain.Hash
	now    time.Time
	events []metadata.Event
}

func newWorld(t testing.TB, cfg runtime.Config) *world {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return &world{
		TB: t, cfg: cfg, state: runtime.Genesis(cfg), now: cfg.Start,
		head: blockHash(0), hashes: []chain.Hash{blockHash(0)},
	}
}

func blockHash(n uint32) chain.Hash { return metadata.SumBlake2_256([]byte{byte(n), byte(n >> 8), 42}) }

func (w *world) runtime() *runtime.Runtime { return runtime.New(runtime.VersionOf(w.state), w.cfg) }

// block makes a block of extrinsics; it returns the refusals by place.
func (w *world) block(xts ...[]byte) (refused []error) {
	w.Helper()
	r := w.runtime()
	s := w.state.Copy()
	w.number++
	w.now = w.now.Add(w.cfg.BlockTime)
	r.Begin(s, w.number, w.head)
	if err := r.Apply(s, 0, r.Inherent(w.now)); err != nil {
		w.Fatalf("inherent: %v", err)
	}
	index := uint32(1)
	for _, xt := range xts {
		err := r.Apply(s, index, xt)
		refused = append(refused, err)
		if err == nil {
			index++
		}
	}
	r.End(s)
	w.state, w.head = s, blockHash(w.number)
	w.hashes = append(w.hashes, w.head)
	item, err := r.Metadata().StorageItem("System", "Events")
	if err != nil {
		w.Fatal(err)
	}
	k, err := item.Key()
	if err != nil {
		w.Fatal(err)
	}
	if w.events, err = r.Metadata().Events(s.Get(k)); err != nil {
		w.Fatalf("events: %v", err)
	}
	return refused
}

func (w *world) blocks(n int) {
	w.Helper()
	for range n {
		w.block()
	}
}

// sign makes an extrinsic with the next nonce, immortal.
func (w *world) sign(by chain.Signer, pallet, call string, args metadata.Args) []byte {
	w.Helper()
	return w.signWith(by, pallet, call, args, func(*extrinsic.Params) {})
}

func (w *world) signWith(by chain.Signer, pallet, call string, args metadata.Args, change func(*extrinsic.Params)) []byte {
	w.Helper()
	m := w.runtime().Metadata()
	raw, err := m.Call(pallet, call, args)
	if err != nil {
		w.Fatal(err)
	}
	p := extrinsic.Params{
		Spec: w.runtime().Version().Spec(), TxVersion: runtime.TxVersion, Genesis: w.hashes[0], EraBlock: w.hashes[0],
		Nonce: w.nonce(by),
	}
	change(&p)
	xt, err := extrinsic.Sign(m, by, raw, p)
	if err != nil {
		w.Fatal(err)
	}
	return xt
}

func (w *world) nonce(by chain.Signer) uint32 {
	w.Helper()
	r, _ := w.read("System", "Account", by.PublicKey()).(metadata.Record)
	n, _ := r.Get("nonce").(uint64)
	return uint32(n)
}

// read returns a storage value as metadata decodes it.
func (w *world) read(pallet, name string, keys ...any) any {
	w.Helper()
	item, err := w.runtime().Metadata().StorageItem(pallet, name)
	if err != nil {
		w.Fatal(err)
	}
	k, err := item.Key(keys...)
	if err != nil {
		w.Fatal(err)
	}
	v, err := item.Decode(w.state.Get(k))
	if err != nil {
		w.Fatalf("%s.%s: %v", pallet, name, err)
	}
	return v
}

// do puts one extrinsic into a block and returns how it ended: "" or the name of
// the error, or the data of the pool's refusal.
func (w *world) do(by chain.Signer, pallet, call string, args metadata.Args) string {
	w.Helper()
	xt := w.sign(by, pallet, call, args)
	_, invalid := w.runtime().Validate(w.state, w.head, xt)
	refused := w.block(xt)[0]
	if (invalid == nil) != (refused == nil) {
		w.Fatalf("pool says %v, block says %v", invalid, refused)
	}
	var pool *runtime.PoolError
	if errors.As(refused, &pool) {
		return pool.Data
	}
	return w.outcome(1)
}

// outcome is how the extrinsic at a place of the last block ended.
func (w *world) outcome(index int) string {
	w.Helper()
	for _, e := range w.events {
		if e.Extrinsic == index && e.Pallet == "System" {
			switch e.Name {
			case "ExtrinsicSuccess":
				return ""
			case "ExtrinsicFailed":
				return w.runtime().Metadata().DispatchError(e.Fields.Get("dispatch_error")).String()
			}
		}
	}
	w.Fatalf("no outcome of extrinsic %d in %v", index, w.events)
	return ""
}

// deposited counts the events of a name in the last block.
func (w *world) deposited(pallet, name string) (found []metadata.Event) {
	for _, e := range w.events {
		if e.Pallet == pallet && e.Name == name {
			found = append(found, e)
		}
	}
	return found
}

func TestRemark(t *testing.T) {
	w := newWorld(t, config(t))
	if got := w.do(key(t, "//Alice"), "System", "remark", metadata.Args{"remark": []byte("hi")}); got != "" {
		t.Fatal(got)
	}
	t.Log(w.events)
	if got := w.do(key(t, "//Miner"), "Commitments", "set_commitment", metadata.Args{"netuid": netuid, "info": []any{metadata.NewEnum("Raw3", []byte("abc"))}}); got != "" {
		t.Fatal(got)
	}
	t.Log(w.events)
	t.Log(w.read("Commitments", "CommitmentOf", netuid, key(t, "//Miner").PublicKey()))
}

// sudo is the argument of Sudo.sudo for a call of AdminUtils.
func (w *world) sudo(call string, args metadata.Args) metadata.Args {
	return metadata.Args{"call": metadata.NewEnum("AdminUtils", metadata.Enum{Name: call, Fields: record(args)})}
}

func record(args metadata.Args) (out metadata.Record) {
	for name, v := range args {
		out = append(out, metadata.NamedValue{Name: name, Value: v})
	}
	return out
}
