package hubtest

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"finest/hub"
)

func specMissingRepo(_ *testing.T, s *spec) {
	repo := s.NewRepo()
	ref := hub.Ref{Repo: repo, Revision: hub.MainBranch}
	_, err := s.Hub.Head(s.ctx, ref)
	s.wantErr("head", err, hub.ErrNotFound)
	_, err = s.Hub.Tree(s.ctx, ref, "", 10)
	s.wantErr("tree", err, hub.ErrNotFound)
	_, err = s.Hub.Stat(s.ctx, ref, "a")
	s.wantErr("stat", err, hub.ErrNotFound)
	_, err = s.Hub.Open(s.ctx, ref, "a", 0, -1)
	s.wantErr("open", err, hub.ErrNotFound)
	_, err = s.Hub.Publish(s.ctx, hub.Publication{Repo: repo, Message: "m", Add: content{"a": "1"}.sources()})
	s.wantErr("publish", err, hub.ErrNotFound)
	s.wantErr("upload", s.Hub.Upload(s.ctx, repo, content{"a.parquet": "1"}.sources()), hub.ErrNotFound)
}

func specEnsure(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	sha := s.publish(repo, first, content{"a.txt": "1"})
	for name, h := range map[string]hub.Hub{"hub": s.Hub, "peer": s.Peer} {
		if err := h.EnsureRepo(s.ctx, repo); err != nil {
			s.Errorf("%s: ensuring a repository that exists: %v", name, err)
		}
	}
	if got := s.headOf(repo); got != sha {
		s.Errorf("ensuring it moved the head from %s to %s", sha, got)
	}
}

func specRepoNames(_ *testing.T, s *spec) {
	for _, bad := range []string{"", "name", "/name", "owner/", "a/b/c", "../name", "owner/..", "owner/na me", "owner/name\n", strings.Repeat("a", 200) + "/b"} {
		if err := s.Hub.EnsureRepo(s.ctx, bad); err == nil || errors.Is(err, hub.ErrUnavailable) {
			s.Errorf("repository %.20q: error %v, want a permanent one", bad, err)
		}
	}
}

func specFirst(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	c := content{
		"README.md": "# hello\n", "empty": "", "data/CC-MAIN-2024-10/x-000000-00000.parquet": text("p", 70_000),
		"tasks/x-000000/manifest.json": "{}", "log.jsonl": "line\n", "a b/ä+%20.txt": "odd name",
	}
	sha := s.publish(repo, first, c)
	if got := s.headOf(repo); got != sha || sha == first {
		s.Errorf("head went from %q to %q, publishing returned %q", first, got, sha)
	}
	s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: sha}, c)
	s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: hub.MainBranch}, c)
	if got, err := s.Hub.Head(s.ctx, hub.Ref{Repo: repo, Revision: sha}); err != nil || got != sha {
		s.Errorf("head of a commit is %q, %v, want itself", got, err)
	}
}

func specAddReplace(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	one := content{"a": "1", "dir/b": "2", "dir/c": "3"}
	sha1 := s.publish(repo, first, one)
	sha2 := s.publish(repo, sha1, content{"a": "one", "dir/d": "4"})
	s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: sha1}, one)
	s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: sha2}, content{"a": "one", "dir/b": "2", "dir/c": "3", "dir/d": "4"})
	// Back to an earlier content is a commit of its own.
	sha3 := s.publish(repo, sha2, content{"a": "1"})
	if sha3 == sha2 || sha3 == sha1 {
		s.Errorf("three publications have the commits %s, %s, %s", sha1, sha2, sha3)
	}
	s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: sha3}, content{"a": "1", "dir/b": "2", "dir/c": "3", "dir/d": "4"})
}

// A publication whose reply was lost can be repeated, with the old parent, with
// the new one, whole or in part, from here or from another process.
func specSameAgain(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	c := content{"a": "1", "b": "2"}
	sha := s.publish(repo, first, c)
	for name, again := range map[string]struct {
		h      hub.Hub
		parent string
		add    content
	}{
		"old parent":      {s.Hub, first, c},
		"new parent":      {s.Hub, sha, c},
		"from the peer":   {s.Peer, first, c},
		"a part":          {s.Hub, first, content{"a": "1"}},
		"a part, on head": {s.Hub, sha, content{"b": "2"}},
	} {
		got, err := again.h.Publish(s.ctx, hub.Publication{Repo: repo, Message: "again", Parent: again.parent, Add: again.add.sources()})
		if err != nil || got != sha {
			s.Errorf("%s: %q, %v, want the head %s", name, got, err, sha)
		}
	}
	if got := s.headOf(repo); got != sha {
		s.Errorf("the head moved from %s to %s", sha, got)
	}
}

func specConflict(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	sha1 := s.publish(repo, first, content{"a": "1"})
	sha2 := s.publish(repo, sha1, content{"a": "2"})
	for name, p := range map[string]struct {
		parent string
		add    content
	}{
		"on an older commit":        {sha1, content{"b": "3"}},
		"on the first":              {first, content{"b": "3"}},
		"older content on its time": {first, content{"a": "1"}},
		"half the same":             {sha1, content{"a": "2", "b": "3"}},
	} {
		_, err := s.Peer.Publish(s.ctx, hub.Publication{Repo: repo, Message: name, Parent: p.parent, Add: p.add.sources()})
		s.wantErr(name, err, hub.ErrConflict)
	}
	if got := s.headOf(repo); got != sha2 {
		s.Errorf("a refused publication moved the head from %s to %s", sha2, got)
	}
	s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: hub.MainBranch}, content{"a": "2"})
}

// lies are ways in which a source may not be what it says.
var lies = map[string]func(*hub.Source){
	"hash":      func(src *hub.Source) { src.SHA256 = sum("other") },
	"too short": func(src *hub.Source) { src.Size++ },
	"too long":  func(src *hub.Source) { src.Size-- },
	"empty":     func(src *hub.Source) { src.Size = 0 },
}

func specLies(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	for name, lie := range lies {
		src := source("b", text("lie "+name, 5000))
		lie(&src)
		_, err := s.Hub.Publish(s.ctx, hub.Publication{Repo: repo, Message: name, Parent: first, Add: []hub.Source{source("a", "fine"), src}})
		s.wantErr(name, err, hub.ErrCorrupt)
	}
	if got := s.headOf(repo); got != first {
		s.Errorf("a lie moved the head from %q to %q", first, got)
	}
	// The true content can be published under the hash that was claimed.
	c := content{"b": "other"}
	s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: s.publish(repo, first, c)}, c)
}

func specSourceFails(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	disk := errors.New("disk is gone")
	body := text("fails", 100_000)
	for name, src := range failing("b", body, disk) {
		_, err := s.Hub.Publish(s.ctx, hub.Publication{Repo: repo, Message: name, Parent: first, Add: []hub.Source{source("a", "fine"), src}})
		s.wantErr(name, err, disk)
	}
	if got := s.headOf(repo); got != first {
		s.Errorf("a failed publication moved the head from %q to %q", first, got)
	}
	c := content{"a": "fine", "b": body}
	s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: s.publish(repo, first, c)}, c)
}

func specBadPublications(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	sha := s.publish(repo, first, content{"dir/file": "1"})
	nothing := source("a", "x")
	nothing.SHA256 = "abc"
	for name, add := range map[string][]hub.Source{
		"no files":              {},
		"path twice":            {source("a", "1"), source("a", "2")},
		"file in the way":       {source("dir/file/below", "1")},
		"folder in the way":     {source("dir", "1")},
		"both in one":           {source("x", "1"), source("x/y", "2")},
		"hash that is none":     {nothing},
		"absolute path":         {source("/etc/passwd", "1")},
		"path that climbs":      {source("../../x", "1")},
		"path that climbs back": {source("a/../b", "1")},
		"dot path":              {source("./a", "1")},
		"empty element":         {source("a//b", "1")},
		"folder path":           {source("a/", "1")},
		"empty path":            {source("", "1")},
		"control character":     {source("a\x00b", "1")},
	} {
		_, err := s.Hub.Publish(s.ctx, hub.Publication{Repo: repo, Message: name, Parent: sha, Add: add})
		if err == nil || errors.Is(err, hub.ErrUnavailable) || errors.Is(err, hub.ErrConflict) {
			s.Errorf("%s: error %v, want a permanent one", name, err)
		}
	}
	_, err := s.Hub.Publish(s.ctx, hub.Publication{Repo: repo, Message: "m", Parent: strings.Repeat("0", 40), Add: content{"n": "1"}.sources()})
	if err == nil || errors.Is(err, hub.ErrUnavailable) {
		s.Errorf("unknown parent: error %v, want a permanent one", err)
	}
	if got := s.headOf(repo); got != sha {
		s.Errorf("a bad publication moved the head from %s to %s", sha, got)
	}
}

func specSharedContent(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	body := text("shared", 20_000)
	one := content{"a": body, "b": body, "c/d": body, "e": ""}
	sha1 := s.publish(repo, first, one)
	s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: sha1}, one)
	sha2 := s.publish(repo, sha1, content{"a": "changed", "f": ""})
	s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: sha2}, content{"a": "changed", "b": body, "c/d": body, "e": "", "f": ""})
	other, otherFirst := s.newRepo()
	two := content{"copy": body}
	s.wantFiles(s.Hub, hub.Ref{Repo: other, Revision: s.publish(other, otherFirst, two)}, two)
}

// Of publications on one parent exactly one wins; nobody's files mix.
func specConcurrent(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	const writers = 6
	shas, errs := make([]string, writers), make([]error, writers)
	contents := make([]content, writers)
	var wg sync.WaitGroup
	for i := range writers {
		contents[i] = content{"log.jsonl": fmt.Sprintf("writer %d\n", i), fmt.Sprintf("data/%d", i): text(fmt.Sprint(i), 30_000)}
		h := []hub.Hub{s.Hub, s.Peer}[i%2]
		wg.Go(func() {
			shas[i], errs[i] = h.Publish(s.ctx, hub.Publication{Repo: repo, Message: "race", Parent: first, Add: contents[i].sources()})
		})
	}
	wg.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			s.Errorf("writers %d and %d both made a commit on %q", winner, i, first)
		case err == nil:
			winner = i
		default:
			s.wantErr(fmt.Sprintf("writer %d", i), err, hub.ErrConflict)
		}
	}
	if winner < 0 {
		s.Fatal("no writer made a commit")
	}
	s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: shas[winner]}, contents[winner])
	if got := s.headOf(repo); got != shas[winner] {
		s.Errorf("head is %s, want %s", got, shas[winner])
	}
	// The losers build on it.
	head, all := shas[winner], maps.Clone(contents[winner])
	for i, c := range contents {
		if i != winner {
			head = s.publish(repo, head, c)
			maps.Copy(all, c)
		}
	}
	s.wantFiles(s.Peer, hub.Ref{Repo: repo, Revision: head}, all)
}
