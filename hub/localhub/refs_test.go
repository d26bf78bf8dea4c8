package localhub_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"finest/hub"
	"finest/hub/localhub"
)

func head(t testing.TB, h *localhub.Hub, revision string) string {
	t.Helper()
	sha, err := h.Head(t.Context(), hub.Ref{Repo: repo, Revision: revision})
	if err != nil {
		t.Fatal(err)
	}
	return sha
}

// branched is a repository with two commits on main, a branch with one more, a
// branch named as a folder of it, a tag on the first commit and two pull
// requests, the second with a commit.
func branched(t testing.TB) (h *localhub.Hub, shas map[string]string) {
	t.Helper()
	return branchedIn(t, t.TempDir())
}

func branchedIn(t testing.TB, dir string) (h *localhub.Hub, shas map[string]string) {
	t.Helper()
	h, first := storedIn(t, dir, "1", "2", "3")
	second := commit(t, h, "main", localhub.Change{Message: "second", Description: "why", Add: []localhub.Entry{regular("a", "1")}})
	for name, from := range map[string]string{"dev": "", "dev/x": first} {
		if err := h.CreateBranch(t.Context(), repo, name, from); err != nil {
			t.Fatal(err)
		}
	}
	onDev := commit(t, h, "refs/heads/dev", localhub.Change{Message: "dev", Add: []localhub.Entry{regular("b", "2")}})
	if err := h.CreateTag(t.Context(), repo, "v1.0", first, "the first"); err != nil {
		t.Fatal(err)
	}
	for want := range 2 {
		n, err := h.OpenPull(t.Context(), repo, "title", "description")
		if err != nil || n != want+1 {
			t.Fatalf("opened pull request %d, %v", n, err)
		}
	}
	onPull := commit(t, h, "refs/pr/2", localhub.Change{Message: "pull", Add: []localhub.Entry{regular("c", "3")}})
	return h, map[string]string{"first": first, "second": second, "dev": onDev, "pull": onPull}
}

func TestRevisions(t *testing.T) {
	h, shas := branched(t)
	for revision, want := range map[string]string{
		"main": "second", "HEAD": "second", "refs/heads/main": "second", "dev": "dev", "refs/heads/dev": "dev", "dev/x": "first",
		"v1.0": "first", "refs/tags/v1.0": "first", "refs/pr/1": "second", "refs/pr/2": "pull",
		shas["first"]: "first", shas["second"]: "second", shas["dev"]: "dev", shas["pull"]: "pull",
	} {
		if got := head(t, h, revision); got != shas[want] {
			t.Errorf("%s stands at %s, want %s, %s", revision, got, shas[want], want)
		}
	}
	for _, revision := range []string{
		"", "refs", "refs/", "refs/heads", "refs/heads/", "refs/heads/none", "refs/tags/dev", "refs/heads/v1.0", "refs/pr/", "refs/pr/0", "refs/pr/3",
		"refs/pr/01", "refs/pr/+1", "refs/pr/1/..", "pr/1", "heads/main", "refs/remotes/main", "dev/", "/dev", "dev%2Fx", "DEV", "Main", "main/..", "../main",
		"lock", "settings.json", "commits", shas["first"][:39], strings.ToUpper(shas["first"]), strings.Repeat("x", 5000),
	} {
		if sha, err := h.Head(t.Context(), hub.Ref{Repo: repo, Revision: revision}); !errors.Is(err, hub.ErrNotFound) {
			t.Errorf("%.60q stands at %q, %v, want ErrNotFound", revision, sha, err)
		}
	}
	other := "other/repo"
	if err := h.EnsureRepo(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	for _, revision := range []string{"dev", "v1.0", "refs/pr/1", shas["second"]} {
		if sha, err := h.Head(t.Context(), hub.Ref{Repo: other, Revision: revision}); !errors.Is(err, hub.ErrNotFound) {
			t.Errorf("%s of another repository stands at %q, %v", revision, sha, err)
		}
	}
}

func TestRefs(t *testing.T) {
	h, shas := branched(t)
	for n := 3; n <= 11; n++ { // to be in the order of numbers
		if _, err := h.OpenPull(t.Context(), repo, "", ""); err != nil {
			t.Fatal(err)
		}
	}
	branches, tags, pulls, err := h.Refs(t.Context(), repo)
	if err != nil {
		t.Fatal(err)
	}
	if want := []localhub.Branch{
		{Name: "dev", Ref: "refs/heads/dev", SHA: shas["dev"]},
		{Name: "dev/x", Ref: "refs/heads/dev/x", SHA: shas["first"]},
		{Name: "main", Ref: "refs/heads/main", SHA: shas["second"]},
	}; !slices.Equal(branches, want) {
		t.Errorf("branches %v, want %v", branches, want)
	}
	if want := []localhub.Branch{{Name: "v1.0", Ref: "refs/tags/v1.0", SHA: shas["first"]}}; !slices.Equal(tags, want) {
		t.Errorf("tags %v, want %v", tags, want)
	}
	if len(pulls) != 11 {
		t.Fatalf("%d pull requests, want 11", len(pulls))
	}
	if want := (localhub.Branch{Name: "refs/pr/2", Ref: "refs/pr/2", SHA: shas["pull"]}); pulls[1] != want || pulls[10].Name != "refs/pr/11" {
		t.Errorf("pull requests %v, want the second to be %v and the last refs/pr/11", pulls, want)
	}
	if _, _, _, err := h.Refs(t.Context(), "no/repo"); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("refs of a missing repository: %v", err)
	}
}

func TestRefsThatAreRefused(t *testing.T) {
	h, shas := branched(t)
	ctx := t.Context()
	create := func(name, from string) error { return h.CreateBranch(ctx, repo, name, from) }
	tag := func(name, rev string) error { return h.CreateTag(ctx, repo, name, rev, "") }
	remove := func(name, _ string) error { return h.DeleteBranch(ctx, repo, name) }
	removeTag := func(name, _ string) error { return h.DeleteTag(ctx, repo, name) }
	for _, c := range []struct {
		what       func(name, from string) error
		name, from string
		want       error
	}{
		{create, "dev", "", localhub.ErrExists},
		{create, "main", "", localhub.ErrExists},
		{tag, "v1.0", "", localhub.ErrExists},
		{create, "new", "none", hub.ErrNotFound},
		{create, "new", strings.Repeat("0", 40), hub.ErrNotFound},
		{tag, "new", "none", hub.ErrNotFound},
		{remove, "none", "", hub.ErrNotFound},
		{remove, "v1.0", "", hub.ErrNotFound},
		{removeTag, "dev", "", hub.ErrNotFound},
		{remove, "main", "", localhub.ErrBadRequest},
		{remove, "refs/pr/1", "", localhub.ErrBadRequest},
	} {
		if err := c.what(c.name, c.from); !errors.Is(err, c.want) {
			t.Errorf("%q from %q: %v, want %v", c.name, c.from, err, c.want)
		}
	}
	for _, name := range []string{
		"", " ", "a b", "a..b", "..", ".", ".a", "a/.b", "a.lock", "a.lock/b", "a/", "/a", "a//b", "a.", "-a", "@", "a@{1}", "HEAD", "refs/heads/a",
		"a~b", "a^b", "a:b", "a?b", "a*b", "a[b", `a\b`, "a\x7fb", "a\nb", "\xff", shas["first"], strings.Repeat("n", 201),
	} {
		for what, err := range map[string]error{"branch": create(name, ""), "tag": tag(name, "")} {
			if !errors.Is(err, localhub.ErrBadRequest) {
				t.Errorf("%s %.60q: %v, want ErrBadRequest", what, name, err)
			}
		}
	}
	if err := h.CreateBranch(ctx, "no/repo", "a", ""); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("branch of a missing repository: %v", err)
	}
	if _, err := h.OpenPull(ctx, "no/repo", "", ""); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("pull request in a missing repository: %v", err)
	}
}

func TestDeleteRefs(t *testing.T) {
	h, shas := branched(t)
	for _, err := range []error{h.DeleteBranch(t.Context(), repo, "dev"), h.DeleteTag(t.Context(), repo, "v1.0")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	branches, tags, _, err := h.Refs(t.Context(), repo)
	if err != nil || len(branches) != 2 || len(tags) != 0 {
		t.Errorf("left are %v and %v, %v", branches, tags, err)
	}
	if got := head(t, h, shas["dev"]); got != shas["dev"] {
		t.Errorf("the deleted branch's commit stands at %q", got)
	}
	// The name is free again.
	if err := h.CreateBranch(t.Context(), repo, "dev", "v1.0"); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("branch at the deleted tag: %v", err)
	}
	if err := h.CreateBranch(t.Context(), repo, "dev", shas["dev"]); err != nil {
		t.Error(err)
	}
}

func TestLog(t *testing.T) {
	h, shas := branched(t)
	log, err := h.Log(t.Context(), hub.Ref{Repo: repo, Revision: "dev"}, 10)
	if err != nil || len(log) != 3 {
		t.Fatalf("log %v, %v", log, err)
	}
	for i, want := range []localhub.Commit{
		{SHA: shas["dev"], Parent: shas["second"], Message: "dev"},
		{SHA: shas["second"], Parent: shas["first"], Message: "second", Description: "why"},
		{SHA: shas["first"], Message: "initial commit"},
	} {
		want.Date = log[i].Date
		if log[i] != want || want.Date.IsZero() {
			t.Errorf("commit %d is %+v, want %+v", i, log[i], want)
		}
	}
	for revision, want := range map[string]int{"main": 2, "v1.0": 1, shas["second"]: 2, "refs/pr/2": 3} {
		if log, err := h.Log(t.Context(), hub.Ref{Repo: repo, Revision: revision}, 10); err != nil || len(log) != want {
			t.Errorf("log of %s has %d commits, %v, want %d", revision, len(log), err, want)
		}
	}
	for _, most := range []int{0, 1, 2} {
		if log, err := h.Log(t.Context(), hub.Ref{Repo: repo, Revision: "dev"}, most); err != nil || len(log) != most {
			t.Errorf("log of at most %d has %d, %v", most, len(log), err)
		}
	}
}

func TestSquash(t *testing.T) {
	dir := t.TempDir()
	h, shas := branchedIn(t, dir)
	peer := open(t, dir)
	_ = head(t, peer, shas["dev"]) // it has the commit in memory
	sha, err := h.Squash(t.Context(), repo, "dev", "all of it")
	if err != nil {
		t.Fatal(err)
	}
	if got := paths(t, h, "dev"); !slices.Equal(got, []string{".gitattributes", "a", "b"}) {
		t.Errorf("the squashed branch holds %q", got)
	}
	log, err := h.Log(t.Context(), hub.Ref{Repo: repo, Revision: "dev"}, 10)
	if err != nil || len(log) != 1 || log[0].SHA != sha || log[0].Message != "all of it" {
		t.Errorf("its log is %v, %v", log, err)
	}
	for who, h := range map[string]*localhub.Hub{"hub": h, "peer": peer} {
		if _, err := h.Head(t.Context(), hub.Ref{Repo: repo, Revision: shas["dev"]}); !errors.Is(err, hub.ErrNotFound) {
			t.Errorf("%s: the commit before: %v, want ErrNotFound", who, err)
		}
	}
	// Main and the tag stand on the others.
	for _, name := range []string{"first", "second", "pull"} {
		if got := head(t, h, shas[name]); got != shas[name] {
			t.Errorf("%s stands at %q", name, got)
		}
	}
	if again, err := h.Squash(t.Context(), repo, "dev", "all of it"); err != nil || again != sha {
		t.Errorf("squashed again: %q, %v, want %q", again, err, sha)
	}
	if got := head(t, h, "dev"); got != sha {
		t.Errorf("the branch stands at %q, want %q", got, sha)
	}
}

// A branch whose commit is gone is damaged, not missing.
func TestCommitGone(t *testing.T) {
	for name, missing := range map[string]string{"head": "dev", "parent": "second"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			h, shas := branchedIn(t, dir)
			if err := os.Remove(filepath.Join(dir, "repos", repo, "commits", shas[missing]+".json")); err != nil {
				t.Fatal(err)
			}
			ref := hub.Ref{Repo: repo, Revision: "dev"}
			if _, err := h.Log(t.Context(), ref, 10); !errors.Is(err, hub.ErrCorrupt) {
				t.Errorf("log: %v, want ErrCorrupt", err)
			}
			if _, err := h.Squash(t.Context(), repo, "refs/pr/2", "m"); !errors.Is(err, hub.ErrCorrupt) {
				t.Errorf("squash: %v, want ErrCorrupt", err)
			}
			if _, err := h.Tree(t.Context(), ref, "", 10); missing == "dev" && !errors.Is(err, hub.ErrCorrupt) {
				t.Errorf("tree: %v, want ErrCorrupt", err)
			}
		})
	}
}
