package catalogue

import (
	"slices"
	"time"

	"finest/internal/contract"
)

// Waits for a file that could not be looked at.
const (
	minWait    = time.Minute
	maxWait    = 6 * time.Hour
	maxWaiting = 10_000
)

// patience remembers what has to be looked at again, and when, and what was
// learnt of it so far.
type patience struct{ waiting map[string]waiting }

type waiting struct {
	tries int
	until time.Time
	files []contract.InputFile
}

func newPatience() *patience { return &patience{make(map[string]waiting)} }

// due reports whether name may be looked at.
func (p *patience) due(name string, now time.Time) bool {
	w, ok := p.waiting[name]
	return !ok || !now.Before(w.until)
}

// put has name wait longer from time to time. Once too many wait, any of them is
// forgotten, which makes it due.
func (p *patience) put(name string, now time.Time, files []contract.InputFile) {
	w, ok := p.waiting[name]
	if !ok && len(p.waiting) >= maxWaiting {
		for other := range p.waiting {
			delete(p.waiting, other)
			break
		}
	}
	p.waiting[name] = waiting{w.tries + 1, now.Add(backoff(minWait, maxWait, w.tries)), files}
}

func (p *patience) drop(name string) { delete(p.waiting, name) }

// withKnown returns a copy of files with the sizes that were learnt before.
func (p *patience) withKnown(name string, files []contract.InputFile) []contract.InputFile {
	files = slices.Clone(files)
	known := p.waiting[name].files
	for i := range files {
		if i < len(known) && known[i].Path == files[i].Path && files[i].Bytes <= 0 {
			files[i].Bytes = known[i].Bytes
		}
	}
	return files
}

// backoff doubles from first to most with each try.
func backoff(first, most time.Duration, tries int) time.Duration {
	wait := first
	for ; tries > 0 && wait < most; tries-- {
		wait *= 2
	}
	return min(wait, most)
}
