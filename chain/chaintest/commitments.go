package chaintest

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"

	"finest/chain"
)

// The longest plain field (Raw) and the longest of all (BigRaw), and on Subtensor
// the space of an epoch in bytes and the most commitments that fit it.
const (
	maxField     = 128
	maxBigField  = 512
	mostInEpoch  = 31
	spaceOfEpoch = 3100
)

func specCommitmentSizes(_ *testing.T, s *spec) {
	long := bytes.Repeat([]byte{0xff}, maxField)
	for name, fields := range map[string][][]byte{
		"empty field":       {{}},
		"one byte":          {{0}},
		"newline and quote": {[]byte("a\n\"\\\x00")},
		"long":              {long},
		"longer":            {bytes.Repeat([]byte{2}, maxField+1)},
		"longest of all":    {long, bytes.Repeat([]byte{3}, maxBigField)},
		"three long":        {long, bytes.Repeat([]byte{1}, maxField), long},
		"mixed":             {[]byte("owner/repo@0123"), {}, []byte("x")},
	} {
		in := s.commit(s.Miner, fields...)
		got := s.commitment(s.Miner, in.Block)
		if got == nil {
			s.Errorf("%s: nothing is written", name)
			continue
		}
		if !equalFields(got.Fields, fields) || got.Hotkey != s.Miner.PublicKey() || got.Block != in.Block.Number {
			s.Errorf("%s: wrote %x in block %d, read %+v", name, fields, in.Block.Number, got)
		}
	}
}

func specCommitmentRefusals(_ *testing.T, s *spec) {
	s.commit(s.Miner, s.unique("stays"))
	before := s.commitment(s.Miner, s.head())
	for name, fields := range map[string][][]byte{
		"no field":   {},
		"4 fields":   {{1}, {2}, {3}, {4}},
		"long field": {bytes.Repeat([]byte{1}, maxBigField+1)},
	} {
		_, err := s.Client.SetCommitment(s.ctx, s.Miner, s.Netuid, fields)
		s.wantErr(name, err, chain.ErrRejected)
	}
	_, err := s.Client.SetCommitment(s.ctx, s.Stranger, s.Netuid, [][]byte{{1}})
	s.wantErr("stranger", err, chain.ErrNotRegistered)
	at := s.pass(1)
	if after := s.commitment(s.Miner, at); after.Block != before.Block || !equalFields(after.Fields, before.Fields) {
		s.Errorf("a refused write changed %+v to %+v", before, after)
	}
	if got := s.commitment(s.Stranger, at); got != nil {
		s.Errorf("the stranger's commitment is %+v, want none", got)
	}
}

// A write returns when its block is final, so that nothing can take it back.
func specCommitmentFinal(_ *testing.T, s *spec) {
	in := s.commit(s.Other, s.unique("final"))
	if final := must[chain.Block](s, "finalized")(s.Client.Finalized(s.ctx)); final.Number < in.Block.Number {
		s.Errorf("a write returned with block %d when block %d was final", in.Block.Number, final.Number)
	}
	for name, c := range map[string]chain.Client{"client": s.Client, "peer": s.Peer} {
		if on := must[chain.Block](s, "block")(c.BlockAt(s.ctx, in.Block.Number)); on != in.Block {
			s.Errorf("the write took effect in block %v, the %s has %v there", in.Block, name, on)
		}
	}
}

func specCommitmentReplaces(_ *testing.T, s *spec) {
	fields := [][]byte{s.unique("first"), []byte("second field")}
	first := s.commit(s.Miner, fields...)
	s.pass(1)
	other := s.unique("other")
	second := s.commit(s.Miner, other)
	if second.Block.Number <= first.Block.Number {
		s.Fatalf("the second write took effect in block %d, the first in %d", second.Block.Number, first.Block.Number)
	}
	if got := s.commitment(s.Miner, second.Block); !equalFields(got.Fields, [][]byte{other}) || got.Block != second.Block.Number {
		s.Errorf("after both writes the commitment is %+v", got)
	}
	parent := must[chain.Block](s, "block")(s.Client.BlockAt(s.ctx, second.Block.Number-1))
	if got := s.commitment(s.Miner, parent); !equalFields(got.Fields, fields) || got.Block != first.Block.Number {
		s.Errorf("before the second write the commitment is %+v", got)
	}
	if first.Block.Number > 0 {
		parent = must[chain.Block](s, "block")(s.Client.BlockAt(s.ctx, first.Block.Number-1))
		if got := s.commitment(s.Miner, parent); got != nil && equalFields(got.Fields, fields) {
			s.Errorf("before the first write the commitment is %+v", got)
		}
	}
	s.pass(1)
	third := s.commit(s.Miner, other)
	if got := s.commitment(s.Miner, third.Block); third.Block.Number <= second.Block.Number || got.Block != third.Block.Number {
		s.Errorf("writing the same again took effect in block %d with stamp %d, want a new block after %d", third.Block.Number, got.Block, second.Block.Number)
	}
}

func specCommitmentList(_ *testing.T, s *spec) {
	wrote := map[chain.PublicKey][]byte{}
	for _, by := range []chain.Signer{s.Other, s.Validator, s.Miner} {
		wrote[by.PublicKey()] = s.unique(by.Address())
		s.commit(by, wrote[by.PublicKey()])
	}
	at := s.pass(0)
	uids := map[chain.PublicKey]uint16{}
	for _, n := range s.neurons(at) {
		uids[n.Hotkey] = n.UID
	}
	list := must[[]chain.Commitment](s, "commitments")(s.Client.Commitments(s.ctx, s.Netuid, at))
	if !slices.IsSortedFunc(list, func(a, b chain.Commitment) int { return int(uids[a.Hotkey]) - int(uids[b.Hotkey]) }) {
		s.Errorf("commitments are not in uid order: %+v", list)
	}
	for _, c := range list {
		one := must[*chain.Commitment](s, "commitment")(s.Peer.Commitment(s.ctx, s.Netuid, c.Hotkey, at))
		if one == nil || one.Block != c.Block || !equalFields(one.Fields, c.Fields) {
			s.Errorf("listed as %+v, read alone as %+v", c, one)
		}
		if want, ok := wrote[c.Hotkey]; ok && !equalFields(c.Fields, [][]byte{want}) {
			s.Errorf("listed %q, wrote %q", c.Fields, want)
		}
		delete(wrote, c.Hotkey)
	}
	if len(wrote) > 0 {
		s.Errorf("%d commitments are not listed", len(wrote))
	}
}

func specCommitmentEvents(_ *testing.T, s *spec) {
	text := s.unique("event")
	in := s.commit(s.Other, text)
	mine := func(at chain.Block) (found []chain.Commitment) {
		seen := map[chain.PublicKey]bool{}
		for _, e := range s.events(at) {
			if e.Block != at.Number {
				s.Errorf("event in block %d has the stamp %d", at.Number, e.Block)
			}
			if seen[e.Hotkey] {
				s.Errorf("block %d has two events of one hotkey", at.Number)
			}
			seen[e.Hotkey] = true
			if e.Hotkey == s.Other.PublicKey() {
				found = append(found, e)
			}
		}
		return found
	}
	if got := mine(in.Block); len(got) != 1 || !equalFields(got[0].Fields, [][]byte{text}) {
		s.Errorf("events of the block are %+v, want one with %q", got, text)
	}
	last := s.pass(1)
	for number := in.Block.Number + 1; number <= last.Number; number++ {
		at := must[chain.Block](s, "block")(s.Client.BlockAt(s.ctx, number))
		if got := mine(at); len(got) != 0 {
			s.Errorf("block %d, after the write, has events %+v", number, got)
		}
	}
}

func specCommitmentCopies(_ *testing.T, s *spec) {
	text := s.unique("mine")
	in := s.commit(s.Miner, text)
	want := bytes.Clone(text)
	clear(text)
	got := s.commitment(s.Miner, in.Block)
	if !equalFields(got.Fields, [][]byte{want}) {
		s.Fatalf("the commitment follows the caller's buffer: %q", got.Fields)
	}
	clear(got.Fields[0])
	list := must[[]chain.Commitment](s, "commitments")(s.Client.Commitments(s.ctx, s.Netuid, in.Block))
	for _, c := range append(list, s.events(in.Block)...) {
		clear(c.Fields)
	}
	if again := s.commitment(s.Miner, in.Block); !equalFields(again.Fields, [][]byte{want}) {
		s.Errorf("changing what was read changed the commitment to %q", again.Fields)
	}
}

func specSpaceLimit(_ *testing.T, s *spec) {
	if tempo := s.subnet().Tempo; tempo < 2*mostInEpoch {
		s.Skipf("an epoch of %d blocks has no room for as many commitments as use up its space", tempo)
	}
	long := bytes.Repeat([]byte{7}, maxField)
	var err error
	taken := 0
	for ; taken <= 2*spaceOfEpoch/(3*maxField) && err == nil; taken++ {
		_, err = s.Client.SetCommitment(s.ctx, s.Other, s.Netuid, [][]byte{long, long, fmt.Appendf(long[:maxField-8:maxField-8], "%08d", taken)})
	}
	s.wantErr(fmt.Sprintf("commitment %d of %d bytes", taken, 3*maxField), err, chain.ErrSpaceLimit)
	if _, err := s.Client.SetCommitment(s.ctx, s.Miner, s.Netuid, [][]byte{s.unique("own space")}); err != nil {
		s.Errorf("another hotkey's space is used up too: %v", err)
	}
	s.pass(s.subnet().Tempo + 1)
	if _, err := s.Client.SetCommitment(s.ctx, s.Other, s.Netuid, [][]byte{s.unique("next epoch")}); err != nil {
		s.Errorf("in the next epoch: %v", err)
	}
}

// Writes from several connections, also by one hotkey, all take effect. Of
// those that one hotkey has in one block, the last replaces the others.
func specConcurrentWriters(_ *testing.T, s *spec) {
	s.pass(s.subnet().Tempo + 1) // space for all of them
	type write struct {
		by    chain.Signer
		text  string
		block uint64
		err   error
	}
	label := string(s.unique("concurrent"))
	var writes []*write
	for i := range 12 {
		by := []chain.Signer{s.Miner, s.Other, s.Validator}[i%3]
		writes = append(writes, &write{by: by, text: fmt.Sprintf("%s %d", label, i)})
	}
	var wg sync.WaitGroup
	for i, w := range writes {
		c := []chain.Client{s.Client, s.Peer}[i%2]
		wg.Go(func() {
			var in chain.Inclusion
			in, w.err = c.SetCommitment(s.ctx, w.by, s.Netuid, [][]byte{[]byte(w.text)})
			w.block = in.Block.Number
		})
	}
	wg.Wait()
	last := s.pass(0)
	final := map[chain.PublicKey]*chain.Commitment{}
	for _, w := range writes {
		if w.err != nil {
			s.Errorf("write %q: %v", w.text, w.err)
			continue
		}
		at := must[chain.Block](s, "block")(s.Client.BlockAt(s.ctx, w.block))
		rivals := 0
		for _, o := range writes {
			if o.by == w.by && o.block == w.block {
				rivals++
			}
		}
		stands := slices.ContainsFunc(s.events(at), func(e chain.Commitment) bool {
			return e.Hotkey == w.by.PublicKey() && string(e.Fields[0]) == w.text
		})
		if !stands && rivals == 1 {
			s.Errorf("write %q took effect in block %d, but has no event there", w.text, w.block)
		}
		if stands && (final[w.by.PublicKey()] == nil || final[w.by.PublicKey()].Block < w.block) {
			final[w.by.PublicKey()] = &chain.Commitment{Block: w.block, Fields: [][]byte{[]byte(w.text)}}
		}
	}
	for _, by := range []chain.Signer{s.Miner, s.Other, s.Validator} {
		want := final[by.PublicKey()]
		got := s.commitment(by, last)
		if want == nil || got == nil || got.Block != want.Block || !equalFields(got.Fields, want.Fields) {
			s.Errorf("last commitment of %s is %+v, want %+v", by.Address(), got, want)
		}
	}
}
