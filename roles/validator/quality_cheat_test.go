package validator_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"finest/eval"
	"finest/internal/contract"
	"finest/roles/submission/submissiontest"
)

// TestComparedRowsAreAudited: rows that are better than what the recipe makes are
// found even where no audit could be made, and the recipe is judged without them.
func TestComparedRowsAreAudited(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	anna, bert, cora := s.Miner("//Anna"), s.Miner("//Bert"), s.Miner("//Cora")
	s.claim(anna, submissiontest.ToyRecipe(), 1)
	s.claim(bert, menus, 1)
	s.Recipe = menus
	work := s.Refine(s.Lease(cora.Key))
	for i := range work.Rows {
		work.Rows[i].Text = prose(fmt.Sprint("made up ", i), 6)
	}
	cora.Publish(work)
	s.claim(cora, menus, 1) // honest, but fraud takes the window
	block := cora.Claim()
	s.WARC.Err = errors.New("no route to the crawl")
	s.judged(block)
	s.AwaitFinal(s.Final().Number + s.Protocol.UndecidedFor + 1)
	want(t, standings(s.once(), cora)[0], eval.Undecided, false, "is not judged yet")
	s.WARC.Err = nil
	s.windowOver(block)
	s.once() // finds the fraud
	round := s.rounds(1)
	want(t, standings(round, cora)[0], eval.Rejected, true, "text from byte")
	round = s.rounds(1)
	want(t, standings(round, bert)[0], eval.Accepted, true, "recipe menus")
	if got := s.judgement(); got.Counts != 0 || got.Facts["tasks"] != "1" {
		t.Errorf("judgement %+v", got)
	}
	if len(s.board.proofs) != 1 {
		t.Errorf("%d proofs are shared", len(s.board.proofs))
	}
}

// trusted lets a miner's claims pass without audits.
func (s *school) trusted(m *submissiontest.Miner) {
	s.t.Helper()
	s.Protocol.AuditAlways, s.Protocol.AuditLeast = 1, 0
	s.once()
	s.open.SetStreak(m.Key.Address(), 1<<60)
}

// TestComparedClustersAreReplayed: pages that the recipe makes badly cannot be
// hidden by calling them duplicates, though no audit was made.
func TestComparedClustersAreReplayed(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	anna, cora := s.Miner("//Anna"), s.Miner("//Cora")
	s.trusted(cora)
	s.claim(anna, submissiontest.ToyRecipe(), 1)
	s.Recipe = submissiontest.Clustered(menus)
	work := s.Refine(s.Lease(cora.Key))
	for i := range work.Ledger {
		row := &work.Ledger[i]
		row.KeptFile, row.KeptOffset = row.File, row.Offset
		if i > 2 {
			row.Outcome, row.Reason = contract.OutcomeMinHash, contract.ReasonDuplicate
			row.KeptOffset = work.Ledger[0].Offset
		}
	}
	work.Rows = work.Rows[:3]
	cora.Publish(work)
	block := cora.Claim()
	want(t, standings(s.judged(block), cora)[0], eval.Undecided, false, "is not judged yet")
	s.windowOver(block)
	s.once()
	want(t, standings(s.rounds(1), cora)[0], eval.Rejected, true, "is called a duplicate, but its band keys match no document before it")
	if s.trainer.runs != 0 || len(s.board.proofs) != 1 {
		t.Errorf("%d models are trained, %d proofs are shared", s.trainer.runs, len(s.board.proofs))
	}
}

// TestHeldOutBytesAreAudited: who leaves pages out of a ledger chooses neither what
// models are scored on, nor holds up the comparisons of others.
func TestHeldOutBytesAreAudited(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	dora, bert := s.Miner("//Anna"), s.Miner("//Bert")
	s.trusted(dora)
	s.claim(bert, twin, 2)
	s.Recipe = submissiontest.ToyRecipe()
	work := s.Refine(s.Lease(dora.Key))
	work.Ledger, work.Rows = slices.Delete(work.Ledger, 5, 9), slices.Delete(work.Rows, 5, 9)
	dora.Publish(work)
	block := dora.Claim()
	want(t, standings(s.judged(block), dora)[0], eval.Accepted, true, "not drawn for an audit")
	s.windowOver(block)
	s.once()
	want(t, standings(s.rounds(1), dora)[0], eval.Rejected, true, "is missing from the ledger")
	s.rounds(1)
	if got := s.judgement(); !got.Judged || got.Counts != 1 {
		t.Errorf("judgement %+v", got)
	}
}
