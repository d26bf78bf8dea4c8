package pull_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"finest/hub"
	"finest/hub/pull"
	"finest/internal/canon"
	"finest/internal/contract"
)

// folder returns the files below dir by their paths.
func folder(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil {
			files[filepath.ToSlash(name)], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func wantFolder(t testing.TB, dir string, want map[string][]byte) {
	t.Helper()
	got := folder(t, dir)
	if !maps.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("folder holds %v, want %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

func TestPullPublication(t *testing.T) {
	t.Parallel()
	p := newPublished(t, localHub(t), "anna/finest")
	p.add(0, 1, 3000)
	p.add(1, 1, 2000)
	p.files["README.md"] = []byte("# rows\n")
	p.commit()
	dir := t.TempDir()
	var last pull.Progress
	w := &watched{Hub: p.hub}
	report, err := pull.Publication(t.Context(), w, hub.Ref{Repo: p.repo, Revision: hub.MainBranch}, dir, pull.Options{Progress: func(now pull.Progress) {
		if now.Done < last.Done || now.Done == last.Done && now.Path == last.Path && now.Have < last.Have || now.Have > now.Bytes || now.Tasks != 2 {
			t.Errorf("progress goes from %+v to %+v", last, now)
		}
		last = now
	}})
	if err != nil {
		t.Fatal(err)
	}
	wantFolder(t, dir, p.files)
	var all int64
	for _, b := range p.files {
		all += int64(len(b))
	}
	want := pull.Report{Repo: p.repo, Commit: p.sha, Tasks: 2, Files: len(p.files), Bytes: all, FetchedFiles: len(p.files), FetchedBytes: all}
	if report != want {
		t.Errorf("report %+v, want %+v", report, want)
	}
	if last.Done != 1 || last.Have != 2000 || last.Task != taskName(1) {
		t.Errorf("progress ends with %+v", last)
	}
	for _, path := range w.take() {
		if strings.Contains(path, "README.md") && strings.Contains(path, "data/") {
			t.Error(path)
		}
	}
	// Once more: what is there stays, but for the small files.
	report, err = pull.Publication(t.Context(), w, p.ref(), dir, pull.Options{})
	if err != nil || report.FetchedFiles != 4 || report.Bytes != all {
		t.Errorf("again: %+v, %v", report, err)
	}
	for _, path := range w.take() {
		if strings.Contains(path, ".parquet") {
			t.Errorf("%s was asked for again", path)
		}
	}
}

func TestPullOneTask(t *testing.T) {
	t.Parallel()
	p := newPublished(t, localHub(t), "anna/finest")
	p.add(0, 1, 3000)
	want := maps.Clone(p.files)
	p.add(1, 1, 2000)
	p.commit()
	want[contract.LogPath] = p.log
	dir := t.TempDir()
	report, err := pull.Publication(t.Context(), p.hub, p.ref(), dir, pull.Options{Task: taskName(0)})
	if err != nil || report.Tasks != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	wantFolder(t, dir, want)
	if _, err := pull.Publication(t.Context(), p.hub, p.ref(), t.TempDir(), pull.Options{Task: "other-000000"}); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("a task that is not there: %v", err)
	}
}

// TestPullNewerGeneration: a task issued again has a newer manifest and other
// files under the same names. Until all of them are there none has the old one's
// manifest.
func TestPullNewerGeneration(t *testing.T) {
	t.Parallel()
	p := newPublished(t, localHub(t), "anna/finest")
	p.add(0, 1, 3000)
	p.commit()
	dir := t.TempDir()
	if _, err := pull.Publication(t.Context(), p.hub, p.ref(), dir, pull.Options{}); err != nil {
		t.Fatal(err)
	}
	p.add(0, 2, 2500)
	p.commit()
	w := &watched{Hub: p.hub, change: func(path string, r io.ReadCloser) (io.ReadCloser, error) {
		if strings.HasPrefix(path, "ledger/") {
			return nil, errCut
		}
		return r, nil
	}}
	if _, err := pull.Publication(t.Context(), w, p.ref(), dir, pull.Options{}); !errors.Is(err, errCut) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, contract.ManifestPath(taskName(0)))); err == nil {
		t.Error("the manifest of the older generation stands beside files of the newer one")
	}
	if _, err := pull.Publication(t.Context(), p.hub, p.ref(), dir, pull.Options{}); err != nil {
		t.Fatal(err)
	}
	wantFolder(t, dir, p.files)
}

// TestPullGoesOn: a cut download leaves its part, and the next pull asks for the
// rest alone.
func TestPullGoesOn(t *testing.T) {
	t.Parallel()
	p := newPublished(t, localHub(t), "anna/finest")
	m := p.add(0, 1, 3000)
	p.commit()
	dir := t.TempDir()
	w := &watched{Hub: p.hub, change: func(path string, r io.ReadCloser) (io.ReadCloser, error) {
		if strings.HasPrefix(path, "data/") {
			return cutAfter(1234)(path, r)
		}
		return r, nil
	}}
	if _, err := pull.Publication(t.Context(), w, p.ref(), dir, pull.Options{}); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	w.take()
	w.change = nil
	report, err := pull.Publication(t.Context(), w, p.ref(), dir, pull.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if opened := w.take(); !slices.Contains(opened, m.Files[0].Path+" 1234+1766") {
		t.Errorf("requests are %q", opened)
	}
	if whole := int64(len(p.log)+len(p.files[contract.ManifestPath(m.Task)])) + 3000; report.FetchedBytes != whole+1766 {
		t.Errorf("fetched %d bytes, want %d", report.FetchedBytes, whole+1766)
	}
	wantFolder(t, dir, p.files)
}

// TestPullMendsTheFolder: files there that are others are replaced.
func TestPullMendsTheFolder(t *testing.T) {
	t.Parallel()
	p := newPublished(t, localHub(t), "anna/finest")
	m := p.add(0, 1, 3000)
	p.commit()
	dir := t.TempDir()
	path := filepath.Join(dir, filepath.FromSlash(m.Files[0].Path))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, content(9, 3000))
	writeFile(t, path+".part", content(9, 10))
	if _, err := pull.Publication(t.Context(), p.hub, p.ref(), dir, pull.Options{}); err != nil {
		t.Fatal(err)
	}
	wantFolder(t, dir, p.files)
}

// TestPullHostilePublications: each ends in an error that says what is wrong, and
// nothing lies under a final name that is not right.
func TestPullHostilePublications(t *testing.T) {
	t.Parallel()
	path := contract.ManifestPath(taskName(0))
	for _, test := range []struct {
		name   string
		change func(p *published)
		limit  int64
		want   error
		text   string
	}{
		{"no log", func(p *published) { delete(p.files, contract.LogPath) }, 0, hub.ErrNotFound, contract.LogPath},
		{"a log of other things", func(p *published) { p.files[contract.LogPath] = []byte("<html>") }, 0, hub.ErrCorrupt, "line 1"},
		{"an empty log", func(p *published) { p.files[contract.LogPath] = nil }, 0, hub.ErrNotFound, "no task"},
		{"no manifest", func(p *published) { delete(p.files, path) }, 0, hub.ErrNotFound, path},
		{"another manifest", func(p *published) { p.files[path] = append(p.files[path], '\n') }, 0, hub.ErrCorrupt, "does not name"},
		{"a manifest of another task", func(p *published) { p.rename() }, 0, hub.ErrCorrupt, "is of task"},
		{"no JSON", func(p *published) { p.named(path, []byte("{")) }, 0, hub.ErrCorrupt, path},
		{"paths that climb", func(p *published) {
			p.add(0, 2, 3000, func(m *contract.Manifest) { m.Files[0].Path = "data/../../../../tmp/x" })
		}, 0, hub.ErrCorrupt, "comes next"},
		{"files of an enormous size", func(p *published) {
			p.add(0, 2, 3000, func(m *contract.Manifest) {
				f := &m.Files[0]
				f.Bytes = 1 << 40
				f.Footer.Offset = f.Bytes - f.Footer.Length
			})
		}, 1 << 30, hub.ErrTooLarge, "1073741824 allowed"},
		{"more than allowed", func(*published) {}, 5000, hub.ErrTooLarge, "5000 allowed"},
		{"a log larger than allowed", func(*published) {}, 10, hub.ErrTooLarge, contract.LogPath},
		{"other bytes", func(p *published) {
			p.files[contract.ShardPath(dump, taskName(0), 0)] = parquet(77, 3000)
		}, 0, hub.ErrCorrupt, "SHA-256 is"},
		{"fewer bytes", func(p *published) {
			p.files[contract.ShardPath(dump, taskName(0), 0)] = parquet(0, 1000)
		}, 0, nil, ".parquet"},
		{"no files", func(p *published) {
			delete(p.files, contract.ShardPath(dump, taskName(0), 0))
		}, 0, hub.ErrNotFound, "data/"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPublished(t, localHub(t), "anna/finest")
			p.add(0, 1, 3000)
			p.files["README.md"] = []byte("# rows\n")
			test.change(p)
			p.commit()
			dir := t.TempDir()
			_, err := pull.Publication(t.Context(), p.hub, p.ref(), dir, pull.Options{MaxBytes: test.limit})
			if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%v, want %v with %q", err, test.want, test.text)
			}
			for name, b := range folder(t, dir) {
				if !strings.HasSuffix(name, ".part") && !bytes.Equal(b, p.files[name]) {
					t.Errorf("%s is in the folder, but not what the commit holds", name)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, path)); err == nil {
				t.Error("the manifest is there, though not all of its task is")
			}
		})
	}
}

// rename gives the only manifest to another task.
func (p *published) rename() {
	raw := p.files[contract.ManifestPath(taskName(0))]
	delete(p.files, contract.ManifestPath(taskName(0)))
	p.files[contract.ManifestPath(taskName(3))] = raw
	p.files[contract.LogPath] = contract.LogLine{Task: taskName(3), Generation: 1, Manifest: canon.Sum(raw)}.Encode()
}

// named lets the log name other bytes as the first task's manifest.
func (p *published) named(path string, raw []byte) {
	p.files[path] = raw
	p.files[contract.LogPath] = contract.LogLine{Task: taskName(0), Generation: 1, Manifest: canon.Sum(raw)}.Encode()
}

func TestPullFromRepositoriesWithoutPublications(t *testing.T) {
	t.Parallel()
	h := localHub(t)
	p := newPublished(t, h, "anna/finest")
	for name, ref := range map[string]hub.Ref{
		"new": {Repo: p.repo, Revision: hub.MainBranch}, "missing": {Repo: "nobody/nothing", Revision: hub.MainBranch},
		"unknown commit": {Repo: p.repo, Revision: strings.Repeat("0", 40)},
	} {
		dir := t.TempDir()
		if _, err := pull.Publication(t.Context(), h, ref, dir, pull.Options{}); !errors.Is(err, hub.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
		wantFolder(t, dir, nil)
	}
}

func TestPullWhereNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	p := newPublished(t, localHub(t), "anna/finest")
	p.add(0, 1, 3000)
	p.commit()
	if _, err := pull.Publication(t.Context(), p.hub, p.ref(), filepath.Join(os.DevNull, "x"), pull.Options{}); !errors.Is(err, pull.ErrLocal) {
		t.Errorf("%v", err)
	}
}
