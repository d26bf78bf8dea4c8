package audit

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"finest/eval"
	"finest/internal/contract"
	"finest/pipeline"
)

// Ranges reads byte ranges of the crawl's WARC files; polite.Base does.
type Ranges interface {
	// ReadRange reads length bytes from offset, fewer only if the file ends
	// there; size is the file's total.
	ReadRange(ctx context.Context, path string, offset, length int64) (b []byte, size int64, err error)
}

// Scanner is the recipe at work; *pipeline.Runner is one. It must be that of
// the submission's recipe.
type Scanner interface {
	Scan(ctx context.Context, src io.Reader, f pipeline.File, emit func(pipeline.Result) error) (pipeline.FileStats, error)
}

// Source is what a claim is compared with: the crawl and the recipe.
type Source struct {
	Ranges  Ranges
	Scanner Scanner
	// MaxFetch bounds the bytes that one check reads in one request and holds in
	// memory; 0 stands for DefaultMaxFetch. A claim over a longer span is
	// compared as far as the bytes reach: what ends before their end is the same
	// as in the whole file.
	MaxFetch int64
}

// DefaultMaxFetch is far more than a slice with the widest gaps of an honest
// ledger around it.
const DefaultMaxFetch = 128 << 20

// stretch is a part of a WARC file that begins and ends at borders, or was cut
// off before its end.
type stretch struct {
	file     int32
	input    contract.Input
	dump     string
	from, to int64
	data     []byte
	// complete: data reaches to, so nothing of it was cut off.
	complete bool
}

// sizeError says that a file of the crawl is not as long as the manifest states.
type sizeError struct {
	path         string
	stated, real int64
}

func (e *sizeError) Error() string {
	return fmt.Sprintf("%s has %d bytes where the manifest states %d", e.path, e.real, e.stated)
}

// fetch reads [from, to) of a file in one request.
func (src Source) fetch(ctx context.Context, m contract.Manifest, file int32, from, to int64) (stretch, error) {
	st := stretch{file: file, input: m.Inputs[file], dump: m.Dump, from: from, to: to}
	length := min(to-from, cmp.Or(src.MaxFetch, DefaultMaxFetch))
	data, size, err := src.Ranges.ReadRange(ctx, st.input.Path, from, length)
	switch {
	case err != nil:
		return st, eval.Blame(eval.FaultCrawl, fmt.Errorf("read bytes %d–%d of %s: %w", from, from+length, st.input.Path, err))
	case size < 0:
		return st, eval.Blame(eval.FaultCrawl, fmt.Errorf("read %s: its total size is not told", st.input.Path))
	case size != st.input.Bytes:
		return st, &sizeError{path: st.input.Path, stated: st.input.Bytes, real: size}
	case int64(len(data)) != length:
		return st, eval.Blame(eval.FaultCrawl, fmt.Errorf("read bytes %d–%d of %s: %d came", from, from+length, st.input.Path, len(data)))
	}
	st.data, st.complete = data, length == to-from
	return st, nil
}

// errStop ends a scan early.
var errStop = errors.New("enough was seen")

// scan calls emit for the ledger rows that the stretch gives; those that reach
// the end of a stretch that was cut off are left out, as more bytes could change
// them. emit may return errStop.
func (st stretch) scan(ctx context.Context, s Scanner, emit func(pipeline.Result) error) error {
	f := pipeline.File{
		Number: st.file, Path: pipeline.FilePath(st.input.Path), Dump: st.dump,
		Start: st.from, Bytes: st.input.Bytes, Leased: true,
	}
	end := st.from + int64(len(st.data))
	_, err := s.Scan(ctx, bytes.NewReader(st.data), f, func(r pipeline.Result) error {
		if !st.complete && r.Ledger.End() >= end {
			return errStop
		}
		return emit(r)
	})
	if err != nil && !errors.Is(err, errStop) {
		return eval.Blame(eval.FaultOwn, fmt.Errorf("recompute bytes %d–%d of %s: %w", st.from, end, st.input.Path, err))
	}
	return nil
}

// conclude turns the error that ended a check into its outcome: undecided if it
// carries a fault, else a rejection.
func conclude(ctx context.Context, name string, err error) (eval.Check, error) {
	switch {
	case ctx.Err() != nil:
		return eval.Check{}, context.Cause(ctx)
	case eval.FaultOf(err) != eval.FaultNone:
		return eval.Wait(name, err), nil
	default:
		return eval.Reject(name, err.Error()), nil
	}
}
