package localchain_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"finest/chain"
	"finest/chain/chaintest"
	"finest/chain/localchain"
)

func head(t testing.TB, c *localchain.Chain) chain.Block {
	t.Helper()
	b, err := c.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func blockAt(t testing.TB, c *localchain.Chain, number uint64) chain.Block {
	t.Helper()
	b, err := c.BlockAt(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTimeMakesBlocks(t *testing.T) {
	clock := chaintest.NewClock(genesisTime)
	c := open(t, create(t, config(t), clock), clock)
	for _, step := range []struct {
		after       time.Duration
		head, final uint64
	}{
		{0, 0, 0},
		{blockTime - 1, 0, 0},
		{blockTime, 1, 0},
		{2 * blockTime, 2, 0},
		{3*blockTime - 1, 2, 0},
		{3 * blockTime, 3, 1},
		{1000*blockTime + 1, 1000, 998},
	} {
		clock.Advance(genesisTime.Add(step.after).Sub(clock.Now()))
		final, err := c.Finalized(t.Context())
		if got := head(t, c); err != nil || got.Number != step.head || final.Number != step.final {
			t.Errorf("after %s head is %d and final block %d (%v), want %d and %d", step.after, got.Number, final.Number, err, step.head, step.final)
		}
	}
}

func TestWaitFinalizedWakesOnTheBlock(t *testing.T) {
	clock := chaintest.NewClock(genesisTime)
	c := open(t, create(t, config(t), clock), clock)
	got := make(chan chain.Block)
	go func() {
		b, _ := c.WaitFinalized(t.Context(), 5)
		got <- b
	}()
	clock.AwaitWaiters(1)
	clock.Advance((5+lag)*blockTime - 1)
	select {
	case b := <-got:
		t.Fatalf("block %d is final too early", b.Number)
	default:
	}
	clock.Advance(1)
	if b := <-got; b.Number != 5 {
		t.Errorf("waited for block 5, got %d", b.Number)
	}
}

func TestHashesAreTheChainsOwn(t *testing.T) {
	clock := chaintest.NewClock(genesisTime)
	one, two := create(t, config(t), clock), create(t, config(t), clock)
	a, b := open(t, one, clock), open(t, two, clock)
	if head(t, a) == head(t, b) {
		t.Error("two chains share block 0: their hashes can be known in advance")
	}
	if head(t, a) != head(t, open(t, one, clock)) {
		t.Error("a chain opened again has another block 0")
	}
	info, err := os.Stat(filepath.Join(one, "seed"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the seed is %v, %v, want 0600", info.Mode(), err)
	}
}

// start begins a commitment and returns once it waits for its block.
func start(t *testing.T, ctx context.Context, c *localchain.Chain, clock *chaintest.Clock, by chain.Signer, text string) <-chan result {
	t.Helper()
	done := make(chan result, 1)
	go func() {
		in, err := c.SetCommitment(ctx, by, netuid, [][]byte{[]byte(text)})
		done <- result{in, err}
	}()
	clock.AwaitWaiters(1)
	return done
}

type result struct {
	in  chain.Inclusion
	err error
}

func events(t testing.TB, c *localchain.Chain, number uint64) (texts []string) {
	t.Helper()
	list, err := c.CommitmentEvents(t.Context(), netuid, blockAt(t, c, number))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		texts = append(texts, string(bytes.Join(e.Fields, []byte("|"))))
	}
	return texts
}

func journalLines(t testing.TB, dir string) int {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "extrinsics.journal"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(raw, []byte("\n"))
}

func TestWriteTakesEffectInTheNextBlock(t *testing.T) {
	clock := chaintest.NewClock(genesisTime)
	c := open(t, create(t, config(t), clock), clock)
	clock.Advance(10*blockTime + 1)
	before := head(t, c)
	done := start(t, t.Context(), c, clock, key(t, "//Miner"), "claim")
	if got := head(t, c); got != before {
		t.Errorf("a pending write changed block %v to %v", before, got)
	}
	if got, err := c.Commitment(t.Context(), netuid, key(t, "//Miner").PublicKey(), before); got != nil || err != nil {
		t.Errorf("a pending write shows: %+v, %v", got, err)
	}
	clock.Advance(blockTime)
	r := <-done
	if r.err != nil || r.in.Block.Number != 11 || r.in.Block != head(t, c) {
		t.Fatalf("took effect in %+v, %v, want the head, block 11", r.in, r.err)
	}
	if got := events(t, c, 11); !reflect.DeepEqual(got, []string{"claim"}) {
		t.Errorf("events of block 11 are %q", got)
	}
}

// The effect of a write in the journal is certain, so neither a context that
// ends nor a process that dies while waiting may make a second one.
func TestWriteOfACutOffWaitIsNotRepeated(t *testing.T) {
	clock := chaintest.NewClock(genesisTime)
	dir := create(t, config(t), clock)
	ctx, cancel := context.WithCancel(t.Context())
	first := start(t, ctx, open(t, dir, clock), clock, key(t, "//Miner"), "claim")
	cancel()
	again := open(t, dir, clock) // as a new process after a kill
	repeat := make(chan result, 1)
	go func() {
		in, err := again.SetCommitment(t.Context(), key(t, "//Miner"), netuid, [][]byte{[]byte("claim")})
		repeat <- result{in, err}
	}()
	clock.AwaitWaiters(2)
	other := make(chan result, 1)
	go func() {
		in, err := again.SetCommitment(t.Context(), key(t, "//Other"), netuid, [][]byte{[]byte("claim")})
		other <- result{in, err}
	}()
	clock.AwaitWaiters(3)
	clock.Advance(blockTime)
	a, b, o := <-first, <-repeat, <-other
	if a.err != nil || b.err != nil || o.err != nil || a.in != b.in || a.in != o.in {
		t.Fatalf("first write %+v, repeated %+v, other hotkey %+v, want one block", a, b, o)
	}
	if got := journalLines(t, dir); got != 2 {
		t.Errorf("journal holds %d extrinsics, want one for each hotkey", got)
	}
}

func TestLastWriteOfABlockStands(t *testing.T) {
	clock := chaintest.NewClock(genesisTime)
	c := open(t, create(t, config(t), clock), clock)
	var all []<-chan result
	for i, w := range []struct{ uri, text string }{{"//Miner", "1"}, {"//Other", "2"}, {"//Miner", "3"}} {
		done := make(chan result, 1)
		all = append(all, done)
		go func() {
			in, err := c.SetCommitment(t.Context(), key(t, w.uri), netuid, [][]byte{[]byte(w.text)})
			done <- result{in, err}
		}()
		clock.AwaitWaiters(i + 1)
	}
	clock.Advance(blockTime)
	for _, done := range all {
		if r := <-done; r.err != nil || r.in.Block.Number != 1 {
			t.Errorf("took effect in %+v, %v, want block 1", r.in, r.err)
		}
	}
	if got := events(t, c, 1); !reflect.DeepEqual(got, []string{"2", "3"}) {
		t.Errorf("events are %q, want each hotkey's last in the order of the block", got)
	}
}

func TestClockThatGoesBack(t *testing.T) {
	clock := chaintest.NewAutoClock(genesisTime)
	dir := create(t, config(t), clock)
	c := open(t, dir, clock)
	clock.Advance(20 * blockTime)
	seen := head(t, c)
	clock.Advance(-15 * blockTime)
	for name, c := range map[string]*localchain.Chain{"same process": c, "other process": open(t, dir, clock)} {
		if got := head(t, c); got != seen {
			t.Errorf("%s: head went from %v to %v with the clock", name, seen, got)
		}
	}
	in, err := c.SetCommitment(t.Context(), key(t, "//Miner"), netuid, [][]byte{[]byte("late")})
	if err != nil || in.Block.Number != seen.Number+1 {
		t.Errorf("write took effect in %v, %v, want the block after %d", in, err, seen.Number)
	}
	if got := blockAt(t, c, seen.Number); got != seen {
		t.Errorf("block %v became %v", seen, got)
	}
}
