package validator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finest/eval"
	"finest/eval/compare"
	"finest/eval/lm"
	"finest/eval/lm/bpe"
	"finest/eval/panel"
	"finest/eval/stats"
	"finest/internal/contract"
	"finest/roles/submission/submissiontest"
	"finest/roles/validator"
)

// Recipes of the tests beside the reference: twin makes the same rows of the same
// pages, menus keeps what the reference throws away, naive keeps all.
var (
	twin  = submissiontest.Variant("twin", "p")
	menus = submissiontest.Variant("menus", "nav")
	naive = submissiontest.Variant("naive", "")
)

// prose returns sentences of a small language, noise what stands in menus. Both
// are functions of their name alone.
func prose(name string, sentences int) string {
	s := eval.Seed{}.Sub(name).Stream()
	pick := func(words ...string) string { return words[s.Below(uint64(len(words)))] }
	var b strings.Builder
	for range sentences {
		fmt.Fprintf(&b, "The %s %s %s the %s %s when the %s is %s. ",
			pick("old", "young", "quiet", "red", "tall"), pick("miller", "teacher", "sailor", "baker", "doctor"),
			pick("sees", "paints", "mends", "counts", "sells"), pick("small", "broken", "wooden", "green", "heavy"),
			pick("boat", "house", "bridge", "garden", "wheel"), pick("rain", "summer", "market", "harvest", "war"),
			pick("near", "over", "far away", "in the valley"))
	}
	return b.String()
}

func noise(name string, words int) string {
	s := eval.Seed{}.Sub(name).Stream()
	var b strings.Builder
	for range words {
		fmt.Fprintf(&b, "%c%c%x ", 'A'+s.Below(26), 'a'+s.Below(26), s.Below(1<<20))
	}
	return b.String()
}

// trainer counts runs, and may stand in the way of one.
type trainer struct {
	lm.Native
	runs   int
	before func(run int) error
}

func (t *trainer) Train(ctx context.Context, j lm.Job) (lm.Result, error) {
	t.runs++
	if t.before != nil {
		if err := t.before(t.runs); err != nil {
			return lm.Result{}, err
		}
	}
	return t.Native.Train(ctx, j)
}

// school is a world whose pages have prose and menus, with a validator that
// trains tiny models.
type school struct {
	*world
	trainer *trainer
	panel   string // folder of its files
	quality *validator.Quality
}

const schoolPages = 24

func newSchool(t testing.TB) *school {
	t.Helper()
	s := &school{world: newWorld(t), trainer: &trainer{}, panel: t.TempDir()}
	s.Pages = schoolPages
	s.Page = func(path string, i int) string {
		name := fmt.Sprintf("%s %d", path, i)
		return "<p>" + prose(name, 6) + "</p><nav>" + noise(name, 40) + "</nav>"
	}
	var lines strings.Builder
	for i := range 20 {
		raw, err := json.Marshal(map[string]string{"text": prose(fmt.Sprint("held out ", i), 5)})
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(raw, '\n'))
	}
	s.write("texts.jsonl", lines.String())
	tier, err := compare.TierNamed("tiny")
	if err != nil {
		t.Fatal(err)
	}
	tier.Spec.Config, tier.Spec.Tokens = lm.Config{Vocab: 2048, Dim: 16, Layers: 1, Heads: 1, Hidden: 32, Context: 32}, 4096
	s.quality = &validator.Quality{
		Reference: submissiontest.ToyRecipe(), Naive: naive, Tier: tier, Pages: 30, Comparer: s.comparer,
	}
	s.change = append(s.change, func(o *validator.Options) { o.Quality = s.quality })
	return s
}

func (s *school) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.panel, name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *school) comparer(crawl []panel.Unit) (*compare.Comparer, error) {
	p, err := panel.Load(s.panel, panel.Definition{Name: "school", Suites: []panel.Suite{
		{Name: "texts", Kind: panel.Text, Format: panel.Lines, Files: []string{"texts.jsonl"}, Weight: 700},
		{Name: panel.SuiteCrawl, Kind: panel.Text, Units: 30, Weight: 300},
	}})
	if err == nil {
		p, err = p.With(panel.SuiteCrawl, crawl)
	}
	if err != nil {
		return nil, err
	}
	tokens, err := bpe.Load(2048)
	if err != nil {
		return nil, err
	}
	spec, err := s.quality.Tier.SpecHash()
	if err != nil {
		return nil, err
	}
	deviation := stats.SuiteDeviation{Bits: 0.02, Accuracy: 0.01}
	return &compare.Comparer{
		Tier: s.quality.Tier, Panel: p, Trainer: s.trainer, Tokenizer: tokens,
		Calibration: stats.Calibration{
			Tier: "tiny", Spec: spec, Panel: "school", Weights: map[string]int{"texts": 700, panel.SuiteCrawl: 300},
			Kernel: s.trainer.Kernel(), Data: "none", Deviation: 0.02, Freedom: 40,
			Suites: map[string]stats.SuiteDeviation{"texts": deviation, panel.SuiteCrawl: deviation}, Accuracies: []string{},
		},
	}, nil
}

// claim has a miner claim tasks of a recipe, and returns the block of the last.
func (s *school) claim(m *submissiontest.Miner, recipe contract.Recipe, tasks int) uint64 {
	s.t.Helper()
	s.Recipe = recipe
	var block uint64
	for range tasks {
		block, _ = m.Honest()
	}
	return block
}

// windowOver waits for the seed of the window that holds a block.
func (s *school) windowOver(block uint64) {
	s.t.Helper()
	s.AwaitFinal((s.Protocol.WindowOf(block)+1)*s.Protocol.Window - 1 + s.Protocol.SeedDelay)
}

func standings(r validator.Round, m *submissiontest.Miner) []validator.Standing {
	var found []validator.Standing
	for _, s := range r.Submissions {
		if s.Hotkey == m.Key.Address() {
			found = append(found, s)
		}
	}
	return found
}

// TestRecipesAreJudgedByTheirModels: a recipe that makes the same rows as the
// reference counts as much, one that keeps the menus counts nothing, and both
// wait until their window is over.
func TestRecipesAreJudgedByTheirModels(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	anna, bert, cora := s.Miner("//Anna"), s.Miner("//Bert"), s.Miner("//Cora")
	s.claim(anna, submissiontest.ToyRecipe(), 1)
	s.claim(bert, twin, 2)
	block := s.claim(cora, menus, 2)
	round := s.judged(block)
	for _, m := range []*submissiontest.Miner{bert, cora} {
		for _, got := range standings(round, m) {
			want(t, got, eval.Undecided, false, "is not judged yet")
		}
	}
	if s.trainer.runs != 0 {
		t.Errorf("%d models are trained before the window is over", s.trainer.runs)
	}
	s.windowOver(block)
	s.once()
	s.once() // one comparison a round
	if s.trainer.runs != 2*3*2 {
		t.Errorf("%d models are trained, want 2 seeds of 3 arms for 2 recipes", s.trainer.runs)
	}
	round = s.once()
	for _, got := range standings(round, bert) {
		want(t, got, eval.Accepted, true, "passed")
		if got.Quality != 1 || got.Pay <= 0 {
			t.Errorf("the twin of the reference counts %v and is paid %v", got.Quality, got.Pay)
		}
	}
	for _, got := range standings(round, cora) {
		want(t, got, eval.Accepted, true, "recipe menus in window")
		if got.Quality != 0 || got.Pay != 0 || got.Weight != 0 {
			t.Errorf("menus count %v and are paid %v", got.Quality, got.Pay)
		}
	}
	// What is known of a recipe holds until its next window is over.
	block = s.claim(bert, twin, 1)
	last := standings(s.judged(block), bert)[2]
	want(t, last, eval.Accepted, true, "passed")
	if last.Quality != 1 {
		t.Errorf("in the next window the twin counts %v", last.Quality)
	}
	s.restart()
	if got := standings(s.once(), bert); len(got) != 3 || got[2].Quality != 1 || s.trainer.runs != 12 {
		t.Errorf("after a restart %+v and %d models", got, s.trainer.runs)
	}
	s.published(cora, "counts 0")
	s.published(bert, "% of next tokens right (naive ")
}

// published checks what the board was told of a miner's tasks.
func (s *school) published(m *submissiontest.Miner, reason string) {
	s.t.Helper()
	s.Blocks(10)
	s.once()
	n := 0
	for _, v := range s.board.verdicts {
		if v.Hotkey == m.Key.Address() {
			n++
			if v.Outcome != contract.VerdictAccepted || !strings.Contains(v.Reason, reason) {
				s.t.Errorf("published %+v, want …%s…", v, reason)
			}
		}
	}
	if n == 0 {
		s.t.Errorf("nothing is published of %s", m.Key)
	}
}

// TestEvidenceOfAJudgement: the whole comparison lies in the folder of the state,
// and answers who inspects a claim.
func TestEvidenceOfAJudgement(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	block := s.claim(s.Miner("//Bert"), twin, 2)
	s.judged(block)
	s.windowOver(block)
	s.once()
	all, err := validator.ReadJudgements(s.dataDir)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d judgements, %v", len(all), err)
	}
	c := all[0].Comparison
	if c == nil || len(c.Arms) != 3 || !all[0].Judged || all[0].Counts != 1 || all[0].Recipe.Name != "twin" {
		t.Fatalf("judgement %+v", all[0])
	}
	check, ok := validator.Checks(all, s.Protocol)(all[0].Recipe, block)
	if !ok || check.Outcome != eval.Accepted || !strings.Contains(check.Reason, "quality") {
		t.Fatalf("check %+v", check)
	}
	for _, fact := range []string{
		"quality", "quality_low", "quality_high", "counts", "tier", "evidence", "kernel", "panel_hash", "tokenizer", "seed", "window",
		"candidate_texts_accuracy", "reference_crawl_accuracy", "naive_crawl_bits_per_byte", "held_out_pages", "documents",
	} {
		if check.Evidence.Facts[fact] == "" {
			t.Errorf("the check has no fact %s: %v", fact, check.Evidence.Facts)
		}
	}
	if _, ok := validator.Checks(all, s.Protocol)(contract.RecipeRef{Name: "twin", Hash: strings.Repeat("0", 64)}, block); ok {
		t.Error("another recipe of that name is judged")
	}
	// Candidate and reference are of the same pages, none of them held out.
	if a := c.Arms[0].Documents; a != schoolPages || c.Arms[1].Documents != a || c.Arms[2].Documents != a {
		t.Errorf("arms of %d, %d and %d documents, want the %d of one file: the other is held out",
			a, c.Arms[1].Documents, c.Arms[2].Documents, schoolPages)
	}
	if left, err := os.ReadDir(filepath.Join(s.dataDir, "quality", "work")); err == nil && len(left) > 0 {
		t.Errorf("%d folders of drawn bytes are left", len(left))
	}
}

// TestComparisonIsResumed: a validator that is killed amid its models trains none
// of them twice, and finds the same.
func TestComparisonIsResumed(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	killed := errors.New("killed")
	s.trainer.before = func(run int) error {
		if run == 4 {
			return killed
		}
		return nil
	}
	block := s.claim(s.Miner("//Bert"), twin, 2)
	s.judged(block)
	s.windowOver(block)
	s.once()
	if !strings.Contains(s.log.String(), "cannot compare a recipe") || s.trainer.runs != 4 {
		t.Fatalf("%d runs, log %s", s.trainer.runs, s.log.String())
	}
	s.restart()
	s.WARC.Err = errors.New("no route to the crawl") // what was drawn is on disk
	s.once()
	if s.trainer.runs != 4+3 {
		t.Errorf("%d models are trained after 3 that were finished, want 3 more", s.trainer.runs-4)
	}
	if all, err := validator.ReadJudgements(s.dataDir); err != nil || len(all) != 1 || !all[0].Judged {
		t.Errorf("judgements %+v, %v", all, err)
	}
}
