package pull_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"finest/hub"
	"finest/hub/pull"
	"finest/internal/canon"
	"finest/internal/durable"
)

var roomy = pull.Limits{Bytes: 1 << 20, Files: 100}

func TestFileIsDownloadedOnce(t *testing.T) {
	t.Parallel()
	s, dir := newStore(), t.TempDir()
	b := content(1, 5000)
	s.put("a", b)
	c := openCache(t, dir, roomy)
	first := fetch(t, c, s, "a", b)
	closed(t, fetch(t, c, s, "a", b))
	closed(t, fetch(t, c, s, "under another path", b))
	closed(t, first)
	closed(t, c)
	c = openCache(t, dir, roomy)
	closed(t, fetch(t, c, s, "a", b))
	closed(t, fetch(t, c, s, "a", b))
	if s.count() != 1 {
		t.Errorf("asked for %d times", s.count())
	}
}

func TestEmptyFile(t *testing.T) {
	t.Parallel()
	s := newStore()
	s.put("empty", nil)
	closed(t, fetch(t, openCache(t, t.TempDir(), roomy), s, "empty", nil))
}

// TestLeastRecentlyUsedGoes: also after a restart.
func TestLeastRecentlyUsedGoes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		limits pull.Limits
	}{
		{"bytes", pull.Limits{Bytes: 3500, Files: 100}},
		{"files", pull.Limits{Bytes: 1 << 20, Files: 3}},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprint(test.name, ", restarted ", restart), func(t *testing.T) {
				s, dir := newStore(), t.TempDir()
				c := openCache(t, dir, test.limits)
				get := func(i int) {
					b := content(i, 1000)
					s.put(fmt.Sprint(i), b)
					closed(t, fetch(t, c, s, fmt.Sprint(i), b))
				}
				for _, i := range []int{1, 2, 3, 1} {
					get(i)
				}
				if restart {
					closed(t, c)
					c = openCache(t, dir, test.limits)
				}
				get(4) // 2 makes room
				before := s.count()
				get(1)
				get(3)
				if s.count() != before {
					t.Error("another file than the one not used for the longest time went")
				}
				get(2)
				if s.count() != before+1 {
					t.Error("the file not used for the longest time stayed")
				}
			})
		}
	}
}

func TestLimitsLoweredBetweenRuns(t *testing.T) {
	t.Parallel()
	s, dir := newStore(), t.TempDir()
	c := openCache(t, dir, roomy)
	for i := range 5 {
		b := content(i, 1000)
		s.put(fmt.Sprint(i), b)
		closed(t, fetch(t, c, s, fmt.Sprint(i), b))
	}
	closed(t, c)
	openCache(t, dir, pull.Limits{Bytes: 2999, Files: 9})
	if bytes, names := usage(t, dir); bytes != 2000 || !slices.Contains(names, canon.Sum(content(4, 1000))) {
		t.Errorf("%d bytes in %v", bytes, names)
	}
}

func TestFilesInUseStay(t *testing.T) {
	t.Parallel()
	s := newStore()
	c := openCache(t, t.TempDir(), pull.Limits{Bytes: 2500, Files: 2})
	one, two, three := content(1, 1000), content(2, 1000), content(3, 1000)
	s.put("1", one)
	s.put("2", two)
	third := s.put("3", three)
	first, again := fetch(t, c, s, "1", one), fetch(t, c, s, "1", one)
	second := fetch(t, c, s, "2", two)
	closed(t, again)
	before := s.count()
	if _, err := c.Fetch(t.Context(), s, ref, third); !errors.Is(err, pull.ErrLocal) {
		t.Errorf("a cache whose files are all in use gives %v", err)
	}
	if s.count() != before {
		t.Error("bytes were asked for that have no place")
	}
	wantContent(t, first, one)
	_ = again.Close() // once more, which counts for nothing
	closed(t, second)
	closed(t, fetch(t, c, s, "3", three))
	wantContent(t, first, one)
	if _, err := os.Stat(first.Name()); err != nil {
		t.Error(err)
	}
	closed(t, fetch(t, c, s, "1", one))
	closed(t, first)
}

// TestRefusedUnread: no byte of a file is asked for that cannot be had.
func TestRefusedUnread(t *testing.T) {
	t.Parallel()
	sum := canon.Sum(nil)
	boundless := pull.Limits{Bytes: math.MaxInt64, Files: math.MaxInt}
	for _, test := range []struct {
		name   string
		limits pull.Limits
		file   hub.File
		want   error
	}{
		{"larger than the cache", roomy, hub.File{Path: "a", Size: roomy.Bytes + 1, SHA256: sum}, hub.ErrTooLarge},
		{"enormous", roomy, hub.File{Path: "a", Size: math.MaxInt64, SHA256: sum}, hub.ErrTooLarge},
		{"enormous, for any cache", boundless, hub.File{Path: "a", Size: math.MaxInt64, SHA256: sum}, hub.ErrTooLarge},
		{"less than nothing", roomy, hub.File{Path: "a", Size: -1, SHA256: sum}, hub.ErrTooLarge},
		{"without a hash", roomy, hub.File{Path: "a", Size: 1}, nil},
		{"with a path for a hash", roomy, hub.File{Path: "a", Size: 1, SHA256: "../../" + sum[6:]}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, dir := newStore(), t.TempDir()
			c := openCache(t, dir, test.limits)
			if _, err := c.Fetch(t.Context(), s, ref, test.file); err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%v", err)
			}
			if bytes, names := usage(t, dir); s.count() > 0 || bytes > 0 || len(names) > 0 {
				t.Errorf("asked for %d times, %d bytes in %v", s.count(), bytes, names)
			}
		})
	}
}

// TestWrongBytes: whatever comes in place of a file, an error is told and
// nothing of it is believed later.
func TestWrongBytes(t *testing.T) {
	t.Parallel()
	right := content(1, 5000)
	for _, test := range []struct {
		name  string
		comes []byte
		cut   int
		want  error
		keeps int64
	}{
		{"other bytes", content(2, 5000), 0, hub.ErrCorrupt, 0},
		{"more", append(bytes.Clone(right), 'x'), 0, hub.ErrCorrupt, 0},
		{"much more", append(bytes.Clone(right), make([]byte, 1<<20)...), 0, hub.ErrCorrupt, 0},
		{"less", right[:4000], 0, io.ErrUnexpectedEOF, 4000},
		{"nothing", nil, 0, io.ErrUnexpectedEOF, 0},
		{"a part", right, 3000, errCut, 3000},
		{"a part of other bytes", content(2, 5000), 3000, errCut, 3000},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, dir := newStore(), t.TempDir()
			c := openCache(t, dir, pull.Limits{Bytes: 6000, Files: 2})
			s.put("a", test.comes)
			s.cut = test.cut
			if _, err := c.Fetch(t.Context(), s, ref, describe("a", right)); !errors.Is(err, test.want) || errors.Is(err, pull.ErrLocal) {
				t.Errorf("%v", err)
			}
			if bytes, names := usage(t, dir); bytes != test.keeps {
				t.Errorf("%d bytes in %v", bytes, names)
			}
			s.put("a", right)
			s.cut = 0
			closed(t, fetch(t, c, s, "a", right))
		})
	}
}

// TestCutDownloadGoesOn: with one request for the rest, also after a restart.
func TestCutDownloadGoesOn(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		s, dir := newStore(), t.TempDir()
		b := content(1, 5000)
		f := s.put("a", b)
		c := openCache(t, dir, roomy)
		s.cut = 2000
		for range 2 {
			if _, err := c.Fetch(t.Context(), s, ref, f); !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			if restart {
				closed(t, c)
				c = openCache(t, dir, roomy)
			}
		}
		closed(t, fetch(t, c, s, "a", b))
		if want := []read{{"a", 0}, {"a", 2000}, {"a", 4000}}; !slices.Equal(s.reads, want) {
			t.Errorf("reads are %v, want %v", s.reads, want)
		}
	}
}

// TestForeignPart: a part of other bytes, or a longer one, does not harm the
// download that finds it.
func TestForeignPart(t *testing.T) {
	t.Parallel()
	b := content(1, 5000)
	for name, part := range map[string][]byte{
		"other": content(2, 3000), "as long": content(2, 5000), "longer": content(2, 7000), "whole": b, "none": {},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := newStore(), t.TempDir()
			s.put("a", b)
			writeFile(t, filepath.Join(dir, canon.Sum(b)+".part"), part)
			c := openCache(t, dir, roomy)
			closed(t, fetch(t, c, s, "a", b))
			if bytes, _ := usage(t, dir); bytes != 5000 {
				t.Errorf("%d bytes in the folder", bytes)
			}
		})
	}
}

// TestDamageOnDisk: files that an earlier process left, and files that changed
// since they were checked, are hashed again.
func TestDamageOnDisk(t *testing.T) {
	t.Parallel()
	b := content(1, 5000)
	path := func(dir string) string { return filepath.Join(dir, canon.Sum(b)) }
	for _, test := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		reads  int
	}{
		{"none", func(*testing.T, string) {}, 1},
		{"bytes", func(t *testing.T, dir string) { writeFile(t, path(dir), content(2, 5000)) }, 2},
		{"cut off", func(t *testing.T, dir string) { writeFile(t, path(dir), b[:100]) }, 2},
		{"gone", func(t *testing.T, dir string) {
			if err := os.Remove(path(dir)); err != nil {
				t.Fatal(err)
			}
		}, 2},
		{"a part beside it", func(t *testing.T, dir string) { writeFile(t, path(dir)+".part", b) }, 1},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprint(test.name, ", restarted ", restart), func(t *testing.T) {
				s, dir := newStore(), t.TempDir()
				s.put("a", b)
				c := openCache(t, dir, roomy)
				closed(t, fetch(t, c, s, "a", b))
				if restart {
					closed(t, c)
				}
				test.damage(t, dir)
				if restart {
					c = openCache(t, dir, roomy)
				}
				for range 2 {
					closed(t, fetch(t, c, s, "a", b))
				}
				if s.count() != test.reads {
					t.Errorf("asked for %d times, want %d", s.count(), test.reads)
				}
			})
		}
	}
}

// TestLiesAboutTheSizeOfWhatIsHere leave it where it is.
func TestLiesAboutTheSizeOfWhatIsHere(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		s, dir := newStore(), t.TempDir()
		b := content(1, 5000)
		f := s.put("a", b)
		c := openCache(t, dir, roomy)
		closed(t, fetch(t, c, s, "a", b))
		if restart {
			closed(t, c)
			c = openCache(t, dir, roomy)
		}
		for _, size := range []int64{4999, 5001} {
			lie := f
			lie.Size = size
			if _, err := c.Fetch(t.Context(), s, ref, lie); !errors.Is(err, hub.ErrCorrupt) {
				t.Errorf("%d bytes: %v", size, err)
			}
		}
		closed(t, fetch(t, c, s, "a", b))
		if s.count() != 1 {
			t.Errorf("asked for %d times", s.count())
		}
	}
}

func TestHubErrorsPassThrough(t *testing.T) {
	t.Parallel()
	s, dir := newStore(), t.TempDir()
	b := content(1, 500)
	f := s.put("a", b)
	c := openCache(t, dir, roomy)
	for _, want := range []error{hub.ErrNotFound, hub.ErrUnavailable, hub.ErrDenied} {
		s.err = want
		if _, err := c.Fetch(t.Context(), s, ref, f); !errors.Is(err, want) || errors.Is(err, pull.ErrLocal) || !strings.Contains(err.Error(), `"a" of anna/finest@`) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	s.err = nil
	closed(t, fetch(t, c, s, "a", b))
}

func TestDiskErrorsAreNotTheHubs(t *testing.T) {
	t.Parallel()
	s, dir := newStore(), t.TempDir()
	b := content(1, 500)
	f := s.put("a", b)
	c := openCache(t, dir, roomy)
	part := filepath.Join(dir, f.SHA256+".part")
	if err := os.Mkdir(part, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fetch(t.Context(), s, ref, f); !errors.Is(err, pull.ErrLocal) {
		t.Errorf("%v", err)
	}
	if err := os.Remove(part); err != nil {
		t.Fatal(err)
	}
	closed(t, fetch(t, c, s, "a", b))
}

func TestOneProcessHasTheFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := openCache(t, dir, roomy)
	if _, err := pull.OpenCache(dir, roomy); !errors.Is(err, durable.ErrLocked) || !errors.Is(err, pull.ErrLocal) {
		t.Errorf("%v", err)
	}
	closed(t, c)
	closed(t, openCache(t, dir, roomy))
	for _, limits := range []pull.Limits{{}, {Bytes: 1}, {Files: 1}, {Bytes: -1, Files: 1}} {
		if _, err := pull.OpenCache(dir, limits); err == nil {
			t.Errorf("a cache of %+v is opened", limits)
		}
	}
	if _, err := pull.OpenCache(os.DevNull+"/cache", roomy); !errors.Is(err, pull.ErrLocal) {
		t.Errorf("%v", err)
	}
}

// TestForeignFilesStay: what is no cache's is left alone.
func TestForeignFilesStay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sum := canon.Sum(nil)
	foreign := []string{"notes.txt", sum[1:], sum + ".bak", strings.ToUpper(sum)}
	for _, name := range foreign {
		writeFile(t, filepath.Join(dir, name), make([]byte, 1000))
	}
	openCache(t, dir, pull.Limits{Bytes: 1, Files: 1})
	if _, names := usage(t, dir); len(names) != len(foreign) {
		t.Errorf("left are %v", names)
	}
}
