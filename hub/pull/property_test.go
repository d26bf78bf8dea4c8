package pull_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"finest/hub"
	"finest/hub/pull"
	"finest/internal/canon"
)

// TestCacheHoldsItsPromises: whatever is fetched, let go of, cut off, damaged and
// restarted, in whatever order, the folder never exceeds the limits, files in use
// stay as they are, and what is returned is right.
func TestCacheHoldsItsPromises(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		m := &machine{
			t: t, store: newStore(), dir: filepath.Join(root, fmt.Sprint(runs)),
			limits: pull.Limits{Bytes: rapid.Int64Range(300, 3000).Draw(t, "bytes"), Files: rapid.IntRange(1, 6).Draw(t, "files")},
		}
		for i := range 10 {
			m.sources = append(m.sources, content(i, i*rapid.IntRange(0, 120).Draw(t, "step")))
			m.store.put(fmt.Sprint(i), m.sources[i])
		}
		m.store.during = m.withinLimits
		m.open()
		defer m.close(t)
		t.Repeat(map[string]func(*rapid.T){
			"":         m.check,
			"fetch":    m.fetch,
			"together": m.together,
			"let go":   m.letGo,
			"restart":  func(t *rapid.T) { m.close(t); m.open() },
			"damage":   m.damage,
		})
	})
}

type machine struct {
	t       *rapid.T
	store   *store
	sources [][]byte
	dir     string
	limits  pull.Limits
	cache   *pull.Cache
	held    []held
}

type held struct {
	file *pull.File
	want []byte
}

func (m *machine) open() {
	var err error
	if m.cache, err = pull.OpenCache(m.dir, m.limits); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) close(t *rapid.T) {
	for len(m.held) > 0 {
		m.release(t, 0)
	}
	if err := m.cache.Close(); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) release(t *rapid.T, i int) {
	if err := m.held[i].file.Close(); err != nil {
		t.Fatal(err)
	}
	m.held = append(m.held[:i], m.held[i+1:]...)
}

func (m *machine) letGo(t *rapid.T) {
	if len(m.held) == 0 {
		t.Skip("nothing is held")
	}
	m.release(t, rapid.IntRange(0, len(m.held)-1).Draw(t, "which"))
}

func (m *machine) check(t *rapid.T) {
	m.withinLimits()
	for _, h := range m.held {
		wantContent(t, h.file, h.want)
	}
}

// withinLimits also looks while files are being fetched.
func (m *machine) withinLimits() {
	bytes, names := usage(m.t, m.dir)
	if bytes > m.limits.Bytes || len(names) > m.limits.Files {
		m.t.Fatalf("%d bytes in %d files, limits are %+v", bytes, len(names), m.limits)
	}
}

// fetch fetches one file, which may fail for a stated reason only.
func (m *machine) fetch(t *rapid.T) {
	i := rapid.IntRange(0, len(m.sources)-1).Draw(t, "file")
	want := m.sources[i]
	fault := rapid.SampledFrom([]string{"", "", "", "cut", "wrong"}).Draw(t, "fault")
	served := want
	switch fault {
	case "cut":
		m.store.cut = 1 + len(want)/3
	case "wrong":
		served = content(i+100, len(want))
	}
	m.store.put(fmt.Sprint(i), served)
	defer func() {
		m.store.cut = 0
		m.store.put(fmt.Sprint(i), want)
	}()
	before := m.store.count()
	file, err := m.cache.Fetch(t.Context(), m.store, ref, describe(fmt.Sprint(i), want))
	switch {
	case err == nil:
		wantContent(t, file, want)
		m.held = append(m.held, held{file, want})
	case errors.Is(err, hub.ErrTooLarge) && int64(len(want)) > m.limits.Bytes:
	case errors.Is(err, pull.ErrLocal) && len(m.held) > 0 && m.store.count() == before:
	case errors.Is(err, errCut) && fault == "cut":
	case errors.Is(err, hub.ErrCorrupt) && fault == "wrong":
	default:
		t.Fatalf("file of %d bytes, fault %q: %v", len(want), fault, err)
	}
}

// together lets several fetch at the same time; none may fail unless there is no
// room.
func (m *machine) together(t *rapid.T) {
	which := rapid.SliceOfN(rapid.IntRange(0, len(m.sources)-1), 2, 8).Draw(t, "files")
	files, errs := make([]*pull.File, len(which)), make([]error, len(which))
	// A folder that several change cannot be looked at in one moment.
	m.store.during = nil
	defer func() { m.store.during = m.withinLimits }()
	var group sync.WaitGroup
	for n, i := range which {
		group.Go(func() {
			files[n], errs[n] = m.cache.Fetch(t.Context(), m.store, ref, describe(fmt.Sprint(i), m.sources[i]))
		})
	}
	group.Wait()
	for n, i := range which {
		want := m.sources[i]
		switch err := errs[n]; {
		case err == nil:
			wantContent(t, files[n], want)
			m.held = append(m.held, held{files[n], want})
		case errors.Is(err, hub.ErrTooLarge) && int64(len(want)) > m.limits.Bytes:
		case errors.Is(err, pull.ErrLocal):
		default:
			t.Fatalf("file of %d bytes: %v", len(want), err)
		}
	}
}

// damage overwrites a file on disk that nobody has open.
func (m *machine) damage(t *rapid.T) {
	i := rapid.IntRange(0, len(m.sources)-1).Draw(t, "file")
	sum := canon.Sum(m.sources[i])
	for _, h := range m.held {
		if string(h.want) == string(m.sources[i]) {
			t.Skip("in use")
		}
	}
	path := filepath.Join(m.dir, sum)
	if !overwrite(path) && !overwrite(path+".part") {
		t.Skip("not here")
	}
}
