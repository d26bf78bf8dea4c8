package stats

import (
	"math"

	"finest/eval"
	"finest/eval/panel"
)

// Difference is by how much one dataset's models differ from another's.
type Difference struct {
	// Delta is the mean over the seeds of the candidate's score less the
	// reference's: negative where the candidate is better.
	Delta float64 `json:"delta"`
	// SeedError is the standard error that seeds and the choice of training data
	// leave, as calibrated; UnitError the one that the choice of held-out
	// documents and items leaves.
	SeedError float64 `json:"seed_error"`
	UnitError float64 `json:"unit_error"`
	// Low and High bound Delta with 95 % confidence.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Resolved says that 0 is outside the bounds.
	Resolved bool `json:"resolved"`
}

// Margin is the least difference that would be resolved.
func (d Difference) Margin() float64 { return (d.High - d.Low) / 2 }

func newDifference(delta, seedError, unitVariance, t float64) Difference {
	d := Difference{Delta: delta, SeedError: seedError, UnitError: math.Sqrt(max(0, unitVariance))}
	margin := float64(t * math.Sqrt(float64(d.SeedError*d.SeedError)+float64(d.UnitError*d.UnitError)))
	d.Low, d.High = delta-margin, delta+margin
	d.Resolved = d.Low > 0 || d.High < 0
	return d
}

// SuiteDifference is a Difference on one suite, in bits per byte and in
// accuracy; positive differences of accuracy are better.
type SuiteDifference struct {
	Name     string     `json:"name"`
	Kind     panel.Kind `json:"kind"`
	Weight   int        `json:"weight"`
	Bits     Difference `json:"bits_per_byte"`
	Accuracy Difference `json:"accuracy"`
}

// Compare compares the panel's scores of two datasets whose runs share their
// seeds.
func Compare(candidate, reference Arm, c Calibration, seed eval.Seed) (Difference, error) {
	if err := comparable(candidate, reference); err != nil {
		return Difference{}, err
	}
	m := c.Measure()
	suites := m.tallies([]Arm{candidate, reference}, func(i int) float64 { return share(reference[0][i]) })
	delta := candidate.mean(m.Score) - reference.mean(m.Score)
	return newDifference(delta, c.seedError(reference), difference(covariance(suites, 2, seed)), critical(c.Freedom)), nil
}

// CompareSuites compares two datasets suite by suite; for a suite that was not
// calibrated the largest deviation stands in. Nothing is decided by these: among
// many intervals some miss by chance.
func CompareSuites(candidate, reference Arm, c Calibration, seed eval.Seed) ([]SuiteDifference, error) {
	if err := comparable(candidate, reference); err != nil {
		return nil, err
	}
	var out []SuiteDifference
	root := math.Sqrt(float64(len(reference)))
	for i, s := range reference[0] {
		arms := []Arm{candidate, reference}
		only := func(j int) float64 {
			if j == i {
				return 1
			}
			return 0
		}
		dev := c.suite(s.Name)
		bits := func(r Run) float64 { return BitsPerByte(r[i]) }
		accuracy := func(r Run) float64 { return Accuracy(r[i]) }
		plain := Measure{}.tallies(arms, only)
		right := accuracyTallies(arms, i)
		t := critical(c.Freedom)
		out = append(out, SuiteDifference{
			Name: s.Name, Kind: s.Kind, Weight: s.Weight,
			Bits: newDifference(candidate.mean(bits)-reference.mean(bits), float64(dev.Bits)/root,
				difference(covariance(plain, 2, seed.Sub(s.Name))), t),
			Accuracy: newDifference(candidate.mean(accuracy)-reference.mean(accuracy), float64(dev.Accuracy)/root,
				difference(covariance(right, 2, seed.Sub(s.Name))), t),
		})
	}
	return out, nil
}

// accuracyTallies tallies the accuracy of one suite alone.
func accuracyTallies(arms []Arm, suite int) []tally {
	name := arms[0][0][suite].Name
	t := Measure{Accuracies: []string{name}}.tallies(arms, func(i int) float64 {
		if i == suite {
			return 1
		}
		return 0
	})
	for a := range t[0].nll {
		clear(t[0].nll[a])
	}
	return t
}

// difference is the variance of the difference of two arms.
func difference(cov [][]float64) float64 { return cov[0][0] - cov[0][1] - cov[1][0] + cov[1][1] }
