package catalogue

import "sync/atomic"

// Stats count what a Surveyor did since it began.
type Stats struct {
	// Files counts looks at files, Failures those that met no answer.
	Files, Failures int64
	// Surveyed and Quarantined count tasks, Confirmed and Refuted excuses.
	Surveyed, Quarantined, Confirmed, Refuted int64
}

type counters struct {
	files, failures, surveyed, quarantined, confirmed, refuted atomic.Int64
}

// Stats may be called at any time.
func (s *Surveyor) Stats() Stats {
	c := &s.stats
	return Stats{
		Files: c.files.Load(), Failures: c.failures.Load(), Surveyed: c.surveyed.Load(),
		Quarantined: c.quarantined.Load(), Confirmed: c.confirmed.Load(), Refuted: c.refuted.Load(),
	}
}
