package validator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"finest/chain"
	"finest/eval"
	"finest/eval/compare"
	"finest/eval/lm"
	"finest/eval/panel"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/submission"
)

// Quality is what check 5 needs beyond the other checks: recipes to compare
// others with, and models to compare them by.
type Quality struct {
	// Reference is the recipe that Protocol.ReferenceRecipe names, of quality 1;
	// Naive that of quality 0.
	Reference, Naive contract.Recipe
	Tier             compare.Tier
	// Pages is how many held-out pages of the crawl the panel takes at most.
	Pages int
	// Comparer returns what trains and compares, with pages of the crawl in its
	// panel. It is called for every comparison: a file that was missing may be
	// there by then. Its Runs are set by the validator.
	Comparer func(crawl []panel.Unit) (*compare.Comparer, error)
	// Progress is told what a comparison of a recipe is at, from another goroutine;
	// nil is never.
	Progress func(recipe string, p compare.Progress)
}

// comparison is one recipe in one window, with all that is needed to judge it
// without looking at the state.
type comparison struct {
	window uint64
	recipe contract.RecipeRef
	hash   canon.Hash
	// at is the block whose hash seeds it.
	at chain.Block
	// pool are the recipe's tasks of the window, others those of other recipes.
	pool, others []submission.Case
	// patient: tasks that cannot be read are waited for.
	patient bool
}

// seed returns where a choice about the comparison comes from: the same for every
// validator.
func (c *comparison) seed(purpose string) eval.Seed {
	return eval.ComparisonSeed(c.at.Hash, c.hash, purpose)
}

// Purposes of a comparison's seeds.
const (
	// purposeBytes chooses what of the tasks is compared, purposeHeldOut the pages
	// that models are scored on; all else follows from purposeCompare.
	purposeBytes   = "bytes"
	purposeHeldOut = "held-out"
	purposeCompare = "compare"
)

func (c *comparison) String() string {
	return fmt.Sprintf("recipe %s in window %d", c.recipe.Name, c.window)
}

// key names a comparison in memory and on disk.
func (c *comparison) key() string { return fmt.Sprintf("%d-%s", c.window, c.recipe.Hash) }

// folder names what is drawn for the comparison: other tasks, or another tier,
// and it is drawn anew.
func (c *comparison) folder(tier compare.Tier) string {
	var all strings.Builder
	fmt.Fprintln(&all, tier.Name, tier.Spec.Tokens)
	for _, list := range [][]submission.Case{c.pool, c.others} {
		for _, t := range list {
			fmt.Fprintln(&all, t.Address(), t.Line.Task, t.Line.Generation, t.Line.Manifest)
		}
		fmt.Fprintln(&all)
	}
	return fmt.Sprintf("%s-%s", c.key(), canon.Sum([]byte(all.String())))
}

// compared is what a comparison came to: a judgement, frauds that it met, or an
// error, after which it is tried again.
type compared struct {
	*comparison
	judgement *judgement
	evidence  *compare.Comparison
	frauds    frauds
	err       error
}

// windowEnd is the last block of a window.
func (v *Validator) windowEnd(window uint64) uint64 { return (window+1)*v.o.Protocol.Window - 1 }

// keptWindows is for how many windows after its own a publication must stay
// readable; a recipe that was not judged by then is not judged in that window.
const keptWindows = 2

// due returns the next comparison that can be made, nil without one: that of the
// oldest window whose seed is final and in which nothing may change any more, and
// in it of the first recipe.
func (v *Validator) due(ctx context.Context, final chain.Block) (*comparison, error) {
	p := v.o.Protocol
	byWindow := make(map[uint64]bool)
	for _, c := range v.store.state.Cases {
		byWindow[p.WindowOf(c.Block)] = true
	}
	for _, window := range sortedKeys(byWindow) {
		end := v.windowEnd(window)
		if p.SeedBlock(end) > final.Number || final.Number > end+keptWindows*p.Window || v.unsettled(window, final) {
			continue
		}
		for _, recipe := range v.recipesIn(window) {
			c := &comparison{window: window, recipe: recipe, patient: !p.Expired(p.SeedBlock(end), final.Number)}
			if v.store.state.judgedIn(recipe.Hash, window, v.o.Quality.Tier.Name) || !v.comparing.due(c.key(), final.Number) {
				continue
			}
			if err := v.complete(ctx, c); err != nil {
				return nil, err
			}
			return c, nil
		}
	}
	return nil, nil
}

// unsettled reports whether a claim or a case of the window may still change its
// pool, so that validators would not draw from the same one. What stays unread is
// not waited for longer than a verdict may stay undecided.
func (v *Validator) unsettled(window uint64, final chain.Block) bool {
	p := v.o.Protocol
	if p.Expired(v.windowEnd(window), final.Number) {
		return false
	}
	for _, claims := range v.store.state.Claims {
		for _, c := range claims {
			if c.State == submission.Pending && p.WindowOf(c.Block) == window {
				return true
			}
		}
	}
	for _, c := range v.store.state.Cases {
		if p.WindowOf(c.Block) == window && !c.Settled && c.NextTry != never {
			return true
		}
	}
	return false
}

// recipesIn returns the recipes to be judged in a window: those not compared for
// longest first, then by hash. So none is always behind others where there are more
// than there is time for.
func (v *Validator) recipesIn(window uint64) []contract.RecipeRef {
	found := make(map[string]contract.RecipeRef)
	for _, c := range v.pooled(window) {
		if c.Recipe != v.o.Protocol.ReferenceRecipe {
			found[c.RecipeHash] = contract.RecipeRef{Name: c.Recipe, Hash: c.RecipeHash}
		}
	}
	var out []contract.RecipeRef
	for _, hash := range sortedKeys(found) {
		out = append(out, found[hash])
	}
	slices.SortStableFunc(out, func(a, b contract.RecipeRef) int {
		return cmp.Compare(v.store.state.compared(a.Hash), v.store.state.compared(b.Hash))
	})
	return out
}

// pooled returns the cases of a window that may be compared: they passed checks 1
// and 2, nothing else was found against them, and no fraud of their hotkey takes
// the window's pay.
func (v *Validator) pooled(window uint64) []*caseState {
	var out []*caseState
	cheats := make(map[string]bool)
	for _, c := range v.store.state.Cases {
		if v.o.Protocol.WindowOf(c.Block) != window {
			continue
		}
		cheats[c.Hotkey] = cheats[c.Hotkey] || c.Fraud != ""
		if c.pools() {
			out = append(out, c)
		}
	}
	return slices.DeleteFunc(out, func(c *caseState) bool { return cheats[c.Hotkey] })
}

// pools reports whether a case passed checks 1 and 2, and nothing else was found
// against it.
func (c *caseState) pools() bool {
	return c.RecipeHash != "" && c.Verdict != nil && c.Verdict.Outcome != eval.Rejected &&
		slices.ContainsFunc(c.Verdict.Checks, func(check eval.Check) bool {
			return check.Name == eval.CheckContent && check.Outcome == eval.Accepted
		})
}

// complete adds what the comparison draws from.
func (v *Validator) complete(ctx context.Context, c *comparison) error {
	var err error
	if c.hash, err = canon.ParseHash(c.recipe.Hash); err != nil {
		return fmt.Errorf("compare %s: %w", c, err)
	}
	number := v.o.Protocol.SeedBlock(v.windowEnd(c.window))
	if c.at, err = v.o.Chain.BlockAt(ctx, number); err != nil {
		return fmt.Errorf("read block %d: %w", number, err)
	}
	for _, known := range v.pooled(c.window) {
		target, err := v.target(*known)
		if err != nil {
			return err
		}
		if known.RecipeHash == c.recipe.Hash {
			c.pool = append(c.pool, target)
		} else {
			c.others = append(c.others, target)
		}
	}
	return nil
}

// compare makes a comparison. It reads and changes nothing of the state, and goes
// on where a killed one was.
func (v *Validator) compare(ctx context.Context, c *comparison) (out compared) {
	out.comparison = c
	work := filepath.Join(v.qualityDir(), "work", c.folder(v.o.Quality.Tier))
	drawn, err := v.draw(ctx, c, work)
	if err == nil {
		out.evidence, out.judgement, err = v.train(ctx, c, drawn)
	}
	var abstained *abstention
	switch {
	case errors.As(err, &out.frauds):
	case errors.As(err, &abstained):
		out.judgement = c.abstain(v.o.Quality.Tier.Name, abstained.reason)
	case errors.Is(err, lm.ErrDiverged), errors.Is(err, compare.ErrNoText):
		out.judgement = c.abstain(v.o.Quality.Tier.Name, err.Error()) // so would it the next time
	case err != nil:
		out.err = err // what was drawn is there the next time
	}
	return out
}

// abstention is an error that leaves a recipe without a judgement in a window
// however often it is tried.
type abstention struct{ reason string }

func (a *abstention) Error() string { return a.reason }

func abstainf(format string, args ...any) error { return &abstention{fmt.Sprintf(format, args...)} }

// train compares what was drawn.
func (v *Validator) train(ctx context.Context, c *comparison, d *drawn) (*compare.Comparison, *judgement, error) {
	if d.Facts.Candidate.Bytes == 0 {
		return nil, c.nothing(v.o.Quality.Tier.Name, d), nil
	}
	comparer, err := v.o.Quality.Comparer(d.crawl)
	if err != nil {
		return nil, nil, err
	}
	if comparer.Calibration.Tier == "" {
		return nil, nil, fmt.Errorf("tier %s is not calibrated, so its models would tell nothing", v.o.Quality.Tier.Name)
	}
	if comparer.Runs, err = compare.OpenRuns(filepath.Join(v.qualityDir(), "runs")); err != nil {
		return nil, nil, err
	}
	if v.o.Quality.Progress != nil {
		comparer.Progress = func(p compare.Progress) { v.o.Quality.Progress(c.recipe.Name, p) }
	}
	naive := compare.Input{Name: v.o.Quality.Naive.Name, Documents: d.naive}
	result, err := comparer.Compare(ctx, c.seed(purposeCompare),
		compare.Input{Name: c.recipe.Name, Documents: d.candidate},
		compare.Input{Name: v.o.Quality.Reference.Name, Documents: d.reference}, &naive)
	if err != nil {
		return nil, nil, err
	}
	return result, c.judge(result, d, float64(v.o.Protocol.QualityFloor)), nil
}

func (v *Validator) qualityDir() string { return filepath.Join(v.o.DataDir, "quality") }
