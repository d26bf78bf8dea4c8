package validator_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finest/chain"
	"finest/eval"
	"finest/hub"
	"finest/hub/devhub"
	"finest/internal/contract"
	"finest/pipeline"
	"finest/roles/submission/submissiontest"
	"finest/roles/validator"
)

// countingHub counts the files that are looked up.
type countingHub struct {
	hub.Hub
	stats int
}

func (h *countingHub) Stat(ctx context.Context, ref hub.Ref, path string) (hub.File, error) {
	h.stats++
	return h.Hub.Stat(ctx, ref, path)
}

func countStats(w *world) *int {
	counting := &countingHub{Hub: w.Hub}
	w.change = append(w.change, func(o *validator.Options) { o.Hub = counting })
	return &counting.stats
}

// TestRemovedRepositoryIsUnpaid: what cannot be read is undecided, then unpaid
// without a mark on the record.
func TestRemovedRepositoryIsUnpaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna, bert := w.Miner("//Anna"), w.Miner("//Bert")
	bert.Honest()
	block, _ := anna.Honest()
	w.AwaitFinal(block)
	w.once() // the logs are read, no seed is final yet
	w.RemoveRepo(anna.Repo)
	reads := countStats(w)
	round := w.judged(block)
	want(t, standing(t, round, anna), eval.Undecided, false, "not found on the hub")
	wantWeights(t, round, validator.Weight{UID: uidBert, Value: 65535})
	if round.Pending != 1 {
		t.Errorf("%d cases are pending", round.Pending)
	}
	for n := uint64(1); n <= w.Protocol.UndecidedFor; n++ {
		w.AwaitFinal(block + n)
		want(t, standing(t, w.once(), anna), eval.Undecided, false, "")
	}
	w.AwaitFinal(block + w.Protocol.UndecidedFor + 1)
	want(t, standing(t, w.once(), anna), eval.Undecided, true, "")
	if *reads > 100 {
		t.Errorf("%d reads in %d blocks", *reads, w.Protocol.UndecidedFor)
	}
	w.Blocks(10)
	w.once()
	for _, v := range w.board.verdicts {
		if v.Hotkey == anna.Key.Address() && (v.Outcome != contract.VerdictUndecided || v.Pay != "0") {
			t.Errorf("published %+v", v)
		}
	}
}

// TestHubInTrouble: whatever a hub answers in place of a publication, nobody is
// accused, and once it answers well the claim is judged.
func TestHubInTrouble(t *testing.T) {
	t.Parallel()
	const resolve = "/resolve/"
	files := devhub.Match{Path: resolve}
	for _, test := range []struct {
		name    string
		trouble func(*devhub.Faults)
	}{
		{"is down", func(f *devhub.Faults) { f.Reply(files, -1, http.StatusServiceUnavailable, nil, "down") }},
		{"wants less", func(f *devhub.Faults) {
			f.Reply(files, -1, http.StatusTooManyRequests, http.Header{"Ratelimit": {`"api";r=0;t=100`}}, "slow down")
		}},
		{"is somebody else", func(f *devhub.Faults) { f.Reply(files, -1, http.StatusOK, nil, "<html>Welcome to the hotel") }},
		{"hangs up", func(f *devhub.Faults) { f.Drop(files, -1) }},
		{"sends other bytes", func(f *devhub.Faults) {
			f.Rewrite(devhub.Match{Method: http.MethodGet, Path: resolve}, -1, func(h http.Header, body []byte) (int, http.Header, []byte) {
				return 0, h, bytes.ToUpper(body)
			})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			anna := w.Miner("//Anna")
			block, _ := anna.Honest()
			test.trouble(w.HubServer.Faults())
			for _, s := range w.judged(block).Submissions {
				want(t, s, eval.Undecided, false, "")
			}
			w.HubServer.Faults().Clear()
			w.Blocks(5)
			want(t, standing(t, w.once(), anna), eval.Accepted, true, "")
		})
	}
}

func TestRepositoryThatComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.Miner("//Anna")
	block, _ := anna.Honest()
	restore := w.RemoveRepo(anna.Repo)
	round := w.judged(block)
	if len(round.Submissions) != 0 {
		t.Errorf("an unread log leads to %+v", round)
	}
	restore()
	w.Blocks(5)
	s := standing(t, w.once(), anna)
	want(t, s, eval.Accepted, true, "")
	if s.Block != block {
		t.Errorf("block of the task is %d, want %d", s.Block, block)
	}
	// Once settled, later removal changes nothing.
	w.RemoveRepo(anna.Repo)
	w.Blocks(5)
	want(t, standing(t, w.once(), anna), eval.Accepted, true, "")
}

// TestOnlyTheNewestLogNeedBeReadable: the tasks of claims whose repository is
// gone are those of a later log that begins with theirs, at their blocks.
func TestOnlyTheNewestLogNeedBeReadable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.Miner("//Anna")
	first, _ := anna.Honest()
	w.RemoveRepo(anna.Repo)
	w.judged(first)
	anna.Move("elsewhere/finest")
	second, _ := anna.Honest()
	round := w.judged(second)
	if len(round.Submissions) != 2 {
		t.Fatalf("submissions %+v", round.Submissions)
	}
	for i, block := range []uint64{first, second} {
		s := round.Submissions[i]
		want(t, s, eval.Accepted, true, "")
		if s.Block != block {
			t.Errorf("block of task %d is %d, want %d", i, s.Block, block)
		}
	}
}

func TestLogThatStaysUnreadable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.Miner("//Anna")
	lost, _ := anna.Honest()
	w.RemoveRepo(anna.Repo)
	anna = w.Miner("//Anna")
	anna.Repo += "-2"
	block, _ := anna.Honest()
	if round := w.judged(block); len(round.Submissions) != 0 {
		t.Errorf("a claim does not wait for the one before it: %+v", round)
	}
	seen := w.Final().Number
	w.AwaitFinal(seen + w.Protocol.UndecidedFor + 1)
	s := standing(t, w.once(), anna)
	want(t, s, eval.Accepted, true, "")
	if s.Block != block || s.Block == lost {
		t.Errorf("block of the task is %d, want %d", s.Block, block)
	}
}

// TestTokenThatTheHubKnowsNot: the validator's, which is no reason to give up the
// logs of claims, however long it takes until somebody looks.
func TestTokenThatTheHubKnowsNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.Miner("//Anna")
	block, _ := anna.Honest()
	w.HubServer.Faults().Reply(devhub.Match{}, -1, http.StatusUnauthorized,
		http.Header{"X-Error-Message": {"Invalid credentials in Authorization header"}}, "")
	w.judged(block)
	w.AwaitFinal(w.Final().Number + w.Protocol.UndecidedFor + 1)
	if round := w.once(); len(round.Submissions) != 0 {
		t.Errorf("an unread log leads to %+v", round)
	}
	w.HubServer.Faults().Clear()
	w.Blocks(5)
	for range w.Protocol.UndecidedFor { // until the log is asked for again
		if round := w.once(); len(round.Submissions) > 0 {
			want(t, standing(t, round, anna), eval.Accepted, true, "")
			return
		}
		w.Blocks(1)
	}
	t.Error("the claim was given up")
}

func TestUnreachableCrawl(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.Miner("//Anna")
	block, _ := anna.Honest()
	w.WARC.Err = errors.New("no route to the crawl")
	round := w.judged(block)
	want(t, standing(t, round, anna), eval.Undecided, false, "no route to the crawl")
	if round.WeightsSet {
		t.Errorf("weights are set: %+v", round)
	}
	w.AwaitFinal(w.Final().Number + w.Protocol.UndecidedFor + 1)
	round = w.once()
	want(t, standing(t, round, anna), eval.Accepted, true, "the crawl stayed unreachable")
	wantWeights(t, round, validator.Weight{UID: uidAnna, Value: 65535})
}

// tamper edits every text.
func tamper(work *submissiontest.Work) {
	for i := range work.Rows {
		work.Rows[i].Text = "Buy! " + work.Rows[i].Text
	}
}

func TestCrawlThatComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.Miner("//Anna")
	block := workOf(tamper)(w, anna)
	w.WARC.Err = errors.New("no route to the crawl")
	w.judged(block)
	w.WARC.Err = nil
	w.Blocks(5)
	want(t, standing(t, w.once(), anna), eval.Rejected, true, "text from byte")
}

// TestOwnFault: what this validator cannot check is left out, reported, and not
// published.
func TestOwnFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.Miner("//Anna")
	block, _ := anna.Honest()
	w.change = append(w.change, func(o *validator.Options) {
		o.Runner = func(contract.Recipe) (*pipeline.Runner, error) { return nil, errors.New("the list bad.txt is missing") }
	})
	want(t, standing(t, w.judged(block), anna), eval.Undecided, false, "bad.txt is missing")
	if !strings.Contains(w.log.String(), `"level":"error"`) {
		t.Errorf("no error is logged: %s", w.log.String())
	}
	w.AwaitFinal(w.Final().Number + w.Protocol.UndecidedFor + 1)
	want(t, standing(t, w.once(), anna), eval.Undecided, true, "bad.txt is missing")
	bert := w.Miner("//Bert")
	block, _ = bert.Honest()
	w.change = nil
	w.restart()
	round := w.judged(block)
	wantWeights(t, round, validator.Weight{UID: uidBert, Value: 65535})
	if len(w.board.verdicts) != 1 {
		t.Errorf("published %v", w.board.verdicts)
	}
}

// TestGap: blocks that the chain has forgotten are a fault of the validator.
func TestGap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna, bert := w.Miner("//Anna"), w.Miner("//Bert")
	w.once()
	anna.Honest()
	forgotten := w.Final().Number + 5
	w.Blocks(10)
	block, _ := bert.Honest()
	w.change = append(w.change, func(o *validator.Options) { o.Chain = &pruned{Client: w.Chain, first: forgotten} })
	w.restart()
	round := w.judged(block)
	want(t, standing(t, round, anna), eval.Undecided, true, "nobody here knows when")
	want(t, standing(t, round, bert), eval.Accepted, true, "")
	if !strings.Contains(w.log.String(), "has forgotten blocks") {
		t.Error("the gap is not reported")
	}
	// The next task of the same hotkey is known again.
	block, _ = anna.Honest()
	round = w.judged(block)
	if len(round.Submissions) != 3 || round.Submissions[2].Outcome != eval.Accepted || round.Submissions[2].Block != block {
		t.Errorf("submissions %+v", round.Submissions)
	}
}

// pruned is a chain that has forgotten the state of blocks before first.
type pruned struct {
	chain.Client
	first uint64
}

func (c *pruned) CommitmentEvents(ctx context.Context, netuid uint16, at chain.Block) ([]chain.Commitment, error) {
	if at.Number < c.first {
		return nil, chain.ErrUnknownBlock
	}
	return c.Client.CommitmentEvents(ctx, netuid, at)
}

// TestNewValidatorOnARunningChain leaves out what was claimed before.
func TestNewValidatorOnARunningChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.Miner("//Anna")
	block, _ := anna.Honest()
	w.AwaitFinal(w.Protocol.SeedBlock(block))
	w.change = append(w.change, func(o *validator.Options) { o.StartBlock = nil })
	want(t, standing(t, w.once(), anna), eval.Undecided, true, "before this validator followed the chain")
	block, _ = anna.Honest()
	round := w.judged(block)
	if len(round.Submissions) != 2 || round.Submissions[1].Outcome != eval.Accepted || !round.WeightsSet {
		t.Errorf("round %+v", round)
	}
}

// TestFilesAreAskedForOnce: what came before a restart is not asked for again
// after it, and nothing but whole files stays in the cache.
func TestFilesAreAskedForOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.Miner("//Anna")
	block, _ := anna.Honest()
	w.WARC.Err = errors.New("no route to the crawl")
	asked := func() (n int) {
		for _, r := range w.HubServer.Faults().Requests() {
			if r.Method == http.MethodGet && strings.Contains(r.Path, "/resolve/") && strings.HasSuffix(r.Path, ".parquet") {
				n++
			}
		}
		return n
	}
	want(t, standing(t, w.judged(block), anna), eval.Undecided, false, "no route")
	before := asked()
	if before != 2 { // a shard and a ledger
		t.Errorf("%d requests for the task's files", before)
	}
	w.restart()
	w.WARC.Err = nil
	w.Blocks(5)
	want(t, standing(t, w.once(), anna), eval.Accepted, true, "")
	if n := asked(); n != before {
		t.Errorf("%d files were asked for again", n-before)
	}
	left, err := os.ReadDir(filepath.Join(w.dataDir, "cache"))
	if err != nil || len(left) != before+1 {
		t.Errorf("the cache holds %v, %v", left, err)
	}
	for _, entry := range left {
		if name := entry.Name(); name != "lock" && (len(name) != 64 || entry.IsDir()) {
			t.Errorf("the cache holds %s", name)
		}
	}
}
