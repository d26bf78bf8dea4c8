package catalogue

import (
	"context"
	"errors"
	"fmt"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

// maxExcuses bounds how many open excuses are looked through for one that is
// due.
const maxExcuses = 1000

// excuses decides releases that name a file as missing. It reports whether
// there are more to be decided.
func (s *Surveyor) excuses(ctx context.Context, report *Report) (more bool, err error) {
	open, err := s.openExcuses(ctx)
	if err != nil {
		return false, err
	}
	for i, lease := range open {
		if s.paused() {
			return false, nil
		}
		if i == excusesPerRound {
			return true, nil
		}
		if err := s.excuse(ctx, lease, report); err != nil {
			return false, err
		}
	}
	return false, nil
}

// openExcuses returns leases whose excuse is to be decided now, up to one more
// than a round decides.
func (s *Surveyor) openExcuses(ctx context.Context) (open []engine.Lease, err error) {
	err = s.o.Tables.View(ctx, func(v engine.View) error {
		open = nil
		leases, err := v.Excuses(maxExcuses)
		for _, lease := range leases {
			if s.later.due(leaseName(lease), s.o.Now()) && len(open) <= excusesPerRound {
				open = append(open, lease)
			}
		}
		return err
	})
	return open, err
}

func leaseName(lease engine.Lease) string {
	return fmt.Sprintf("%s/%d", lease.Receipt.Task, lease.Receipt.Generation)
}

// excuse decides one excuse.
func (s *Surveyor) excuse(ctx context.Context, lease engine.Lease, report *Report) error {
	confirmed, evidence, err := s.examine(ctx, lease)
	if errors.Is(err, errUndecided) {
		s.later.put(leaseName(lease), s.o.Now(), nil)
		report.Undecided++
		return nil
	}
	if err != nil {
		return err
	}
	block, err := s.o.Block(ctx)
	if err != nil {
		return err
	}
	err = s.o.Decider.Excuse(ctx, block, lease.Receipt.Task, lease.Receipt.Generation, confirmed, evidence)
	switch {
	case errors.Is(err, engine.ErrState):
		s.later.drop(leaseName(lease))
		return nil // another replica was first
	case err != nil:
		return err
	}
	s.later.drop(leaseName(lease))
	s.o.Log.Info().Str("task", lease.Receipt.Task).Int64("generation", lease.Receipt.Generation).
		Bool("confirmed", confirmed).Str("evidence", evidence).Msg("excuse decided")
	if confirmed {
		report.Confirmed++
		s.stats.confirmed.Add(1)
		return nil
	}
	report.Refuted++
	s.stats.refuted.Add(1)
	return nil
}

// examine finds out whether the file that a release names is at fault.
func (s *Surveyor) examine(ctx context.Context, lease engine.Lease) (confirmed bool, evidence string, err error) {
	file, ok := fileOf(lease.Receipt, lease.Excuse)
	if !ok {
		return false, sentence(lease.Excuse, "no file of this task"), nil
	}
	size, err := s.look(ctx, lease.Receipt.Crawl, file.Path)
	switch {
	case isFault(err):
		return true, describeFault(file.Path, err), nil
	case err != nil:
		return false, "", err
	case size != file.Bytes:
		return true, sentence(file.Path, fmt.Sprintf("it has %d bytes instead of %d", size, file.Bytes)), nil
	}
	return false, sentence(file.Path, fmt.Sprintf("it is there with its %d bytes", size)), nil
}

func fileOf(receipt contract.Receipt, path string) (contract.InputFile, bool) {
	for _, f := range receipt.Files {
		if f.Path == path {
			return f, true
		}
	}
	return contract.InputFile{}, false
}
