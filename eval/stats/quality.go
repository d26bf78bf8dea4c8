package stats

import (
	"errors"
	"math"

	"finest/eval"
)

// ErrAnchors says that the reference is not resolvably better than the naive
// anchor, so that there is no scale to put anything on.
var ErrAnchors = errors.New("the reference cannot be told apart from naive text, so there is no scale for quality")

// Quality is where a dataset stands between two anchors trained on the same
// bytes: 0 is naive text, 1 the reference.
type Quality struct {
	Q float64 `json:"q"`
	// Low and High bound Q with 95 % confidence, by Fieller's theorem, with what
	// seeds and held-out units leave uncertain in all three arms.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Same says that Q cannot be told apart from 1.
	Same bool `json:"same"`
}

// Counts is what a recipe of this quality counts: 1 if it cannot be told apart
// from the reference, else its lower bound, and 0 below the floor.
func (q Quality) Counts(floor float64) float64 {
	switch {
	case q.Same:
		return 1
	case q.Low < floor:
		return 0
	}
	return q.Low
}

// Judge returns the quality of a candidate. Seeds and data of the three arms are
// taken to deviate independently, each by half the variance that was calibrated
// for a difference: where the arms' samples are of the same pages they deviate
// less, and the bounds are too wide.
func Judge(candidate, naive, reference Arm, c Calibration, seed eval.Seed) (Quality, error) {
	if err := comparable(candidate, naive, reference); err != nil {
		return Quality{}, err
	}
	m := c.Measure()
	arms := []Arm{candidate, naive, reference}
	suites := m.tallies(arms, func(i int) float64 { return share(reference[0][i]) })
	cov := covariance(suites, 3, seed)
	noise := c.seedError(reference)
	each := float64(noise*noise) / 2
	for a := range cov {
		cov[a][a] += each
	}
	low := naive.mean(m.Score)
	return fieller(low-candidate.mean(m.Score), low-reference.mean(m.Score), ratioErrors{
		top:    cov[1][1] - cov[1][0] - cov[0][1] + cov[0][0],
		bottom: cov[1][1] - cov[1][2] - cov[2][1] + cov[2][2],
		both:   cov[1][1] - cov[1][2] - cov[0][1] + cov[0][2],
	}, critical(c.Freedom))
}

// ratioErrors are the variances of the two sides of a ratio, and their
// covariance.
type ratioErrors struct{ top, bottom, both float64 }

// fieller bounds top / bottom: the ratios q for which top − q·bottom is within t
// standard errors of 0 (Fieller, Some Problems in Interval Estimation, 1954).
func fieller(top, bottom float64, e ratioErrors, t float64) (Quality, error) {
	t2 := float64(t * t)
	a := float64(bottom*bottom) - float64(t2*e.bottom)
	if !(bottom > 0 && a > 0) {
		return Quality{}, ErrAnchors
	}
	b := float64(top*bottom) - float64(t2*e.both)
	c := float64(top*top) - float64(t2*e.top)
	root := math.Sqrt(max(0, float64(b*b)-float64(a*c)))
	q := Quality{Q: top / bottom, Low: (b - root) / a, High: (b + root) / a}
	q.Same = q.Low <= 1 && q.High >= 1
	return q, nil
}
