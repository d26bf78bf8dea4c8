package compare

import (
	"errors"
	"fmt"

	"finest/eval/panel/overlap"
	"finest/eval/stats"
)

// manyEpochs is how often tokens may be repeated before they are worth clearly
// less than as many new ones (Muennighoff and others, Scaling Data-Constrained
// Language Models, 2023, arXiv 2305.16264).
const manyEpochs = 4

// comparison is the result as far as it is known before anything is trained.
func (s *session) comparison(arms []*arm) *Comparison {
	out := &Comparison{
		Version: Version, Evidence: s.Tier.Evidence, Tier: s.Tier, SpecHash: s.spec, Seed: s.seed, Kernel: s.kernel,
		Tokenizer: TokenizerFacts{Name: s.Tokenizer.Name(), Hash: s.Tokenizer.Hash()},
		Panel: PanelFacts{
			Name: s.Panel.Definition().Name, Hash: s.Panel.Hash(), Examples: len(s.plan.Examples), Tokens: s.tokens,
		},
		ExcessLimit: overlap.Limit, Notes: []string{}, Suites: []stats.SuiteDifference{},
	}
	for _, a := range arms {
		out.Arms = append(out.Arms, a.facts)
	}
	return out
}

// judge completes the result with what the models came to.
func (s *session) judge(out *Comparison, arms []*arm) error {
	for i, a := range arms {
		out.Arms[i] = a.finished()
		s.noteSample(a)
	}
	s.noteReference(out)
	err := s.bounds(out, arms)
	out.Notes = s.notes
	return err
}

// finished returns the facts of an arm with the means over its runs.
func (a *arm) finished() Arm {
	facts := a.facts
	facts.Suites = meanScores(facts.Runs)
	for _, r := range facts.Runs {
		facts.Score += r.Score / float64(len(facts.Runs))
	}
	return facts
}

// note adds a sentence to the result.
func (s *session) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// noteSample says what is unusual about the sample of a run of an arm.
func (s *session) noteSample(a *arm) {
	var few, narrow *SampleFacts
	for i := range a.facts.Samples {
		f := &a.facts.Samples[i]
		if f.Epochs > manyEpochs {
			few = f
		}
		if 2*f.Refilled > f.Tokens {
			narrow = f
		}
	}
	if few != nil {
		s.note("%s %q gives only %d tokens for runs of %d: each is trained on %.1f times", a.facts.Role, a.facts.Name, few.Tokens, s.Tier.Spec.Tokens, few.Epochs)
	}
	if narrow != nil {
		s.note("%s %q is mostly of few hosts: %d of %d tokens are beyond the share of %g that one host has where there are others",
			a.facts.Role, a.facts.Name, narrow.Refilled, narrow.Tokens, float64(s.Tier.HostShare))
	}
}

// noteReference says when it is the reference that holds held-out text.
func (s *session) noteReference(out *Comparison) {
	candidate, reference := out.Arms[0].accused(), out.Arms[1].accused()
	if reference-candidate > overlap.Limit {
		s.note("%d of %d documents of the reference %q hold held-out text and were left out; as a candidate it would be refused",
			out.Arms[1].Overlap.Accused, out.Arms[1].Documents, out.Arms[1].Name)
	}
}

// bounds says what the difference is, and how sure that is.
func (s *session) bounds(out *Comparison, arms []*arm) error {
	out.Outcome = Unresolved
	if s.Calibration.Tier == "" {
		out.Reason = fmt.Sprintf("tier %s is not calibrated, so nothing can be said about differences", s.Tier.Name)
		if len(arms) > 2 {
			out.NoQuality = out.Reason
		}
		return nil
	}
	c := s.Calibration
	if c.Kernel != "" && c.Kernel != s.kernel {
		s.note("tier %s was calibrated with kernel %s, these models were trained with %s", c.Tier, c.Kernel, s.kernel)
	}
	out.Calibration = &c
	candidate, reference := arms[0].results, arms[1].results
	d, err := stats.Compare(candidate, reference, c, s.seed.Sub("units"))
	if err != nil {
		return err
	}
	out.Difference = &d
	if out.Suites, err = stats.CompareSuites(candidate, reference, c, s.seed.Sub("units")); err != nil {
		return err
	}
	out.Outcome, out.Reason = s.verdict(d, out.Arms)
	if len(arms) < 3 {
		return nil
	}
	q, err := stats.Judge(candidate, arms[2].results, reference, c, s.seed.Sub("units"))
	switch {
	case errors.Is(err, stats.ErrAnchors):
		out.NoQuality = err.Error()
	case err != nil:
		return err
	default:
		out.Quality = &q
	}
	return nil
}

func (s *session) verdict(d stats.Difference, arms []Arm) (Outcome, string) {
	unit := "bits per byte"
	if len(s.Calibration.Accuracies) > 0 {
		unit = "points of bits per byte and wrong answers"
	}
	by := fmt.Sprintf("%+.4f %s (95 %% interval %+.4f to %+.4f, %d seeds)", d.Delta, unit, d.Low, d.High, s.Tier.Seeds)
	switch {
	case !d.Resolved:
		return Unresolved, fmt.Sprintf("models of %q and %q differ by %s, which chance explains: less than %.4f is not resolved", arms[0].Name, arms[1].Name, by, d.Margin())
	case d.Delta < 0:
		return Better, fmt.Sprintf("models of %q are better than those of %q, by %s", arms[0].Name, arms[1].Name, by)
	}
	return Worse, fmt.Sprintf("models of %q are worse than those of %q, by %s", arms[0].Name, arms[1].Name, by)
}
