package localhub_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"finest/hub"
	"finest/hub/localhub"
)

// FuzzStat reads a repository at revisions and paths that strangers name.
func FuzzStat(f *testing.F) {
	dir, sha := published(f, "x")
	h := open(f, dir)
	f.Add(repo, hub.MainBranch, "f")
	f.Add(repo, sha, "../f")
	f.Add("../x", "0000000000000000000000000000000000000000", "a/./b")
	f.Fuzz(func(t *testing.T, name, revision, path string) {
		file, err := h.Stat(t.Context(), hub.Ref{Repo: name, Revision: revision}, path)
		if err == nil && (name != repo || path != "f" || file.Size != 1) {
			t.Errorf("%q@%q has %q: %v", name, revision, path, file)
		}
	})
}

// FuzzRefName creates branches and tags of names that strangers choose: what is
// taken is listed and found by that name, and the rest leaves nothing behind.
func FuzzRefName(f *testing.F) {
	dir := f.TempDir()
	h, first := storedIn(f, dir)
	before := files(f, filepath.Join(dir, "repos"))
	for _, name := range []string{"dev", "dev/x", "a%2Fb", "../main", "refs/heads/main", ".tmp", "ä", "a.lock", first, "HEAD", "v1.0+x"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		err := errors.Join(h.CreateBranch(t.Context(), repo, name, ""), h.CreateTag(t.Context(), repo, name, "", ""))
		after := files(t, filepath.Join(dir, "repos"))
		if err != nil {
			if name == hub.MainBranch && errors.Is(err, localhub.ErrExists) {
				err = h.DeleteTag(t.Context(), repo, name)
				after = files(t, filepath.Join(dir, "repos"))
			} else if errors.Is(err, localhub.ErrBadRequest) {
				err = nil
			}
			if err != nil || !slices.Equal(after, before) {
				t.Fatalf("%q is refused with %v and leaves %q", name, err, after)
			}
			return
		}
		if len(after) != len(before)+2 {
			t.Errorf("%q makes %d files", name, len(after)-len(before))
		}
		branches, tags, _, err := h.Refs(t.Context(), repo)
		if err != nil {
			t.Fatal(err)
		}
		named := func(b localhub.Branch) bool { return b.Name == name && b.SHA == first }
		if !slices.ContainsFunc(branches, named) || !slices.ContainsFunc(tags, named) {
			t.Errorf("%q is not among %v and %v", name, branches, tags)
		}
		for _, revision := range []string{name, "refs/heads/" + name, "refs/tags/" + name} {
			if sha := head(t, h, revision); sha != first {
				t.Errorf("%q stands at %q", revision, sha)
			}
		}
		if err := errors.Join(h.DeleteBranch(t.Context(), repo, name), h.DeleteTag(t.Context(), repo, name)); err != nil {
			t.Error(err)
		}
	})
}

// FuzzCommitPath commits files at paths that strangers choose: what is taken is
// listed and read under that path.
func FuzzCommitPath(f *testing.F) {
	h, first := stored(f, "x")
	for _, path := range []string{"a", "a/b", "../a", "/a", "a//b", ".gitattributes", ".gitattributes/x", ".git/config", "a\x00b", "ä", "a%2Fb", "main"} {
		f.Add(path, path+"2")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		if err := h.CreateBranch(t.Context(), repo, "fuzz", first); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = h.DeleteBranch(t.Context(), repo, "fuzz") }()
		c := localhub.Change{Add: []localhub.Entry{regular(one, "x"), inLFS(two, "x")}}
		sha, err := h.Commit(t.Context(), repo, "fuzz", c)
		if err != nil {
			if !errors.Is(err, localhub.ErrBadRequest) {
				t.Errorf("%q and %q: %v", one, two, err)
			}
			return
		}
		got := paths(t, h, sha)
		want := slices.Compact(slices.Sorted(slices.Values([]string{".gitattributes", one, two})))
		if !slices.Equal(got, want) {
			t.Errorf("%q and %q are listed as %q", one, two, got)
		}
		for _, path := range []string{one, two} {
			if filepath.IsAbs(path) || !filepath.IsLocal(path) {
				t.Errorf("%q is taken", path)
			}
			if text, err := hub.ReadFile(t.Context(), h, hub.Ref{Repo: repo, Revision: sha}, path, 10); err != nil || string(text) != "x" {
				t.Errorf("%q holds %q, %v", path, text, err)
			}
		}
	})
}

// FuzzCommitFile damages the file of a commit: what is read is what was written,
// or an error.
func FuzzCommitFile(f *testing.F) {
	dir, sha := published(f, "x")
	path := filepath.Join(dir, "repos", repo, "commits", sha+".json")
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(append(slices.Clone(good), '\n'))
	f.Add(slices.Concat(good[:1], []byte(" "), good[1:]))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		overwrite(t, path, string(raw))
		list, err := open(t, dir).Tree(t.Context(), hub.Ref{Repo: repo, Revision: sha}, "", 10)
		if slices.Equal(raw, good) {
			if err != nil || len(list) != 2 {
				t.Errorf("the commit holds %v, %v", list, err)
			}
		} else if !errors.Is(err, hub.ErrCorrupt) {
			t.Errorf("%q is read as %v, %v", raw, list, err)
		}
	})
}
