package huggingface_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"finest/hub"
	"finest/hub/devhub"
	"finest/hub/devhub/devhubtest"
)

// A publication is: the head, how each file is to be stored, which objects are
// missing, those objects, and one commit.
func TestPublishRequests(t *testing.T) {
	s := newScene(t)
	add := files()
	sha, err := s.c.Publish(t.Context(), s.publication(add...))
	s.wantPublished(sha, err, add)
	var got []string
	object := add[0].SHA256
	for _, r := range s.Server.Faults().Requests()[:6] {
		got = append(got, r.Method+" "+r.Path)
	}
	want := []string{
		"GET /api/datasets/tester/repo/revision/main",
		"POST /api/datasets/tester/repo/preupload/main",
		"POST /datasets/tester/repo.git/info/lfs/objects/batch",
		"PUT /storage/objects/" + object,
		"POST /datasets/tester/repo.git/info/lfs/objects/verify",
		"POST /api/datasets/tester/repo/commit/main",
	}
	if !slices.Equal(got, want) {
		t.Errorf("requests\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, r := range s.Server.Faults().Requests()[:6] {
		wantToken := !strings.Contains(r.Path, "/storage/")
		if has := r.Header.Get("Authorization") == "Bearer "+devhubtest.Token; has != wantToken {
			t.Errorf("%s %s has the token: %v", r.Method, r.Path, has)
		}
	}
	put := s.requests(toObjects)[0]
	if put.Header.Get("Content-Length") != "50000" || put.Header.Get("Transfer-Encoding") != "" || put.Header.Get("Authorization") != "" {
		t.Errorf("the object is sent with %v", put.Header)
	}
	if h := s.requests(toCommit)[0].Header; h.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("the commit is sent as %q", h.Get("Content-Type"))
	}
	if h := s.requests(toBatch)[0].Header; h.Get("Content-Type") != "application/vnd.git-lfs+json" || h.Get("Accept") != "application/vnd.git-lfs+json" {
		t.Errorf("the batch is sent as %v", h)
	}
}

// What the branch holds makes no commit and sends nothing.
func TestPublishOfWhatIsThere(t *testing.T) {
	s := newScene(t)
	add := append(files(), hub.Bytes("empty", nil))
	sha, err := s.c.Publish(t.Context(), s.publication(add...))
	s.wantPublished(sha, err, add)
	for name, tc := range map[string]struct {
		parent string
		add    []hub.Source
	}{
		"on its parent": {s.first, add}, "on itself": {sha, add}, "a part": {sha, add[1:]}, "a part on its parent": {s.first, add[:1]},
	} {
		s.Server.Faults().Clear()
		got, err := s.c.Publish(t.Context(), hub.Publication{Repo: s.repo, Message: name, Parent: tc.parent, Add: tc.add})
		if err != nil || got != sha || s.count(toCommit) != 0 || s.count(toObjects) != 0 {
			t.Errorf("%s: %s, %v, with %d commits and %d objects sent", name, got, err, s.count(toCommit), s.count(toObjects))
		}
	}
	// What is there is left out of the next commit.
	s.Server.Faults().Clear()
	more := append(add, hub.Bytes("b.parquet", []byte("new")))
	next, err := s.c.Publish(t.Context(), hub.Publication{Repo: s.repo, Message: "more", Parent: sha, Add: more})
	if err != nil || next == sha {
		t.Fatalf("%s, %v", next, err)
	}
	s.wantHeld(next, more)
	if r := s.requests(toCommit); len(r) != 1 || r[0].Received > 300 || s.count(toObjects) != 1 {
		t.Errorf("%d commits of %d bytes, %d objects", len(r), r[0].Received, s.count(toObjects))
	}
}

// The hub's limits: 256 files in one question, 100 in one commit.
func TestPublishManyFiles(t *testing.T) {
	s := newScene(t)
	var add []hub.Source
	for i := range 257 {
		add = append(add, hub.Bytes(fmt.Sprintf("data/%03d.parquet", i), fmt.Appendf(nil, "file %d", i)))
	}
	add = append(add, hub.Bytes("log.jsonl", []byte("last\n")))
	sha, err := s.c.Publish(t.Context(), s.publication(add...))
	if err != nil {
		t.Fatal(err)
	}
	s.wantHeld(sha, add)
	if p, b, n := s.count(toPreupload), s.count(toBatch), len(s.commits()); p != 2 || b != 2 || n != 3 {
		t.Errorf("%d preuploads, %d batches, %d commits; want 2, 2, 3", p, b, n)
	}
	log, err := s.Store.Log(t.Context(), hub.Ref{Repo: s.repo, Revision: hub.MainBranch}, 10)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range log {
		_, err := s.Store.Stat(t.Context(), hub.Ref{Repo: s.repo, Revision: c.SHA}, "log.jsonl")
		if last := i == 0; last != (err == nil) {
			t.Errorf("commit %d before the last holds the last file: %v", i, err == nil)
		}
	}
}

// A publication that breaks off between its commits goes on from what landed.
func TestPublishGoesOnBetweenCommits(t *testing.T) {
	s := newScene(t)
	var add []hub.Source
	for i := range 150 {
		add = append(add, hub.Bytes(fmt.Sprintf("text/%03d.txt", i), fmt.Appendf(nil, "file %d", i)))
	}
	s.Server.Faults().Rewrite(devhub.Match{Method: http.MethodPost, Path: "/commit/"}, 1, func(h http.Header, b []byte) (int, http.Header, []byte) {
		// The second one is refused for good.
		s.Server.Faults().Reply(toCommit, 1, http.StatusForbidden, nil, `{"error":"storage quota"}`)
		return 0, h, b
	})
	if _, err := s.c.Publish(t.Context(), s.publication(add...)); !errors.Is(err, hub.ErrDenied) {
		t.Fatalf("error %v", err)
	}
	half := headOf(t, s.c, s.repo)
	if half == s.first || len(s.commits()) != 1 {
		t.Fatalf("%d commits landed", len(s.commits()))
	}
	if _, err := s.c.Publish(t.Context(), s.publication(add...)); !errors.Is(err, hub.ErrConflict) {
		t.Errorf("on the old parent: %v", err)
	}
	s.Server.Faults().Clear()
	p := s.publication(add...)
	p.Parent = half
	sha, err := s.c.Publish(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	s.wantHeld(sha, add)
	if len(s.commits()) != 2 || s.count(toCommit) != 1 {
		t.Errorf("%d commits, want 2", len(s.commits()))
	}
}

// What the hub would refuse after everything was sent is refused here, before
// the first request.
func TestPublishRefusesWithoutARequest(t *testing.T) {
	s := newScene(t)
	folder := make([]hub.Source, 10_001)
	for i := range folder {
		folder[i] = hub.Bytes(fmt.Sprintf("data/%d", i), nil)
	}
	for name, p := range map[string]hub.Publication{
		"10,001 files in a folder": s.publication(folder...),
		"message that is no text":  {Repo: s.repo, Message: "\xff", Parent: s.first, Add: files()},
		"no repository name":       {Repo: "repo", Message: "m", Parent: s.first, Add: files()},
		"no parent sha":            {Repo: s.repo, Message: "m", Parent: "main", Add: files()},
		"below a file":             s.publication(hub.Bytes("a", nil), hub.Bytes("a/b/c", nil)),
		"nothing":                  s.publication(),
	} {
		if _, err := s.c.Publish(t.Context(), p); err == nil || errors.Is(err, hub.ErrUnavailable) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if n := len(s.Server.Faults().Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	// One fewer is sent: the bound is the hub's.
	if err := s.c.Upload(t.Context(), s.repo, folder[:10_000]); err != nil {
		t.Errorf("10,000 files in a folder: %v", err)
	}
}

func TestPublishWhatTheRepositoryIgnores(t *testing.T) {
	s := newScene(t)
	head, err := s.c.Publish(t.Context(), s.publication(hub.Bytes(".gitignore", []byte("*.tmp\n"))))
	if err != nil {
		t.Fatal(err)
	}
	p := s.publication(hub.Bytes("a.parquet", []byte("fine")), hub.Bytes("b.tmp", []byte("not")))
	p.Parent = head
	for name, err := range map[string]error{
		"publish": func() error { _, err := s.c.Publish(t.Context(), p); return err }(),
		"upload":  s.c.Upload(t.Context(), s.repo, p.Add),
	} {
		if err == nil || errors.Is(err, hub.ErrUnavailable) || !strings.Contains(err.Error(), `"b.tmp"`) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if s.count(toObjects) != 0 || headOf(t, s.c, s.repo) != head {
		t.Error("something was sent")
	}
}

// A hub that wants an empty file as an LFS object would answer 501 to it.
func TestPublishEmptyFile(t *testing.T) {
	s := newScene(t)
	s.Server.Faults().Rewrite(toPreupload, 1, func(h http.Header, b []byte) (int, http.Header, []byte) {
		return 0, h, []byte(strings.ReplaceAll(string(b), `"regular"`, `"lfs"`))
	})
	add := []hub.Source{hub.Bytes("empty.parquet", nil)}
	sha, err := s.c.Publish(t.Context(), s.publication(add...))
	s.wantPublished(sha, err, add)
	if n := s.count(toBatch); n != 0 {
		t.Errorf("%d LFS batches", n)
	}
}

// A commit cannot carry what does not fit in it.
func TestPublishTooLargeForACommit(t *testing.T) {
	s := newScene(t)
	s.Server.Faults().Rewrite(toPreupload, 1, func(h http.Header, b []byte) (int, http.Header, []byte) {
		return 0, h, []byte(strings.ReplaceAll(string(b), `"lfs"`, `"regular"`))
	})
	src := hub.Bytes("a.bin", []byte(text(600)))
	src.Size = 100_000_001
	src.Open = func() (hub.Content, error) { return zeros{}, nil }
	if _, err := s.c.Publish(t.Context(), s.publication(src)); !errors.Is(err, hub.ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	s.wantNothing()
}

// zeros reads as zeros for ever.
type zeros struct{}

func (zeros) ReadAt(p []byte, _ int64) (int, error) { clear(p); return len(p), nil }
func (zeros) Close() error                          { return nil }

func TestPublishToBranchesAndPullRequests(t *testing.T) {
	s := newScene(t)
	if err := s.c.CreateBranch(t.Context(), s.repo, "next/1", hub.MainBranch); err != nil {
		t.Fatal(err)
	}
	num, err := s.c.OpenPull(t.Context(), s.repo, "A pull request", "what it does")
	if err != nil {
		t.Fatal(err)
	}
	add := files()
	for _, branch := range []string{"next/1", fmt.Sprintf("refs/pr/%d", num)} {
		ref := hub.Ref{Repo: s.repo, Revision: branch}
		parent, err := s.c.Head(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		p := s.publication(add...)
		p.Parent = parent
		for range 2 { // a repeated one makes no second commit
			sha, err := s.c.PublishTo(t.Context(), branch, p)
			if err != nil {
				t.Fatalf("%s: %v", branch, err)
			}
			if head, err := s.c.Head(t.Context(), ref); err != nil || head != sha {
				t.Errorf("%s stands at %s, %v, want %s", branch, head, err, sha)
			}
			s.wantHeld(sha, add)
		}
		if log, err := s.Store.Log(t.Context(), ref, 10); err != nil || len(log) != 2 {
			t.Errorf("%s has %d commits, %v", branch, len(log), err)
		}
	}
	s.wantNothing()
	if _, err := s.c.PublishTo(t.Context(), "nobranch", s.publication(add...)); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("a branch that is not there: %v", err)
	}
}

// One hash cannot have two sizes.
func TestPublishOneHashTwoSizes(t *testing.T) {
	s := newScene(t)
	a, b := hub.Bytes("a.parquet", []byte("same")), hub.Bytes("b.parquet", []byte("same"))
	b.Size--
	if _, err := s.c.Publish(t.Context(), s.publication(a, b)); !errors.Is(err, hub.ErrCorrupt) {
		t.Errorf("error %v", err)
	}
	s.wantNothing()
}

// A quota is for the caller to wait for: no request is repeated meanwhile.
func TestPublishParksOnTheQuotaOfCommits(t *testing.T) {
	s := newScene(t)
	header := http.Header{"Ratelimit": {`"api";r=949;t=57`}}
	s.Server.Faults().Reply(toCommit, 1, http.StatusTooManyRequests, header,
		`{"error":"You have exceeded the rate limit for repository commits (128 per hour)."}`)
	add := files()
	_, err := s.c.Publish(t.Context(), s.publication(add...))
	if !errors.Is(err, hub.ErrUnavailable) || hub.RetryAfter(err) != time.Hour || s.count(toCommit) != 1 {
		t.Errorf("error %v after %d commits, asks for %v", err, s.count(toCommit), hub.RetryAfter(err))
	}
	s.wantNothing()
	sha, err := s.c.Publish(t.Context(), s.publication(add...))
	s.wantPublished(sha, err, add)
}
