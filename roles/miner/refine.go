package miner

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/internal/polite"
	"finest/roles/refiner"
)

// maxFailures is how often refining a task may fail before it is given back.
const maxFailures = 3

// refine does the work of the lease and signs its manifest. sr25519 is
// randomised, so the signed bytes are journaled before anybody sees them.
func (m *Miner) refine(ctx context.Context, l *lease) error {
	if claimed, err := m.claimedBefore(ctx, l); claimed || err != nil {
		return err
	}
	if err := m.inTime(ctx, l); err != nil {
		return err
	}
	if err := m.checkSpace(l); err != nil {
		return err
	}
	report, err := m.runRefiner(ctx, l)
	if err != nil {
		return m.refineFailed(ctx, l, err)
	}
	raw, err := m.sign(l.receipt, report.Manifest)
	if err != nil {
		return err
	}
	m.Metrics.refined(report.Manifest)
	return l.record(entry{Step: stepSigned, Manifest: raw, Summary: summarize(report)})
}

// runRefiner runs the refiner for as long as the lease lives. What is finished
// goes to the hub from then on, also after it.
func (m *Miner) runRefiner(ctx context.Context, l *lease) (report *refiner.Report, err error) {
	l.ahead = m.sendAhead(ctx, l)
	err = m.whileLeased(ctx, l, func(ctx context.Context) (err error) {
		report, err = m.Refine(ctx, l.receipt, l.outDir(), l.ahead.add)
		return err
	})
	if err != nil {
		l.ahead.stop()
	}
	return report, err
}

// whileLeased runs work for as long as the lease lives.
func (m *Miner) whileLeased(ctx context.Context, l *lease, work func(context.Context) error) error {
	working, stop := context.WithCancelCause(ctx)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		m.watch(working, l.receipt, stop)
	}()
	err := work(working)
	over := context.Cause(working) // before stop gives it one
	stop(nil)
	<-watching
	var give *giveUp
	if err != nil && errors.As(over, &give) {
		return give
	}
	return err
}

// watch renews the lease and calls stop with a *giveUp once it is over. A
// service that is away changes nothing: the deadline is a block.
func (m *Miner) watch(ctx context.Context, r contract.Receipt, stop context.CancelCauseFunc) {
	for m.sleep(ctx, m.Heartbeat) == nil {
		if head, err := m.Chain.Head(ctx); err == nil && head.Number >= r.DeadlineBlock {
			stop(&giveUp{reason: fmt.Sprintf("deadline block %d came before the work was done", r.DeadlineBlock)})
			return
		}
		err := m.Tasks.Renew(ctx, r.Task, r.Generation)
		m.Metrics.renewed(err)
		if fenced(err) {
			stop(&giveUp{reason: "the task server says that the lease is over"})
			return
		}
		if err != nil && ctx.Err() == nil {
			m.Log.Debug().Err(err).Str("task", r.Task).Msg("lease not renewed")
		}
	}
}

// refineFailed decides what a failed attempt means: what may go away by itself
// is left to the caller; a task that cannot be refined is given back.
func (m *Miner) refineFailed(ctx context.Context, l *lease, cause error) error {
	var give *giveUp
	err := fmt.Errorf("refine task %s: %w", l.receipt.Task, cause)
	if errors.As(cause, &give) || ctx.Err() != nil || errors.Is(cause, polite.ErrUnavailable) || errors.Is(cause, syscall.ENOSPC) {
		return err
	}
	if l.failures+1 < maxFailures {
		return errors.Join(err, l.record(entry{Step: stepFailed}))
	}
	m.Log.Error().Err(err).Msg("task given back")
	var file *refiner.FileError
	if errors.As(cause, &file) {
		return &giveUp{reason: fmt.Sprintf("a file was missing, or not the leased one, %d times", maxFailures), missing: file.Path}
	}
	return &giveUp{reason: fmt.Sprintf("refining failed %d times", maxFailures)}
}

// sign completes the manifest of a refiner and returns its signed bytes.
func (m *Miner) sign(r contract.Receipt, manifest contract.Manifest) ([]byte, error) {
	manifest.Receipt, manifest.Hotkey, manifest.Signature = &r, m.Signer.Address(), ""
	if err := manifest.Validate(); err != nil {
		return nil, fmt.Errorf("sign manifest of task %s: %w", r.Task, err)
	}
	recipe, err := canon.Marshal(manifest.Recipe)
	if err != nil {
		return nil, fmt.Errorf("sign manifest of task %s: %w", r.Task, err)
	}
	if hash := canon.Sum(recipe); hash != r.Recipe.Hash {
		return nil, fmt.Errorf("sign manifest of task %s: it was refined with a recipe of hash %s, the receipt wants %s", r.Task, hash, r.Recipe.Hash)
	}
	raw, err := canon.Marshal(manifest)
	if err != nil {
		return nil, fmt.Errorf("sign manifest of task %s: %w", r.Task, err)
	}
	signature, err := m.Signer.Sign(raw)
	if err != nil {
		return nil, fmt.Errorf("sign manifest of task %s: %w", r.Task, err)
	}
	manifest.Signature = hex.EncodeToString(signature[:])
	if raw, err = canon.Marshal(manifest); err != nil {
		return nil, fmt.Errorf("sign manifest of task %s: %w", r.Task, err)
	}
	return raw, nil
}

// A task needs room for its WARC files, which are downloaded whole, and for the
// rows taken from them: of a Common Crawl file's compressed bytes, about a
// tenth in rows on their way to the shards, and less than that in shards and
// ledger.
const (
	spacePercent = 130
	spaceReserve = 64 << 20
)

// SpaceError says that the disk has no room for a task.
type SpaceError struct {
	Dir        string
	Need, Free int64
}

func (e *SpaceError) Error() string {
	return fmt.Sprintf("refine in %s: %d MiB are free, the task needs %d MiB more; free some, or move the data folder", e.Dir, e.Free>>20, e.Need>>20)
}

// Unwrap makes the error one of a full disk.
func (e *SpaceError) Unwrap() error { return syscall.ENOSPC }

// checkSpace makes sure that the task fits on the disk, so that a full disk is
// found before the work and not after half of it.
func (m *Miner) checkSpace(l *lease) error {
	need := l.receipt.Bytes()/100*spacePercent + spaceReserve - folderSize(l.dir)
	free, err := m.FreeBytes(l.dir)
	if err != nil {
		return fmt.Errorf("measure free space of %s: %w", l.dir, err)
	}
	if need > 0 && free < need {
		return &SpaceError{l.dir, need, free}
	}
	return nil
}

func folderSize(dir string) (size int64) {
	// What cannot be measured counts as nothing.
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // see above
		}
		if info, err := d.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	return size
}

func freeBytes(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:unconvert // Bsize has another type on other platforms
}
