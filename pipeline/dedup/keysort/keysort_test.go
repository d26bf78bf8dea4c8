package keysort_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"finest/pipeline/dedup/keysort"
)

func sorted(t interface{ Fatal(...any) }, o keysort.Options, entries []keysort.Entry) []keysort.Entry {
	s := keysort.New(o)
	for _, e := range entries {
		if err := s.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	var out []keysort.Entry
	for e, err := range s.Sorted(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// Whatever the budget, entries come back in order, and nothing is left behind.
func TestAnyBudget(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.SliceOf(rapid.Custom(func(t *rapid.T) keysort.Entry {
			return keysort.Entry{
				Key:      rapid.OneOf(rapid.Uint64Range(0, 5), rapid.Uint64()).Draw(t, "key"),
				Document: rapid.Uint32Range(0, 9).Draw(t, "document"), Place: rapid.Uint32Range(0, 3).Draw(t, "place"),
			}
		})).Draw(t, "entries")
		want := slices.Clone(entries)
		slices.SortFunc(want, keysort.Entry.Compare)
		for _, o := range []keysort.Options{
			{}, {Budget: 1}, {Dir: dir}, {Dir: dir, Budget: rapid.Int64Range(1, 400).Draw(t, "budget")},
		} {
			if got := sorted(t, o, entries); !slices.Equal(got, want) {
				t.Fatalf("with %+v: %v, want %v", o, got, want)
			}
		}
	})
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Fatalf("left %v, error %v", left, err)
	}
}

// More than one block in memory, and several runs of more than one block.
func TestBlocks(t *testing.T) {
	if testing.Short() {
		t.Skip("sorts three million entries")
	}
	const n = 3 << 20
	for _, budget := range []int64{keysort.DefaultBudget, 20 << 20} {
		s := keysort.New(keysort.Options{Dir: t.TempDir(), Budget: budget})
		for i := range uint64(n) {
			if err := s.Add(keysort.Entry{Key: i * 0x9e3779b97f4a7c15, Document: uint32(i)}); err != nil {
				t.Fatal(err)
			}
		}
		last, count := keysort.Entry{}, 0
		for e, err := range s.Sorted(t.Context()) {
			if err != nil || count > 0 && last.Compare(e) >= 0 || e.Key != uint64(e.Document)*0x9e3779b97f4a7c15 {
				t.Fatalf("entry %d: %v after %v, error %v", count, e, last, err)
			}
			last = e
			count++
		}
		if err := s.Close(); err != nil || count != n {
			t.Fatalf("%d entries, error %v", count, err)
		}
	}
}

func TestErrors(t *testing.T) {
	entries := []keysort.Entry{{Key: 3}, {Key: 1}, {Key: 2}}
	s := keysort.New(keysort.Options{Dir: filepath.Join(t.TempDir(), "gone"), Budget: 1})
	var err error
	for _, e := range entries {
		err = errors.Join(err, s.Add(e))
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without the folder: error %v", err)
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	s = keysort.New(keysort.Options{Dir: t.TempDir(), Budget: 1})
	defer func() { _ = s.Close() }()
	for _, e := range entries {
		if err := s.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range s.Sorted(ctx) {
		if !errors.Is(err, cause) {
			t.Errorf("cancelled: error %v", err)
		}
	}
}

// A full disk is an error that names folder and cause.
func TestFullDisk(t *testing.T) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	// A limit on file sizes is as near to a full disk as a test gets: writing
	// fails with EFBIG, as the Go runtime ignores the signal.
	limit := before
	limit.Cur = 64 << 10
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Skip(err)
	}
	defer func() { _ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before) }()
	s := keysort.New(keysort.Options{Dir: dir, Budget: 4096})
	defer func() { _ = s.Close() }()
	for i := range uint64(1 << 14) {
		if err := s.Add(keysort.Entry{Key: i}); err != nil {
			if !errors.Is(err, syscall.EFBIG) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error %v", err)
			}
			return
		}
	}
	t.Error("256 KiB fit where 64 KiB are allowed")
}

func Benchmark(b *testing.B) {
	const n = 1 << 20
	for name, budget := range map[string]int64{"memory": keysort.DefaultBudget, "disk": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(n * 16)
			dir := b.TempDir()
			for b.Loop() {
				s := keysort.New(keysort.Options{Dir: dir, Budget: budget})
				for i := range uint64(n) {
					_ = s.Add(keysort.Entry{Key: i * 0x9e3779b97f4a7c15, Document: uint32(i)})
				}
				for _, err := range s.Sorted(context.Background()) {
					if err != nil {
						b.Fatal(err)
					}
				}
				_ = s.Close()
			}
		})
	}
}
