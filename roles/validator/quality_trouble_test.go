package validator_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"finest/eval"
	"finest/eval/compare"
	"finest/eval/lm"
	"finest/eval/panel"
	"finest/eval/stats"
	"finest/internal/contract"
	"finest/pipeline"
	"finest/roles/submission/submissiontest"
	"finest/roles/validator"
)

// judgement returns the only judgement in the folder of the state.
func (s *school) judgement() validator.Judgement {
	s.t.Helper()
	all, err := validator.ReadJudgements(s.dataDir)
	if err != nil || len(all) != 1 {
		s.t.Fatalf("%d judgements, %v; log: %s", len(all), err, s.log.String())
	}
	return all[0]
}

// rounds runs rounds at n more final blocks.
func (s *school) rounds(n int) validator.Round {
	s.t.Helper()
	var round validator.Round
	for range n {
		s.Blocks(1)
		round = s.once()
	}
	return round
}

// TestNoSeedNoComparison: nothing is drawn before the block that seeds it is
// final.
func TestNoSeedNoComparison(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	block := s.claim(s.Miner("//Bert"), twin, 2)
	s.judged(block)
	seed := (s.Protocol.WindowOf(block)+1)*s.Protocol.Window - 1 + s.Protocol.SeedDelay
	s.AwaitFinal(seed - 1)
	s.once()
	if s.trainer.runs != 0 {
		t.Errorf("%d models are trained without a seed", s.trainer.runs)
	}
	s.AwaitFinal(seed)
	s.once()
	if s.trainer.runs != 6 {
		t.Errorf("%d models are trained, want 6", s.trainer.runs)
	}
}

// TestMissingPanel: nobody judges without it, the log says what is missing, and
// once it is there the recipe is judged.
func TestMissingPanel(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	file := filepath.Join(s.panel, "texts.jsonl")
	if err := os.Rename(file, file+".gone"); err != nil {
		t.Fatal(err)
	}
	bert := s.Miner("//Bert")
	block := s.claim(bert, twin, 2)
	s.judged(block)
	s.windowOver(block)
	for _, got := range standings(s.rounds(2), bert) {
		want(t, got, eval.Undecided, false, "is not judged yet")
	}
	if !strings.Contains(s.log.String(), "texts.jsonl") || !strings.Contains(s.log.String(), `"level":"error"`) {
		t.Errorf("the log does not tell what is missing: %s", s.log.String())
	}
	if err := os.Rename(file+".gone", file); err != nil {
		t.Fatal(err)
	}
	for _, got := range standings(s.rounds(8), bert) {
		want(t, got, eval.Accepted, true, "")
	}
}

// TestFailuresOfComparisons leave the recipe unjudged, and the validator at work.
func TestFailuresOfComparisons(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, log string
		again     bool // tried again
		pages     int  // a file; 0 is schoolPages
		trouble   func(*school)
	}{
		{"the crawl is down", "no route", true, 0, func(s *school) { s.WARC.Err = errors.New("no route to the crawl") }},
		{"the trainer fails", "out of memory", true, 0, func(s *school) {
			s.trainer.before = func(int) error { return errors.New("out of memory") }
		}},
		{"a model diverges", "diverged", false, 0, func(s *school) {
			s.trainer.before = func(int) error { return fmt.Errorf("step 3: %w", lm.ErrDiverged) }
		}},
		{"the tier is not calibrated", "is not calibrated", true, 0, func(s *school) {
			s.trainer.before = func(int) error { return errors.New("trained for nothing") }
			of := s.quality.Comparer
			s.quality.Comparer = func(crawl []panel.Unit) (*compare.Comparer, error) {
				c, err := of(crawl)
				if err == nil {
					c.Calibration = stats.Calibration{}
				}
				return c, err
			}
		}},
		{"there is too little text", "tier tiny needs", false, 0, func(s *school) { s.quality.Tier.Spec.Tokens = 1 << 20 }},
		{"there are too few pages to hold out", "are needed", false, 5, func(*school) {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSchool(t)
			s.Pages = cmp.Or(test.pages, schoolPages)
			bert := s.Miner("//Bert")
			block := s.claim(bert, twin, 2)
			s.judged(block)
			test.trouble(s)
			s.windowOver(block)
			for _, got := range standings(s.rounds(3), bert) {
				want(t, got, eval.Undecided, false, "is not judged yet")
			}
			text := s.log.String()
			if !strings.Contains(text, test.log) || strings.Contains(text, "will try again; until then") != test.again {
				t.Errorf("the log tells %s", text)
			}
		})
	}
}

// TestWindowThatCouldNotTell: its tasks count with the first judgement after it.
func TestWindowThatCouldNotTell(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	bert := s.Miner("//Bert")
	block := s.claim(bert, twin, 1) // one file cannot be held out and compared
	s.judged(block)
	s.windowOver(block)
	for _, got := range standings(s.rounds(2), bert) {
		want(t, got, eval.Undecided, false, "is not judged yet: the quality of recipe twin in window 0 cannot be told: the window has 1 WARC files")
	}
	if s.trainer.runs > 0 {
		t.Errorf("%d models are trained", s.trainer.runs)
	}
	block = s.claim(bert, twin, 2)
	s.judged(block)
	s.windowOver(block)
	s.once()
	got := standings(s.once(), bert)
	if len(got) != 3 {
		t.Fatalf("standings %+v", got)
	}
	for _, g := range got {
		want(t, g, eval.Accepted, true, "")
	}
}

// TestReferenceThatIsNoBetterThanNaiveText gives no scale: the recipe waits, and
// its verdict says why, with what the models came to.
func TestReferenceThatIsNoBetterThanNaiveText(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	s.quality.Naive = submissiontest.Variant("naive", "p")
	bert := s.Miner("//Bert")
	block := s.claim(bert, twin, 2)
	s.judged(block)
	s.windowOver(block)
	const why = "cannot be told apart from naive text, so there is no scale"
	for _, got := range standings(s.rounds(2), bert) {
		want(t, got, eval.Undecided, false, why)
		if got.Quality != 0 || got.Pay != 0 {
			t.Errorf("it counts %v and is paid %v", got.Quality, got.Pay)
		}
	}
	all, err := validator.ReadJudgements(s.dataDir)
	if err != nil || len(all) != 1 || all[0].Judged {
		t.Fatalf("judgements %+v, %v", all, err)
	}
	check, ok := validator.Checks(all, s.Protocol)(all[0].Recipe, block)
	if facts := check.Evidence.Facts; !ok || check.Outcome != eval.Undecided || check.Fault != eval.FaultRecipe ||
		!strings.Contains(check.Reason, why) || facts["reference_texts_accuracy"] == "" || facts["counts"] != "" {
		t.Errorf("check %+v", check)
	}
}

// TestRecipesTakeTurns: the one that was compared in the window before waits for
// the other, whatever their hashes are.
func TestRecipesTakeTurns(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	s.quality.Tier.Spec.Tokens = 1 << 20 // for which there is never enough text
	first, second := twin, menus
	hashes := make([]string, 2)
	for i, r := range []contract.Recipe{first, second} {
		var err error
		if hashes[i], err = pipeline.HashRecipe(r); err != nil {
			t.Fatal(err)
		}
	}
	if hashes[1] < hashes[0] {
		first, second = second, first
	}
	bert := s.Miner("//Bert")
	var block uint64
	for _, recipes := range [][]contract.Recipe{{first}, {first, second}} {
		for _, r := range recipes {
			block = s.claim(bert, r, 2)
		}
		s.judged(block)
		s.windowOver(block)
		s.rounds(2)
	}
	var order []string
	for line := range strings.Lines(s.log.String()) {
		var entry struct{ Message, Recipe string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(entry.Message, "comparing") {
			order = append(order, entry.Recipe)
		}
	}
	if want := []string{first.Name, second.Name, first.Name}; !slices.Equal(order, want) {
		t.Errorf("compared %v, want %v", order, want)
	}
}

// TestRecipeWithHeldOutTextIsRefused: with the list, and without training.
func TestRecipeWithHeldOutTextIsRefused(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	s.quality.Naive = submissiontest.Variant("naive", "p") // what all naive text holds is the crawl's fault
	plain := s.Page
	s.Page = func(path string, i int) string {
		if i%4 > 0 {
			return plain(path, i)
		}
		return strings.Replace(plain(path, i), "<nav>", "<nav>"+prose(fmt.Sprint("held out ", i%20), 5), 1)
	}
	cora := s.Miner("//Cora")
	block := s.claim(cora, menus, 2)
	s.judged(block)
	s.windowOver(block)
	s.once()
	got := s.judgement()
	if !got.Judged || got.Counts != 0 || !strings.Contains(got.Reason, "refused") || s.trainer.runs != 0 ||
		got.Comparison == nil || len(got.Comparison.Arms[0].Overlap.Matches) == 0 {
		t.Errorf("judgement %+v after %d runs", got, s.trainer.runs)
	}
	for _, g := range standings(s.once(), cora) {
		want(t, g, eval.Accepted, true, "refused")
	}
}

// TestRecipeWithoutText counts nothing.
func TestRecipeWithoutText(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	cora := s.Miner("//Cora")
	block := s.claim(cora, submissiontest.Variant("nothing", "h6"), 2)
	s.judged(block)
	s.windowOver(block)
	s.once()
	for _, g := range standings(s.once(), cora) {
		want(t, g, eval.Accepted, true, "keeps no text")
		if g.Quality != 0 {
			t.Errorf("it counts %v", g.Quality)
		}
	}
	got := s.judgement()
	if check, ok := validator.Checks([]validator.Judgement{got}, s.Protocol)(got.Recipe, block); !ok || check.Reason != got.Reason || got.Facts["counts"] != "0.000" {
		t.Errorf("who inspects the task is told %+v", check)
	}
}

// TestTaskThatIsGone: a publication that cannot be read any more holds up nobody
// for longer than the undecided time.
func TestTaskThatIsGone(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	anna, bert, cora := s.Miner("//Anna"), s.Miner("//Bert"), s.Miner("//Cora")
	s.claim(anna, submissiontest.ToyRecipe(), 1)
	s.claim(bert, twin, 1)
	block := s.claim(cora, twin, 1)
	s.judged(block)
	s.RemoveRepo(cora.Repo)
	s.windowOver(block)
	s.once()
	if s.trainer.runs != 0 || !strings.Contains(s.log.String(), "cannot compare") {
		t.Errorf("%d models, log %s", s.trainer.runs, s.log.String())
	}
	s.AwaitFinal(s.Final().Number + s.Protocol.UndecidedFor + 1)
	s.once()
	if got := s.judgement(); !got.Judged || got.Facts["tasks"] != "1" {
		t.Errorf("judgement %+v", got)
	}
	// What was accepted as a claim stays so.
	want(t, standings(s.once(), cora)[0], eval.Accepted, true, "")
}

// TestWeightsAreSetWhileModelsTrain: Run goes on with its rounds.
func TestWeightsAreSetWhileModelsTrain(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	anna, bert := s.Miner("//Anna"), s.Miner("//Bert")
	block := s.claim(bert, twin, 2)
	s.claim(anna, submissiontest.ToyRecipe(), 1)
	s.judged(block)
	s.restart()
	s.windowOver(block)
	started, settings := make(chan struct{}), 0
	goOn := make(chan struct{})
	s.trainer.before = func(run int) error {
		if run == 1 {
			close(started)
			<-goOn
		}
		return nil
	}
	v, err := validator.New(s.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	judged := 0
	err = v.Run(ctx, func(r validator.Round) {
		select {
		case <-started:
		default:
			return
		}
		if r.WeightsSet {
			if settings++; settings == 3 {
				close(goOn)
			}
		}
		for _, g := range standings(r, bert) {
			if g.Settled {
				judged++
				cancel()
			}
		}
	})
	if !errors.Is(err, context.Canceled) || settings < 3 || judged == 0 {
		t.Errorf("ended with %v after %d settings, %d tasks settled", err, settings, judged)
	}
}

// TestRunEndsWithItsComparison: nothing trains after Run returned.
func TestRunEndsWithItsComparison(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	block := s.claim(s.Miner("//Bert"), twin, 2)
	s.judged(block)
	s.restart()
	s.windowOver(block)
	ctx, cancel := context.WithCancel(t.Context())
	s.trainer.before = func(run int) error {
		if run == 2 {
			cancel()
			return context.Cause(ctx)
		}
		return nil
	}
	v, err := validator.New(s.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	if err := v.Run(ctx, func(validator.Round) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if runs := s.trainer.runs; runs != 2 {
		t.Errorf("%d models were begun", runs)
	}
}
