package audit_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"finest/eval"
	"finest/eval/audit"
	"finest/internal/contract"
)

func TestDrawSliceIsUniform(t *testing.T) {
	inputs := []contract.Input{{Bytes: 100}, {Bytes: 7}, {Bytes: 300}}
	const slice, draws = 20, 200_000
	hits := make([][]int, len(inputs))
	for i, in := range inputs {
		hits[i] = make([]int, in.Bytes)
	}
	for i := range draws {
		file, from, to := audit.DrawSlice(seedOf("draw", i), inputs, slice)
		if from < 0 || to < from || to > inputs[file].Bytes || to-from > slice {
			t.Fatalf("drew [%d, %d) of file %d with %d bytes", from, to, file, inputs[file].Bytes)
		}
		for b := from; b < to; b++ {
			hits[file][b]++
		}
	}
	p := float64(slice) / float64(100+7+300+3*slice)
	mean, dev := p*draws, math.Sqrt(p*(1-p)*draws)
	for file, bytes := range hits {
		for b, n := range bytes {
			if math.Abs(float64(n)-mean) > 5*dev {
				t.Errorf("byte %d of file %d was drawn %d times of %d, want about %.0f", b, file, n, draws, mean)
			}
		}
	}
}

func TestHonestSubmissionsPassEveryAudit(t *testing.T) {
	for _, tc := range []struct {
		name   string
		w      *world
		audits int
		slice  int64
	}{
		{"clean", newWorld(t, 1, 2, 60, false), 700, testSlice},
		{"rough", newWorld(t, 2, 2, 60, true), 200, testSlice},
		{"a byte at a time", newWorld(t, 3, 1, 20, true), 60, 1},
		{"whole files", newWorld(t, 4, 3, 9, true), 40, 8 << 20},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := tc.w.publish(tc.w.ledger, tc.w.rows)
			wantOutcome(t, c.content(t), eval.Accepted)
			wantOutcome(t, c.clusters(t), eval.Accepted)
			for i := range tc.audits {
				wantOutcome(t, c.slice(t, tc.w.source(), seedOf(tc.name, i), tc.slice), eval.Accepted)
			}
		})
	}
}

// cheat changes what an honest miner would publish; share is the part of its
// rows that it changes.
type cheat func(w *world, rng *rand.Rand, share float64) ([]contract.LedgerRow, []contract.Row)

// tamperer edits the text of real rows.
func tamperer(w *world, rng *rand.Rand, share float64) ([]contract.LedgerRow, []contract.Row) {
	rows := w.rowsCopy()
	for _, i := range some(rng, len(rows), share) {
		rows[i].Text = "better " + rows[i].Text
	}
	return w.ledgerCopy(), rows
}

// withholder leaves out pages and their documents.
func withholder(w *world, rng *rand.Rand, share float64) ([]contract.LedgerRow, []contract.Row) {
	gone := make(map[int]bool)
	for _, i := range some(rng, len(w.ledger), share) {
		gone[i] = true
	}
	return w.filter(func(i int) bool { return !gone[i] })
}

// fabricator adds documents whose ranges hold no page.
func fabricator(w *world, rng *rand.Rand, share float64) ([]contract.LedgerRow, []contract.Row) {
	invented := make(map[span]bool)
	for _, i := range some(rng, len(w.others), share) {
		invented[w.others[i]] = true
	}
	return w.insert(invented)
}

// clusterCheat keeps duplicates by changing their band keys.
func clusterCheat(w *world, rng *rand.Rand, share float64) ([]contract.LedgerRow, []contract.Row) {
	var duplicates []int
	for i, l := range w.ledger {
		if l.Outcome == contract.OutcomeMinHash {
			duplicates = append(duplicates, i)
		}
	}
	freed := make(map[int]bool)
	for _, i := range some(rng, len(duplicates), share) {
		freed[duplicates[i]] = true
	}
	return w.free(rng, freed)
}

// copycat republishes the rows of another task under its own paths.
func copycat(w *world, _ *rand.Rand, _ float64) ([]contract.LedgerRow, []contract.Row) {
	other := newWorld(w.t, 999, len(w.paths), 60, false)
	return w.adopt(other)
}

// TestCheatsAreCaughtAsOftenAsPredicted is the promise of the slice audit: what
// a cheat risks follows from the slice's length and from how much it changed.
func TestCheatsAreCaughtAsOftenAsPredicted(t *testing.T) {
	w := newWorld(t, 5, 2, 60, false)
	const audits, variants = 1000, 20
	for name, change := range map[string]cheat{
		"tamperer": tamperer, "withholder": withholder, "fabricator": fabricator, "cluster cheat": clusterCheat, "copycat": copycat,
	} {
		t.Run(name, func(t *testing.T) {
			var caught int
			var mean, variance float64
			for v := range variants {
				rng := rand.New(rand.NewPCG(uint64(v), 77))
				c := w.publish(change(w, rng, 0.005+0.9*math.Pow(float64(v)/variants, 4)))
				if v == 0 {
					if name != "copycat" {
						wantOutcome(t, c.content(t), eval.Accepted)
					}
					wantOutcome(t, c.clusters(t), eval.Accepted)
				}
				p := w.predict(c, testSlice)
				for i := range audits / variants {
					mean += p
					variance += p * (1 - p)
					check := c.slice(t, w.source(), seedOf(name, v, i), testSlice)
					if check.Outcome == eval.Accepted {
						continue
					}
					wantOutcome(t, check, eval.Rejected)
					c.confirmed(t, check, w.source(), false)
					caught++
				}
			}
			// 99 % interval of a sum of independent draws, with a continuity
			// correction.
			within := 2.576*math.Sqrt(variance) + 0.5
			t.Logf("caught %d of %d, predicted %.1f ± %.1f", caught, audits, mean, within)
			if math.Abs(float64(caught)-mean) > within {
				t.Errorf("caught %d of %d audits, predicted %.1f ± %.1f", caught, audits, mean, within)
			}
		})
	}
}
