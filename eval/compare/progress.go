package compare

import (
	"time"

	"finest/eval/lm"
)

// Phase is what a comparison is at.
type Phase string

// Phases.
const (
	PhaseRead  Phase = "read"
	PhaseTrain Phase = "train"
	PhaseScore Phase = "score"
)

// Progress is where a comparison stands.
type Progress struct {
	Phase Phase
	// Role and Dataset are those that are read or trained on.
	Role    Role
	Dataset string
	// Documents were read of it so far.
	Documents int64
	// Run of Runs is under way, counted from 1, without the Cached ones, which were
	// finished before.
	Run, Runs, Cached int
	// Block of Blocks of a calibration is under way, counted from 1; 0 of 0 in a
	// comparison.
	Block, Blocks int
	// Training is where the run stands.
	Training lm.Progress
	// Left is how long all runs will still take at the rate so far; 0 while that is
	// not known.
	Left time.Duration
}

// A token trained on costs three passes over the model, one scored costs one.
const trainPasses = 3

// meter turns the progress of single runs into that of all.
type meter struct {
	report func(Progress)
	now    func() time.Time
	begin  time.Time

	at          Progress
	total, done float64 // in passes of a token through the model
	train, eval float64 // those of one run
}

// expect sets how much there is to do.
func (m *meter) expect(runs, cached int, trained, scored int64) {
	m.at.Runs, m.at.Cached = runs, cached
	m.train, m.eval = trainPasses*float64(trained), float64(scored)
	later := (runs + cached) * (m.at.Blocks - m.at.Block) // at worst
	m.total = float64(runs+later) * (m.train + m.eval)
	m.begin = m.now()
}

// reading returns what to tell how many documents of a dataset are read.
func (m *meter) reading(role Role, dataset string) func(int64) {
	return func(n int64) {
		if m.report != nil {
			m.report(Progress{Phase: PhaseRead, Role: role, Dataset: dataset, Documents: n, Block: m.at.Block, Blocks: m.at.Blocks})
		}
	}
}

// run returns what to tell where the next run stands, and what to call when it
// is finished.
func (m *meter) run(role Role, dataset string) (progress func(lm.Progress), finished func()) {
	m.at.Run++
	m.at.Role, m.at.Dataset = role, dataset
	progress = func(p lm.Progress) {
		if m.report == nil {
			return
		}
		m.at.Phase, m.at.Training = PhaseTrain, p
		if p.Example > 0 || p.Step >= p.Steps {
			m.at.Phase = PhaseScore
		}
		done := m.done + ratio(p.Step, p.Steps)*m.train + ratio(p.Example, p.Examples)*m.eval
		m.at.Left = 0
		if done > 0 {
			m.at.Left = time.Duration(float64(m.now().Sub(m.begin)) * max(0, m.total-done) / done)
		}
		m.report(m.at)
	}
	return progress, func() { m.done += m.train + m.eval }
}

func ratio(part, whole int) float64 {
	if whole <= 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
