package stats

import (
	"math"

	"finest/eval"
)

// resamples is the number of times the units of a panel are drawn anew.
const resamples = 2000

// tally is a suite with the sums over all seeds of what each arm came to.
type tally struct {
	scale  float64 // the suite's share in what is computed
	errors bool    // whether its wrong trials count, too
	bytes  []float64
	trials []float64
	nll    [][]float64 // [arm][unit]
	wrong  [][]float64
}

// tallies sums runs by suite and unit. Each suite has the scale given for it; 0
// leaves it out.
func (m Measure) tallies(arms []Arm, scale func(i int) float64) []tally {
	var out []tally
	for i, s := range arms[0][0] {
		if scale(i) == 0 {
			continue
		}
		t := tally{
			scale: scale(i), errors: m.enters(s.Name),
			bytes: make([]float64, len(s.Units)), trials: make([]float64, len(s.Units)),
			nll: make([][]float64, len(arms)), wrong: make([][]float64, len(arms)),
		}
		seeds := float64(len(arms[0]))
		for u := range s.Units {
			t.bytes[u] = seeds * float64(s.Units[u].Bytes)
			t.trials[u] = seeds * float64(s.Units[u].Trials)
		}
		for a, arm := range arms {
			t.nll[a], t.wrong[a] = make([]float64, len(s.Units)), make([]float64, len(s.Units))
			for _, r := range arm {
				for u, unit := range r[i].Units {
					t.nll[a][u] += unit.NLL
					t.wrong[a][u] += float64(unit.Trials - unit.Correct)
				}
			}
		}
		out = append(out, t)
	}
	return out
}

// score adds to into[arm] what the arms come to on the drawn units.
func (t *tally) score(drawn []int, into []float64) {
	var bytes, trials float64
	for _, u := range drawn {
		bytes += t.bytes[u]
		trials += t.trials[u]
	}
	for a := range into {
		var nll, wrong float64
		for _, u := range drawn {
			nll += t.nll[a][u]
			wrong += t.wrong[a][u]
		}
		value := nll / (math.Ln2 * bytes)
		if t.errors {
			value += wrong / trials
		}
		into[a] += float64(t.scale * value)
	}
}

// covariance is what the choice of units leaves uncertain: the covariances of
// the arms' mean scores. Units are drawn with replacement within each suite, the
// same ones for all arms, n − 1 out of n so that the variance is not too small
// for few units (Rao and Wu, Resampling Inference with Complex Survey Data,
// 1988).
func covariance(suites []tally, arms int, seed eval.Seed) [][]float64 {
	stream := seed.Stream()
	drawn := make([][]float64, resamples)
	mean := make([]float64, arms)
	for i := range drawn {
		drawn[i] = make([]float64, arms)
		for s := range suites {
			n := len(suites[s].bytes)
			units := make([]int, n-1)
			for j := range units {
				units[j] = int(stream.Below(uint64(n)))
			}
			suites[s].score(units, drawn[i])
		}
		for a := range mean {
			mean[a] += drawn[i][a] / resamples
		}
	}
	out := make([][]float64, arms)
	for a := range out {
		out[a] = make([]float64, arms)
		for b := range out[a] {
			for i := range drawn {
				out[a][b] += float64((drawn[i][a]-mean[a])*(drawn[i][b]-mean[b])) / (resamples - 1)
			}
		}
	}
	return out
}
