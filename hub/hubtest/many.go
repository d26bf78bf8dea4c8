package hubtest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"finest/hub"
)

// A publication may have more files than a hub takes in one commit. However many
// commits it makes of them, all are there, the last of Add last; and a
// publication that was cut off is made again on top of what landed.
func specManyFiles(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	const files = 250
	c := content{"kept": "from before"}
	head := s.publish(repo, first, content{"kept": c["kept"]})
	var add []hub.Source
	put := func(path, text string) {
		add = append(add, source(path, text))
		c[path] = text
	}
	for i := range files {
		put(fmt.Sprintf("data/%d/%03d.parquet", i%3, i), fmt.Sprintf("parquet %d", i))
		if i%2 == 0 {
			put(fmt.Sprintf("text/%03d.txt", i), fmt.Sprintf("text %d", i))
		}
	}
	put("log.jsonl", "last\n")

	cut, err := s.Hub.Publish(s.ctx, hub.Publication{Repo: repo, Message: "cut off", Parent: head, Add: add[:len(add)/3]})
	if err != nil {
		s.Fatalf("publish a part: %v", err)
	}
	sha, err := s.Hub.Publish(s.ctx, hub.Publication{Repo: repo, Message: "whole", Parent: cut, Add: add})
	if err != nil {
		s.Fatalf("publish %d files: %v", len(add), err)
	}
	s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: sha}, c)
	if got := s.headOf(repo); got != sha {
		s.Errorf("head is %s, publishing returned %s", got, sha)
	}
	for name, parent := range map[string]string{"old parent": cut, "new parent": sha} {
		got, err := s.Peer.Publish(s.ctx, hub.Publication{Repo: repo, Message: "again", Parent: parent, Add: add})
		if err != nil || got != sha {
			s.Errorf("publishing again on the %s: %q, %v, want the head %s", name, got, err, sha)
		}
	}
}

// Large files are sent in parts by some hubs, and those that are not Parquet
// stop being text at some size.
func specLarge(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	const size = 11<<20 + 1
	body := text("large", size)
	c := content{"large.bin": body, "large.parquet": body[1:], "small.bin": body[:100]}
	ref := hub.Ref{Repo: repo, Revision: s.publish(repo, first, c)}
	s.wantFiles(s.Hub, ref, c)
	for _, offset := range []int64{5<<20 - 1, 5 << 20, 10<<20 - 7, size - 14} {
		if got := s.read(s.Peer, ref, "large.bin", offset, 14); got != body[offset:offset+14] {
			s.Errorf("14 bytes from %d differ", offset)
		}
	}
	// The next content may be of another size class.
	c = content{"large.bin": "now small", "large.parquet": "", "small.bin": body}
	ref.Revision = s.publish(repo, ref.Revision, c)
	s.wantFiles(s.Peer, ref, c)
}

// Names are bytes of UTF-8 and survive any escaping between here and the hub.
func specOddPaths(_ *testing.T, s *spec) {
	repo, first := s.newRepo()
	c := content{}
	for _, name := range []string{
		"a b", "a  b", "a#b", "a%b", "a%20b", "a%2Fb", "a+b", "a?b", "a?b=c&d", "a&b", "a=b", "a;b", "a:b", "a,b", "a@b", "a~b", "a!b",
		"a'b", `a"b`, "a(b)", "[a]", "{a}", "<a>", "a|b", "a^b", "a`b", "$a", "*a", "-a", ".a", "..a", "a..", "a.b.c",
		"ä", "a\u0308", "日本語", "🤗", "\u202etxt", "refs", "resolve", "tree", "main", "HEAD", "null", "index.html", strings.Repeat("n", 200),
	} {
		c[name+".txt"] = "text in " + name
		c["dir/"+name+"/x.parquet"] = "data in " + name
	}
	ref := hub.Ref{Repo: repo, Revision: s.publish(repo, first, c)}
	s.wantFiles(s.Hub, ref, c)
	for path, text := range c {
		folder, ok := strings.CutSuffix(path, "/x.parquet")
		if !ok {
			continue
		}
		files, err := s.Hub.Tree(s.ctx, ref, folder, 10)
		if err != nil || len(files) != 1 || files[0] != source(path, text).File {
			s.Errorf("tree of %q: %v, %v", folder, files, err)
		}
	}
}

// Everybody may create a repository and publish the same at once: a reply that
// was lost is asked for again by more than one.
func specSameConcurrently(_ *testing.T, s *spec) {
	repo := s.NewRepo()
	const callers = 6
	var shas [callers]string
	var wg sync.WaitGroup
	for i := range callers {
		h := []hub.Hub{s.Hub, s.Peer}[i%2]
		wg.Go(func() {
			if err := h.EnsureRepo(s.ctx, repo); err != nil {
				s.Errorf("caller %d creates the repository: %v", i, err)
			}
		})
	}
	wg.Wait()
	first := s.headOf(repo)
	c := content{"a.parquet": text("same", 30_000), "log.jsonl": "line\n"}
	for i := range callers {
		h := []hub.Hub{s.Hub, s.Peer}[i%2]
		wg.Go(func() {
			var err error
			shas[i], err = h.Publish(s.ctx, hub.Publication{Repo: repo, Message: "same", Parent: first, Add: c.sources()})
			if err != nil {
				s.Errorf("caller %d publishes: %v", i, err)
			}
		})
	}
	wg.Wait()
	head := s.headOf(repo)
	for i, sha := range shas {
		if sha != head {
			s.Errorf("caller %d published %q, the head is %q", i, sha, head)
		}
	}
	s.wantFiles(s.Hub, hub.Ref{Repo: repo, Revision: head}, c)
}
