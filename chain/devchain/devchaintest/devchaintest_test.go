package devchaintest_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"finest/chain/devchain"
	"finest/chain/devchain/devchaintest"
)

func TestEager(t *testing.T) {
	node, client := devchaintest.Open(t, config(t))
	eager := devchaintest.Eager(node, client)
	if b, err := eager.WaitFinalized(t.Context(), 5); err != nil || b.Number != 5 {
		t.Errorf("waited for block 5, got %v (%v)", b, err)
	}
	head := node.Head()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, number := range []uint64{10, math.MaxUint64} {
		if _, err := eager.WaitFinalized(ctx, number); !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled wait for block %d returned %v", number, err)
		}
	}
	if now := node.Head(); now != head {
		t.Errorf("cancelled waits moved the chain from %v to %v", head, now)
	}
}

// A chain that makes no more blocks is waited for as any other.
func TestEagerOnClosedChain(t *testing.T) {
	node, client := devchaintest.Open(t, config(t))
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancelled := time.AfterFunc(100*time.Millisecond, cancel)
	defer cancelled.Stop()
	done := make(chan error, 1)
	go func() {
		_, err := devchaintest.Eager(node, client).WaitFinalized(ctx, 5)
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil {
			t.Error("block 5 of a closed chain is final")
		}
	case <-time.After(20 * time.Second):
		t.Error("the wait goes on after its context")
	}
}

// Waiting on the clock of a chain makes its blocks.
func TestClock(t *testing.T) {
	node := devchaintest.Start(t, config(t))
	clock := devchaintest.NewClock(node)
	from := clock.Now()
	for _, tc := range []struct {
		wait   time.Duration
		blocks uint64
	}{{0, 0}, {-time.Second, 0}, {time.Nanosecond, 1}, {node.BlockTime(), 1}, {node.BlockTime() + 1, 2}} {
		before := node.Head().Number
		now := <-clock.After(tc.wait)
		if made := node.Head().Number - before; made != tc.blocks || now.Sub(from) < tc.wait {
			t.Errorf("waiting for %s made %d blocks, want %d", tc.wait, made, tc.blocks)
		}
		from = now
	}
	select {
	case <-clock.After(math.MaxInt64):
		t.Error("a time that never comes has come")
	default:
	}
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	if err := devchain.Create(dir, devchain.Options{Genesis: config(t), FinalityLag: devchaintest.DefaultLag}); err != nil {
		t.Fatal(err)
	}
	node := devchaintest.Reopen(t, dir)
	client := devchaintest.Dial(t, devchaintest.Listen(t, node))
	if _, err := client.SetCommitment(t.Context(), devchaintest.Key(t, "//Miner"), netuid, [][]byte{[]byte("kept")}); err != nil {
		t.Fatal(err)
	}
	head := node.Head()
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}
	if again := devchaintest.Reopen(t, dir).Head(); again != head {
		t.Errorf("reopened at %v, was at %v", again, head)
	}
}
