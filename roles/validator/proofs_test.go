package validator_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"finest/eval"
	"finest/eval/audit"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/submission/submissiontest"
	"finest/roles/validator"
)

// neighbour returns another validator of the same world and board, which always
// audits.
func neighbour(w *world) *world {
	other := *w
	other.dataDir, other.key, other.open = w.t.TempDir(), "//Other", nil
	other.change = nil
	return &other
}

// TestProofOfAnotherValidator: a fraud that this validator could not look at is
// rejected once another one proves it, and takes the pay of the whole window.
func TestProofOfAnotherValidator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Protocol.Window = 1 << 20
	crawl := &submissiontest.Files{Err: errors.New("no route to the crawl")}
	w.change = append(w.change, func(o *validator.Options) { o.Crawl = crawl })
	anna, bert := w.Miner("//Anna"), w.Miner("//Bert")
	bert.Honest()
	anna.Honest()
	w.judged(workOf(tamper)(w, anna))
	w.AwaitFinal(w.Final().Number + w.Protocol.UndecidedFor + 1)
	round := w.once()
	want(t, newest(round, anna), eval.Accepted, true, "the crawl stayed unreachable")
	w.Blocks(10)
	w.once()
	if len(w.board.verdicts) != 3 {
		t.Fatalf("published %v", w.board.verdicts)
	}
	w.board.sender = submissiontest.Key(t, "//Other").Address()
	want(t, newest(neighbour(w).once(), anna), eval.Rejected, true, "text from byte")
	if len(w.board.proofs) != 1 {
		t.Fatalf("%d proofs on the board", len(w.board.proofs))
	}
	crawl.Err = nil
	w.change = nil
	w.restart()
	w.Blocks(10)
	round = w.once()
	last := newest(round, anna)
	want(t, last, eval.Rejected, true, "text from byte")
	if last.Score != 0 || last.Weight != 0 {
		t.Errorf("standing %+v", last)
	}
	wantWeights(t, round, validator.Weight{UID: uidBert, Value: 65535})
	published := 0
	for _, v := range w.board.verdicts {
		if v.Hotkey == last.Hotkey && v.Task == last.Task && v.Outcome == contract.VerdictRejected && v.Pay == "0" {
			published++
		}
	}
	if published != 1 {
		t.Error("the new verdict is not published")
	}
	w.restart()
	w.Blocks(1)
	want(t, newest(w.once(), anna), eval.Rejected, true, "text from byte")
}

func newest(r validator.Round, m *submissiontest.Miner) (last validator.Standing) {
	for _, s := range r.Submissions {
		if s.Hotkey == m.Key.Address() {
			last = s
		}
	}
	return last
}

// TestFraudZeroesTheWindow: what a hotkey did honestly in the same window pays
// nothing either; what it did in another window does.
func TestFraudZeroesTheWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	window := w.Protocol.Window
	anna, bert := w.Miner("//Anna"), w.Miner("//Bert")
	bert.Honest()
	anna.Honest()
	w.AwaitFinal((w.Final().Number/window + 1) * window)
	block, _ := anna.Honest()
	honest := w.judged(block)
	if n := len(honest.Submissions); n != 3 || newest(honest, anna).Pay == 0 {
		t.Fatalf("%d submissions: %+v", n, honest)
	}
	round := w.judged(workOf(tamper)(w, anna))
	var pays []bool
	for _, s := range round.Submissions {
		if s.Hotkey == anna.Key.Address() {
			pays = append(pays, s.Pay > 0)
		}
	}
	if len(pays) != 3 || !pays[0] || pays[1] || pays[2] {
		t.Errorf("Anna's tasks pay: %v; the first is of the window before", pays)
	}
	if len(w.board.proofs) != 1 {
		t.Fatalf("%d proofs are shared", len(w.board.proofs))
	}
	// What is shared is canonical, though the text holds < and &.
	if _, err := audit.ParseProof(w.board.proofs[0].Proof); err != nil {
		t.Error(err)
	}
	w.Blocks(1)
	w.restart()
	w.once()
	if len(w.board.proofs) != 1 {
		t.Errorf("%d proofs are shared", len(w.board.proofs))
	}
}

// TestProofsThatDoNotHold change nothing.
func TestProofsThatDoNotHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.Miner("//Anna")
	work := w.Refine(w.Lease(anna.Key))
	raw := anna.Publish(work)
	block := anna.Claim()
	proof := audit.Proof{
		V: audit.ProofVersion, Kind: audit.KindSize, Hotkey: anna.Key.Address(), Task: work.Receipt.Task, Generation: 1,
		Manifest: canon.Sum(raw), Claim: anna.Pending().String(), Claimed: -1, Reason: "it is too short",
	}
	add := func(p audit.Proof) {
		encoded, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		w.board.proofs = append(w.board.proofs, contract.ProofView{Seq: int64(len(w.board.proofs) + 1), Sender: "somebody", Proof: encoded})
	}
	add(proof)
	unknown := proof
	unknown.Task = contract.TaskID(submissiontest.Crawl, 77)
	add(unknown)
	other := proof
	other.Manifest = strings.Repeat("0", 64)
	add(other)
	clusters := proof
	clusters.Kind = audit.KindClusters
	add(clusters)
	w.board.proofs = append(w.board.proofs, contract.ProofView{Seq: 5, Proof: json.RawMessage(`{"v":"?"}`)})
	for range 4 {
		round := w.judged(block)
		want(t, standing(t, round, anna), eval.Accepted, true, "")
		wantWeights(t, round, validator.Weight{UID: uidAnna, Value: 65535})
		block++
	}
	if n := strings.Count(w.log.String(), "is refuted"); n != 2 {
		t.Errorf("%d proofs are refuted, want 2, each once", n)
	}
}

// TestProofWaitsForTheCrawl: a proof that cannot be checked now is checked later,
// also after a restart.
func TestProofWaitsForTheCrawl(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.Miner("//Anna")
	block := workOf(tamper)(w, anna)
	other := neighbour(w)
	w.AwaitFinal(w.Protocol.SeedBlock(block))
	want(t, standing(t, other.once(), anna), eval.Rejected, true, "")
	w.WARC.Err = errors.New("no route to the crawl")
	want(t, standing(t, w.once(), anna), eval.Undecided, false, "no route")
	w.restart()
	want(t, standing(t, w.once(), anna), eval.Undecided, false, "no route")
	w.WARC.Err = nil
	w.restart()
	// Its own audit is not due yet; the proof is.
	s := standing(t, w.once(), anna)
	want(t, s, eval.Rejected, true, "text from byte")
	if !strings.Contains(w.log.String(), "fraud proof is confirmed") {
		t.Error("the proof was not confirmed")
	}
}

// TestBoardThatFails keeps nobody from being paid, and learns everything later.
func TestBoardThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna, bert := w.Miner("//Anna"), w.Miner("//Bert")
	w.board.err = errors.New("the board is down")
	bert.Honest()
	round := w.judged(workOf(tamper)(w, anna))
	wantWeights(t, round, validator.Weight{UID: uidBert, Value: 65535})
	if len(w.board.verdicts) != 0 || len(w.board.proofs) != 0 {
		t.Fatal("a board that fails holds something")
	}
	for range 5 {
		w.Blocks(1)
		w.once()
	}
	if n := strings.Count(w.log.String(), "the board is down"); n > 12 {
		t.Errorf("%d failures are logged in 6 rounds", n)
	}
	w.board.err = nil
	w.Blocks(5)
	w.once()
	if len(w.board.verdicts) != 2 || len(w.board.proofs) != 1 {
		t.Errorf("the board has %d verdicts and %d proofs", len(w.board.verdicts), len(w.board.proofs))
	}
}
