package pull

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"finest/hub"
	"finest/internal/canon"
	"finest/internal/contract"
)

// magic begins every Parquet file. The spans of a manifest hold all bytes after
// it.
const magic = "PAR1"

// maxSpanBytes bounds one span, and the spans that a reader holds in memory.
// What this program writes has row groups of 32 MiB before compression, or of one
// row.
const maxSpanBytes = 128 << 20

// Spans reads a file of a publication by its row groups and its footer, each in
// one request, and holds the last few of them. Nothing is handed on before the
// whole span has the SHA-256 that f, which must be valid, states for it: else
// the error wraps hub.ErrCorrupt. Of the rest of the file nothing is read, and
// nothing is known. The reader is safe for concurrent use.
func Spans(ctx context.Context, h hub.Hub, ref hub.Ref, f contract.OutputFile) io.ReaderAt {
	all := make([]contract.Span, 0, len(f.RowGroups)+1)
	for _, g := range f.RowGroups {
		all = append(all, contract.Span{Offset: g.Offset, Length: g.Length, SHA256: g.SHA256})
	}
	return &spans{ctx: ctx, hub: h, ref: ref, file: f, all: append(all, f.Footer)}
}

type spans struct {
	ctx  context.Context
	hub  hub.Hub
	ref  hub.Ref
	file contract.OutputFile
	all  []contract.Span // by offset

	mu   sync.Mutex
	held []loaded // the one used last is the last
}

type loaded struct {
	offset int64
	bytes  []byte
}

// ReadAt implements io.ReaderAt.
func (s *spans) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at >= s.file.Bytes {
			return n, io.EOF
		}
		part, err := s.from(at)
		if err != nil {
			return n, fmt.Errorf("read byte %d of %.200q of %s: %w", at, s.file.Path, s.ref, err)
		}
		n += copy(p[n:], part)
	}
	return n, nil
}

// from returns the bytes from offset at to the end of its span.
func (s *spans) from(at int64) ([]byte, error) {
	i, found := slices.BinarySearchFunc(s.all, at, func(span contract.Span, at int64) int {
		switch {
		case span.Offset > at:
			return 1
		case span.Offset+span.Length <= at:
			return -1
		}
		return 0
	})
	if !found && at >= 0 && at < int64(len(magic)) {
		return []byte(magic[at:]), nil
	}
	if !found {
		return nil, fmt.Errorf("the manifest states no hash for it: %w", hub.ErrCorrupt)
	}
	b, err := s.span(s.all[i])
	if err != nil {
		return nil, err
	}
	return b[at-s.all[i].Offset:], nil
}

// span returns the bytes of a span, which stay as they are.
func (s *spans) span(span contract.Span) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, l := range s.held {
		if l.offset == span.Offset {
			s.held = append(slices.Delete(s.held, i, i+1), l)
			return l.bytes, nil
		}
	}
	if span.Length > maxSpanBytes {
		return nil, fmt.Errorf("its span has %d bytes, more than the %d allowed: %w", span.Length, int64(maxSpanBytes), hub.ErrTooLarge)
	}
	held := int64(0)
	for _, l := range s.held {
		held += int64(len(l.bytes))
	}
	for ; held+span.Length > maxSpanBytes; s.held = slices.Delete(s.held, 0, 1) {
		held -= int64(len(s.held[0].bytes))
	}
	b, err := s.fetch(span)
	if err == nil {
		s.held = append(s.held, loaded{span.Offset, b})
	}
	return b, err
}

// fetch reads a span in one request.
func (s *spans) fetch(span contract.Span) ([]byte, error) {
	r, err := s.hub.Open(s.ctx, s.ref, s.file.Path, span.Offset, span.Length)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	b := make([]byte, span.Length)
	if n, err := io.ReadFull(r, b); errors.Is(err, io.EOF) {
		return nil, io.ErrUnexpectedEOF // the end of the file is for ReadAt to tell
	} else if err != nil {
		return nil, fmt.Errorf("after %d bytes: %w", n, err)
	}
	if sum := canon.Sum(b); sum != span.SHA256 {
		return nil, fmt.Errorf("bytes %d to %d have SHA-256 %s, not %s: %w", span.Offset, span.Offset+span.Length, sum, span.SHA256, hub.ErrCorrupt)
	}
	return b, nil
}
