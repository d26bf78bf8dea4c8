package devchain_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"finest/chain/devchain/runtime"
)

func TestDrop(t *testing.T) {
	n := newNode(t)
	w := connect(t, n)
	w.call(nil, "system_health")
	n.Faults().Drop()
	if _, err := w.try("system_health"); err == nil {
		t.Error("a connection that was cut answers")
	}
	connect(t, n).call(nil, "system_health")
}

// A connection that is cut after the submission leaves one extrinsic behind.
func TestDropAfterSubmit(t *testing.T) {
	n := newNode(t)
	n.Faults().DropAfterSubmit(1)
	w := connect(t, n)
	xt := w.remark(key(t, "//Alice"), "cut")
	if _, err := w.try("author_submitAndWatchExtrinsic", xt); err == nil {
		t.Fatal("the submission was answered")
	}
	w = connect(t, n)
	if at := w.where(xt, n.Head().Number); len(at) != 1 {
		t.Errorf("the extrinsic is in blocks %v, want one", at)
	}
	w.call(nil, "author_submitExtrinsic", w.remark(key(t, "//Alice"), "not cut"))
}

func TestSilence(t *testing.T) {
	n := newNode(t)
	w := connect(t, n)
	w.call(nil, "chain_subscribeNewHeads")
	w.note()
	some := n.Faults().Silence("system_health")
	w.send(`{"jsonrpc":"2.0","id":"silent","method":"system_health"}`)
	w.call(nil, "system_chain") // try fails on an answer to another id
	some()
	w.call(nil, "system_health")
	all := n.Faults().Silence()
	n.Seal(1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if raw, err := w.read(ctx); err == nil {
		t.Errorf("a silent node says %s", raw)
	}
	all()
}

func TestRejectNext(t *testing.T) {
	n := newNode(t)
	n.Faults().RejectNext(1010, "Invalid Transaction", "Custom error: 6")
	n.Faults().RejectNext(1014, "Priority is too low: (1 vs 1)", "")
	w := connect(t, n)
	xt := w.remark(key(t, "//Alice"), "in the end")
	w.wantError(1010, "Custom error: 6", "author_submitExtrinsic", xt)
	w.wantError(1014, "too low", "author_submitAndWatchExtrinsic", xt)
	w.call(nil, "author_submitExtrinsic", xt)
}

func TestDelayInclusion(t *testing.T) {
	n := newNode(t)
	n.Faults().DelayInclusion(3)
	w := connect(t, n)
	xt := w.remark(key(t, "//Alice"), "late")
	w.call(nil, "author_submitExtrinsic", xt)
	n.Seal(5)
	if at := w.where(xt, 5); !slices.Equal(at, []uint64{4}) {
		t.Errorf("an extrinsic held for 3 blocks is in blocks %v, want 4", at)
	}
}

func TestReorg(t *testing.T) {
	n := newNode(t)
	f := n.Faults()
	if err := f.Reorg(1); err == nil {
		t.Error("block 0 was replaced")
	}
	f.HoldFinality(true)
	w := connect(t, n)
	xt := w.remark(key(t, "//Alice"), "moves")
	w.call(nil, "author_submitAndWatchExtrinsic", xt)
	old := "0x" + w.hash(1).String()
	if got := w.statuses(2); got[1] != `{"inBlock":"`+old+`"}` {
		t.Fatalf("statuses %q", got)
	}
	w.call(nil, "chain_subscribeNewHeads")
	w.note()
	head := n.Head()
	if err := f.Reorg(int(head.Number)); err != nil {
		t.Fatal(err)
	}
	moved := n.Head()
	if moved.Number != head.Number+1 {
		t.Errorf("head %d after a reorganisation at %d", moved.Number, head.Number)
	}
	if at := w.where(xt, moved.Number); !slices.Equal(at, []uint64{moved.Number}) {
		t.Errorf("the extrinsic is in blocks %v, want the newest, %d", at, moved.Number)
	}
	in := "0x" + moved.Hash.String()
	if got, want := w.statuses(2), []string{`{"retracted":"` + old + `"}`, `{"inBlock":"` + in + `"}`}; !slices.Equal(got, want) {
		t.Errorf("statuses %q, want %q", got, want)
	}
	var h struct{ Number string }
	if err := json.Unmarshal(w.note().Params.Result, &h); err != nil || h.Number != fmt.Sprintf("%#x", moved.Number) {
		t.Errorf("heard of block %s, want the new head alone (%v)", h.Number, err)
	}
	w.call(nil, "state_getStorage", "0x00", old) // a fork is there until the chain is final
	f.HoldFinality(false)
	n.Seal(2)
	var gone any
	if w.call(&gone, "chain_getHeader", old); gone != nil {
		t.Errorf("a block of a fork that lost is still there: %v", gone)
	}
	if err := f.Reorg(lag + 1); err == nil {
		t.Error("a final block was replaced")
	}
	if err := f.Reorg(lag); err != nil {
		t.Errorf("blocks that are not final: %v", err)
	}
}

// What was changed by hand outlives a reorganisation.
func TestReorgKeepsEdits(t *testing.T) {
	n := newNode(t)
	n.Edit(func(s *runtime.State) { s.Set([]byte("by hand"), []byte{1}) })
	n.Seal(1)
	if err := n.Faults().Reorg(1); err != nil {
		t.Fatal(err)
	}
	w := connect(t, n)
	if got := w.text("state_getStorage", fmt.Sprintf("0x%x", "by hand")); got != "0x01" {
		t.Errorf("after a reorganisation the entry is %s", got)
	}
}

func TestUpgrade(t *testing.T) {
	n := newNode(t)
	w := connect(t, n)
	w.call(nil, "state_subscribeRuntimeVersion")
	spec := func(raw json.RawMessage) uint32 {
		t.Helper()
		var v struct{ SpecVersion uint32 }
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		return v.SpecVersion
	}
	if got := spec(w.note().Params.Result); got != runtime.V1.Spec() {
		t.Fatalf("spec %d", got)
	}
	alice := key(t, "//Alice")
	old := w.remark(alice, "signed for the old one")
	before := w.meta()
	n.Faults().Upgrade(runtime.V2)
	n.Seal(1)
	if got := spec(w.note().Params.Result); got != runtime.V2.Spec() {
		t.Fatalf("spec %d after the upgrade", got)
	}
	w.wantError(1002, "Verification Error", "author_submitExtrinsic", old) // its call is another one now
	w.call(nil, "author_submitExtrinsic", w.remark(alice, "signed for the new one"))
	after := w.meta()
	moved := false
	for i := range before.Pallets {
		moved = moved || before.Pallets[i].Index != after.Pallets[i].Index
	}
	if !moved {
		t.Error("no index of a pallet moved")
	}
	raw, err := w.try("state_getRuntimeVersion", "0x"+w.hash(0).String())
	if err != nil || spec(raw) != runtime.V1.Spec() {
		t.Errorf("runtime of block 0 is %s (%v)", raw, err)
	}
}
