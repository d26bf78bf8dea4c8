package subtensor_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"finest/chain"
	"finest/chain/devchain"
	"finest/chain/devchain/devchaintest"
	"finest/chain/devchain/runtime"
	"finest/chain/rpc"
	"finest/chain/subtensor"
)

func TestSocketCutAfterSubmit(t *testing.T) {
	for name, tt := range map[string]struct {
		cuts  int
		delay uint64
	}{
		"in a block at once": {1, 0}, "in the pool for a while": {1, 4}, "again and again": {3, 4},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrdeal(t)
			o.node.Faults().DropAfterSubmit(tt.cuts)
			o.node.Faults().DelayInclusion(tt.delay)
			done := o.commit("cut")
			if tt.delay > 0 {
				o.inPool()
			}
			o.once("cut", o.until(done, o.poll, o.seal))
		})
	}
}

func TestSocketCutWhileWaiting(t *testing.T) {
	o := newOrdeal(t)
	o.node.Faults().DelayInclusion(3)
	done := o.commit("waits")
	o.inPool()
	for range 3 {
		o.node.Faults().Drop()
	}
	o.once("waits", o.until(done, o.poll, o.seal))
}

func TestSilenceWhileWaiting(t *testing.T) {
	o := newOrdeal(t)
	o.node.Faults().DelayInclusion(3)
	done := o.commit("unheard")
	o.inPool()
	restore := o.node.Faults().Silence()
	o.deadlines(5)
	restore()
	rounds := 0
	o.once("unheard", o.until(done, o.poll, o.seal, func() {
		// What was asked in silence still has to time out; what is asked now has
		// time for its answer.
		if rounds++; rounds%100 == 0 {
			o.expire()
		}
	}))
}

func TestSilentNode(t *testing.T) {
	o := newOrdeal(t)
	restore := o.node.Faults().Silence("chain_getHeader")
	done := make(chan error, 1)
	go func() {
		_, err := o.client.Head(o.Context())
		done <- err
	}()
	var err error
	for waiting := true; waiting; {
		select {
		case err = <-done:
			waiting = false
		default:
			o.expire()
			goruntime.Gosched()
		}
	}
	if !errors.Is(err, chain.ErrUnavailable) {
		t.Errorf("a silent node: %v", err)
	}
	restore()
	if _, err := o.client.Head(t.Context()); err != nil {
		t.Errorf("a node that speaks again: %v", err)
	}
}

func TestReorganisation(t *testing.T) {
	o := newOrdeal(t)
	o.node.Seal(3)
	f := o.node.Faults()
	f.HoldFinality(true)
	before := o.node.Head()
	done := o.commit("moves")
	for o.node.Head().Number == before.Number {
		goruntime.Gosched()
	}
	first := o.node.Head()
	for range 3 {
		if err := f.Reorg(int(o.node.Head().Number - before.Number)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.client.Neurons(t.Context(), troubled, first); !errors.Is(err, chain.ErrUnknownBlock) {
		t.Errorf("neurons at a block that was taken back: %v", err)
	}
	f.HoldFinality(false)
	in := o.until(done, o.poll, o.seal)
	if in.Block == first {
		t.Error("the write ended in a block that was taken back")
	}
	o.once("moves", in)
}

func TestRuntimeUpgrade(t *testing.T) {
	o := newOrdeal(t)
	o.once("old", o.until(o.commit("old"), o.poll))
	spec := func() uint32 {
		v := struct{ SpecVersion uint32 }{}
		c, err := rpc.New(rpc.Options{Endpoints: []string{o.endpoint}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		if err := c.Call(t.Context(), &v, "state_getRuntimeVersion"); err != nil {
			t.Fatal(err)
		}
		return v.SpecVersion
	}
	old := spec()
	// The first transaction was signed for the old runtime when the new one takes
	// over.
	o.node.Faults().DelayInclusion(2)
	done := o.commit("new")
	o.inPool()
	o.node.Faults().DelayInclusion(0)
	o.node.Faults().Upgrade(runtime.V2)
	o.seal()
	in := o.until(done, o.poll, o.seal)
	if spec() == old {
		t.Fatal("the runtime was not upgraded")
	}
	o.once("new", in)

	head := o.node.Head()
	neurons, err := o.client.Neurons(t.Context(), troubled, head)
	if err != nil || len(neurons) != 3 {
		t.Errorf("neurons after the upgrade: %v, %v", neurons, err)
	}
	for number := uint64(1); number <= head.Number; number++ {
		at, err := o.client.BlockAt(t.Context(), number)
		if err == nil {
			_, err = o.client.CommitmentEvents(t.Context(), troubled, at)
		}
		if err != nil {
			t.Errorf("events of block %d, from before or after the upgrade: %v", number, err)
		}
	}
	if _, err := o.client.SetWeights(t.Context(), o.voter, troubled, []chain.Weight{{UID: 2, Value: 1}}, 0); err != nil {
		t.Errorf("weights after the upgrade: %v", err)
	}
	_, err = o.client.SetCommitment(t.Context(), devchaintest.Key(t, "//Stranger"), troubled, [][]byte{[]byte("x")})
	if !errors.Is(err, chain.ErrNotRegistered) {
		t.Errorf("an error of the new runtime: %v", err)
	}
}

func TestPoolRejects(t *testing.T) {
	tests := []struct {
		code int
		data string
		want error // nil: it is sent again and taken
		name string
	}{
		{1010, "Transaction is outdated", nil, ""},
		{1010, "Transaction has a bad signature", nil, ""},
		{1014, "", nil, ""},
		{1010, "Inability to pay some fees (e.g. account balance too low)", chain.ErrRejected, "Payment"},
		{1010, "Custom error: 10", chain.ErrNotRegistered, "HotKeyNotRegisteredInNetwork"},
		{1010, "Custom error: 1", chain.ErrLowStake, "StakeAmountTooLow"},
		{1010, "Custom error: 200", chain.ErrRejected, "Custom error: 200"},
		{1012, "", chain.ErrRejected, "TemporarilyBanned"},
		{1016, "", chain.ErrRejected, "ImmediatelyDropped"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.code, " ", tt.data), func(t *testing.T) {
			o := newOrdeal(t)
			o.node.Faults().RejectNext(tt.code, "refused", tt.data)
			in := o.until(o.commit("refused"), o.poll)
			if tt.want == nil {
				o.once("refused", in)
				return
			}
			if !errors.Is(in.err, tt.want) || !strings.Contains(in.err.Error(), tt.name) {
				t.Errorf("error is %v, want %v that names %s", in.err, tt.want, tt.name)
			}
			o.node.Seal(3)
			if found, err := o.client.Commitment(t.Context(), troubled, o.miner.PublicKey(), o.node.Head()); err != nil || found != nil {
				t.Errorf("after a refusal there is %v, %v", found, err)
			}
		})
	}
}

// After a gap of 1,000 blocks every commitment is found, though the node keeps
// the state of a few blocks alone: an archive has the rest.
func TestGap(t *testing.T) {
	const gap, keep = 1000, 16
	dir := filepath.Join(t.TempDir(), "chain")
	cfg := troubledConfig(t)
	cfg.BlockTime = time.Second // fewer pulses of the beacon to sign
	if err := devchain.Create(dir, devchain.Options{Genesis: cfg, FinalityLag: devchaintest.DefaultLag}); err != nil {
		t.Fatal(err)
	}
	func() {
		node, err := devchain.Open(dir, devchain.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = node.Close() }()
		c, err := subtensor.New(subtensor.Options{Endpoints: []string{devchaintest.Listen(t, node)}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		for i := range 10 {
			if _, err := c.SetCommitment(t.Context(), devchaintest.Key(t, "//Miner"), troubled, [][]byte{fmt.Append(nil, i)}); err != nil {
				t.Fatal(err)
			}
			node.Seal(gap/10 - devchaintest.DefaultLag)
		}
	}()
	copied := filepath.Join(t.TempDir(), "archive")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	archive := devchaintest.Listen(t, devchaintest.Reopen(t, copied))
	node := devchaintest.Reopen(t, dir, func(o *devchain.Options) { o.Keep = keep })
	o := ordealOf(t, node, func(c *subtensor.Options) { c.Archive = []string{archive} })
	alone := ordealOf(t, node)
	last, err := o.client.Finalized(t.Context())
	if err != nil || last.Number < gap {
		t.Fatalf("final block is %v, %v", last, err)
	}
	found, unknown := 0, 0
	for number := uint64(1); number <= last.Number; number++ {
		at, err := o.client.BlockAt(t.Context(), number)
		if err != nil {
			t.Fatal(err)
		}
		events, err := o.client.CommitmentEvents(t.Context(), troubled, at)
		if err != nil {
			t.Fatalf("block %d: %v", number, err)
		}
		for _, e := range events {
			if want := fmt.Sprint(found); string(e.Fields[0]) != want || e.Block != number {
				t.Errorf("block %d has the commitment %s of block %d, want %s", number, e.Fields[0], e.Block, want)
			}
			found++
		}
		if number%100 != 0 {
			continue
		}
		if _, err := alone.client.CommitmentEvents(t.Context(), troubled, at); errors.Is(err, chain.ErrUnknownBlock) {
			unknown++
		} else if err != nil {
			t.Fatalf("block %d without an archive: %v", number, err)
		}
	}
	if found != 10 || unknown < gap/100-1 {
		t.Errorf("found %d commitments of 10; %d blocks in a hundred are unknown without an archive", found, unknown)
	}
}

// A wait that is cut off goes on, and ends with its context.
func TestWaitThroughDrops(t *testing.T) {
	o := newOrdeal(t)
	done := make(chan error, 1)
	go func() {
		b, err := o.client.WaitFinalized(o.Context(), 20)
		if err == nil && b.Number < 20 {
			err = fmt.Errorf("waited for block 20, got %d", b.Number)
		}
		done <- err
	}()
	polls := func() (n int) {
		for _, d := range o.clock.Log() {
			if d == subtensor.DefaultPoll {
				n++
			}
		}
		return n
	}
	for range 5 {
		for before := polls(); polls() == before; goruntime.Gosched() {
			o.poll() // until it listens, once more
		}
		o.node.Faults().Drop()
		o.node.Seal(5)
	}
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := o.client.WaitFinalized(ctx, 1<<40); !errors.Is(err, context.Canceled) {
				t.Errorf("a wait whose context ended: %v", err)
			}
			return
		default:
			o.poll()
			goruntime.Gosched()
		}
	}
}
