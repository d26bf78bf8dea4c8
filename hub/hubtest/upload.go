package hubtest

import (
	"errors"
	"slices"
	"testing"

	"finest/hub"
)

// unread returns src with an Open that fails and is reported.
func (s *spec) unread(src hub.Source) hub.Source {
	src.Open = func() (hub.Content, error) {
		s.Errorf("%s is opened, but was uploaded before", src.Path)
		return nil, errors.New("not to be opened")
	}
	return src
}

// Contents that were sent ahead are seen by nobody, and need not be read again
// where the hub keeps them apart from commits, as all do with Parquet.
func specUploadAhead(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	before, err := s.Hub.Tree(s.ctx, hub.Ref{Repo: repo, Revision: first}, "", 10)
	if err != nil {
		s.Fatal(err)
	}
	c := content{"data/a.parquet": text("ahead a", 90_000), "data/b.parquet": text("ahead b", 10), "README.md": "# ahead\n"}
	for range 2 { // what is there is no error
		if err := s.Hub.Upload(s.ctx, repo, c.sources()); err != nil {
			s.Fatalf("upload: %v", err)
		}
	}
	if got := s.headOf(repo); got != first {
		s.Errorf("uploading moved the head from %q to %q", first, got)
	}
	after, err := s.Peer.Tree(s.ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch}, "", 10)
	if err != nil || !slices.Equal(after, before) {
		s.Errorf("after uploading the tree is %v, %v, want %v", after, err, before)
	}
	add := []hub.Source{
		s.unread(source("data/a.parquet", c["data/a.parquet"])),
		s.unread(source("data/b.parquet", c["data/b.parquet"])),
		source("README.md", c["README.md"]),
	}
	sha, err := s.Hub.Publish(s.ctx, hub.Publication{Repo: repo, Message: "m", Parent: first, Add: add})
	if err != nil {
		s.Fatalf("publish what was uploaded: %v", err)
	}
	s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: sha}, c)
}

// What one process uploads another may publish, under any path.
func specUploadPeer(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	body := text("uploaded by the peer", 50_000)
	if err := s.Peer.Upload(s.ctx, repo, content{"a.parquet": body}.sources()); err != nil {
		s.Fatalf("upload: %v", err)
	}
	c := content{"b.parquet": body, "c/d.parquet": body}
	s.wantFiles(s.Peer, hub.Ref{Repo: repo, Revision: s.publish(repo, first, c)}, c)
}

func specUploadLies(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	for _, path := range []string{"b.parquet", "b.txt"} {
		for name, lie := range lies {
			src := source(path, text("uploaded lie "+name+path, 5000))
			lie(&src)
			err := s.Hub.Upload(s.ctx, repo, []hub.Source{source("a.parquet", "fine"), src})
			s.wantErr(name+" of "+path, err, hub.ErrCorrupt)
		}
	}
	if got := s.headOf(repo); got != first {
		s.Errorf("a lie moved the head from %q to %q", first, got)
	}
	// The true content can be published under the hash that was claimed.
	c := content{"b.parquet": "other"}
	s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: s.publish(repo, first, c)}, c)
}

func specUploadFails(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	disk := errors.New("disk is gone")
	body := text("upload fails", 100_000)
	for name, src := range failing("b.parquet", body, disk) {
		s.wantErr(name, s.Hub.Upload(s.ctx, repo, []hub.Source{source("a.parquet", "fine"), src}), disk)
	}
	nothing := source("a.parquet", "x")
	nothing.SHA256 = "abc"
	for name, src := range map[string]hub.Source{
		"hash that is none": nothing,
		"path that climbs":  source("../a.parquet", "1"),
		"absolute path":     source("/a.parquet", "1"),
		"empty path":        source("", "1"),
	} {
		if err := s.Hub.Upload(s.ctx, repo, []hub.Source{src}); err == nil || errors.Is(err, hub.ErrUnavailable) {
			s.Errorf("%s: error %v, want a permanent one", name, err)
		}
	}
	c := content{"b.parquet": body}
	s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: s.publish(repo, first, c)}, c)
}
