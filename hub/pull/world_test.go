package pull_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"finest/hub"
	"finest/hub/pull"
	"finest/internal/canon"
)

var ref = hub.Ref{Repo: "anna/finest", Revision: strings.Repeat("a", 40)}

// content returns size bytes that depend on seed.
func content(seed, size int) []byte {
	b := bytes.Repeat(fmt.Appendf(nil, "%d of %d\n", seed, size), size/4+1)
	return b[:size]
}

func describe(path string, b []byte) hub.File {
	return hub.File{Path: path, Size: int64(len(b)), SHA256: canon.Sum(b)}
}

// store is a hub that has no more than files to read, and notes each read.
type store struct {
	hub.Hub
	mu    sync.Mutex
	files map[string][]byte
	reads []read
	// cut, unless it is 0, is how many bytes come before an error.
	cut int
	// err is what Open fails with.
	err error
	// during is called while a file is read.
	during func()
}

type read struct {
	path   string
	offset int64
}

func newStore() *store { return &store{files: map[string][]byte{}} }

// put adds a file.
func (s *store) put(path string, b []byte) hub.File {
	s.files[path] = b
	return describe(path, b)
}

var errCut = errors.New("the line was cut")

// Open ignores the end of the range asked for, as a hub may that lies.
func (s *store) Open(ctx context.Context, _ hub.Ref, path string, offset, _ int64) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads = append(s.reads, read{path, offset})
	b, ok := s.files[path]
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case s.err != nil:
		return nil, s.err
	case !ok:
		return nil, hub.ErrNotFound
	}
	b = b[min(offset, int64(len(b))):]
	r := &slow{b: b, err: io.EOF, during: s.during}
	if s.cut > 0 && s.cut < len(b) {
		r.b, r.err = b[:s.cut], errCut
	}
	return io.NopCloser(r), nil
}

// slow gives a few bytes at a time.
type slow struct {
	b      []byte
	err    error
	during func()
}

func (r *slow) Read(p []byte) (int, error) {
	if r.during != nil {
		r.during()
	}
	n := copy(p, r.b[:min(len(r.b), max(100, len(r.b)/4))])
	if r.b = r.b[n:]; n == 0 && len(p) > 0 {
		return 0, r.err
	}
	return n, nil
}

// count returns how often the files were asked for.
func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.reads)
}

func openCache(t testing.TB, dir string, l pull.Limits) *pull.Cache {
	t.Helper()
	c, err := pull.OpenCache(dir, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// fetch fetches a file that holds want.
func fetch(t testing.TB, c *pull.Cache, h hub.Hub, path string, want []byte) *pull.File {
	t.Helper()
	f, err := c.Fetch(t.Context(), h, ref, describe(path, want))
	if err != nil {
		t.Fatal(err)
	}
	wantContent(t, f, want)
	return f
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func wantContent(t failer, f *pull.File, want []byte) {
	t.Helper()
	got, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()+1))
	if err != nil || !bytes.Equal(got, want) || f.Size() != int64(len(want)) {
		t.Fatalf("%s holds %d bytes (%v), not the %d wanted", f.Name(), len(got), err, len(want))
	}
}

func closed(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// usage returns the bytes and names of the files in a folder, its lock left out.
func usage(t failer, dir string) (total int64, names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed in between
		}
		if err != nil || d.IsDir() || d.Name() == "lock" {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		total += info.Size()
		names = append(names, d.Name())
		return nil
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return total, names
}

func writeFile(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// overwrite changes the first byte of a file, if there is one.
func overwrite(path string) bool {
	b, err := os.ReadFile(path)
	if err != nil || len(b) == 0 {
		return false
	}
	b[0] ^= 1
	return os.WriteFile(path, b, 0o644) == nil
}
