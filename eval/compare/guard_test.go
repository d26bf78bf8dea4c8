package compare_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"finest/eval/compare"
	"finest/eval/panel"
	"finest/eval/panel/overlap"
)

// heldOutTexts are the texts of a panel.
func heldOutTexts(p *panel.Panel) (texts []string) {
	for _, text := range p.Texts() {
		texts = append(texts, text)
	}
	return texts
}

// with puts held-out text into every page whose number modulo every is 0.
func with(every int, insert func(i int, page string) string) func(int, compare.Document) compare.Document {
	return func(i int, d compare.Document) compare.Document {
		if i%every == 0 {
			d.Text = insert(i, d.Text)
		}
		return d
	}
}

// TestHeldOutTextIsRefused: however it is put in, a candidate with held-out text
// in more than one document in a hundred is refused, and nothing is trained.
func TestHeldOutTextIsRefused(t *testing.T) {
	c, trainer := comparer(t)
	texts := heldOutTexts(c.Panel)
	at := func(i int) string { return texts[i%len(texts)] }
	reference := dataset("reference", 200, nil)
	for name, insert := range map[string]func(i int, page string) string{
		"whole documents": func(i int, _ string) string { return at(i) },
		"in the middle":   func(i int, page string) string { return page[:200] + "\n" + at(i) + "\n" + page[200:] },
		"in capitals":     func(i int, page string) string { return page + " " + strings.ToUpper(at(i)) },
		"wrapped anew":    func(i int, page string) string { return page + " " + strings.Join(strings.Fields(at(i)), "\n") },
	} {
		t.Run(name, func(t *testing.T) {
			candidate := dataset("candidate", 200, with(50, insert))
			got := mustCompare(t, c, candidate, reference, nil)
			arm := got.Arm(compare.Candidate)
			if got.Outcome != compare.Refused || trainer.runs.Load() != 0 || len(arm.Runs) != 0 || !strings.Contains(got.Reason, "--naive") {
				t.Fatalf("%s: %s", got.Outcome, got.Reason)
			}
			if arm.Overlap.Accused != 4 || len(arm.Overlap.Matches) != 4 || got.Excess != 0.02 {
				t.Errorf("%d accused, excess %v, %+v", arm.Overlap.Accused, got.Excess, arm.Overlap.Matches)
			}
			seen := make(map[string]bool)
			for i, m := range arm.Overlap.Matches {
				seen[m.Document] = true
				if i > 0 && m.Words > arm.Overlap.Matches[i-1].Words || m.Source == "" || m.Words < overlap.ShortGram || m.Excerpt == "" || !m.Accused {
					t.Errorf("match %+v", m)
				}
			}
			for i := range 4 {
				if !seen[fmt.Sprintf("page-%d", 50*i)] {
					t.Errorf("page %d is not in the list %v", 50*i, seen)
				}
			}
		})
	}
}

// TestLittleHeldOutTextIsLeftOut: below the limit it is not trained on.
func TestLittleHeldOutTextIsLeftOut(t *testing.T) {
	c, _ := comparer(t)
	texts := heldOutTexts(c.Panel)
	clean := dataset("clean", 200, nil)
	candidate := dataset("candidate", 200, with(150, func(i int, page string) string { return page + "\n" + texts[i%len(texts)] }))
	got := mustCompare(t, c, candidate, clean, nil)
	if got.Outcome != compare.Unresolved || got.Arms[0].Overlap.Shared != 2 || got.Excess != 0.01 {
		t.Errorf("%s: %+v, excess %v", got.Outcome, got.Arms[0].Overlap, got.Excess)
	}
	without := dataset("candidate", 200, with(150, func(int, string) string { return "" }))
	again := mustCompare(t, c, without, clean, nil)
	keys := func(a compare.Arm) (keys []string) {
		for _, r := range a.Runs {
			keys = append(keys, r.Key)
		}
		return keys
	}
	if !slices.Equal(keys(got.Arms[0]), keys(again.Arms[0])) {
		t.Error("the models are not those of the dataset without these documents")
	}
}

// TestReferenceWithHeldOutText: what the reference has as well is nobody's fault.
func TestReferenceWithHeldOutText(t *testing.T) {
	c, _ := comparer(t)
	texts := heldOutTexts(c.Panel)
	insert := with(20, func(i int, page string) string { return page + "\n" + texts[i%len(texts)] })
	got := mustCompare(t, c, dataset("candidate", 200, insert), dataset("reference", 200, insert), nil)
	if got.Outcome != compare.Unresolved || got.Excess != 0 || got.Arms[1].Overlap.Shared != 10 {
		t.Errorf("%s: excess %v, %+v", got.Outcome, got.Excess, got.Arms[1].Overlap)
	}
	got = mustCompare(t, c, dataset("candidate", 200, nil), dataset("reference", 200, insert), nil)
	if got.Outcome == compare.Refused || got.Excess != 0 || len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "10 of 200 documents of the reference") {
		t.Errorf("%s: excess %v, notes %q", got.Outcome, got.Excess, got.Notes)
	}
}

func TestNothingButHeldOutText(t *testing.T) {
	c, trainer := comparer(t)
	texts := heldOutTexts(c.Panel)
	all := with(1, func(i int, _ string) string { return texts[i%len(texts)] })
	got := mustCompare(t, c, dataset("candidate", 40, all), dataset("reference", 40, nil), nil)
	if got.Outcome != compare.Refused || got.Excess != 1 || len(got.Arms[0].Overlap.Matches) == 0 {
		t.Errorf("%s: excess %v", got.Outcome, got.Excess)
	}
	_, err := c.Compare(t.Context(), seedOf("x"), dataset("candidate", 40, nil), dataset("reference", 40, all), nil)
	if !errors.Is(err, compare.ErrNoText) || !strings.Contains(err.Error(), "40 share text with the panel") || trainer.runs.Load() != 0 {
		t.Errorf("a reference of held-out text alone: %v", err)
	}
}

// TestAnchorsWithoutText: an anchor of which nothing is left is an error also where
// the candidate would be refused.
func TestAnchorsWithoutText(t *testing.T) {
	c, trainer := comparer(t)
	texts := heldOutTexts(c.Panel)
	candidate := dataset("candidate", 40, with(2, func(i int, _ string) string { return texts[i%len(texts)] }))
	none, some := dataset("none", 0, nil), dataset("some", 40, nil)
	for name, tc := range map[string]struct {
		reference compare.Input
		naive     *compare.Input
		want      string
	}{
		"an empty reference": {none, nil, `reference "none": there is no text to train on: of 0 documents`},
		"empty naive text":   {some, &none, `naive "none": there is no text to train on: of 0 documents`},
	} {
		_, err := c.Compare(t.Context(), seedOf("x"), candidate, tc.reference, tc.naive)
		if !errors.Is(err, compare.ErrNoText) || !strings.Contains(err.Error(), tc.want) || trainer.runs.Load() != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	got := mustCompare(t, c, candidate, some, nil)
	if got.Outcome != compare.Refused || got.Arms[0].Suites == nil || got.Arms[0].Runs == nil {
		t.Errorf("%s: lists of what was not trained are %v, %v", got.Outcome, got.Arms[0].Suites, got.Arms[0].Runs)
	}
}

// TestNaiveTextExcuses: what the naive text of the pages has as well was not put
// there by the candidate; it is not trained on, and nobody is accused of it.
func TestNaiveTextExcuses(t *testing.T) {
	c, _ := comparer(t)
	texts := heldOutTexts(c.Panel)
	insert := with(20, func(i int, page string) string { return page + "\n" + texts[i%len(texts)] })
	naive := dataset("naive", 200, insert)
	got := mustCompare(t, c, dataset("candidate", 200, insert), dataset("reference", 200, nil), &naive)
	arm := got.Arm(compare.Candidate)
	if got.Outcome == compare.Refused || arm.Overlap.Accused != 0 || arm.Overlap.Shared != 10 || len(arm.Overlap.Matches) != 10 || arm.Overlap.Matches[0].Accused {
		t.Errorf("%s: %+v", got.Outcome, arm.Overlap)
	}
	clean := dataset("naive", 200, nil)
	got = mustCompare(t, c, dataset("candidate", 200, insert), dataset("reference", 200, nil), &clean)
	if got.Outcome != compare.Refused || strings.Contains(got.Reason, "--naive") {
		t.Errorf("held-out text that the pages do not have: %s: %s", got.Outcome, got.Reason)
	}
}
