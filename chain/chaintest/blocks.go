package chaintest

import (
	"context"
	"errors"
	"math"
	"testing"

	"finest/chain"
)

func specHeads(_ *testing.T, s *spec) {
	final := must[chain.Block](s, "finalized")(s.Client.Finalized(s.ctx))
	head := s.head()
	for range 5 {
		if head.Number < final.Number {
			s.Errorf("head %d is behind the final block %d", head.Number, final.Number)
		}
		next := must[chain.Block](s, "wait")(s.Client.WaitFinalized(s.ctx, final.Number+1))
		if next.Number <= final.Number {
			s.Errorf("final block went from %d to %d", final.Number, next.Number)
		}
		if now := s.head(); now.Number < head.Number {
			s.Errorf("head went from %d back to %d", head.Number, now.Number)
		}
		final, head = next, s.head()
	}
}

func specBlockAt(_ *testing.T, s *spec) {
	final := s.pass(4)
	hashes := map[chain.Hash]uint64{}
	for number := final.Number - 4; number <= final.Number; number++ {
		b := must[chain.Block](s, "block")(s.Client.BlockAt(s.ctx, number))
		if b.Number != number || b.Hash == (chain.Hash{}) {
			s.Errorf("block %d is %v", number, b)
		}
		if other, twice := hashes[b.Hash]; twice {
			s.Errorf("blocks %d and %d have the hash %s", other, number, b.Hash)
		}
		hashes[b.Hash] = number
		if peer := must[chain.Block](s, "block")(s.Peer.BlockAt(s.ctx, number)); peer != b {
			s.Errorf("peer sees block %d as %v, want %v", number, peer, b)
		}
	}
	if b := must[chain.Block](s, "block")(s.Client.BlockAt(s.ctx, final.Number)); b != final {
		s.Errorf("final block is %v by number, %v as the newest", b, final)
	}
	s.commit(s.Miner, s.unique("a write"))
	if b := must[chain.Block](s, "block")(s.Client.BlockAt(s.ctx, final.Number)); b != final {
		s.Errorf("final block was %v, and is %v after a write", final, b)
	}
	for _, number := range []uint64{s.head().Number + 1<<20, math.MaxUint32, math.MaxUint64} {
		_, err := s.Client.BlockAt(s.ctx, number)
		s.wantErr("block far ahead", err, chain.ErrUnknownBlock)
	}
}

func specWaitFinalized(_ *testing.T, s *spec) {
	target := s.head().Number + 3
	b := must[chain.Block](s, "wait")(s.Client.WaitFinalized(s.ctx, target))
	if b.Number < target {
		s.Errorf("waited for block %d, got %d", target, b.Number)
	}
	if on := must[chain.Block](s, "block")(s.Client.BlockAt(s.ctx, b.Number)); on != b {
		s.Errorf("waiting returned %v, the chain has %v", b, on)
	}
	again := must[chain.Block](s, "wait for the past")(s.Client.WaitFinalized(s.ctx, 0))
	if again.Number < b.Number {
		s.Errorf("waiting for a block of the past returned %d, older than the final block %d", again.Number, b.Number)
	}
}

func specContextEnded(_ *testing.T, s *spec) {
	at := s.head()
	before := s.commitment(s.Miner, at)
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	for name, call := range map[string]func() error{
		"head":        func() error { _, err := s.Client.Head(ctx); return err },
		"finalized":   func() error { _, err := s.Client.Finalized(ctx); return err },
		"block":       func() error { _, err := s.Client.BlockAt(ctx, at.Number); return err },
		"wait":        func() error { _, err := s.Client.WaitFinalized(ctx, at.Number+100); return err },
		"subnet":      func() error { _, err := s.Client.Subnet(ctx, s.Netuid, at); return err },
		"neurons":     func() error { _, err := s.Client.Neurons(ctx, s.Netuid, at); return err },
		"commitments": func() error { _, err := s.Client.Commitments(ctx, s.Netuid, at); return err },
		"write": func() error {
			_, err := s.Client.SetCommitment(ctx, s.Miner, s.Netuid, [][]byte{[]byte("no")})
			return err
		},
		"weights": func() error {
			_, err := s.Client.SetWeights(ctx, s.Validator, s.Netuid, s.weights(), math.MaxUint32)
			return err
		},
		"read weights": func() error { _, err := s.Client.Weights(ctx, s.Netuid, 0, at); return err },
	} {
		s.wantErr(name, call(), context.Canceled)
	}
	after := s.commitment(s.Miner, s.pass(2))
	if (before == nil) != (after == nil) || (after != nil && after.Block != before.Block) {
		s.Errorf("a write whose context had ended changed the commitment from %v to %v", before, after)
	}
}

// A write whose context ends while it waits may succeed or fail, but it must
// not lie, and repeating it after a failure must not write twice.
func specContextEndsDuringWrite(_ *testing.T, s *spec) {
	fields := [][]byte{s.unique("cut off")}
	first := s.head().Number
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan error)
	go func() {
		_, err := s.Client.SetCommitment(ctx, s.Other, s.Netuid, fields)
		done <- err
	}()
	cancel()
	if err := <-done; err != nil {
		s.wantErr("cut-off write", err, context.Canceled)
		must[chain.Inclusion](s, "repeated write")(s.Client.SetCommitment(s.ctx, s.Other, s.Netuid, fields))
	}
	writes := 0
	last := s.pass(2).Number
	for number := first; number <= last; number++ {
		for _, e := range s.events(must[chain.Block](s, "block")(s.Client.BlockAt(s.ctx, number))) {
			if e.Hotkey == s.Other.PublicKey() && equalFields(e.Fields, fields) {
				writes++
			}
		}
	}
	if writes != 1 {
		s.Errorf("the commitment was written %d times, want once", writes)
	}
}

func specContextEndsDuringWait(_ *testing.T, s *spec) {
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan error)
	go func() {
		_, err := s.Client.WaitFinalized(ctx, math.MaxUint64)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		s.Errorf("a cancelled wait returned %v", err)
	}
}
