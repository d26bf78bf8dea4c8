package hubtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"finest/hub"
)

func specPinned(_ *testing.T, s *spec) {
	repo, head := s.newRepo()
	type state struct {
		sha string
		c   content
	}
	var states []state
	c := content{}
	for i := range 4 {
		c["log.jsonl"] += fmt.Sprintf("line %d\n", i)
		head = s.publish(repo, head, content{"log.jsonl": c["log.jsonl"]})
		states = append(states, state{head, content{"log.jsonl": c["log.jsonl"]}})
	}
	for _, st := range states {
		s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: st.sha}, st.c)
	}
	// A reader opened before the branch moves reads what it opened.
	r, err := s.Hub.Open(s.ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch}, "log.jsonl", 0, -1)
	if err != nil {
		s.Fatal(err)
	}
	s.publish(repo, head, content{"log.jsonl": "short"})
	raw, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil || string(raw) != c["log.jsonl"] {
		s.Errorf("a reader opened before read %q, %v", raw, err)
	}
}

func specMissing(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	sha := s.publish(repo, first, content{"dir/a": "1"})
	other, otherFirst := s.newRepo()
	foreign := s.publish(other, otherFirst, content{"b": text("foreign", 99)})
	for _, ref := range []hub.Ref{
		{Repo: repo, Revision: "nobranch"},
		{Repo: repo, Revision: strings.Repeat("0", 40)},
		{Repo: repo, Revision: foreign},
		{Repo: repo, Revision: sha[:39]},
		{Repo: repo, Revision: strings.ToUpper(sha[:39]) + "F"},
		{Repo: repo, Revision: ""},
		{Repo: repo, Revision: "../" + hub.MainBranch},
	} {
		_, err := s.Hub.Head(s.ctx, ref)
		s.wantErr("head of "+ref.String(), err, hub.ErrNotFound)
		_, err = s.Hub.Tree(s.ctx, ref, "", 10)
		s.wantErr("tree of "+ref.String(), err, hub.ErrNotFound)
		_, err = s.Hub.Open(s.ctx, ref, "dir/a", 0, -1)
		s.wantErr("open at "+ref.String(), err, hub.ErrNotFound)
	}
	ref := hub.Ref{Repo: repo, Revision: sha}
	for _, path := range []string{"a", "dir", "dir/b", "dir/a/b", "DIR/a", "dir/a "} {
		_, err := s.Hub.Stat(s.ctx, ref, path)
		s.wantErr("stat "+path, err, hub.ErrNotFound)
		_, err = s.Hub.Open(s.ctx, ref, path, 0, -1)
		s.wantErr("open "+path, err, hub.ErrNotFound)
	}
	for _, folder := range []string{"nofolder", "di", "dir/a"} {
		_, err := s.Hub.Tree(s.ctx, ref, folder, 10)
		s.wantErr("tree of "+folder, err, hub.ErrNotFound)
	}
}

func specPaths(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	ref := hub.Ref{Repo: repo, Revision: s.publish(repo, first, content{"a": "1"})}
	for _, path := range []string{"", "..", "../a", "/a", "./a", "a/../a", "//a", "a/", `..\a`, "../../../../etc/passwd", "%2e%2e/a"} {
		if f, err := s.Hub.Stat(s.ctx, ref, path); err == nil {
			s.Errorf("stat %q: %v", path, f)
		}
		if r, err := s.Hub.Open(s.ctx, ref, path, 0, -1); err == nil {
			_ = r.Close()
			s.Errorf("%q opens", path)
		}
		if files, err := s.Hub.Tree(s.ctx, ref, path, 10); err == nil && path != "" {
			s.Errorf("tree of %q: %v", path, files)
		}
	}
	for _, name := range []string{"", "..", "a", "a/..", "../a", "a/b/../../c", repo + "/.."} {
		if sha, err := s.Hub.Head(s.ctx, hub.Ref{Repo: name, Revision: hub.MainBranch}); err == nil {
			s.Errorf("repository %q stands at %q", name, sha)
		}
	}
}

func specRanges(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	body := text("ranges", 200_000)
	size := int64(len(body))
	ref := hub.Ref{Repo: repo, Revision: s.publish(repo, first, content{"f": body, "empty": ""})}
	for _, r := range []struct{ offset, length int64 }{
		{0, size}, {0, -1}, {0, 1}, {0, 65_536}, {size - 1, 1}, {size - 1, -1}, {70_001, 70_001}, {100, -1},
	} {
		want := body[r.offset:]
		if r.length >= 0 {
			want = want[:r.length]
		}
		if got := s.read(s.Hub, ref, "f", r.offset, r.length); got != want {
			s.Errorf("bytes [%d, +%d) differ: %d bytes, want %d", r.offset, r.length, len(got), len(want))
		}
	}
	if got := s.read(s.Hub, ref, "empty", 0, -1); got != "" {
		s.Errorf("the empty file holds %q", got)
	}
	for _, r := range []struct{ offset, length int64 }{{0, size + 1}, {size - 10, 11}, {1, size}} {
		rd, err := s.Hub.Open(s.ctx, ref, "f", r.offset, r.length)
		if err == nil {
			_, err = io.ReadAll(rd)
			_ = rd.Close()
		}
		s.wantErr(fmt.Sprintf("%d bytes from %d of %d", r.length, r.offset, size), err, io.ErrUnexpectedEOF)
	}
	for _, offset := range []int64{-1, size + 1, 1 << 62} {
		if rd, err := s.Hub.Open(s.ctx, ref, "f", offset, 1); err == nil {
			_ = rd.Close()
			s.Errorf("offset %d of %d bytes opens", offset, size)
		}
	}
	var wg sync.WaitGroup
	for i := range int64(16) {
		wg.Go(func() {
			if got := s.read(s.Hub, ref, "f", i*1000, 50_000); got != body[i*1000:i*1000+50_000] {
				s.Errorf("a concurrent read from %d differs", i*1000)
			}
		})
	}
	wg.Wait()
}

func specTree(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	if files, err := s.Hub.Tree(s.ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch}, "", 10); err != nil || len(files) > 1 {
		s.Errorf("tree of an empty repository: %v, %v", files, err)
	}
	c := content{}
	for _, path := range []string{"data/z", "data/a/1", "data/a/2", "data/a.b", "data/a-b", "data0", "Data/x", "tasks/t/manifest.json", "é", "z"} {
		c[path] = path
	}
	ref := hub.Ref{Repo: repo, Revision: s.publish(repo, first, c)}
	for folder, want := range map[string][]string{
		"data":    {"data/a-b", "data/a.b", "data/a/1", "data/a/2", "data/z"},
		"data/a":  {"data/a/1", "data/a/2"},
		"tasks":   {"tasks/t/manifest.json"},
		"tasks/t": {"tasks/t/manifest.json"},
		"":        {"Data/x", "data/a-b", "data/a.b", "data/a/1", "data/a/2", "data/z", "data0", "tasks/t/manifest.json", "z", "é"},
	} {
		files, err := s.Hub.Tree(s.ctx, ref, folder, 100)
		if err != nil {
			s.Errorf("tree of %q: %v", folder, err)
			continue
		}
		var got []string
		for _, f := range files {
			if f.Path == ".gitattributes" {
				continue
			}
			got = append(got, f.Path)
			if f.SHA256 == "" { // a hub may know the file by another hash only
				f.SHA256 = sum(c[f.Path])
			}
			if f != source(f.Path, c[f.Path]).File {
				s.Errorf("tree of %q has %v, want %v", folder, f, source(f.Path, c[f.Path]).File)
			}
		}
		if !slices.Equal(got, want) {
			s.Errorf("tree of %q is %q, want %q, in path order", folder, got, want)
		}
	}
}

func specTreeBound(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	c := content{}
	for i := range 30 {
		c[fmt.Sprintf("dir/%02d", i)] = "x"
	}
	ref := hub.Ref{Repo: repo, Revision: s.publish(repo, first, c)}
	for most, fits := range map[int]bool{31: true, 30: true, 29: false, 1: false, 0: false} {
		files, err := s.Hub.Tree(s.ctx, ref, "dir", most)
		if fits != (err == nil) || (fits && len(files) != 30) || (!fits && !errors.Is(err, hub.ErrTooLarge)) {
			s.Errorf("30 files with at most %d: %d files, %v", most, len(files), err)
		}
	}
}

func specPeer(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	c := content{"a": "1", "big": text("big", 300_000)}
	sha := s.publish(repo, first, c)
	s.wantFiles(s.Peer, hub.Ref{Repo: repo, Revision: hub.MainBranch}, c)
	next, err := s.Peer.Publish(s.ctx, hub.Publication{Repo: repo, Message: "peer", Parent: sha, Add: content{"a": "2"}.sources()})
	if err != nil {
		s.Fatal(err)
	}
	if got := s.headOf(repo); got != next {
		s.Errorf("the peer published %s, the head is %s", next, got)
	}
	s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: hub.MainBranch}, content{"a": "2", "big": c["big"]})
}

func specReadFile(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	body := text("whole", 1000)
	ref := hub.Ref{Repo: repo, Revision: s.publish(repo, first, content{"f": body})}
	if raw, err := hub.ReadFile(s.ctx, s.Hub, ref, "f", 1000); err != nil || string(raw) != body {
		s.Errorf("read %d bytes, %v", len(raw), err)
	}
	_, err := hub.ReadFile(s.ctx, s.Hub, ref, "f", 999)
	s.wantErr("a file above the limit", err, hub.ErrTooLarge)
	_, err = hub.ReadFile(s.ctx, s.Hub, ref, "g", 999)
	s.wantErr("a missing file", err, hub.ErrNotFound)
}

func specContext(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	body := text("context", 400_000)
	sha := s.publish(repo, first, content{"f": body})
	ref := hub.Ref{Repo: repo, Revision: sha}
	ctx, cancel := context.WithCancel(s.ctx)
	r, err := s.Hub.Open(ctx, ref, "f", 0, -1)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		s.Errorf("read before the end of the context: %v", err)
	}
	cancel()
	if n, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
		// What was under way may arrive, but an end that looks whole must be.
		if err != nil || n != int64(len(body)-10) {
			s.Errorf("reading on after the end of the context: %d bytes, %v", n, err)
		}
	}
	for name, call := range map[string]func() error{
		"ensure": func() error { return s.Hub.EnsureRepo(ctx, s.NewRepo()) },
		"head":   func() error { _, err := s.Hub.Head(ctx, ref); return err },
		"tree":   func() error { _, err := s.Hub.Tree(ctx, ref, "", 10); return err },
		"stat":   func() error { _, err := s.Hub.Stat(ctx, ref, "f"); return err },
		"open":   func() error { _, err := s.Hub.Open(ctx, ref, "f", 0, -1); return err },
		"upload": func() error { return s.Hub.Upload(ctx, repo, content{"g.parquet": "1"}.sources()) },
		"publish": func() error {
			_, err := s.Hub.Publish(ctx, hub.Publication{Repo: repo, Message: "m", Parent: sha, Add: content{"g": "1"}.sources()})
			return err
		},
	} {
		s.wantErr(name, call(), context.Canceled)
	}
	if got := s.headOf(repo); got != sha {
		s.Errorf("a publication whose context had ended moved the head to %s", got)
	}
}
