package validator_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"finest/chain"
	"finest/eval"
	"finest/internal/contract"
	"finest/roles/submission/submissiontest"
	"finest/roles/validator"
)

func TestHonestWorkIsPaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.Miner("//Anna")
	block, work := anna.Honest()
	if early := w.once(); early.WeightsSet || len(early.Submissions) != 0 {
		t.Errorf("before its seed the claim leads to %+v", early)
	}
	round := w.judged(block)
	s := standing(t, round, anna)
	want(t, s, eval.Accepted, true, "passed: binding, content, slice, clusters, quality")
	if s.UID != uidAnna || s.Elapsed != block-work.Receipt.Block || s.Work != work.Receipt.Bytes() || s.Timeliness != 1 || s.Quality != 1 ||
		s.Pay != float64(s.Work) || s.Weight != 65535 || s.Block != block {
		t.Errorf("standing %+v", s)
	}
	wantWeights(t, round, validator.Weight{UID: uidAnna, Value: 65535})
	if !round.WeightsSet || round.Pending != 0 {
		t.Errorf("round %+v", round)
	}
	if len(w.board.verdicts) != 1 || len(w.board.scores) != 1 || w.board.scores[0] != round.WeightsBlock {
		t.Errorf("published %v with weights of blocks %v", w.board.verdicts, w.board.scores)
	}
	for _, v := range w.board.verdicts {
		if v.Outcome != contract.VerdictAccepted || v.Pay == "0" {
			t.Errorf("published %+v", v)
		}
	}
	w.once()
	if len(w.board.scores) != 1 {
		t.Error("a verdict is published twice")
	}
}

// TestRejected lists what is refused, and the sentence that says why.
func TestRejected(t *testing.T) {
	t.Parallel()
	other := "//Other"
	for _, test := range []struct {
		name, reason string
		claim        func(w *world, m *submissiontest.Miner) uint64
	}{
		{"receipt of a stranger", "which was no task-server key of the subnet", receiptOf(func(w *world, r *contract.Receipt) {
			r.Server = submissiontest.Key(w.t, other).Address()
		})},
		{"signature of a stranger", "the signature of the receipt is not by", func(w *world, m *submissiontest.Miner) uint64 {
			work := w.Refine(w.Lease(m.Key))
			work.Receipt.CatalogueSHA256 = strings.Repeat("1", 64)
			m.Publish(work)
			return m.Claim()
		}},
		{"receipt of another hotkey", "the receipt leases the task to", receiptOf(func(w *world, r *contract.Receipt) {
			r.Hotkey = submissiontest.Key(w.t, other).Address()
		}, func(w *world, m *submissiontest.Miner, manifest *contract.Manifest) {
			manifest.Hotkey = m.Key.Address()
		})},
		{"hash of another block", "but on chain it is", receiptOf(func(_ *world, r *contract.Receipt) {
			r.BlockHash = strings.Repeat("0", 64)
		})},
		{"receipt from the future", "before its receipt of block 900 could exist", receiptOf(func(_ *world, r *contract.Receipt) {
			r.DeadlineBlock += 900 - r.Block
			r.Block = 900
		})},
		{"deadline of its own", "but the protocol gives every task", receiptOf(func(_ *world, r *contract.Receipt) { r.DeadlineBlock++ })},
		{"no receipt", "has no receipt", receiptOf(func(*world, *contract.Receipt) {}, func(_ *world, _ *submissiontest.Miner, m *contract.Manifest) {
			m.Receipt = nil
		})},
		{"too late", "after its deadline", func(w *world, m *submissiontest.Miner) uint64 {
			m.Publish(w.Refine(w.Lease(m.Key)))
			w.Blocks(int(w.Protocol.Deadline) + 1)
			return m.Claim()
		}},
		{"other recipe", "but the manifest's has hash", receiptOf(func(*world, *contract.Receipt) {}, func(_ *world, _ *submissiontest.Miner, m *contract.Manifest) {
			m.Recipe.Stages[1].Params = map[string]string{"easy": "1"}
		})},
		{"signature of nobody", "the manifest's signature is not by", func(w *world, m *submissiontest.Miner) uint64 {
			// Another key signs: the manifest stays the miner's.
			key := m.Key
			work := w.Refine(w.Lease(m.Key))
			m.Key = submissiontest.Key(w.t, other)
			m.Publish(work)
			m.Key = key
			return m.Claim()
		}},
		{"files that are not there", "the publication does not hold", receiptOf(func(*world, *contract.Receipt) {}, func(_ *world, _ *submissiontest.Miner, m *contract.Manifest) {
			extra := m.Files[len(m.Files)-1]
			extra.Path = contract.LedgerPath(m.Dump, m.Task, 1)
			m.Files = append(m.Files, extra)
		})},
		{"more files than bytes", "can give", receiptOf(func(*world, *contract.Receipt) {}, func(_ *world, _ *submissiontest.Miner, m *contract.Manifest) {
			f := &m.Files[0]
			f.Bytes += 1 << 30
			f.Footer.Offset += 1 << 30
		})},
		{"no manifest", "holds no tasks/", func(w *world, m *submissiontest.Miner) uint64 {
			m.Log = contract.LogLine{Task: contract.TaskID(submissiontest.Crawl, 3), Generation: 1, Manifest: strings.Repeat("a", 64)}.Encode()
			m.Commit(nil)
			return m.Claim()
		}},
		{"edited text", "text from byte", workOf(func(work *submissiontest.Work) {
			for i := range work.Rows {
				work.Rows[i].Text = "Buy! " + work.Rows[i].Text
			}
		})},
		{"invented rows", "ledger row", workOf(func(work *submissiontest.Work) {
			for i := range work.Ledger {
				work.Ledger[i].ID += "?"
				work.Rows[i].ID += "?"
			}
		})},
		{"withheld rows", "is missing from the ledger", workOf(func(work *submissiontest.Work) {
			work.Ledger, work.Rows = work.Ledger[:1], work.Rows[:1]
		})},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			anna := w.Miner("//Anna")
			round := w.judged(test.claim(w, anna))
			want(t, standing(t, round, anna), eval.Rejected, true, test.reason)
			if round.WeightsSet || len(w.settings()) != 0 || !strings.Contains(round.WeightsReason, "no uid has a score") {
				t.Errorf("weights set in blocks %v: %+v", w.settings(), round)
			}
			if !strings.Contains(w.log.String(), "no weights set") {
				t.Error("the log does not say that no weights are set")
			}
		})
	}
}

// receiptOf claims honest work with a receipt, which is signed after the
// change, or a manifest that was changed.
func receiptOf(change func(*world, *contract.Receipt), edits ...func(*world, *submissiontest.Miner, *contract.Manifest)) func(*world, *submissiontest.Miner) uint64 {
	return func(w *world, m *submissiontest.Miner) uint64 {
		work := w.Refine(w.Lease(m.Key))
		change(w, &work.Receipt)
		work.Receipt = w.Sign(work.Receipt)
		m.Publish(work, func(manifest *contract.Manifest) {
			for _, e := range edits {
				e(w, m, manifest)
			}
		})
		return m.Claim()
	}
}

// workOf claims work that was changed.
func workOf(change func(*submissiontest.Work)) func(*world, *submissiontest.Miner) uint64 {
	return func(w *world, m *submissiontest.Miner) uint64 {
		work := w.Refine(w.Lease(m.Key))
		change(&work)
		m.Publish(work)
		return m.Claim()
	}
}

func TestCopiedLogBindsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna, bert := w.Miner("//Anna"), w.Miner("//Bert")
	anna.Honest()
	round := w.judged(bert.ClaimThat(anna.Pending()))
	want(t, standing(t, round, anna), eval.Accepted, true, "")
	want(t, standing(t, round, bert), eval.Rejected, true, "the manifest is of hotkey")
	wantWeights(t, round, validator.Weight{UID: uidAnna, Value: 65535})
}

func TestRewrittenLogIsVoid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.Miner("//Anna")
	anna.Honest()
	anna.Log = nil
	block, _ := anna.Honest()
	round := w.judged(block)
	want(t, standing(t, round, anna), eval.Accepted, true, "") // the first one alone
	if !strings.Contains(w.log.String(), `"state":"void"`) {
		t.Error("the log does not tell of the void claim")
	}
}

// TestATaskPaysOnce: a task that was issued again pays to the highest
// generation alone.
func TestATaskPaysOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna, bert := w.Miner("//Anna"), w.Miner("//Bert")
	_, work := anna.Honest()
	work.Receipt.Generation, work.Receipt.Hotkey = 2, bert.Key.Address()
	work.Receipt = w.Sign(work.Receipt)
	bert.Publish(work)
	round := w.judged(bert.Claim())
	want(t, standing(t, round, anna), eval.Accepted, true, "the task pays to generation 2")
	want(t, standing(t, round, bert), eval.Accepted, true, "")
	wantWeights(t, round, validator.Weight{UID: uidBert, Value: 65535})
}

func TestFirstLineBinds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.Miner("//Anna")
	first, work := anna.Honest()
	work.Rows[0].Text = "another manifest"
	anna.Publish(work)
	s := standing(t, w.judged(anna.Claim()), anna)
	want(t, s, eval.Accepted, true, "")
	if s.Block != first {
		t.Errorf("block of the task is %d, want %d", s.Block, first)
	}
}

func TestOtherRecipesWaitForTheirQuality(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Protocol.ReferenceRecipe = "another"
	anna := w.Miner("//Anna")
	block, _ := anna.Honest()
	reads := countStats(w)
	for range 3 {
		want(t, standing(t, w.judged(block), anna), eval.Undecided, false, "is not judged yet")
		block += w.Protocol.UndecidedFor
	}
	if *reads == 0 || *reads > 20 {
		t.Errorf("%d reads: the submission is checked again and again", *reads)
	}
}

func TestRoundFailsWithTheChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.Miner("//Anna")
	block, _ := anna.Honest()
	down := &brokenChain{Client: w.Chain, err: chain.ErrUnavailable}
	w.change = append(w.change, func(o *validator.Options) { o.Chain = down })
	w.AwaitFinal(w.Protocol.SeedBlock(block))
	if _, err := w.try(); !errors.Is(err, chain.ErrUnavailable) {
		t.Errorf("round ends with %v", err)
	}
	down.err = nil
	want(t, standing(t, w.once(), anna), eval.Accepted, true, "")
}

// brokenChain fails to read the metagraph of old blocks.
type brokenChain struct {
	chain.Client
	err error
}

func (c *brokenChain) Neurons(ctx context.Context, netuid uint16, at chain.Block) ([]chain.Neuron, error) {
	if c.err != nil {
		return nil, c.err
	}
	return c.Client.Neurons(ctx, netuid, at)
}
