package validator

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"finest/eval"
	"finest/eval/compare"
	"finest/eval/panel"
	"finest/internal/contract"
	"finest/internal/durable"
)

// judgement is what a validator knows of the quality of a recipe in a window.
type judgement struct {
	Window uint64             `json:"window"`
	Recipe contract.RecipeRef `json:"recipe"`
	// Judged is false where the comparison could not tell, now and whenever it is
	// made again at this tier.
	Judged bool `json:"judged"`
	// Counts is the quality that the recipe's tasks are paid with.
	Counts float64 `json:"counts"`
	// Reason is one sentence for people, Facts what the verdicts show.
	Reason string            `json:"reason"`
	Facts  map[string]string `json:"facts,omitempty"`
	Tier   string            `json:"tier"`
	// Block is the newest final block when it was recorded.
	Block uint64 `json:"block"`
}

// abstain returns the judgement of a comparison that could not tell.
func (c *comparison) abstain(tier, reason string) *judgement {
	return &judgement{Window: c.window, Recipe: c.recipe, Tier: tier, Reason: fmt.Sprintf("the quality of %s cannot be told: %s", c, reason)}
}

// nothing returns the judgement of a recipe that keeps nothing of what it was
// shown.
func (c *comparison) nothing(tier string, d *drawn) *judgement {
	facts := c.facts(d)
	facts["counts"] = decimal(0)
	return &judgement{
		Window: c.window, Recipe: c.recipe, Tier: tier, Judged: true,
		Reason: fmt.Sprintf("%s keeps no text of bytes of which the reference recipe keeps %d pages, so it counts 0", c, d.Facts.Reference.Documents),
		Facts:  facts,
	}
}

// judge says what a recipe counts after a comparison.
func (c *comparison) judge(r *compare.Comparison, d *drawn, floor float64) *judgement {
	j := &judgement{Window: c.window, Recipe: c.recipe, Tier: r.Tier.Name, Facts: c.facts(d)}
	addFacts(j.Facts, r)
	switch q := r.Quality; {
	case r.Outcome == compare.Refused:
		j.Judged = true
		j.Reason = fmt.Sprintf("%s is refused and counts 0: %s", c, r.Reason)
	case q == nil:
		j.Reason = fmt.Sprintf("the quality of %s cannot be told: %s", c, cmp.Or(r.NoQuality, r.Reason))
	default:
		j.Judged, j.Counts = true, q.Counts(floor)
		how := "its lower bound"
		switch {
		case q.Same:
			how = "as it cannot be told apart from the reference"
		case j.Counts == 0:
			how = fmt.Sprintf("as its lower bound is below %g", floor)
		}
		j.Facts["quality"], j.Facts["quality_low"], j.Facts["quality_high"] = decimal(q.Q), decimal(q.Low), decimal(q.High)
		j.Reason = fmt.Sprintf("%s has quality %s (95 %%: %s to %s; 0 is naive text, 1 the reference) at tier %s and counts %s, %s%s",
			c, decimal(q.Q), decimal(q.Low), decimal(q.High), r.Tier.Name, decimal(j.Counts), how, accuracies(r))
	}
	if j.Judged {
		j.Facts["counts"] = decimal(j.Counts)
	}
	return j
}

func decimal(x float64) string { return strconv.FormatFloat(x, 'f', 3, 64) }

// facts are those of what was drawn.
func (c *comparison) facts(d *drawn) map[string]string {
	f := d.Facts
	return map[string]string{
		"window": strconv.FormatUint(c.window, 10), "seed_block": strconv.FormatUint(c.at.Number, 10),
		"tasks": strconv.Itoa(f.Tasks), "warc_bytes": strconv.FormatInt(f.Bytes, 10), "held_out_pages": strconv.Itoa(f.HeldOut),
		"documents": fmt.Sprintf("%d; naive %d, reference %d", f.Candidate.Documents, f.Naive.Documents, f.Reference.Documents),
	}
}

// addFacts adds what the models came to: on every suite bits per byte, and the
// accuracy that people know.
func addFacts(facts map[string]string, r *compare.Comparison) {
	facts["tier"], facts["evidence"], facts["kernel"] = r.Tier.Name, string(r.Evidence), r.Kernel
	facts["seeds"], facts["seed"], facts["spec"] = strconv.Itoa(r.Tier.Seeds), fmt.Sprintf("%x", r.Seed[:]), r.SpecHash
	facts["panel"], facts["panel_hash"] = r.Panel.Name, r.Panel.Hash
	facts["tokenizer"], facts["tokenizer_hash"] = r.Tokenizer.Name, r.Tokenizer.Hash
	facts["excess_overlap"] = strconv.FormatFloat(r.Excess, 'f', 4, 64)
	for i := range r.Arms {
		arm := &r.Arms[i]
		for _, s := range arm.Suites {
			facts[fmt.Sprintf("%s_%s_bits_per_byte", arm.Role, s.Name)] = strconv.FormatFloat(s.BitsPerByte, 'f', 4, 64)
			facts[fmt.Sprintf("%s_%s_accuracy", arm.Role, s.Name)] = strconv.FormatFloat(s.Accuracy, 'f', 4, 64)
		}
	}
}

// accuracies sums up how often the models were right.
func accuracies(r *compare.Comparison) string {
	out := ""
	for _, of := range []struct {
		kind panel.Kind
		name string
	}{{panel.Text, "next tokens"}, {panel.Choice, "benchmark questions"}} {
		candidate, found := accuracy(r.Arm(compare.Candidate), of.kind)
		if !found {
			continue
		}
		naive, _ := accuracy(r.Arm(compare.Naive), of.kind)
		reference, _ := accuracy(r.Arm(compare.Reference), of.kind)
		out += fmt.Sprintf("; %.1f %% of %s right (naive %.1f %%, reference %.1f %%)", 100*candidate, of.name, 100*naive, 100*reference)
	}
	return out
}

// accuracy is the mean over the suites of a kind.
func accuracy(arm *compare.Arm, kind panel.Kind) (mean float64, found bool) {
	n := 0
	for _, s := range arm.Suites {
		if s.Kind == kind {
			mean += s.Accuracy
			n++
		}
	}
	return mean / float64(max(n, 1)), n > 0
}

// check returns check 5 of a task whose recipe was judged so. Where the comparison
// could not tell, the task waits on.
func (j *judgement) check() eval.Check {
	check := eval.Pass(eval.CheckQuality, j.Reason)
	if !j.Judged {
		check = eval.Wait(eval.CheckQuality, eval.Blame(eval.FaultRecipe, fmt.Errorf("the quality of recipe %s is not judged yet: %s", j.Recipe.Name, j.Reason)))
	}
	check.Evidence.Facts = j.Facts
	return check
}

// judgedIn reports whether a recipe needs no comparison in a window at a tier.
func (s *state) judgedIn(recipe string, window uint64, tier string) bool {
	return slices.ContainsFunc(s.Judgements[recipe], func(j judgement) bool {
		return j.Window == window && (j.Judged || j.Tier == tier)
	})
}

// compared returns how many windows had begun when a recipe was compared last, 0
// where it never was.
func (s *state) compared(recipe string) uint64 {
	all := s.Judgements[recipe]
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1].Window + 1
}

// quality returns the judgement that a task counts with: of its recipe in the
// newest window up to its own, else in the oldest one after it. Nil while there
// is none.
func (s *state) quality(recipe string, window uint64) *judgement {
	var found *judgement
	for i := range s.Judgements[recipe] {
		switch j := &s.Judgements[recipe][i]; {
		case !j.Judged:
		case j.Window <= window, found == nil:
			found = j
		}
	}
	return found
}

// known returns what is known of a task's recipe: the judgement that it counts with,
// else the newest comparison that could not tell. Nil while there is neither.
func (s *state) known(recipe string, window uint64) *judgement {
	all := s.Judgements[recipe]
	if j := s.quality(recipe, window); j != nil || len(all) == 0 {
		return j
	}
	return &all[len(all)-1]
}

// judged adds a judgement, in the place of one of the same window.
func (s *state) judged(j judgement) {
	list := slices.DeleteFunc(s.Judgements[j.Recipe.Hash], func(o judgement) bool { return o.Window == j.Window })
	list = append(list, j)
	slices.SortFunc(list, func(a, b judgement) int { return cmp.Compare(a.Window, b.Window) })
	s.Judgements[j.Recipe.Hash] = list
}

// judgedCheck is submission.Resolver.Judged.
func (v *Validator) judgedCheck(recipe contract.RecipeRef, block uint64) (eval.Check, bool) {
	j := v.store.state.known(recipe.Hash, v.o.Protocol.WindowOf(block))
	if j == nil {
		return eval.Check{}, false
	}
	return j.check(), true
}

// Judgement is the evidence of a recipe's quality in a window, as it is kept on
// disk.
type Judgement struct {
	Window uint64             `json:"window"`
	Recipe contract.RecipeRef `json:"recipe"`
	Reason string             `json:"reason"`
	Facts  map[string]string  `json:"facts"`
	Judged bool               `json:"judged"`
	Counts float64            `json:"counts"`
	// Comparison is nil where nothing was trained.
	Comparison *compare.Comparison `json:"comparison,omitempty"`
}

const evidenceDir = "judged"

// keepEvidence writes the whole result of a comparison. What is kept of windows
// long gone is left to whoever tidies the folder.
func (v *Validator) keepEvidence(done compared) error {
	j := done.judgement
	raw, err := json.MarshalIndent(Judgement{j.Window, j.Recipe, j.Reason, j.Facts, j.Judged, j.Counts, done.evidence}, "", "  ")
	if err != nil {
		return fmt.Errorf("keep the comparison of %s: %w", done, err)
	}
	dir := filepath.Join(v.qualityDir(), evidenceDir)
	if err := durable.MkdirAll(dir); err != nil {
		return err
	}
	return durable.WriteBytes(filepath.Join(dir, done.key()+".json"), 0o644, append(raw, '\n'))
}

// maxEvidence bounds a file of evidence: its lists and curves are bounded, too.
const maxEvidence = 16 << 20

// ReadJudgements returns the evidence in the folder of a validator's state, by
// window, also while the validator is at work.
func ReadJudgements(dataDir string) ([]Judgement, error) {
	dir := filepath.Join(dataDir, "quality", evidenceDir)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read judged qualities: %w", err)
	}
	var all []Judgement
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxEvidence || !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read judged quality: %w", err)
		}
		var j Judgement
		if err := json.Unmarshal(raw, &j); err != nil {
			return nil, fmt.Errorf("read judged quality %s: %w", filepath.Join(dir, e.Name()), err)
		}
		all = append(all, j)
	}
	slices.SortFunc(all, func(a, b Judgement) int {
		return cmp.Or(cmp.Compare(a.Window, b.Window), cmp.Compare(a.Recipe.Hash, b.Recipe.Hash))
	})
	return all, nil
}

// Checks returns a submission.Resolver.Judged that answers from judgements.
func Checks(all []Judgement, p eval.Protocol) func(contract.RecipeRef, uint64) (eval.Check, bool) {
	s := newState()
	for _, j := range all {
		s.judged(judgement{Window: j.Window, Recipe: j.Recipe, Judged: j.Judged, Counts: j.Counts, Reason: j.Reason, Facts: j.Facts})
	}
	return func(recipe contract.RecipeRef, block uint64) (eval.Check, bool) {
		if j := s.known(recipe.Hash, p.WindowOf(block)); j != nil {
			return j.check(), true
		}
		return eval.Check{}, false
	}
}
