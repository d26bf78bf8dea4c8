package eval

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// AuditProbability is the probability that the next submission of a hotkey is
// audited; accepted counts its accepted tasks since its last failure.
func (p Protocol) AuditProbability(accepted int64) float64 {
	if accepted < p.AuditAlways || accepted < 1 {
		return 1
	}
	return max(float64(p.AuditLeast), 1/math.Sqrt(float64(accepted)))
}

// Audited reports whether a submission is drawn for an audit; seed is the
// AuditSeed of PurposeAudit.
func (p Protocol) Audited(seed Seed, accepted int64) bool {
	return seed.Stream().Unit() < p.AuditProbability(accepted)
}

// ReferenceTime is the number of blocks within which a task of so many
// compressed bytes counts as timely.
func (p Protocol) ReferenceTime(bytes int64) uint64 {
	if p.ReferenceBytes == 0 || bytes <= 0 {
		return p.ReferenceBase
	}
	return p.ReferenceBase + uint64((bytes-1)/p.ReferenceBytes) + 1
}

// Timeliness is 1 up to the reference time of so many bytes and falls linearly
// to 0 at the deadline.
func (p Protocol) Timeliness(elapsed uint64, bytes int64) float64 {
	reference := p.ReferenceTime(bytes)
	switch {
	case elapsed > p.Deadline:
		return 0
	case elapsed <= reference:
		return 1
	}
	return float64(p.Deadline-elapsed) / float64(p.Deadline-reference)
}

// Pay is work × quality × ((1 − w) + w·t).
func (p Protocol) Pay(work int64, quality, timeliness float64) float64 {
	w := float64(p.TimeShare)
	speed := float64(1-w) + float64(w*timeliness)
	return float64(float64(work)*quality) * speed
}

// Decay is 2^(−age/half-life), the same bits on every CPU: halves are exact,
// and the fraction is a product of square roots of ½, whose rounding IEEE 754
// fixes.
func (p Protocol) Decay(age uint64) float64 {
	whole, rest := age/p.HalfLife, age%p.HalfLife
	if whole > 1100 {
		return 0
	}
	factor, root := 1.0, 0.5
	for range 60 {
		if rest == 0 {
			break
		}
		root = math.Sqrt(root)
		if rest >= p.HalfLife-rest { // the next binary digit of rest/half-life
			rest -= p.HalfLife - rest
			factor = float64(factor * root)
		} else {
			rest += rest
		}
	}
	return math.Ldexp(factor, -int(whole))
}

// Submission is one judged task as the score needs it.
type Submission struct {
	Hotkey     string
	Task       string
	Generation int64
	// Block is the block of the task, Leased that of its receipt.
	Block, Leased uint64
	// Work is the compressed bytes of the task's WARC files.
	Work int64
	// Quality of the recipe, 1 for the reference recipe.
	Quality float64
	Outcome Outcome
	// Fraud says that a confirmed proof stands against the submission, whatever
	// this validator's own verdict was.
	Fraud bool
}

// Elapsed is the time the task took, in blocks.
func (s Submission) Elapsed() uint64 {
	if s.Block < s.Leased {
		return 0
	}
	return s.Block - s.Leased
}

// Paid says what one submission adds to its hotkey's score.
type Paid struct {
	Submission
	Timeliness float64
	// Pay is before decay; Pays says whether the submission is the one its task
	// pays to.
	Pay  float64
	Pays bool
	// Reason says why it pays nothing; empty if it pays.
	Reason string
}

// Scores is the sum over all submissions at one block.
type Scores struct {
	// ByHotkey holds the scores that are not 0.
	ByHotkey map[string]float64
	// Unearned is Σ (work − pay) × decay over the accepted tasks: what burn
	// gives to the owner.
	Unearned float64
	// Details has one entry a submission, by block, task, generation, hotkey.
	Details []Paid
}

type hotkeyWindow struct {
	hotkey string
	window uint64
}

// Score sums the submissions as they count at block now. A task pays once: to
// the accepted submission of the highest generation, of those the earliest. A
// confirmed fraud takes the pay of all tasks of its hotkey in the same window.
// The order of the input does not matter.
func (p Protocol) Score(now uint64, submissions []Submission) Scores {
	sorted := slices.SortedFunc(slices.Values(submissions), func(a, b Submission) int {
		return cmp.Or(cmp.Compare(a.Block, b.Block), cmp.Compare(a.Task, b.Task),
			cmp.Compare(a.Generation, b.Generation), cmp.Compare(a.Hotkey, b.Hotkey))
	})
	fraud := make(map[hotkeyWindow]bool)
	for _, s := range sorted {
		if s.Fraud {
			fraud[hotkeyWindow{s.Hotkey, p.WindowOf(s.Block)}] = true
		}
	}
	payee := make(map[string]int)
	for i, s := range sorted {
		if s.Outcome != Accepted || fraud[hotkeyWindow{s.Hotkey, p.WindowOf(s.Block)}] {
			continue
		}
		if best, known := payee[s.Task]; !known || s.Generation > sorted[best].Generation {
			payee[s.Task] = i
		}
	}
	out := Scores{ByHotkey: make(map[string]float64)}
	for i, s := range sorted {
		d := Paid{Submission: s, Timeliness: p.Timeliness(s.Elapsed(), s.Work)}
		best, paid := payee[s.Task]
		switch {
		case s.Fraud:
			d.Reason = "a fraud proof stands against it"
		case fraud[hotkeyWindow{s.Hotkey, p.WindowOf(s.Block)}]:
			d.Reason = fmt.Sprintf("a fraud proof stands against another task of the hotkey in window %d", p.WindowOf(s.Block))
		case s.Outcome != Accepted:
			d.Reason = string(s.Outcome)
		case !paid || best != i:
			d.Reason = fmt.Sprintf("the task pays to generation %d of %s", sorted[best].Generation, sorted[best].Hotkey)
		default:
			d.Pays = true
			d.Pay = p.Pay(s.Work, s.Quality, d.Timeliness)
			decay := p.Decay(now - min(now, s.Block))
			out.ByHotkey[s.Hotkey] += float64(d.Pay * decay)
			out.Unearned += float64(float64(float64(s.Work)-d.Pay) * decay)
		}
		out.Details = append(out.Details, d)
	}
	for hotkey, score := range out.ByHotkey {
		if score == 0 {
			delete(out.ByHotkey, hotkey)
		}
	}
	return out
}
