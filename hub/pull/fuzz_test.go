package pull_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"finest/hub"
	"finest/hub/pull"
	"finest/internal/canon"
	"finest/internal/contract"
)

// headed is a store with a commit.
type headed struct{ *store }

func (headed) Head(context.Context, hub.Ref) (string, error) { return ref.Revision, nil }

// quickDir returns a folder in memory if there is such a thing: what is written
// here is synced, and no disk does that many times a second.
func quickDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "pull-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// FuzzPublication: whatever stands in the claim log and the manifests it names,
// nothing is written outside the folder, no more than allowed in it, and what is
// there under its final name is what the hub holds.
func FuzzPublication(f *testing.F) {
	m, files := manifest(0, 1, 300)
	raw, err := canon.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	log := contract.LogLine{Task: m.Task, Generation: 1, Manifest: canon.Sum(raw)}.Encode()
	f.Add(log, raw)
	f.Add([]byte{}, raw)
	f.Add(append(log, log...), raw[:len(raw)-1])
	f.Add([]byte("<html>"), []byte("{}"))
	f.Fuzz(func(t *testing.T, log, raw []byte) {
		const most = 1 << 20
		if len(log)+len(raw) > most/2 {
			return
		}
		if len(log) == 0 { // one that names this manifest
			log = contract.LogLine{Task: m.Task, Generation: 1, Manifest: canon.Sum(raw)}.Encode()
		}
		s := newStore()
		for path, b := range files {
			s.put(path, b)
		}
		s.put(contract.LogPath, log)
		s.put(contract.ManifestPath(m.Task), raw)
		root := quickDir(t)
		dir := filepath.Join(root, "a", "b")
		report, err := pull.Publication(t.Context(), headed{s}, ref, dir, pull.Options{MaxBytes: most})
		if errors.Is(err, pull.ErrLocal) {
			t.Fatal(err)
		}
		outside, _ := usage(t, root)
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			if outside > 0 {
				t.Fatal("files lie outside the folder")
			}
			return
		}
		inside, _ := usage(t, dir)
		if inside != outside || inside > most || report.Bytes > most {
			t.Fatalf("%d bytes in the folder, %d outside, report %+v", inside, outside-inside, report)
		}
		for path, b := range folder(t, dir) {
			if filepath.Ext(path) != ".part" && string(b) != string(s.files[path]) {
				t.Fatalf("%s is not what the hub holds", path)
			}
		}
	})
}
