// Package stats says what differences between models mean: bits per byte and
// accuracies of one model, differences between the data of two with what seeds
// and documents leave uncertain, and quality on the scale between two anchors.
//
// Nothing here is random but the resampling, which a seed draws, and no
// expression may be fused, so that everyone finds the same numbers in the same
// scores.
package stats

import (
	"errors"
	"fmt"
	"math"

	"finest/eval/panel"
)

// Run is what one model came to: its results on the suites of a panel.
type Run []panel.SuiteResult

// Arm is the runs of one dataset, one for each seed, in the order of the seeds.
type Arm []Run

// BitsPerByte is the suite's loss in bits over its bytes of raw text: lower is
// better, and no tokenizer can change what it is divided by.
func BitsPerByte(s panel.SuiteResult) float64 {
	var nll float64
	var bytes int64
	for _, u := range s.Units {
		nll += u.NLL
		bytes += u.Bytes
	}
	return nll / (math.Ln2 * float64(bytes))
}

// Accuracy is the share of the suite's trials that were right.
func Accuracy(s panel.SuiteResult) float64 {
	var correct, trials int
	for _, u := range s.Units {
		correct += u.Correct
		trials += u.Trials
	}
	return float64(correct) / float64(trials)
}

// Measure turns a run into one number, the panel's score: the weighted mean over
// its suites of the bits per byte, and of the share of wrong trials where a
// suite's accuracy enters. Lower is better.
type Measure struct {
	// Accuracies are the names of the suites whose accuracy enters.
	Accuracies []string
}

// Score is the panel's score of a run.
func (m Measure) Score(r Run) float64 {
	total := 0.0
	for _, s := range r {
		total += float64(share(s) * m.suite(s))
	}
	return total
}

// share is the weight of a suite as a fraction of the panel's.
func share(s panel.SuiteResult) float64 { return float64(s.Weight) / 1000 }

func (m Measure) enters(suite string) bool {
	for _, name := range m.Accuracies {
		if name == suite {
			return true
		}
	}
	return false
}

func (m Measure) suite(s panel.SuiteResult) float64 {
	score := BitsPerByte(s)
	if m.enters(s.Name) {
		score += 1 - Accuracy(s)
	}
	return score
}

// mean is the mean score of an arm over its seeds.
func (a Arm) mean(score func(Run) float64) float64 {
	total := 0.0
	for _, r := range a {
		total += score(r)
	}
	return total / float64(len(a))
}

// The least that anything is compared with: seeds, and units of every suite.
const (
	LeastSeeds = 2
	LeastUnits = 2
)

// ErrUnlike is wrapped by errors about runs that cannot be compared: other
// panels, other seeds, or too few of them.
var ErrUnlike = errors.New("runs cannot be compared")

// comparable checks that all runs of all arms answered the same panel, and that
// what is computed from them is a number.
func comparable(arms ...Arm) error {
	seeds := len(arms[0])
	if seeds < LeastSeeds {
		return fmt.Errorf("%w: %d seeds, at least %d are needed", ErrUnlike, seeds, LeastSeeds)
	}
	first := arms[0][0]
	weights := 0
	for _, s := range first {
		weights += s.Weight
		if len(s.Units) < LeastUnits {
			return fmt.Errorf("%w: suite %s has %d units, at least %d are needed", ErrUnlike, s.Name, len(s.Units), LeastUnits)
		}
	}
	if weights != 1000 {
		return fmt.Errorf("%w: the weights of the panel add up to %d thousandths", ErrUnlike, weights)
	}
	for _, a := range arms {
		if len(a) != seeds {
			return fmt.Errorf("%w: %d seeds and %d", ErrUnlike, seeds, len(a))
		}
		for _, r := range a {
			if err := samePanel(first, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// sameSuites checks that two runs answered suites of the same names and weights.
func sameSuites(a, b Run) error {
	if len(a) != len(b) {
		return fmt.Errorf("%w: %d suites and %d", ErrUnlike, len(a), len(b))
	}
	for i, s := range b {
		if want := a[i]; s.Name != want.Name || s.Weight != want.Weight {
			return fmt.Errorf("%w: suite %s of weight %d, and %s of %d", ErrUnlike, want.Name, want.Weight, s.Name, s.Weight)
		}
	}
	return nil
}

// maxNLL is more nats than any unit has: the sums of so many are still numbers.
const maxNLL = 1e12

func samePanel(a, b Run) error {
	if err := sameSuites(a, b); err != nil {
		return err
	}
	for i, s := range b {
		want := a[i]
		if len(s.Units) != len(want.Units) {
			return fmt.Errorf("%w: suite %s of %d units, and of %d", ErrUnlike, s.Name, len(want.Units), len(s.Units))
		}
		for j, u := range s.Units {
			w := want.Units[j]
			switch {
			case u.ID != w.ID || u.Bytes != w.Bytes || u.Trials != w.Trials:
				return fmt.Errorf("%w: unit %.64q and %.64q of suite %s", ErrUnlike, w.ID, u.ID, s.Name)
			case u.Bytes < 1 || u.Trials < 1 || u.Correct < 0 || u.Correct > u.Trials:
				return fmt.Errorf("%w: unit %.64q of suite %s has %d bytes and %d of %d right", ErrUnlike, u.ID, s.Name, u.Bytes, u.Correct, u.Trials)
			case math.IsNaN(u.NLL) || math.Abs(u.NLL) > maxNLL:
				return fmt.Errorf("%w: unit %.64q of suite %s has a loss of %v", ErrUnlike, u.ID, s.Name, u.NLL)
			}
		}
	}
	return nil
}
