package miner

import (
	"context"
	"fmt"

	"finest/hub"
	"finest/internal/contract"
)

// maxAhead is how many finished files can wait to be sent; what more there is,
// store sends.
const maxAhead = 64

// sender sends the finished files of a lease to the hub while the refiner writes
// the next ones. It is a head start and nothing else: what it leaves out, for
// whatever reason, store sends.
type sender struct {
	files  chan contract.OutputFile
	cancel context.CancelFunc
	done   chan struct{}   // closed when nothing is sent any more
	stored map[string]bool // by path; others may read it after done
}

// sendAhead starts the sender of a lease. It ends with ctx.
func (m *Miner) sendAhead(ctx context.Context, l *lease) *sender {
	ctx, cancel := context.WithCancel(ctx)
	s := &sender{
		files: make(chan contract.OutputFile, maxAhead), cancel: cancel,
		done: make(chan struct{}), stored: make(map[string]bool),
	}
	go func() {
		defer close(s.done)
		for batch := s.next(ctx); len(batch) > 0; batch = s.next(ctx) {
			err := m.upload(ctx, l, batch)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				m.Log.Warn().Err(err).Str("task", l.receipt.Task).Msg("files cannot be sent ahead of their publication")
			}
			if err != nil && !temporary(err) {
				return
			}
			for _, f := range batch {
				s.stored[f.Path] = err == nil
			}
		}
	}()
	return s
}

// add has a finished file sent soon.
func (s *sender) add(f contract.OutputFile) {
	select {
	case s.files <- f:
	default:
	}
}

// next waits for a file and returns it with all others that wait; none at the
// end.
func (s *sender) next(ctx context.Context) (batch []contract.OutputFile) {
	select {
	case <-ctx.Done():
		return nil
	case f, ok := <-s.files:
		for ; ok; f, ok = s.waiting() {
			batch = append(batch, f)
		}
		return batch
	}
}

func (s *sender) waiting() (f contract.OutputFile, ok bool) {
	select {
	case f, ok = <-s.files:
	default:
	}
	return f, ok
}

// finish waits until all is sent that was added, and returns the paths of what
// the hub has. Nothing can be added any more. If ctx ends first, so does the
// sender, and nothing counts as sent.
func (s *sender) finish(ctx context.Context) map[string]bool {
	close(s.files)
	select {
	case <-s.done:
		return s.stored
	case <-ctx.Done():
		s.stop()
		return nil
	}
}

// stop ends the sender at once.
func (s *sender) stop() {
	s.cancel()
	<-s.done
}

// store sends what the hub does not have yet of the shards and ledgers of the
// lease. It takes its time before the log is held, which other slots wait for.
func (m *Miner) store(ctx context.Context, l *lease) error {
	if err := m.inTime(ctx, l); err != nil {
		return err
	}
	signed, err := l.signed()
	if err != nil {
		return err
	}
	err = m.whileLeased(ctx, l, func(ctx context.Context) error {
		var stored map[string]bool
		if l.ahead != nil {
			stored = l.ahead.finish(ctx)
		}
		var missing []contract.OutputFile
		for _, f := range signed.Files {
			if !stored[f.Path] {
				missing = append(missing, f)
			}
		}
		if len(missing) == 0 {
			return nil
		}
		err := m.try(ctx, "open repository "+m.Repo, func() error { return m.Hub.EnsureRepo(ctx, m.Repo) })
		if err != nil {
			return err
		}
		return m.upload(ctx, l, missing)
	})
	if err != nil {
		return err
	}
	return l.record(entry{Step: stepStored})
}

// upload sends files of the lease to the hub.
func (m *Miner) upload(ctx context.Context, l *lease, files []contract.OutputFile) error {
	contents := make([]hub.Source, len(files))
	for i, f := range files {
		contents[i] = l.source(hub.File{Path: f.Path, Size: f.Bytes, SHA256: f.SHA256})
	}
	return m.try(ctx, fmt.Sprintf("send %d files of task %s to %s", len(files), l.receipt.Task, m.Repo), func() error {
		return m.Hub.Upload(ctx, m.Repo, contents)
	})
}
