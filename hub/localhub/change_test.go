package localhub_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"finest/hub"
	"finest/hub/localhub"
)

// stored is a hub in a folder with an empty repository and contents that can be
// committed.
func stored(t testing.TB, texts ...string) (h *localhub.Hub, first string) {
	t.Helper()
	return storedIn(t, t.TempDir(), texts...)
}

func storedIn(t testing.TB, dir string, texts ...string) (h *localhub.Hub, first string) {
	t.Helper()
	h = open(t, dir)
	first, err := h.CreateRepo(t.Context(), repo, localhub.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		store(t, h, text)
	}
	return h, first
}

func store(t testing.TB, h *localhub.Hub, text string) {
	t.Helper()
	if err := h.StoreObject(t.Context(), source("x", text).File, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
}

func regular(path, text string) localhub.Entry { return localhub.Entry{File: source(path, text).File} }

func inLFS(path, text string) localhub.Entry {
	return localhub.Entry{File: source(path, text).File, LFS: true}
}

func commit(t testing.TB, h *localhub.Hub, branch string, c localhub.Change) string {
	t.Helper()
	sha, err := h.Commit(t.Context(), repo, branch, c)
	if err != nil {
		t.Fatal(err)
	}
	return sha
}

func paths(t testing.TB, h *localhub.Hub, revision string) (list []string) {
	t.Helper()
	files, err := h.Tree(t.Context(), hub.Ref{Repo: repo, Revision: revision}, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		list = append(list, f.Path)
	}
	return list
}

// The ids are those of "git hash-object": of the content, and of the pointer
// for a file in LFS.
func TestGitIDs(t *testing.T) {
	h, _ := stored(t, "hello\n", "", "12345")
	commit(t, h, "main", localhub.Change{Add: []localhub.Entry{
		regular("hello", "hello\n"), regular("empty", ""), inLFS("pointer", "12345"),
	}})
	for path, want := range map[string]localhub.Entry{
		".gitattributes": {GitID: "b57f642b441f43c1712dfd708e79965f117c4f2e"},
		"hello":          {GitID: "ce013625030ba8dba906f756967f9e9ca394464a"},
		"empty":          {GitID: "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"},
		"pointer":        {GitID: "66d5ca3628a1eada1eed2e0df6ddec2eaadb2ddd", LFS: true, PointerSize: 126},
	} {
		got, err := h.Entry(t.Context(), mainRef, path)
		want.File = got.File
		if err != nil || got != want {
			t.Errorf("%s is %+v, %v, want %+v", path, got, err, want)
		}
	}
}

func TestCommitChanges(t *testing.T) {
	h, first := stored(t, "1", "2")
	start := commit(t, h, "main", localhub.Change{Message: "start", Add: []localhub.Entry{
		regular("a", "1"), regular("dir/b", "1"), regular("dir/sub/c", "1"), regular("dir.d", "1"),
	}})
	h2 := hub.Ref{Repo: repo, Revision: start}
	if files, err := h.Entries(t.Context(), h2, "dir", 10); err != nil || len(files) != 2 {
		t.Fatalf("dir holds %v, %v", files, err)
	}
	for name, c := range map[string]struct {
		change localhub.Change
		want   []string // paths, apart from .gitattributes
		err    error
	}{
		"nothing":           {localhub.Change{}, []string{"a", "dir.d", "dir/b", "dir/sub/c"}, nil},
		"add":               {localhub.Change{Add: []localhub.Entry{regular("e", "2")}}, []string{"a", "dir.d", "dir/b", "dir/sub/c", "e"}, nil},
		"on its parent":     {localhub.Change{Parent: start, Delete: []string{"a"}}, []string{"dir.d", "dir/b", "dir/sub/c"}, nil},
		"delete folder":     {localhub.Change{DeleteFolders: []string{"dir/"}}, []string{"a", "dir.d"}, nil},
		"delete folders":    {localhub.Change{DeleteFolders: []string{"dir/sub", "dir"}}, []string{"a", "dir.d"}, nil},
		"file for folder":   {localhub.Change{DeleteFolders: []string{"dir"}, Add: []localhub.Entry{regular("dir", "2")}}, []string{"a", "dir", "dir.d"}, nil},
		"folder for file":   {localhub.Change{Delete: []string{"a"}, Add: []localhub.Entry{regular("a/b", "2")}}, []string{"a/b", "dir.d", "dir/b", "dir/sub/c"}, nil},
		"deleted and added": {localhub.Change{Delete: []string{"a"}, Add: []localhub.Entry{regular("a", "2")}}, []string{"a", "dir.d", "dir/b", "dir/sub/c"}, nil},

		"stale parent":              {localhub.Change{Parent: first, Delete: []string{"a"}}, nil, hub.ErrConflict},
		"unknown parent":            {localhub.Change{Parent: strings.Repeat("0", 40)}, nil, hub.ErrNotFound},
		"parent that is none":       {localhub.Change{Parent: "main"}, nil, localhub.ErrBadRequest},
		"delete what is not":        {localhub.Change{Delete: []string{"z"}}, nil, localhub.ErrBadRequest},
		"delete a folder as file":   {localhub.Change{Delete: []string{"dir"}}, nil, localhub.ErrBadRequest},
		"delete a file as folder":   {localhub.Change{DeleteFolders: []string{"a"}}, nil, localhub.ErrBadRequest},
		"delete a prefix":           {localhub.Change{DeleteFolders: []string{"di"}}, nil, localhub.ErrBadRequest},
		"delete all":                {localhub.Change{DeleteFolders: []string{""}}, nil, localhub.ErrBadRequest},
		"delete all by /":           {localhub.Change{DeleteFolders: []string{"/"}}, nil, localhub.ErrBadRequest},
		"delete twice":              {localhub.Change{Delete: []string{"a", "a"}}, nil, localhub.ErrBadRequest},
		"add twice":                 {localhub.Change{Add: []localhub.Entry{regular("e", "1"), regular("e", "2")}}, nil, localhub.ErrBadRequest},
		"file in the way":           {localhub.Change{Add: []localhub.Entry{regular("a/b", "1")}}, nil, localhub.ErrBadRequest},
		"folder in the way":         {localhub.Change{Add: []localhub.Entry{regular("dir", "1")}}, nil, localhub.ErrBadRequest},
		"content not stored":        {localhub.Change{Add: []localhub.Entry{inLFS("e", "unknown")}}, nil, localhub.ErrBadRequest},
		"content of another size":   {localhub.Change{Add: []localhub.Entry{{File: hub.File{Path: "e", Size: 7, SHA256: source("", "1").SHA256}}}}, nil, localhub.ErrBadRequest},
		"no hash":                   {localhub.Change{Add: []localhub.Entry{{File: hub.File{Path: "e", Size: 7}}}}, nil, localhub.ErrBadRequest},
		"path that climbs":          {localhub.Change{Add: []localhub.Entry{regular("../e", "1")}}, nil, localhub.ErrBadRequest},
		"message that is not UTF-8": {localhub.Change{Message: "\xff"}, nil, localhub.ErrBadRequest},
		"message without end":       {localhub.Change{Description: strings.Repeat("m", 1<<20)}, nil, localhub.ErrBadRequest},
	} {
		branch := strings.ReplaceAll(name, " ", "-")
		branch = strings.ReplaceAll(branch, "/", "slash")
		if err := h.CreateBranch(t.Context(), repo, branch, start); err != nil {
			t.Fatal(err)
		}
		sha, err := h.Commit(t.Context(), repo, branch, c.change)
		if !errors.Is(err, c.err) || (c.err == nil) != (err == nil) {
			t.Errorf("%s: error %v, want %v", name, err, c.err)
		}
		want, head := append([]string{".gitattributes"}, c.want...), sha
		if c.err != nil {
			want, head = paths(t, h, start), start
		}
		if got := paths(t, h, branch); !slices.Equal(got, want) {
			t.Errorf("%s: the branch holds %q, want %q", name, got, want)
		}
		if got, err := h.Head(t.Context(), hub.Ref{Repo: repo, Revision: branch}); err != nil || got != head || head == "" {
			t.Errorf("%s: the branch stands at %q, %v, want %q", name, got, err, head)
		}
	}
	if got, err := h.Head(t.Context(), mainRef); err != nil || got != start {
		t.Errorf("commits to branches moved main to %q, %v", got, err)
	}
}

func TestCommitWithoutABranch(t *testing.T) {
	h, first := stored(t)
	if err := h.CreateTag(t.Context(), repo, "v1", "", ""); err != nil {
		t.Fatal(err)
	}
	for branch, want := range map[string]error{
		"none": hub.ErrNotFound, "refs/pr/1": hub.ErrNotFound, "refs/heads/none": hub.ErrNotFound, "v1": hub.ErrNotFound,
		first: hub.ErrNotFound, "../x": hub.ErrNotFound, "": hub.ErrNotFound,
		"refs/tags/v1": localhub.ErrBadRequest, "refs/x": localhub.ErrBadRequest,
	} {
		if _, err := h.Commit(t.Context(), repo, branch, localhub.Change{}); !errors.Is(err, want) {
			t.Errorf("commit to %q: %v, want %v", branch, err, want)
		}
		if _, err := h.Squash(t.Context(), repo, branch, "m"); !errors.Is(err, want) {
			t.Errorf("squash %q: %v, want %v", branch, err, want)
		}
	}
	if _, err := h.Commit(t.Context(), "no/repo", "main", localhub.Change{}); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("commit to a missing repository: %v", err)
	}
}

// A folder takes as many files and folders as the Hub's do, and more below.
func TestFilesPerFolder(t *testing.T) {
	if testing.Short() {
		t.Skip("it commits 10,000 files")
	}
	h, _ := stored(t, "x")
	const most = 10_000
	var add []localhub.Entry
	for i := range most {
		path := fmt.Sprintf("data/%05d", i)
		if i%2 == 0 {
			path += "/x"
		}
		add = append(add, inLFS(path, "x"))
	}
	commit(t, h, "main", localhub.Change{Add: add})
	for _, path := range []string{"data/more", "data/more/x"} {
		_, err := h.Commit(t.Context(), repo, "main", localhub.Change{Add: []localhub.Entry{inLFS(path, "x")}})
		if !errors.Is(err, localhub.ErrBadRequest) || !strings.Contains(err.Error(), "too many files per directory") {
			t.Errorf("adding %s: %v", path, err)
		}
	}
	commit(t, h, "main", localhub.Change{Add: []localhub.Entry{inLFS("data/00000/y", "x"), inLFS("other/x", "x")}})
	commit(t, h, "main", localhub.Change{Delete: []string{"data/00001"}, Add: []localhub.Entry{inLFS("data/more", "x")}})
}

// Publish stores as the Hub does what its preupload would say.
func TestPublishedInLFS(t *testing.T) {
	h, first := stored(t)
	big := strings.Repeat("b", 10<<20)
	if _, err := h.Publish(t.Context(), hub.Publication{Repo: repo, Message: "m", Parent: first, Add: []hub.Source{
		source("a.parquet", "1"), source("empty.parquet", ""), source("b.txt", "1"), source("big", big), source("nearly", big[1:]),
	}}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{"a.parquet": true, "empty.parquet": false, "b.txt": false, "big": true, "nearly": false} {
		e, err := h.Entry(t.Context(), mainRef, path)
		if err != nil || e.LFS != want || (e.PointerSize > 0) != want {
			t.Errorf("%s: %+v, %v, want LFS %v", path, e, err, want)
		}
	}
}
