package stats

import (
	"fmt"
	"math"

	"finest/eval"
)

// Calibration is what a tier's models differ by when nothing but chance differs:
// measured by training on disjoint samples of one dataset.
type Calibration struct {
	// Tier, and the hash of its training spec without a seed.
	Tier string `json:"tier"`
	Spec string `json:"spec"`
	// Panel is the name of the panel it was measured with, Weights those of its
	// suites; Kernel the kernel class.
	Panel   string         `json:"panel"`
	Weights map[string]int `json:"weights"`
	Kernel  string         `json:"kernel"`
	// Data says what it was measured on.
	Data string `json:"data"`
	// Deviation is the standard deviation of the difference between the panel's
	// scores of two runs that share the seed but not the data, Suites that of each
	// suite; Freedom their degrees of freedom. The mean over so many seeds deviates
	// by it over the root of their number.
	Deviation eval.Decimal              `json:"deviation"`
	Suites    map[string]SuiteDeviation `json:"suites"`
	Freedom   int                       `json:"freedom"`
	// Accuracies are the suites whose accuracy enters the score: those where the
	// reference's is above naive text's by more than chance.
	Accuracies []string `json:"accuracies"`
	// Called of Comparisons between samples of the same data found a difference.
	// All pairs of parts of a block are compared, and judged with the deviation of
	// the other blocks. As each part is in several pairs, their number says less
	// than as many comparisons of samples of their own.
	Comparisons int `json:"comparisons"`
	Called      int `json:"called"`
}

// SuiteDeviation is the deviation of a difference on one suite.
type SuiteDeviation struct {
	Bits     eval.Decimal `json:"bits_per_byte"`
	Accuracy eval.Decimal `json:"accuracy"`
	// Signal is how many standard errors of a comparison with two seeds the
	// reference's accuracy was above that of naive text; 0 where no naive text was
	// trained on.
	Signal eval.Decimal `json:"signal"`
}

// Measure is how the tier scores a run.
func (c Calibration) Measure() Measure { return Measure{Accuracies: c.Accuracies} }

// suite returns the deviation of a suite; for one that was not calibrated, such as
// pages of the crawl, the largest of all stands in.
func (c Calibration) suite(name string) SuiteDeviation {
	if d, ok := c.Suites[name]; ok {
		return d
	}
	var largest SuiteDeviation
	for _, d := range c.Suites {
		largest.Bits, largest.Accuracy = max(largest.Bits, d.Bits), max(largest.Accuracy, d.Accuracy)
	}
	return largest
}

// seedError is the standard error of the difference of two arms like this one.
// For a panel other than the calibrated one it is an upper bound: the suites'
// deviations as if they were wholly correlated.
func (c Calibration) seedError(a Arm) float64 {
	root := math.Sqrt(float64(len(a)))
	known := len(a[0]) == len(c.Weights)
	bound := 0.0
	for _, s := range a[0] {
		known = known && c.Weights[s.Name] == s.Weight
		d := c.suite(s.Name)
		deviation := float64(d.Bits)
		if c.Measure().enters(s.Name) {
			deviation += float64(d.Accuracy)
		}
		bound += float64(share(s) * deviation)
	}
	if known {
		return float64(c.Deviation) / root
	}
	return bound / root
}

// Validate says what makes a calibration useless.
func (c Calibration) Validate() error {
	positive := func(d eval.Decimal) bool { return d > 0 && !math.IsInf(float64(d), 0) }
	if c.Tier == "" || c.Freedom < 1 || !positive(c.Deviation) || len(c.Suites) == 0 {
		return fmt.Errorf("calibration of tier %q: deviation %v with %d degrees of freedom over %d suites", c.Tier, float64(c.Deviation), c.Freedom, len(c.Suites))
	}
	for name, d := range c.Suites {
		if !positive(d.Bits) || d.Accuracy < 0 {
			return fmt.Errorf("calibration of tier %s: suite %s deviates by %v bits per byte and %v", c.Tier, name, float64(d.Bits), float64(d.Accuracy))
		}
	}
	for _, name := range c.Accuracies {
		if _, known := c.Suites[name]; !known {
			return fmt.Errorf("calibration of tier %s: the accuracy of suite %s enters, which was not measured", c.Tier, name)
		}
	}
	return nil
}

// Block is runs on disjoint samples of one dataset with the same seeds: one arm
// for each sample, and perhaps one for naive text of the same pages.
type Block struct {
	Parts []Arm
	Naive Arm
}

// Calibrate measures a tier: deviations, the accuracies that carry a signal, and
// how often samples of the same data would be called different. At least two
// blocks of two parts are needed. Names and hashes are left to the caller.
func Calibrate(blocks []Block, seed eval.Seed) (Calibration, error) {
	if len(blocks) < 2 {
		return Calibration{}, fmt.Errorf("calibrate: %d blocks, at least 2 are needed", len(blocks))
	}
	for _, b := range blocks {
		if len(b.Parts) < 2 {
			return Calibration{}, fmt.Errorf("calibrate: a block of %d parts, at least 2 are needed", len(b.Parts))
		}
		if err := comparable(b.arms()...); err != nil {
			return Calibration{}, fmt.Errorf("calibrate: %w", err)
		}
		if err := sameSuites(blocks[0].Parts[0][0], b.Parts[0][0]); err != nil {
			return Calibration{}, fmt.Errorf("calibrate: %w", err)
		}
	}
	c := measure(blocks, accuracies(blocks))
	for i, b := range blocks {
		others := make([]Block, 0, len(blocks)-1)
		others = append(append(others, blocks[:i]...), blocks[i+1:]...)
		blind := measure(others, c.Accuracies)
		for x := range b.Parts {
			for y := range x {
				d, err := Compare(b.Parts[x], b.Parts[y], blind, seed.Sub(fmt.Sprintf("%d/%d/%d", i, x, y)))
				if err != nil {
					return Calibration{}, fmt.Errorf("calibrate: %w", err)
				}
				c.Comparisons++
				if d.Resolved {
					c.Called++
				}
			}
		}
	}
	return c, c.Validate()
}

func (b Block) arms() []Arm {
	if b.Naive == nil {
		return b.Parts
	}
	return append(b.Parts[:len(b.Parts):len(b.Parts)], b.Naive)
}

// measure computes the deviations of blocks.
func measure(blocks []Block, enter []string) Calibration {
	c := Calibration{Suites: make(map[string]SuiteDeviation), Weights: make(map[string]int), Accuracies: enter, Tier: "measured"}
	deviation, freedom := spread(blocks, c.Measure().Score)
	c.Deviation, c.Freedom = eval.Decimal(deviation), freedom
	for i, s := range blocks[0].Parts[0][0] {
		bits, _ := spread(blocks, func(r Run) float64 { return BitsPerByte(r[i]) })
		accuracy, _ := spread(blocks, func(r Run) float64 { return Accuracy(r[i]) })
		c.Weights[s.Name] = s.Weight
		c.Suites[s.Name] = SuiteDeviation{
			Bits: eval.Decimal(bits), Accuracy: eval.Decimal(accuracy), Signal: eval.Decimal(signal(blocks, i, accuracy)),
		}
	}
	return c
}

// spread is the standard deviation of the difference of two runs that share the
// seed but not the data: √2 times that of the mean of an arm about the mean of its
// block, times the root of the number of seeds. Arms are counted, not runs: where
// a part of a dataset has few more pages than a run takes, the runs of its arm
// have pages in common, deviate together, and say less than as many others.
func spread(blocks []Block, score func(Run) float64) (deviation float64, freedom int) {
	sum := 0.0
	for _, b := range blocks {
		mean := 0.0
		for _, part := range b.Parts {
			mean += part.mean(score) / float64(len(b.Parts))
		}
		for _, part := range b.Parts {
			off := part.mean(score) - mean
			sum += float64(float64(off*off) * float64(len(part)))
		}
		freedom += len(b.Parts) - 1
	}
	return math.Sqrt(2 * sum / float64(freedom)), freedom
}

// leastSignal is how many standard errors an accuracy has to be above that of
// naive text to enter the score.
const leastSignal = 3

func accuracies(blocks []Block) []string {
	names := []string{}
	for i, s := range blocks[0].Parts[0][0] {
		deviation, _ := spread(blocks, func(r Run) float64 { return Accuracy(r[i]) })
		if signal(blocks, i, deviation) >= leastSignal {
			names = append(names, s.Name)
		}
	}
	return names
}

// signal is how far the accuracy of a suite is above that of naive text, in
// standard errors of a comparison with two seeds.
func signal(blocks []Block, suite int, deviation float64) float64 {
	above, n := 0.0, 0.0
	for _, b := range blocks {
		if b.Naive == nil {
			continue
		}
		for s, naive := range b.Naive {
			for _, part := range b.Parts {
				above += Accuracy(part[s][suite]) - Accuracy(naive[suite])
				n++
			}
		}
	}
	if n == 0 || deviation == 0 {
		return 0
	}
	return above / n / (deviation / math.Sqrt2)
}
