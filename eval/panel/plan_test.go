package panel_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"finest/eval/lm"
	"finest/eval/panel"
)

// letters has a token for each byte; 256 stands between documents.
type letters struct{}

func (letters) Encode(dst []uint16, text string) []uint16 {
	for i := range len(text) {
		dst = append(dst, uint16(text[i]))
	}
	return dst
}

func (letters) EOS() uint16 { return 256 }

// show writes an example with EOS as ^ and a bar before what is predicted.
func show(e lm.Example) string {
	var out strings.Builder
	for i, token := range e.Tokens {
		if i == e.From {
			out.WriteByte('|')
		}
		if token == 256 {
			out.WriteByte('^')
		} else {
			out.WriteByte(byte(token))
		}
	}
	return out.String()
}

// scores gives every token that many nats.
func scores(p *panel.Plan, nats float64) []lm.Score {
	list := make([]lm.Score, len(p.Examples))
	for i, e := range p.Examples {
		n := len(e.Tokens) - e.From
		list[i] = lm.Score{NLL: nats * float64(n), Tokens: n}
	}
	return list
}

func planOf(t testing.TB, context int) *panel.Plan {
	t.Helper()
	plan, err := load(t, small, smallFiles).Plan(letters{}, context)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestPlan(t *testing.T) {
	for context, want := range map[int][]string{
		// All fits.
		100: {
			"^|The cat sat.", "^|A dog ran off.",
			"^Question: Which is wet?\nAnswer:| sand", "^Question: Which is wet?\nAnswer:| water", "^Question: Which is wet?\nAnswer:| a stone",
			"^Birds have| wings", "^Birds have| wheels",
			"^|The sun rises in the", "^The sun rises in the| east",
		},
		// Texts are cut into runs that follow each other, questions at the left;
		// what is longer than all positions is cut, too.
		7: {
			"^|The cat", "t| sat.", "^|A dog r", "r|an off.",
			"er:| sand", "r:| water", ":| a ston", "n|e", "ve| wings", "e| wheels",
			"^|The sun", "n| rises ", " |in the", "the| east",
		},
	} {
		var got []string
		for _, e := range planOf(t, context).Examples {
			got = append(got, show(e))
			if len(e.Tokens) > context+1 || e.From < 1 || e.From >= len(e.Tokens) {
				t.Errorf("context %d: example %q is no example", context, show(e))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("context %d: examples\n%q, want\n%q", context, got, want)
		}
	}
	if suite, units := planOf(t, 7).Smallest(); suite != "ends" || units != 1 {
		t.Errorf("the smallest suite is %s of %d units", suite, units)
	}
	if _, err := load(t, small, smallFiles).Plan(letters{}, 0); err == nil {
		t.Error("a plan for no positions")
	}
}

func TestResultsCountBytesOfTheText(t *testing.T) {
	for _, context := range []int{1, 7, 100} {
		plan := planOf(t, context)
		results, err := plan.Results(scores(plan, math.Ln2))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int64{"notes/a": 12, "notes/b": 14, "quiz/1": 6, "quiz/2": 6, "ends/1": 25}
		for _, s := range results {
			for _, u := range s.Units {
				name := s.Name + "/" + u.ID
				// One bit a token, and here a token a byte.
				if bits := u.NLL / math.Ln2; u.Bytes != want[name] || math.Abs(bits-float64(u.Bytes)) > 1e-9 {
					t.Errorf("context %d: %s has %v bits in %d bytes, want %d", context, name, bits, u.Bytes, want[name])
				}
				delete(want, name)
			}
		}
		if len(want) > 0 {
			t.Errorf("no results for %v", want)
		}
	}
}

func TestResultsCountRightAnswers(t *testing.T) {
	plan := planOf(t, 100)
	list := scores(plan, 1)
	list[0].Correct = 5 // of the 12 letters of a text
	list[4].NLL = 7.9   // " a stone" has 8 bytes: fewer nats a byte than 1
	list[8].Correct = 5 // all of " east"
	list[5].NLL -= 0.5  // " wings" is right
	correct := func() (got []int) {
		results, err := plan.Results(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range results {
			for _, u := range s.Units {
				got = append(got, u.Correct, u.Trials)
			}
		}
		return got
	}
	if got, want := correct(), []int{5, 12, 0, 14, 0, 1, 1, 1, 1, 1}; !slices.Equal(got, want) {
		t.Errorf("right and tried %v, want %v", got, want)
	}
	list[4].NLL = 8 // as likely as the two before it, of which the first is taken: wrong
	list[8].Correct = 4
	if got, want := correct(), []int{5, 12, 0, 14, 0, 1, 1, 1, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("right and tried %v, want %v", got, want)
	}
}

func TestResultsRefuse(t *testing.T) {
	plan := planOf(t, 100)
	for name, spoil := range map[string]func([]lm.Score) []lm.Score{
		"too few":         func(s []lm.Score) []lm.Score { return s[1:] },
		"too many":        func(s []lm.Score) []lm.Score { return append(s, lm.Score{}) },
		"none":            func([]lm.Score) []lm.Score { return nil },
		"not a number":    func(s []lm.Score) []lm.Score { s[3].NLL = math.NaN(); return s },
		"infinite":        func(s []lm.Score) []lm.Score { s[8].NLL = math.Inf(1); return s },
		"negative":        func(s []lm.Score) []lm.Score { s[0].NLL = -1; return s },
		"other tokens":    func(s []lm.Score) []lm.Score { s[2].Tokens--; return s },
		"more than right": func(s []lm.Score) []lm.Score { s[2].Correct = s[2].Tokens + 1; return s },
	} {
		if r, err := plan.Results(spoil(scores(plan, 1))); err == nil {
			t.Errorf("%s: results %v", name, r)
		}
	}
}
