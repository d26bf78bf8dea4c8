package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"finest/chain"
	"finest/chain/extrinsic"
	"finest/chain/metadata"
	"finest/chain/rpc"
)

// eraPeriod is how many blocks a transaction of the suite is valid.
const eraPeriod = 64

// refusal is how a node refused a transaction.
type refusal struct {
	// Code of the pool; 0 for one that failed in a block.
	Code int
	// Text is the reason of the pool, or the name of the dispatch error.
	Text string
}

func (r *refusal) Error() string { return fmt.Sprintf("refused with code %d: %s", r.Code, r.Text) }

// codeInvalid is that of transactions that no block may hold.
const codeInvalid = 1010

// guards are the errors for which newer runtimes refuse a transaction before it
// gets into a block, by the numbers of their guards (Subtensor's
// CustomTransactionError).
var guards = map[string]string{
	"SubtensorModule.NotEnoughStakeToSetWeights":      "Custom error: 1",
	"SubtensorModule.SettingWeightsTooFast":           "Custom error: 6",
	"SubtensorModule.CommittingWeightsTooFast":        "Custom error: 6",
	"SubtensorModule.NoWeightsCommitFound":            "Custom error: 16",
	"SubtensorModule.InvalidRevealCommitHashNotMatch": "Custom error: 16",
	"SubtensorModule.RevealTooEarly":                  "Custom error: 17",
}

// is says whether the refusal means the named dispatch error.
func (r *refusal) is(name string) bool {
	guard, guarded := guards[name]
	return r.Code == 0 && r.Text == name || guarded && r.Code == codeInvalid && r.Text == guard
}

// included is a transaction in a block.
type included struct {
	block  chain.Block
	events []metadata.Event // its own
}

// event returns its event of this name.
func (in included) event(t *testing.T, pallet, name string) metadata.Event {
	t.Helper()
	for _, e := range in.events {
		if e.Pallet == pallet && e.Name == name {
			return e
		}
	}
	t.Fatalf("block %d has no event %s.%s of the transaction: %v", in.block.Number, pallet, name, in.events)
	return metadata.Event{}
}

// sign returns a transaction of the newest block; change may spoil it.
func (n *node) sign(t *testing.T, by chain.Signer, call []byte, change ...func(*extrinsic.Params)) []byte {
	t.Helper()
	head := n.head(t)
	p := extrinsic.Params{
		Spec: n.spec, TxVersion: n.tx, Genesis: n.genesis, EraBlock: head.Hash,
		Era: extrinsic.MortalAt(head.Number, eraPeriod),
	}
	n.call(t, &p.Nonce, "system_accountNextIndex", by.Address())
	for _, c := range change {
		c(&p)
	}
	xt, err := extrinsic.Sign(n.meta, by, call, p)
	if err != nil {
		t.Fatal(err)
	}
	return xt
}

// send submits a transaction and waits until a final block holds it. The error is
// a *refusal where it was refused or failed.
func (n *node) send(t *testing.T, xt []byte) (included, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	notes, err := n.rpc.Subscribe(ctx, "author_submitAndWatchExtrinsic", "author_unwatchExtrinsic", tohex(xt))
	var refused *rpc.Error
	if errors.As(err, &refused) {
		return included{}, &refusal{refused.Code, refused.Text()}
	}
	if err != nil {
		t.Fatal(err)
	}
	defer notes.Close()
	for {
		note, err := notes.Next(ctx)
		if err != nil {
			t.Fatalf("wait for transaction: %v", err)
		}
		var word string
		if json.Unmarshal(note, &word) == nil {
			if word == "invalid" || word == "dropped" {
				return included{}, &refusal{codeInvalid, word}
			}
			continue
		}
		var final struct{ Finalized string }
		if json.Unmarshal(note, &final) == nil && final.Finalized != "" {
			return n.outcome(t, chain.Hash(unhex(t, final.Finalized)), xt)
		}
	}
}

// outcome is what became of a transaction in a block.
func (n *node) outcome(t *testing.T, hash chain.Hash, xt []byte) (included, error) {
	t.Helper()
	index := slices.Index(n.body(t, hash), tohex(xt))
	if index < 0 {
		t.Fatalf("block %s does not hold the transaction that is said to be in it", hash)
	}
	in := included{block: chain.Block{Number: n.number(t, hash), Hash: hash}}
	events, err := n.meta.Events(n.raw(t, hash, storageKey(t, n.item(t, "System", "Events"))))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Extrinsic != index {
			continue
		}
		in.events = append(in.events, e)
		if e.Pallet == "System" && e.Name == "ExtrinsicFailed" {
			return in, &refusal{0, n.meta.DispatchError(e.Fields.Get("dispatch_error")).String()}
		}
	}
	in.event(t, "System", "ExtrinsicSuccess")
	return in, nil
}

func (n *node) body(t *testing.T, hash chain.Hash) []string {
	t.Helper()
	var b struct {
		Block struct{ Extrinsics []string }
	}
	n.call(t, &b, "chain_getBlock", tohex(hash[:]))
	return b.Block.Extrinsics
}

// number is that which the state after a block has.
func (n *node) number(t *testing.T, hash chain.Hash) uint64 {
	t.Helper()
	item := n.item(t, "System", "Number")
	v, err := item.Decode(n.raw(t, hash, storageKey(t, item)))
	if err != nil {
		t.Fatal(err)
	}
	return v.(uint64)
}

// encode returns the bytes of a call; a test that needs one which the runtime
// lacks is skipped.
func (n *node) encode(t *testing.T, pallet, call string, args metadata.Args) []byte {
	t.Helper()
	n.refresh(t)
	n.needCall(t, pallet, call)
	b, err := n.meta.Call(pallet, call, args)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// try makes a call and returns what became of it.
func (n *node) try(t *testing.T, by chain.Signer, pallet, call string, args metadata.Args) (included, error) {
	t.Helper()
	b := n.encode(t, pallet, call, args)
	return n.send(t, n.sign(t, by, b))
}

// do makes a call that must succeed.
func (n *node) do(t *testing.T, by chain.Signer, pallet, call string, args metadata.Args) included {
	t.Helper()
	in, err := n.try(t, by, pallet, call, args)
	if err != nil {
		t.Fatalf("%s.%s: %v", pallet, call, err)
	}
	return in
}

// refused makes a call that must fail with the named error, or be refused by the
// guard that stands for it.
func (n *node) refused(t *testing.T, want string, by chain.Signer, pallet, call string, args metadata.Args) {
	t.Helper()
	_, err := n.try(t, by, pallet, call, args)
	var r *refusal
	if !errors.As(err, &r) || !r.is(want) {
		t.Errorf("%s.%s: %v, want %s", pallet, call, err, want)
	}
}

// sudo makes a call of AdminUtils as root, by //Alice. The error says what failed;
// a runtime without the call is a *metadata.MissingError.
func (n *node) sudo(t *testing.T, name string, args metadata.Args) error {
	t.Helper()
	n.refresh(t)
	inner, err := n.meta.Call("AdminUtils", name, args)
	if err != nil {
		return err
	}
	decoded, err := n.meta.DecodeCall(inner)
	if err != nil {
		t.Fatal(err)
	}
	in, err := n.try(t, n.alice, "Sudo", "sudo", metadata.Args{"call": metadata.NewEnum("AdminUtils", metadata.Enum{Name: name, Fields: decoded.Args})})
	if err != nil {
		return err
	}
	if result, _ := in.event(t, "Sudo", "Sudid").Fields.Get("sudo_result").(metadata.Enum); result.Name != "Ok" {
		return fmt.Errorf("AdminUtils.%s: %s", name, n.meta.DispatchError(result.Fields[0].Value))
	}
	return nil
}

// set is sudo for what a test cannot do without; it is skipped where this node
// refuses.
func (n *node) set(t *testing.T, name string, args metadata.Args) {
	t.Helper()
	if err := n.sudo(t, name, args); err != nil {
		t.Skipf("this node cannot be prepared by //Alice: %v", err)
	}
}
