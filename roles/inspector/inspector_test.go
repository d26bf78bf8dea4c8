package inspector_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"finest/chain"
	"finest/chain/devchain/runtime"
	"finest/eval"
	"finest/internal/contract"
	"finest/roles/inspector"
	"finest/roles/submission"
	"finest/roles/submission/submissiontest"
)

func options(w *submissiontest.World) inspector.Options {
	return inspector.Options{Resolver: w.Resolver(), Chain: w.Chain, Hub: w.Hub, Netuid: submissiontest.Netuid}
}

func inspect(t testing.TB, w *submissiontest.World, target string, change ...func(*inspector.Options)) inspector.Story {
	t.Helper()
	o := options(w)
	for _, c := range change {
		c(&o)
	}
	story, err := inspector.Inspect(t.Context(), o, target)
	if err != nil {
		t.Fatal(err)
	}
	return story
}

func print(t testing.TB, s inspector.Story) string {
	t.Helper()
	var out bytes.Buffer
	if err := s.Print(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestHonestClaim(t *testing.T) {
	w := submissiontest.New(t)
	anna := w.Miner("//Anna")
	block, work := anna.Honest()
	w.AwaitFinal(w.Protocol.SeedBlock(block))
	var first string
	for _, target := range []string{"3", anna.Key.Address(), anna.Pending().String()} {
		s := inspect(t, w, target)
		if s.Outcome != eval.Accepted || s.Problem != "" || s.Claim.State != submission.Valid || s.Claim.Block != block ||
			s.Miner.UID != 3 || s.Miner.Hotkey != anna.Key.Address() || len(s.Tasks) != 1 || len(s.Claims) != 1 {
			t.Fatalf("%s: %+v", target, s)
		}
		task := s.Tasks[0]
		if task.Outcome != eval.Accepted || len(task.Checks) != 5 || task.Receipt == nil || task.Receipt.Block != work.Receipt.Block ||
			task.Elapsed != block-work.Receipt.Block || task.Work != work.Receipt.Bytes() || task.Timeliness != 1 || task.Kept != submissiontest.Pages ||
			task.Slice == nil || task.Slice.SeedBlock != w.Protocol.SeedBlock(block) || task.Slice.File != work.Receipt.Files[0].Path ||
			task.Slice.Range == "" || task.Block != block || !task.BlockCertain {
			t.Errorf("%s: %+v, slice %+v", target, task, task.Slice)
		}
		s.Target = ""
		raw, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(raw)
		}
		if string(raw) != first {
			t.Errorf("%s tells another story:\n%s\n%s", target, raw, first)
		}
	}
	text := print(t, inspect(t, w, "3"))
	for _, part := range []string{"ACCEPTED", anna.Key.Address(), "uid 3", "receipt", "slice", "clusters", "12 kept", work.Receipt.Files[0].Path} {
		if !strings.Contains(text, part) {
			t.Errorf("the text does not tell %q:\n%s", part, text)
		}
	}
}

// TestWhatIsWrong: of a rejected claim, one sentence with file, bytes and page.
func TestWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*submissiontest.Work)
		check  string
		page   bool
		reason string
	}{
		{"edited text", func(work *submissiontest.Work) {
			for i := range work.Rows {
				work.Rows[i].Text = "Buy! " + work.Rows[i].Text
			}
		}, eval.CheckSlice, true, "text from byte 0 on"},
		{"invented rows", func(work *submissiontest.Work) {
			for i := range work.Rows {
				work.Rows[i].ID += "?"
				work.Ledger[i].ID += "?"
			}
		}, eval.CheckSlice, true, "id is"},
		{"withheld rows", func(work *submissiontest.Work) {
			work.Rows, work.Ledger = work.Rows[:1], work.Ledger[:1]
		}, eval.CheckSlice, false, "is missing from the ledger"},
		{"rows that do not fit", func(work *submissiontest.Work) { work.Rows[2].Language = "tlh" }, eval.CheckContent, false, "language is"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := submissiontest.New(t)
			anna := w.Miner("//Anna")
			work := w.Refine(w.Lease(anna.Key))
			path := work.Receipt.Files[0].Path
			test.change(&work)
			anna.Publish(work)
			w.AwaitFinal(w.Protocol.SeedBlock(anna.Claim()))
			s := inspect(t, w, "3")
			if s.Outcome != eval.Rejected || len(s.Tasks) != 1 || s.Tasks[0].Problem == nil {
				t.Fatalf("story %+v", s)
			}
			p := s.Tasks[0].Problem
			if p.Check != test.check || !strings.Contains(p.Sentence, test.reason) || !strings.Contains(p.Sentence, path) || !strings.Contains(s.Problem, p.Sentence) {
				t.Errorf("problem %+v of %q", p, s.Problem)
			}
			if strings.ContainsAny(p.Sentence, "\n\r") {
				t.Errorf("%q is no sentence", p.Sentence)
			}
			if test.check == eval.CheckSlice && (p.File != path || p.To <= p.From || !strings.Contains(p.Sentence, "bytes ")) {
				t.Errorf("problem %+v names no bytes", p)
			}
			if test.page && (!strings.HasPrefix(p.URL, "http://x.test/"+path) || !strings.Contains(p.Sentence, p.URL)) {
				t.Errorf("problem %+v names no page", p)
			}
			if text := print(t, s); strings.Count(text, p.Sentence) < 2 || !strings.Contains(text, "REJECTED") {
				t.Errorf("the text does not tell what is wrong:\n%s", text)
			}
		})
	}
}

func TestClaimsThatStandForNothing(t *testing.T) {
	w := submissiontest.New(t)
	anna, bert, cora := w.Miner("//Anna"), w.Miner("//Bert"), w.Miner("//Cora")
	anna.Honest()
	anna.Log = nil
	anna.Honest() // another log
	bert.Honest()
	w.RemoveRepo(bert.Repo)
	cora.ClaimThat(contract.Claim{Repo: "nobody/nothing", Commit: strings.Repeat("0", 40), LogSHA256: strings.Repeat("0", 64)})
	w.Blocks(10)
	for _, test := range []struct {
		uid     int
		outcome eval.Outcome
		state   string
		problem string
	}{
		{3, eval.Rejected, submission.Void, "its log does not begin with the log claimed at block"},
		{4, eval.Undecided, submission.Pending, "not found on the hub"},
		{5, eval.Undecided, submission.Pending, "not found on the hub"},
	} {
		s := inspect(t, w, fmt.Sprint(test.uid))
		if s.Outcome != test.outcome || s.Claim.State != test.state || !strings.Contains(s.Problem, test.problem) || len(s.Tasks) != 0 {
			t.Errorf("uid %d: %s, claim %s: %q", test.uid, s.Outcome, s.Claim.State, s.Problem)
		}
		if text := print(t, s); !strings.Contains(text, test.problem) {
			t.Errorf("uid %d: %s", test.uid, text)
		}
	}
	// The claim before the void one still stands.
	if s := inspect(t, w, "3"); len(s.Claims) != 2 || s.Claims[0].State != submission.Valid {
		t.Errorf("claims %+v", s.Claims)
	}
}

func TestUnknownTargets(t *testing.T) {
	w := submissiontest.New(t)
	_, _ = w.Miner("//Anna").Honest()
	w.Blocks(5)
	for _, target := range []string{
		"", "17", "99999999999999999999", "4", submissiontest.Key(t, "//Bert").Address(), submissiontest.Key(t, "//Nobody").Address(),
		"5Gx", "owner/repo", "owner/repo@main", "owner/repo@" + strings.Repeat("0", 40), "-1",
	} {
		_, err := inspector.Inspect(t.Context(), options(w), target)
		if !errors.Is(err, inspector.ErrUnknownTarget) {
			t.Errorf("%q gives %v", target, err)
		}
	}
	_, err := inspector.Inspect(t.Context(), inspector.Options{Resolver: w.Resolver(), Chain: w.Chain, Netuid: 99}, "3")
	if err == nil || errors.Is(err, inspector.ErrUnknownTarget) {
		t.Errorf("an unknown subnet gives %v", err)
	}
}

// TestBeforeTheSeed: as long as no slice can be drawn, the rest is told.
func TestBeforeTheSeed(t *testing.T) {
	w := submissiontest.New(t)
	w.Protocol.SeedDelay = 10
	block, _ := w.Miner("//Anna").Honest()
	w.AwaitFinal(block)
	s := inspect(t, w, "3")
	if s.Outcome != eval.Undecided || len(s.Tasks) != 1 || s.Tasks[0].Slice != nil || !strings.Contains(s.Problem, "is not final yet") || len(s.Notes) != 1 {
		t.Errorf("story %+v", s)
	}
}

// TestLongLog looks into the newest tasks alone, and follows from where it was
// told to.
func TestLongLog(t *testing.T) {
	w := submissiontest.New(t)
	anna := w.Miner("//Anna")
	var blocks []uint64
	for range 5 {
		block, _ := anna.Honest()
		blocks = append(blocks, block)
	}
	w.AwaitFinal(w.Protocol.SeedBlock(blocks[4]))
	s := inspect(t, w, "3", func(o *inspector.Options) { o.Tasks = 2 })
	if s.Earlier != 3 || len(s.Tasks) != 2 || s.Tasks[0].Block != blocks[3] || s.Tasks[1].Block != blocks[4] || len(s.Claims) != 5 {
		t.Errorf("story %+v", s)
	}
	s = inspect(t, w, "3", func(o *inspector.Options) { o.FromBlock = blocks[2] + 1 })
	if len(s.Claims) != 3 || len(s.Tasks) != 5 || s.Outcome != eval.Accepted || len(s.Notes) == 0 {
		t.Fatalf("story %+v", s)
	}
	for i, want := range []bool{false, false, false, true, true} {
		if s.Tasks[i].BlockCertain != want {
			t.Errorf("task %d: the block is certain: %t", i, !want)
		}
	}
	if text := print(t, s); !strings.Contains(text, "or before") {
		t.Errorf("the text does not tell what is uncertain:\n%s", text)
	}
}

// TestSlicesAreTheValidators: with a validator's key, its slices are drawn.
func TestSlicesAreTheValidators(t *testing.T) {
	w := submissiontest.New(t)
	w.Protocol.Slice = 100
	block, _ := w.Miner("//Anna").Honest()
	w.AwaitFinal(w.Protocol.SeedBlock(block))
	seen := map[string]bool{}
	for _, key := range []chain.PublicKey{{}, submissiontest.Key(t, "//Validator").PublicKey(), submissiontest.Key(t, "//Other").PublicKey()} {
		s := inspect(t, w, "3", func(o *inspector.Options) { o.Validator = key })
		seen[fmt.Sprintf("%d-%d", s.Tasks[0].Slice.From, s.Tasks[0].Slice.To)] = true
	}
	if len(seen) < 2 {
		t.Errorf("three validators draw %v", seen)
	}
}

func TestEmptyLog(t *testing.T) {
	w := submissiontest.New(t, func(*runtime.Subnet) {})
	anna := w.Miner("//Anna")
	anna.Commit(nil)
	anna.Claim()
	w.Blocks(5)
	if s := inspect(t, w, "3"); s.Outcome != eval.Accepted || !strings.Contains(s.Problem, "empty") {
		t.Errorf("story %+v", s)
	}
}

// TestJudgedRecipe: who has a validator's judgements is shown what they rest on.
func TestJudgedRecipe(t *testing.T) {
	w := submissiontest.New(t)
	w.Recipe = submissiontest.Variant("another", "p")
	anna := w.Miner("//Anna")
	block, work := anna.Honest()
	w.AwaitFinal(w.Protocol.SeedBlock(block))
	if s := inspect(t, w, "3"); s.Outcome != eval.Undecided || !strings.Contains(s.Tasks[0].Reason, "is not judged yet") {
		t.Errorf("without a judgement %+v", s.Tasks[0])
	}
	check := eval.Pass(eval.CheckQuality, "recipe another counts 0.930")
	check.Evidence.Facts = map[string]string{
		"tier": "cpu", "kernel": "native/generic", "seeds": "2", "panel": "window-cpu", "panel_hash": "abc",
		"candidate_books_bits_per_byte": "2.1000", "naive_books_bits_per_byte": "2.3000", "reference_books_bits_per_byte": "2.0900",
		"candidate_books_accuracy": "0.3500", "naive_books_accuracy": "0.3000", "reference_books_accuracy": "0.3600",
	}
	s := inspect(t, w, "3", func(o *inspector.Options) {
		o.Resolver.Judged = func(recipe contract.RecipeRef, at uint64) (eval.Check, bool) {
			return check, recipe == work.Receipt.Recipe && at == block
		}
	})
	text := print(t, s)
	for _, part := range []string{
		"recipe another counts 0.930", "tier cpu", "native/generic", "books", "bits per byte 2.1000 (naive 2.3000, reference 2.0900)",
		"accuracy 0.3500 (naive 0.3000, reference 0.3600)",
	} {
		if s.Outcome != eval.Accepted || !strings.Contains(text, part) {
			t.Errorf("%s; the text does not tell %q:\n%s", s.Outcome, part, text)
		}
	}
}
