package refiner

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"os"
	"sync/atomic"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline"
)

// maxRepairs bounds how often a download is scanned again because parts of it
// differed from the server's.
const maxRepairs = 3

// refineFile does everything about one file that needs no other: fetch, scan,
// spill. It does nothing if an earlier run did.
func (j *job) refineFile(ctx context.Context, i int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	in := j.Inputs[i]
	j.progress.File, j.progress.Path = i, in.Path
	if s := j.finished[i]; s != nil {
		ok, err := j.stillGood(ctx, in, s)
		if err != nil {
			return err
		}
		if ok {
			j.advance()
			return nil
		}
		j.finished[i] = nil
	}
	start := j.Now()
	src, err := j.open(ctx, i)
	if err != nil {
		return blame(ctx, in, err)
	}
	defer src.close()
	var s *scanned
	for repairs := 0; ; repairs++ {
		var damage []span
		if s, damage, err = j.scanFile(ctx, i, src); err != nil {
			return err
		}
		if !src.downloaded || len(damage) == 0 {
			break
		}
		repaired, err := j.repair(ctx, in, src, damage)
		if err != nil {
			return err
		}
		if !repaired {
			break
		}
		if repairs == maxRepairs {
			return fmt.Errorf("download differs from the file at %s again and again", in.Base)
		}
	}
	s.Seconds = j.Now().Sub(start).Seconds()
	if err := j.record(s); err != nil {
		return err
	}
	if err := src.remove(); err != nil {
		return err
	}
	j.Log.Debug().Str("task", j.Task).Str("file", in.Path).Int64("pages", s.Pages).Int64("survived", s.Survived).Msg("file scanned")
	j.advance()
	return nil
}

// advance counts a finished file as progress.
func (j *job) advance() {
	j.progress.Bytes, j.progress.Pages, j.progress.Kept = 0, 0, 0
	for _, f := range j.finished {
		if f != nil {
			j.progress.Bytes += f.Bytes
			j.progress.Pages += f.Pages
			j.progress.Kept += f.Survived
		}
	}
	j.report(PhaseScan, 0, 0)
}

// report calls Progress with bytes and pages beyond those of finished files.
func (j *job) report(phase string, bytes, pages int64) {
	p := j.progress
	p.Phase = phase
	p.Bytes += bytes
	p.Pages += pages
	j.Progress(p)
}

// stillGood reports whether what an earlier run made of a file can be used: its
// spills are there, and a file that is read in place has not changed since.
func (j *job) stillGood(ctx context.Context, in Input, s *scanned) (bool, error) {
	if !j.spillsExist(s.spill) {
		return false, nil
	}
	f, err := openLocal(in)
	if f == nil || err != nil {
		return err == nil, err
	}
	defer func() { _ = f.Close() }()
	hash := sha256.New()
	n, err := io.Copy(hash, contextReader{ctx, f})
	if err != nil {
		return false, err
	}
	return n == s.Bytes && canon.Hash(hash.Sum(nil)).String() == s.SHA256, nil
}

// span is a byte range of a file.
type span struct{ offset, length int64 }

// scanFile scans a file into spills and returns what is to be recorded, and the
// damaged spans.
func (j *job) scanFile(ctx context.Context, i int, src *source) (*scanned, []span, error) {
	if _, err := src.f.Seek(0, io.SeekStart); err != nil {
		return nil, nil, err
	}
	in := j.Inputs[i]
	file := pipeline.File{
		Number: int32(i), Path: pipeline.FilePath(in.Path), Dump: j.Dump, Bytes: src.size, Leased: j.Leased,
	}
	hash := sha256.New()
	var read atomic.Int64
	counted := countingReader{io.TeeReader(src.f, hash), &read}
	s := &scanned{File: i}
	var damage []span
	var pages int64
	var stats pipeline.FileStats
	var err error
	s.spill, err = j.writeSpills("scan", i, j.passes[0], func(emit func(pipeline.Result) error) (err error) {
		stats, err = j.passes[0].Scan(ctx, counted, file, func(r pipeline.Result) error {
			switch {
			case r.Ledger.IsPage():
				pages++
			case r.Ledger.Outcome == contract.OutcomeDamaged:
				damage = append(damage, span{r.Ledger.Offset, r.Ledger.Length})
			}
			j.report(PhaseScan, read.Load(), pages)
			return emit(r)
		})
		if err == nil {
			// All of it is hashed, whatever the scan had no use for.
			_, err = io.Copy(io.Discard, counted)
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if n := read.Load(); n != src.size {
		return nil, nil, fmt.Errorf("file has changed while it was read: %d bytes became %d", src.size, n)
	}
	for name, t := range stats.StageTime {
		j.stages[name] += t
	}
	s.Bytes, s.SHA256 = src.size, canon.Hash(hash.Sum(nil)).String()
	s.Records, s.Pages, s.Survived = stats.Records, stats.Pages, stats.Survived
	s.IsPartOf = stats.IsPartOf
	s.Damage, s.Skipped = maps.Clone(stats.Damage), maps.Clone(stats.Skipped)
	return s, damage, nil
}

type countingReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// contextReader ends with the context's error.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// source is an open WARC file of known size.
type source struct {
	f          *os.File
	size       int64
	downloaded bool
}

func (s *source) close() { _ = s.f.Close() }

// remove deletes a download that is not needed any more.
func (s *source) remove() error {
	if !s.downloaded {
		return nil
	}
	return os.Remove(s.f.Name())
}
