package localhub_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"finest/hub"
	"finest/hub/localhub"
	"finest/internal/canon"
)

func TestCreateRepo(t *testing.T) {
	h := open(t, t.TempDir())
	want := localhub.Settings{Private: true, Gated: "manual"}
	first, err := h.CreateRepo(t.Context(), repo, want)
	if err != nil {
		t.Fatal(err)
	}
	if got := head(t, h, "main"); got != first || first == "" {
		t.Errorf("main stands at %q, want %q", got, first)
	}
	attributes, err := hub.ReadFile(t.Context(), h, mainRef, ".gitattributes", 1000)
	if err != nil || string(attributes) != "*.parquet filter=lfs diff=lfs merge=lfs -text\n" {
		t.Errorf(".gitattributes holds %q, %v", attributes, err)
	}
	if got, err := h.Settings(t.Context(), repo); err != nil || got != want {
		t.Errorf("settings %v, %v, want %v", got, err, want)
	}
	if _, err := h.CreateRepo(t.Context(), repo, localhub.Settings{}); !errors.Is(err, localhub.ErrExists) {
		t.Errorf("created again: %v, want ErrExists", err)
	}
	// Both doors lead to the same repository.
	if err := h.EnsureRepo(t.Context(), "other/name"); err != nil {
		t.Fatal(err)
	}
	if got, err := h.Head(t.Context(), hub.Ref{Repo: "other/name", Revision: "main"}); err != nil || got != first {
		t.Errorf("an ensured repository stands at %q, %v, want %q", got, err, first)
	}
	if got, err := h.Settings(t.Context(), "other/name"); err != nil || got != (localhub.Settings{}) {
		t.Errorf("an ensured repository has the settings %v, %v", got, err)
	}
}

func TestSettings(t *testing.T) {
	dir := t.TempDir()
	h, first := storedIn(t, dir)
	for _, want := range []localhub.Settings{{Private: true}, {Gated: "auto"}, {Private: true, Gated: "manual"}, {}} {
		if err := h.SetSettings(t.Context(), repo, want); err != nil {
			t.Errorf("set %v: %v", want, err)
		}
		if got, err := open(t, dir).Settings(t.Context(), repo); err != nil || got != want {
			t.Errorf("settings %v, %v, want %v", got, err, want)
		}
	}
	bad := localhub.Settings{Gated: "yes"}
	if err := h.SetSettings(t.Context(), repo, bad); !errors.Is(err, localhub.ErrBadRequest) {
		t.Errorf("set %v: %v", bad, err)
	}
	if _, err := h.CreateRepo(t.Context(), "other/name", bad); !errors.Is(err, localhub.ErrBadRequest) {
		t.Errorf("create with %v: %v", bad, err)
	}
	if err := h.SetSettings(t.Context(), "no/repo", localhub.Settings{}); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("settings of a missing repository: %v", err)
	}
	if got := head(t, h, "main"); got != first {
		t.Errorf("settings moved the head to %q", got)
	}
	for _, damage := range []string{"", "{", `{"gated":"yes","private":false}`, `{"private":1}`} {
		overwrite(t, filepath.Join(dir, "repos", repo, "settings.json"), damage)
		if got, err := h.Settings(t.Context(), repo); !errors.Is(err, hub.ErrCorrupt) {
			t.Errorf("settings %q read as %v, %v, want ErrCorrupt", damage, got, err)
		}
	}
}

// Nothing of a deleted repository is there in the next one of its name, not even
// for a process that has read it.
func TestDeleteRepo(t *testing.T) {
	dir := t.TempDir()
	h, shas := branchedIn(t, dir)
	if err := h.SetSettings(t.Context(), repo, localhub.Settings{Private: true}); err != nil {
		t.Fatal(err)
	}
	peer := open(t, dir)
	if got := paths(t, peer, shas["dev"]); len(got) != 3 {
		t.Fatalf("dev holds %q", got)
	}
	if err := h.DeleteRepo(t.Context(), repo); err != nil {
		t.Fatal(err)
	}
	gone := []string{"main", "dev", "v1.0", "refs/pr/1", shas["second"], shas["dev"]}
	wantGone := func(revisions []string) {
		t.Helper()
		for _, revision := range revisions {
			if sha, err := peer.Head(t.Context(), hub.Ref{Repo: repo, Revision: revision}); !errors.Is(err, hub.ErrNotFound) {
				t.Errorf("%s stands at %q, %v", revision, sha, err)
			}
		}
	}
	wantGone(gone)
	for what, err := range map[string]error{
		"delete": h.DeleteRepo(t.Context(), repo), "delete a missing one": h.DeleteRepo(t.Context(), "no/repo"),
		"upload": h.Upload(t.Context(), repo, nil),
	} {
		if !errors.Is(err, hub.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", what, err)
		}
	}
	if _, err := h.CreateRepo(t.Context(), repo, localhub.Settings{}); err != nil {
		t.Fatal(err)
	}
	wantGone(gone[1:])
	if s, err := peer.Settings(t.Context(), repo); err != nil || s != (localhub.Settings{}) {
		t.Errorf("settings %v, %v", s, err)
	}
	if branches, tags, pulls, err := peer.Refs(t.Context(), repo); err != nil || len(branches) != 1 || len(tags)+len(pulls) != 0 {
		t.Errorf("refs %v, %v, %v, %v", branches, tags, pulls, err)
	}
}

// Deleting and creating may be killed after any of the files they remove or
// write; the repository is not there then, and can be created.
func TestHalfDeletedRepo(t *testing.T) {
	for name, left := range map[string][]string{
		"deletion cut off at once": {"commits", "refs", "settings.json", "lock"},
		"creation cut off":         {"commits", "settings.json", "lock"},
		"commits gone":             {"refs", "settings.json", "lock"},
		"only the lock":            {"lock"},
		"nothing":                  {},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			h, shas := branchedIn(t, dir)
			folder := filepath.Join(dir, "repos", repo)
			for _, f := range []string{"main", "commits", "refs", "settings.json", "lock"} {
				if !slices.Contains(left, f) {
					if err := os.RemoveAll(filepath.Join(folder, f)); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, revision := range []string{"main", "dev", "refs/pr/2", shas["first"], shas["dev"]} {
				if _, err := h.Head(t.Context(), hub.Ref{Repo: repo, Revision: revision}); !errors.Is(err, hub.ErrNotFound) {
					t.Errorf("%s: %v, want ErrNotFound", revision, err)
				}
			}
			first, err := h.CreateRepo(t.Context(), repo, localhub.Settings{})
			if err != nil || first != shas["first"] {
				t.Errorf("created at %q, %v, want %q", first, err, shas["first"])
			}
			if _, err := h.Head(t.Context(), hub.Ref{Repo: repo, Revision: shas["dev"]}); !errors.Is(err, hub.ErrNotFound) {
				t.Errorf("a commit of the deleted repository: %v, want ErrNotFound", err)
			}
		})
	}
}

// Folders written before there were refs, settings and Git ids hold main and
// commits alone; their files count as LFS.
func TestFolderOfOld(t *testing.T) {
	dir := t.TempDir()
	h := open(t, dir)
	store(t, h, "text")
	folder := filepath.Join(dir, "repos", repo)
	raw := []byte(`{"files":[{"path":"f","sha256":"` + canon.Sum([]byte("text")) + `","size":4}],"message":"m","parent":""}`)
	sha := canon.Sum(raw)[:40]
	if err := errors.Join(
		os.MkdirAll(filepath.Join(folder, "commits"), 0o755), os.RemoveAll(filepath.Join(dir, "incoming")),
		os.WriteFile(filepath.Join(folder, "main"), []byte(sha), 0o600),
		os.WriteFile(filepath.Join(folder, "commits", sha+".json"), raw, 0o600),
	); err != nil {
		t.Fatal(err)
	}
	h = open(t, dir)
	if got := head(t, h, "main"); got != sha {
		t.Fatalf("main stands at %q", got)
	}
	if e, err := h.Entry(t.Context(), mainRef, "f"); err != nil || !e.LFS || e.Size != 4 {
		t.Errorf("f is %+v, %v", e, err)
	}
	if s, err := h.Settings(t.Context(), repo); err != nil || s != (localhub.Settings{}) {
		t.Errorf("settings %v, %v", s, err)
	}
	next, err := h.Publish(t.Context(), hub.Publication{Repo: repo, Message: "next", Parent: sha, Add: []hub.Source{source("g", "new")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.CreateBranch(t.Context(), repo, "dev", sha); err != nil {
		t.Error(err)
	}
	log, err := h.Log(t.Context(), mainRef, 10)
	if err != nil || len(log) != 2 || log[0].SHA != next || log[1].SHA != sha {
		t.Errorf("log %v, %v", log, err)
	}
}

// A repository made before there was a first commit stands nowhere.
func TestEmptyRepoOfOld(t *testing.T) {
	dir := t.TempDir()
	h := open(t, dir)
	folder := filepath.Join(dir, "repos", repo)
	if err := errors.Join(os.MkdirAll(folder, 0o755), os.WriteFile(filepath.Join(folder, "main"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if got := head(t, h, "main"); got != "" {
		t.Errorf("it stands at %q", got)
	}
	if log, err := h.Log(t.Context(), mainRef, 10); err != nil || len(log) != 0 {
		t.Errorf("log %v, %v", log, err)
	}
	if got := paths(t, h, "main"); len(got) != 0 {
		t.Errorf("it holds %q", got)
	}
	p := hub.Publication{Repo: repo, Message: "m", Add: []hub.Source{source("f", "x")}}
	if _, err := h.Publish(t.Context(), p); err != nil {
		t.Error(err)
	}
}
