package localhub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"finest/hub"
	"finest/hub/hubtest"
	"finest/hub/localhub"
	"finest/internal/canon"
)

const repo = "miner/corpus"

var mainRef = hub.Ref{Repo: repo, Revision: hub.MainBranch}

func open(t testing.TB, dir string) *localhub.Hub {
	t.Helper()
	h, err := localhub.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestSuite(t *testing.T) {
	dir := t.TempDir()
	var repos atomic.Int64
	hubtest.Suite(t, func(t *testing.T) hubtest.Env {
		return hubtest.Env{
			Hub: open(t, dir), Peer: open(t, dir),
			NewRepo: func() string { return fmt.Sprintf("owner/repo-%d", repos.Add(1)) },
		}
	})
}

func source(path, text string) hub.Source { return hub.Bytes(path, []byte(text)) }

// published is a hub in a folder with one commit: "f" holds text.
func published(t testing.TB, text string) (dir, sha string) {
	t.Helper()
	dir = t.TempDir()
	h := open(t, dir)
	first, err := h.CreateRepo(t.Context(), repo, localhub.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	sha, err = h.Publish(t.Context(), hub.Publication{Repo: repo, Message: "m", Parent: first, Add: []hub.Source{source("f", text)}})
	if err != nil {
		t.Fatal(err)
	}
	return dir, sha
}

func objectPath(dir, text string) string {
	sum := canon.Sum([]byte(text))
	return filepath.Join(dir, "objects", sum[:2], sum)
}

func overwrite(t testing.TB, path, text string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The same publications give the same commits everywhere.
func TestCommitIsItsContent(t *testing.T) {
	_, a := published(t, "text")
	dir, b := published(t, "text")
	if a != b {
		t.Errorf("one publication has the commits %s and %s", a, b)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "repos", repo, "commits", b+".json"))
	if err != nil || canon.Sum(raw)[:40] != b {
		t.Errorf("commit file hashes to %s, %v, want %s", canon.Sum(raw), err, b)
	}
	if !json.Valid(raw) {
		t.Errorf("commit file is %s", raw)
	}
}

func TestDamagedObject(t *testing.T) {
	const text = "some content"
	for name, damage := range map[string]func(t *testing.T, path string){
		"other bytes": func(t *testing.T, path string) { overwrite(t, path, "SOME content") },
		"cut":         func(t *testing.T, path string) { overwrite(t, path, text[:5]) },
		"grown":       func(t *testing.T, path string) { overwrite(t, path, text+"!") },
		"gone":        func(t *testing.T, path string) { _ = os.Remove(path) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := published(t, text)
			known := open(t, dir) // has read the object when it was sound
			if _, err := hub.ReadFile(t.Context(), known, mainRef, "f", 100); err != nil {
				t.Fatal(err)
			}
			damage(t, objectPath(dir, text))
			for who, h := range map[string]*localhub.Hub{"fresh": open(t, dir), "known": known} {
				for _, part := range [][2]int64{{0, -1}, {0, int64(len(text))}, {5, 2}} {
					if r, err := h.Open(t.Context(), mainRef, "f", part[0], part[1]); !errors.Is(err, hub.ErrCorrupt) {
						got, _ := io.ReadAll(r)
						t.Errorf("%s hub reads %q, %v at %v, want ErrCorrupt", who, got, err, part)
					}
				}
			}
			// Publishing the content again, even as a no-op, mends it.
			h := open(t, dir)
			if _, err := h.Publish(t.Context(), hub.Publication{Repo: repo, Message: "again", Add: []hub.Source{source("f", text)}}); err != nil {
				t.Fatal(err)
			}
			if raw, err := hub.ReadFile(t.Context(), open(t, dir), mainRef, "f", 100); err != nil || string(raw) != text {
				t.Errorf("after publishing again: %q, %v", raw, err)
			}
		})
	}
}

func TestDamagedCommit(t *testing.T) {
	for name, edit := range map[string]func([]byte) []byte{
		"other path": func(b []byte) []byte { return bytes.Replace(b, []byte(`"f"`), []byte(`"g"`), 1) },
		"cut":        func(b []byte) []byte { return b[:len(b)/2] },
		"empty":      func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			dir, sha := published(t, "x")
			path := filepath.Join(dir, "repos", repo, "commits", sha+".json")
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			overwrite(t, path, string(edit(raw)))
			for _, ref := range []hub.Ref{mainRef, {Repo: repo, Revision: sha}} {
				if _, err := open(t, dir).Tree(t.Context(), ref, "", 10); !errors.Is(err, hub.ErrCorrupt) {
					t.Errorf("tree of %s: %v, want ErrCorrupt", ref, err)
				}
			}
		})
	}
}

func TestDamagedBranch(t *testing.T) {
	dir, _ := published(t, "x")
	overwrite(t, filepath.Join(dir, "repos", repo, "main"), "../../secret")
	h := open(t, dir)
	if _, err := h.Head(t.Context(), mainRef); !errors.Is(err, hub.ErrCorrupt) {
		t.Errorf("head: %v, want ErrCorrupt", err)
	}
	if err := h.EnsureRepo(t.Context(), repo); !errors.Is(err, hub.ErrCorrupt) {
		t.Errorf("ensuring the repository: %v, want ErrCorrupt", err)
	}
}

// A source is opened only for content that the hub lacks.
func TestPublishReadsOnlyWhatIsNew(t *testing.T) {
	dir, sha := published(t, "old")
	opened := map[string]int{}
	counted := func(path, text string) hub.Source {
		src := source(path, text)
		read := src.Open
		src.Open = func() (hub.Content, error) { opened[path]++; return read() }
		return src
	}
	h := open(t, dir)
	for range 2 {
		if _, err := h.Publish(t.Context(), hub.Publication{
			Repo: repo, Message: "m", Parent: sha,
			Add: []hub.Source{counted("copy", "old"), counted("new", "new")},
		}); err != nil {
			t.Fatal(err)
		}
	}
	if opened["copy"] != 0 || opened["new"] != 1 {
		t.Errorf("sources were opened %v times, want the new one once", opened)
	}
}

// A publication that is cut off at any of its reads leaves no commit, no file
// half-written, and can be made afterwards.
func TestPublishCutOff(t *testing.T) {
	const text = "0123456789"
	for cut := range len(text) {
		dir, sha := published(t, "old")
		h := open(t, dir)
		ctx, cancel := context.WithCancel(t.Context())
		src := source("f", text)
		src.Open = func() (hub.Content, error) {
			return &cutContent{text: text, left: cut, cancel: cancel}, nil
		}
		p := hub.Publication{Repo: repo, Message: "m", Parent: sha, Add: []hub.Source{source("a", "fine"), src}}
		if _, err := h.Publish(ctx, p); !errors.Is(err, context.Canceled) {
			t.Fatalf("cut off after %d bytes: %v, want context.Canceled", cut, err)
		}
		if head, err := h.Head(t.Context(), mainRef); err != nil || head != sha {
			t.Errorf("cut off after %d bytes: head is %q, %v, want %q", cut, head, err, sha)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "objects", "*", ".*")); len(left) > 0 {
			t.Errorf("cut off after %d bytes: left %q", cut, left)
		}
		p.Add[1] = source("f", text)
		if _, err := h.Publish(t.Context(), p); err != nil {
			t.Errorf("publishing after a cut at %d: %v", cut, err)
		}
		if raw, err := hub.ReadFile(t.Context(), h, mainRef, "f", 100); err != nil || string(raw) != text {
			t.Errorf("publishing after a cut at %d: read %q, %v", cut, raw, err)
		}
	}
}

// cutContent reads as text, byte by byte, and cancels after left bytes.
type cutContent struct {
	text   string
	left   int
	cancel context.CancelFunc
}

func (c *cutContent) ReadAt(p []byte, off int64) (int, error) {
	if c.left == 0 {
		c.cancel()
	}
	c.left--
	if off >= int64(len(c.text)) {
		return 0, io.EOF
	}
	p[0] = c.text[off]
	return 1, nil
}

func (*cutContent) Close() error { return nil }

func TestFolderOutOfReach(t *testing.T) {
	dir, _ := published(t, "x")
	h := open(t, dir)
	objects := filepath.Join(dir, "objects")
	if err := errors.Join(os.Rename(objects, objects+".away"), os.WriteFile(objects, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Open(t.Context(), mainRef, "f", 0, -1); !errors.Is(err, hub.ErrUnavailable) {
		t.Errorf("open: %v, want ErrUnavailable", err)
	}
	_, err := h.Publish(t.Context(), hub.Publication{Repo: repo, Message: "m", Add: []hub.Source{source("g", "new")}})
	if !errors.Is(err, hub.ErrUnavailable) {
		t.Errorf("publish: %v, want ErrUnavailable", err)
	}
	if _, err := localhub.Open(filepath.Join(objects, "below")); err == nil {
		t.Error("a hub opens below a file")
	}
}
