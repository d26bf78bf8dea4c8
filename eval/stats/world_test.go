package stats_test

import (
	"math"
	"math/rand/v2"
	"strconv"

	"finest/eval/panel"
	"finest/eval/stats"
)

// world draws the results of models whose true scores are known.
type world struct {
	rng *rand.Rand
	// seed and data are the standard deviations, in bits per byte, that a run has
	// from its seed, shared by all arms, and from its training data. Of the latter,
	// common is what all runs of an arm have: that of samples of the same pages.
	seed, data, common float64
}

func newWorld(n uint64) *world {
	return &world{rng: rand.New(rand.NewPCG(n, 1)), seed: 0.02, data: 0.01}
}

// arms draws one arm for each true loss in bits per byte, on a panel of a text
// and a choice suite.
func (w *world) arms(seeds int, losses ...float64) []stats.Arm {
	const docs, items = 8, 24
	difficulty := make([]float64, docs+items)
	for i := range difficulty {
		difficulty[i] = 0.3 * w.rng.NormFloat64()
	}
	losses = append([]float64(nil), losses...)
	for a := range losses {
		losses[a] += w.common * w.rng.NormFloat64()
	}
	arms := make([]stats.Arm, len(losses))
	for range seeds {
		common := w.seed * w.rng.NormFloat64()
		for a, loss := range losses {
			off := loss + common + w.data*w.rng.NormFloat64()
			text := panel.SuiteResult{Name: "books", Kind: panel.Text, Weight: 700}
			choice := panel.SuiteResult{Name: "quiz", Kind: panel.Choice, Weight: 300}
			for i, d := range difficulty {
				bits := off + d + 0.02*w.rng.NormFloat64()
				if i < docs {
					text.Units = append(text.Units, unit(i, bits, 2000+100*i, 700, 0.35-0.1*(off-2)))
				} else {
					right := 0.0
					if bits < 2 {
						right = 1
					}
					choice.Units = append(choice.Units, unit(i, bits, 20, 1, right))
				}
			}
			arms[a] = append(arms[a], stats.Run{text, choice})
		}
	}
	return arms
}

func unit(i int, bits float64, bytes, trials int, accuracy float64) panel.UnitResult {
	return panel.UnitResult{
		ID: strconv.Itoa(i), NLL: bits * math.Ln2 * float64(bytes), Bytes: int64(bytes),
		Trials: trials, Correct: int(accuracy*float64(trials) + 0.5),
	}
}

// calibration is what calibrating w with endless data would give.
func (w *world) calibration() stats.Calibration {
	dev := stats.SuiteDeviation{Bits: decimal(w.data * math.Sqrt2), Accuracy: 0.01}
	return stats.Calibration{
		Tier: "test", Freedom: 200, Deviation: decimal(w.data * math.Sqrt2),
		Weights: map[string]int{"books": 700, "quiz": 300},
		Suites:  map[string]stats.SuiteDeviation{"books": dev, "quiz": dev},
	}
}
