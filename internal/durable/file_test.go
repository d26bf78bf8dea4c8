package durable_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finest/internal/durable"
)

func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestWriteFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(dir, "file")
	for _, content := range []string{"old", strings.Repeat("new", 1<<18), ""} {
		if err := durable.WriteBytes(path, 0o640, []byte(content)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != content {
			t.Fatalf("read %d bytes, want %d: %v", len(got), len(content), err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("folder holds %q", got)
	}
}

// TestWriteFileFails: whatever fails, the old file stays, whole, and no
// temporary file is left.
func TestWriteFileFails(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	writeFile(t, path, []byte("old"))
	err := durable.WriteFile(path, 0o600, func(w io.Writer) error {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("file holds %q, %v", got, err)
	}
	// A folder in the place of the file fails the rename.
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteBytes(taken, 0o600, []byte("new")); err == nil {
		t.Error("a folder is replaced by a file")
	}
	if got := names(t, dir); len(got) != 2 {
		t.Errorf("folder holds %q", got)
	}
	if err := durable.WriteBytes(filepath.Join(path, "below"), 0o600, nil); err == nil {
		t.Error("a file is written below a file")
	}
}

func TestMkdirAll(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b", "c")
	for range 2 {
		if err := durable.MkdirAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		t.Errorf("%v, %v", info, err)
	}
	writeFile(t, filepath.Join(dir, "file"), nil)
	if err := durable.MkdirAll(filepath.Join(dir, "file")); err == nil {
		t.Error("a file is taken for a folder")
	}
}
