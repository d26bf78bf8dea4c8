package devchain_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/blake2b"

	"finest/chain"
	"finest/chain/chaintest"
	"finest/chain/devchain"
	"finest/chain/extrinsic"
	"finest/chain/scale"
)

const (
	blockTime = 12 * time.Second
	lag       = 2
)

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func TestSealing(t *testing.T) {
	n := newNode(t)
	if n.Head().Number != 0 || n.Finalized().Number != 0 {
		t.Fatalf("a new chain is at block %d, final %d", n.Head().Number, n.Finalized().Number)
	}
	for want := range uint64(5) {
		n.Seal(1)
		if head := n.Head().Number; head != want+1 {
			t.Fatalf("head %d, want %d", head, want+1)
		}
		if final := n.Finalized().Number; final != max(want+1, lag)-lag {
			t.Fatalf("final %d at head %d", final, want+1)
		}
	}
	if got := n.Time(); !got.Equal(start.Add(5 * blockTime)) {
		t.Errorf("time of block 5 is %s", got)
	}
}

// A chain with a clock makes its blocks when it is time.
func TestSealingByClock(t *testing.T) {
	clock := chaintest.NewClock(start)
	n := newNode(t, func(o *devchain.Options) { o.Clock, o.Seal = clock, devchain.Every(time.Second) })
	w := connect(t, n)
	w.call(nil, "chain_subscribeNewHeads")
	w.note()
	for want := range 3 {
		clock.AwaitWaiters(1)
		clock.Advance(time.Second)
		var h struct{ Number string }
		if err := json.Unmarshal(w.note().Params.Result, &h); err != nil || h.Number != fmt.Sprintf("%#x", want+1) {
			t.Fatalf("heard of block %s, want %d (%v)", h.Number, want+1, err)
		}
	}
	if got := n.Time(); !got.Equal(start.Add(3 * time.Second)) {
		t.Errorf("time of block 3 is %s", got)
	}
}

// The hash of a block is BLAKE2b-256 of its header, whose parts are on the wire.
func TestHeaderHash(t *testing.T) {
	n := newNode(t)
	n.Seal(3)
	w := connect(t, n)
	for number := range uint64(4) {
		hash := w.hash(number)
		var h struct {
			ParentHash, Number, StateRoot, ExtrinsicsRoot string
			Digest                                        struct{ Logs []string }
		}
		w.call(&h, "chain_getHeader", "0x"+hash.String())
		parsed, err := strconv.ParseUint(strings.TrimPrefix(h.Number, "0x"), 16, 32)
		if err != nil || parsed != number {
			t.Fatalf("block %d says %s (%v)", number, h.Number, err)
		}
		b := scale.AppendCompact(unhex(t, h.ParentHash), number)
		b = append(b, unhex(t, h.StateRoot)...)
		b = append(b, unhex(t, h.ExtrinsicsRoot)...)
		b = scale.AppendCompact(b, uint64(len(h.Digest.Logs)))
		for _, item := range h.Digest.Logs {
			b = append(b, unhex(t, item)...)
		}
		if want := chain.Hash(blake2b.Sum256(b)); want != hash {
			t.Errorf("block %d has the hash %s, its header %s", number, hash, want)
		}
		if number > 0 && h.ParentHash != "0x"+w.hash(number-1).String() {
			t.Errorf("parent of block %d is %s", number, h.ParentHash)
		}
	}
}

// Two chains with one genesis and one seed are the same, with another seed are not.
func TestSeed(t *testing.T) {
	hashes := map[chain.Hash]int{}
	for seed := range 2 {
		for range 2 {
			n := newNode(t, func(o *devchain.Options) { o.Genesis.Seed[0] = byte(seed) })
			n.Seal(1)
			hashes[n.Head().Hash]++
		}
	}
	if len(hashes) != 2 {
		t.Errorf("%d different blocks of two seeds", len(hashes))
	}
}

func TestSubmitAndWatch(t *testing.T) {
	n := newNode(t)
	w := connect(t, n)
	xt := w.remark(key(t, "//Alice"), "hello")
	w.call(nil, "author_submitAndWatchExtrinsic", xt)
	in := "0x" + w.hash(1).String()
	got := w.statuses(3)
	want := []string{"ready", `{"inBlock":"` + in + `"}`, `{"finalized":"` + in + `"}`}
	if !slices.Equal(got, want) {
		t.Errorf("statuses %q, want %q", got, want)
	}
	body := w.body(w.hash(1))
	if len(body) != 2 || body[1] != xt {
		t.Errorf("block 1 holds %q, want an inherent and %s", body, xt)
	}
	if n.Head().Number != 1+lag || n.Finalized().Number != 1 {
		t.Errorf("head %d, final %d", n.Head().Number, n.Finalized().Number)
	}
	if nonce := w.params(key(t, "//Alice")).Nonce; nonce != 1 {
		t.Errorf("nonce %d after one extrinsic", nonce)
	}
}

func TestRefusals(t *testing.T) {
	n := newNode(t)
	w := connect(t, n)
	alice := key(t, "//Alice")
	first := w.remark(alice, "first")
	w.call(nil, "author_submitExtrinsic", first)
	w.wantError(1012, "temporarily banned", "author_submitExtrinsic", first)
	for name, tc := range map[string]struct {
		change func(*extrinsic.Params)
		want   string
	}{
		"nonce":   {func(p *extrinsic.Params) { p.Nonce = 0 }, "Transaction is outdated"},
		"genesis": {func(p *extrinsic.Params) { p.Genesis[0] ^= 1 }, "Transaction has a bad signature"},
		"spec":    {func(p *extrinsic.Params) { p.Spec++ }, "Transaction has a bad signature"},
	} {
		t.Run(name, func(*testing.T) {
			w.wantError(1010, tc.want, "author_submitExtrinsic", w.remark(alice, name, tc.change))
		})
	}
	w.wantError(1002, "Verification Error", "author_submitExtrinsic", "0x00")
	w.wantError(1011, "Unknown", "author_submitExtrinsic", w.body(w.hash(1))[0])
	if head := n.Head().Number; head != 1+lag {
		t.Errorf("refused extrinsics made blocks up to %d", head)
	}
}

// Extrinsics wait for those before them, and of two with one nonce the one that
// pays more stays.
func TestPool(t *testing.T) {
	n := newNode(t)
	n.Faults().DelayInclusion(1)
	w := connect(t, n)
	alice := key(t, "//Alice")
	nonce := func(n uint32) func(*extrinsic.Params) { return func(p *extrinsic.Params) { p.Nonce = n } }
	second := w.remark(alice, "second", nonce(1))
	w.call(nil, "author_submitAndWatchExtrinsic", second)
	if got := w.statuses(1); got[0] != "future" {
		t.Errorf("an extrinsic whose nonce is ahead is %s", got[0])
	}
	first := w.remark(alice, "first", nonce(0))
	w.call(nil, "author_submitExtrinsic", first)
	w.wantError(1013, "Already Imported", "author_submitExtrinsic", first)
	w.wantError(1014, "Priority is too low: (0 vs 0)", "author_submitExtrinsic", w.remark(alice, "rival", nonce(0)))
	paid := w.remark(alice, "paid", nonce(0), func(p *extrinsic.Params) { p.Tip = 10 })
	w.call(nil, "author_submitExtrinsic", paid)
	var pending []string
	w.call(&pending, "author_pendingExtrinsics")
	if !slices.Equal(pending, []string{second, paid}) {
		t.Errorf("%d extrinsics are pending, want the second and the one that pays", len(pending))
	}
	if next := w.params(alice).Nonce; next != 2 {
		t.Errorf("next nonce is %d, want 2", next)
	}
	n.Seal(2)
	body := w.body(n.Head().Hash)
	if len(body) != 3 || body[1] != paid || body[2] != second {
		t.Errorf("the block holds %d extrinsics, want both in the order of nonces", len(body)-1)
	}
}
