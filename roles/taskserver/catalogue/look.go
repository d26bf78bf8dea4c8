package catalogue

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"finest/internal/contract"
	"finest/internal/polite"
	"finest/roles/taskserver/engine"
)

// Waits for a crawl that cannot be read.
const (
	// failuresInARow is how many attempts may fail before it is the crawl, and not
	// a file of it, that cannot be read.
	failuresInARow = 3
	minPause       = time.Minute
	maxPause       = 30 * time.Minute
)

// errUndecided says that it could not be found out what is true of a file.
var errUndecided = errors.New("not decided")

// sighting is a file that was found good.
type sighting struct {
	path string
	at   time.Time
}

// sightingAge is how long a good file shows that its crawl can be read.
const sightingAge = 10 * time.Minute

// look inspects a file of a crawl. Its error is nil for a good file; a fault of
// the file (isFault), certain; errUndecided; or that ctx ended.
func (s *Surveyor) look(ctx context.Context, crawl, path string) (size int64, err error) {
	size, err = s.ask(ctx, crawl, path)
	switch {
	case err == nil || ctx.Err() != nil:
		return size, err
	case isFault(err) && (isProven(err) || s.isReadable(ctx, crawl, path)):
		s.failures = 0
		return size, err
	case ctx.Err() != nil:
		return 0, ctx.Err()
	}
	s.failed(path, err)
	return 0, errUndecided
}

// ask inspects a file, and remembers a good one.
func (s *Surveyor) ask(ctx context.Context, crawl, path string) (size int64, err error) {
	s.stats.files.Add(1)
	size, err = Inspect(ctx, s.o.Base, path)
	s.down = err != nil && !isFault(err)
	if s.down {
		s.stats.failures.Add(1)
	}
	if err == nil {
		s.failures, s.good[crawl] = 0, sighting{path, s.o.Now()}
	}
	return size, err
}

// failed keeps account of attempts that found nothing out, and makes a pause
// after some or when the server asks for it.
func (s *Surveyor) failed(path string, err error) {
	s.failures++
	wait, _ := polite.AskedToWait(err)
	if s.failures >= failuresInARow {
		wait = max(wait, backoff(minPause, maxPause, s.failures-failuresInARow))
	}
	if wait > 0 {
		s.pause = s.o.Now().Add(wait)
	}
	text := "a file cannot be read now"
	if isFault(err) {
		text = "a file is missing or no WARC file, and so are all that are known of its crawl: is this the base of its paths?"
	}
	s.o.Log.Warn().Err(err).Str("file", path).Stringer("base", s.o.Base).Dur("pause", wait).Msg(text)
}

// isReadable reports whether another file of the crawl than path is good: then
// the base is that of the crawl's paths, and works.
func (s *Surveyor) isReadable(ctx context.Context, crawl, path string) bool {
	seen, ok := s.good[crawl]
	if ok && seen.path != path && s.o.Now().Sub(seen.at) < sightingAge {
		return true
	}
	witnesses, err := s.witnesses(ctx, crawl, path)
	if err != nil {
		return false
	}
	for _, witness := range witnesses {
		if _, err := s.ask(ctx, crawl, witness); err == nil || !isFault(err) {
			return err == nil
		}
	}
	return false
}

// Limits of the search for files that were good before.
const (
	witnessTasks = 1000
	maxWitnesses = 3
)

// witnesses returns paths of files of the crawl, other than path, whose sizes are
// known, chosen by chance, as those that were chosen before may be gone too.
func (s *Surveyor) witnesses(ctx context.Context, crawl, path string) (paths []string, err error) {
	err = s.o.Tables.View(ctx, func(v engine.View) error {
		paths = nil
		tasks, err := v.Tasks(crawl, "", "", witnessTasks)
		for _, i := range rand.Perm(len(tasks)) {
			if len(paths) < maxWitnesses && tasks[i].State != contract.TaskQuarantined {
				paths = appendKnown(paths, tasks[i].Files, path)
			}
		}
		return err
	})
	return paths, err
}

// appendKnown adds the first of files that has a size and another path.
func appendKnown(paths []string, files []contract.InputFile, path string) []string {
	for _, f := range files {
		if f.Bytes > 0 && f.Path != path {
			return append(paths, f.Path)
		}
	}
	return paths
}

// task surveys one task.
func (s *Surveyor) task(ctx context.Context, t engine.Task, report *Report) error {
	files := s.later.withKnown(t.ID, t.Files)
	bad := ""
	for i := range files {
		f := &files[i]
		if f.Bytes > 0 {
			continue
		}
		size, err := s.look(ctx, t.Crawl, f.Path)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errUndecided):
			s.later.put(t.ID, s.o.Now(), files)
			report.Undecided++
			return nil
		case err != nil:
			bad = describeFault(f.Path, err)
		default:
			f.Bytes = size
		}
		if bad != "" {
			break
		}
	}
	return s.decide(ctx, t, files, bad, report)
}

// decide tells the engine what was found of a task.
func (s *Surveyor) decide(ctx context.Context, t engine.Task, files []contract.InputFile, bad string, report *Report) error {
	block, err := s.o.Block(ctx)
	if err != nil {
		s.later.put(t.ID, s.o.Now(), files) // nothing learnt is lost
		return err
	}
	err = s.o.Decider.Surveyed(ctx, block, t.ID, files, bad)
	switch {
	case errors.Is(err, engine.ErrState):
		s.later.drop(t.ID)
		return nil // another replica, or the operator, was first
	case err != nil:
		s.later.put(t.ID, s.o.Now(), files)
		return err
	}
	s.later.drop(t.ID)
	if bad != "" {
		report.Quarantined++
		s.stats.quarantined.Add(1)
		s.o.Log.Warn().Str("task", t.ID).Str("evidence", bad).Msg("task quarantined")
		return nil
	}
	report.Surveyed++
	s.stats.surveyed.Add(1)
	return nil
}
