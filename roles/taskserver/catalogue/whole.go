package catalogue

import (
	"context"
	"errors"
	"fmt"

	"finest/internal/contract"
	"finest/internal/polite"
	"finest/roles/taskserver/engine"
)

const (
	// page is how many tasks are read at a time.
	page = 500
	// maxFailures is how many tasks in a row may stay undecided before it is the
	// base that is wrong.
	maxFailures = 100
)

// Whole surveys all tasks of a crawl, however many are ready, and tells progress,
// which may be nil, how many are done of total. An error that wraps
// polite.ErrUnavailable says that the crawl cannot be read; what was found stays,
// and Whole goes on there when it is called again.
func (s *Surveyor) Whole(ctx context.Context, crawl string, progress func(done, total int)) (Report, error) {
	if err := s.begin(ctx); err != nil {
		return Report{}, err
	}
	defer s.end()
	var report Report
	total, err := s.unready(ctx, crawl)
	if err != nil || total == 0 {
		return report, err
	}
	// What is undecided at first, for want of a file that is known to be good, may
	// be decided once all others are.
	for pass := 0; pass == 0 || pass == 1 && report.Undecided > 0; pass++ {
		report.Undecided = 0
		err := s.eachUnready(ctx, crawl, func(t engine.Task) error {
			if err := s.task(ctx, t, &report); err != nil {
				return err
			}
			if s.down || s.failures >= maxFailures {
				return errUndecided
			}
			if progress != nil {
				progress(report.Surveyed+report.Quarantined, total)
			}
			return nil
		})
		switch {
		case errors.Is(err, errUndecided) && s.down:
			return report, fmt.Errorf("survey crawl %s: %w: %s does not answer as it should", crawl, polite.ErrUnavailable, s.o.Base)
		case errors.Is(err, errUndecided):
			return report, s.notHere(crawl)
		case err != nil:
			return report, err
		}
	}
	if report.Undecided > 0 {
		return report, s.notHere(crawl)
	}
	return report, nil
}

func (s *Surveyor) notHere(crawl string) error {
	return fmt.Errorf("survey crawl %s: %w: no file of it is known to be at %s", crawl, polite.ErrUnavailable, s.o.Base)
}

// unready counts the tasks of a crawl that are to be surveyed.
func (s *Surveyor) unready(ctx context.Context, crawl string) (total int, err error) {
	err = s.o.Tables.View(ctx, func(v engine.View) error {
		total = 0
		known, err := v.Crawl(crawl)
		if err != nil || known.Retired {
			return err
		}
		counts, err := v.TaskCounts()
		for _, c := range counts {
			if c.Crawl == crawl && c.State == contract.TaskAvailable && !c.Ready {
				total += int(c.Tasks)
			}
		}
		return err
	})
	return total, err
}

// eachUnready calls f with the tasks of a crawl that are to be surveyed, in id
// order.
func (s *Surveyor) eachUnready(ctx context.Context, crawl string, f func(engine.Task) error) error {
	for after := ""; ; {
		var tasks []engine.Task
		err := s.o.Tables.View(ctx, func(v engine.View) (err error) {
			tasks, err = v.Tasks(crawl, contract.TaskAvailable, after, page)
			return err
		})
		if err != nil || len(tasks) == 0 {
			return err
		}
		for _, t := range tasks {
			if after = t.ID; t.Ready {
				continue
			}
			if err := f(t); err != nil {
				return err
			}
		}
	}
}
