package devhub_test

import (
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"finest/hub"
	"finest/hub/devhub"
	"finest/internal/canon"
)

type node struct {
	Type, OID, Path string
	Size            int64
	LFS             *struct {
		OID               string
		Size, PointerSize int64
	}
	LastCommit *struct{ ID, Title, Date string }
}

func paths(nodes []node) []string {
	list := make([]string, len(nodes))
	for i, n := range nodes {
		list[i] = n.Path
		if n.Type == "directory" {
			list[i] += "/"
		}
	}
	return list
}

// nextLink is how @huggingface/hub finds the next page.
var nextLink = regexp.MustCompile(`<(https?:[/][/][^>]+)>;\s+rel="next"`)

// pages reads a list to its end.
func (w *world) pages(path string) (nodes []node, n int) {
	w.Helper()
	for n < 100 {
		var page []node
		got := w.get(path).wants(http.StatusOK)
		got.into(&page)
		nodes, n = append(nodes, page...), n+1
		link := got.Header.Get("Link")
		if link == "" {
			return nodes, n
		}
		m := nextLink.FindStringSubmatch(link)
		if m == nil {
			w.Fatalf("the next page is %q", link)
		}
		path = m[1]
	}
	w.Fatal("the pages do not end")
	return nil, 0
}

var treeFiles = map[string]string{"a/b/c": "1", "a/b.parquet": "22", "a-b": "3", "b c/é#%?&=+": "4", "z": ""}

func TestTree(t *testing.T) {
	for _, size := range []int{1, 2, 3, 1000} {
		w := withRepo(t, func(o *devhub.Options) { o.PageSize = size })
		w.publish(treeFiles)
		for path, want := range map[string][]string{
			"":                      {".gitattributes", "a/", "a-b", "b c/", "z"},
			"?recursive=false":      {".gitattributes", "a/", "a-b", "b c/", "z"},
			"?recursive=true":       {".gitattributes", "a/", "a-b", "a/b/", "a/b.parquet", "a/b/c", "b c/", "b c/é#%?&=+", "z"},
			"?recursive=True":       {".gitattributes", "a/", "a-b", "a/b/", "a/b.parquet", "a/b/c", "b c/", "b c/é#%?&=+", "z"},
			"/a":                    {"a/b/", "a/b.parquet"},
			"/a/":                   {"a/b/", "a/b.parquet"},
			"/a?recursive=1":        {"a/b/", "a/b.parquet", "a/b/c"},
			"/b%20c":                {"b c/é#%?&=+"},
			"?limit=1&cursor=a-b":   {"b c/", "z"},
			"?cursor=a0":            {"b c/", "z"},
			"?cursor=zz&recursive=": {},
		} {
			nodes, pages := w.pages(api + "/tree/main" + path)
			if got := paths(nodes); !slices.Equal(got, want) {
				t.Errorf("tree%s has %q, want %q", path, got, want)
			}
			if least := (len(want) + size - 1) / size; pages < least {
				t.Errorf("tree%s has %d pages of %d, want %d", path, pages, size, least)
			}
		}
	}
}

// Pages of one commit stay as they are, whatever is asked in between.
func TestTreePagesOfOneCommit(t *testing.T) {
	w := withRepo(t, func(o *devhub.Options) { o.PageSize = 2 })
	old := w.publish(treeFiles)
	page := w.get(api + "/tree/" + old + "?recursive=1&expand=1").wants(http.StatusOK)
	w.publish(map[string]string{"a/b/c": "other", "new": "x"})
	w.pages(api + "/tree/main?recursive=1")
	w.pages(api + "/tree/" + old)
	if again := w.get(api + "/tree/" + old + "?recursive=1&expand=1"); again.text != page.text {
		t.Errorf("a page was %s and is %s", page.text, again.text)
	}
	w.pages(api + "/tree/" + old + "?recursive=1&expand=1") // adds to what is remembered
	plain, _ := w.pages(api + "/tree/" + old + "?recursive=1")
	for _, n := range plain {
		if n.LastCommit != nil || n.Path == "new" {
			t.Errorf("without expand a page has %+v", n)
		}
	}
}

func TestTreeEntries(t *testing.T) {
	w := withRepo(t)
	sha := w.publish(map[string]string{"f.parquet": "some rows", "r.txt": "hello\n"})
	var nodes []node
	got := w.get(api + "/tree/main")
	got.into(&nodes)
	if h := got.Header.Get("X-Repo-Commit"); h != sha {
		t.Errorf("the tree is of the commit %q, want %q", h, sha)
	}
	lfs, regular := nodes[1], nodes[2]
	// As git hash-object has them.
	if regular.OID != "ce013625030ba8dba906f756967f9e9ca394464a" || regular.Size != 6 || regular.LFS != nil {
		t.Errorf("a regular file is %+v", regular)
	}
	if lfs.Size != 9 || lfs.LFS == nil || lfs.LFS.Size != 9 || lfs.LFS.PointerSize != 126 || lfs.LFS.OID != canon.Sum([]byte("some rows")) {
		t.Errorf("a file in LFS is %+v, %+v", lfs, lfs.LFS)
	}
	for _, path := range []string{"/nope", "/f.parquet", "/f.parquet/x", "/..%2Fx", "/%2E%2E", "/.git"} {
		refused := w.get(api+"/tree/main"+path).refuses(http.StatusNotFound, "EntryNotFound")
		if refused.Header.Get("X-Repo-Commit") != sha {
			t.Errorf("%s is missing from the commit %q, want %s", path, refused.Header.Get("X-Repo-Commit"), sha)
		}
	}
	w.get(api+"/tree/nope").refuses(http.StatusNotFound, "RevisionNotFound")
	w.get(api+"/tree/"+strings.Repeat("0", 40)).refuses(http.StatusNotFound, "RevisionNotFound")
}

// Folders have the ids that Git gives them.
func TestTreeIDs(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	w := withRepo(t)
	w.publish(map[string]string{"a/b/c": "1", "a/b.txt": "22", "a/b0": "3", "a/b-": "4", "a/é": "5"})
	nodes, _ := w.pages(api + "/tree/main?recursive=true")
	dir := t.TempDir()
	run := func(stdin string, args ...string) string {
		cmd := exec.CommandContext(t.Context(), git, args...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("", "init", "-q", "--template=", filepath.Join(dir))
	for _, n := range nodes {
		if n.Type == "file" {
			text := w.read("main", n.Path)
			if id := run(text, "hash-object", "-w", "--stdin"); id != n.OID {
				t.Errorf("%s is %s, in Git %s", n.Path, n.OID, id)
			}
			run("", "update-index", "--add", "--cacheinfo", "100644,"+n.OID+","+n.Path)
		}
	}
	root := run("", "write-tree")
	for _, n := range nodes {
		if id := run("", "rev-parse", root+":"+n.Path); id != n.OID {
			t.Errorf("%s is %s, in Git %s", n.Path, n.OID, id)
		}
	}
}

func TestExpand(t *testing.T) {
	w := withRepo(t)
	first := w.publish(map[string]string{"a/x": "1", "a/y": "1", "b/z": "1"})
	second := w.publish(map[string]string{"a/x": "2"})
	want := map[string]string{"a": second, "a/x": second, "a/y": first, "b": first, "b/z": first}
	nodes, _ := w.pages(api + "/tree/main?recursive=true&expand=true")
	var info []node
	w.post(api+"/paths-info/main", object{"paths": []string{"a", "a/x", "a/y", "b", "b/z"}, "expand": true}).wants(http.StatusOK).into(&info)
	for _, n := range slices.Concat(nodes, info) {
		switch {
		case n.LastCommit == nil || n.LastCommit.Date == "":
			t.Errorf("%s has no commit", n.Path)
		case n.Path == ".gitattributes":
			if n.LastCommit.Title != "initial commit" {
				t.Errorf("%s was changed by %q", n.Path, n.LastCommit.Title)
			}
		case n.LastCommit.ID != want[n.Path]:
			t.Errorf("%s was changed by %s, want %s", n.Path, n.LastCommit.ID, want[n.Path])
		}
	}
}

func TestPathsInfo(t *testing.T) {
	w := withRepo(t)
	w.publish(treeFiles)
	asked := []string{"a", "z", "nope", "a/b.parquet", "../x", "b c/é#%?&=+", "", "a/b/"}
	want := []string{"a/", "z", "a/b.parquet", "b c/é#%?&=+", "a/b/"}
	form := url.Values{"paths": asked, "expand": {"False"}}.Encode()
	for kind, r := range map[string]request{
		"JSON": {method: "POST", path: api + "/paths-info/main", body: object{"paths": asked}},
		"form": {
			method: "POST", path: api + "/paths-info/main", body: form,
			header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		},
	} {
		var nodes []node
		w.do(r).wants(http.StatusOK).into(&nodes)
		if got := paths(nodes); !slices.Equal(got, want) {
			t.Errorf("asked in %s it has %q, want %q", kind, got, want)
		}
	}
	many := make([]string, 1001)
	w.post(api+"/paths-info/main", object{"paths": many}).refuses(http.StatusRequestEntityTooLarge, "").says("too many parameters")
	w.post(api+"/paths-info/main", object{"paths": many[:1000]}).wants(http.StatusOK)
	w.post(api+"/paths-info/nope", object{}).refuses(http.StatusNotFound, "RevisionNotFound")
	w.post(api+"/paths-info/main", "paths=x").refuses(http.StatusBadRequest, "")
	w.do(request{
		method: "POST", path: api + "/paths-info/main", body: "paths=%zz",
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
	}).refuses(http.StatusBadRequest, "")
}

func TestInfo(t *testing.T) {
	w := withRepo(t)
	sha := w.publish(map[string]string{"f.parquet": "rows"})
	type info struct {
		ID, SHA, Author, LastModified string
		Private                       bool
		Gated                         any
		Siblings                      []struct {
			RFilename string
			Size      int64
			BlobID    string
			LFS       *struct{ SHA256 string }
		}
	}
	for _, path := range []string{"", "/revision/main", "/revision/HEAD", "/revision/" + sha, "?expand=siblings&expand=sha", "/revision/refs%2Fheads%2Fmain"} {
		var got info
		w.get(api + path).wants(http.StatusOK).into(&got)
		if got.ID != repo || got.SHA != sha || got.Author != "tester" || got.Private || got.Gated != false || got.LastModified == "" {
			t.Errorf("%q says %+v", path, got)
		}
		if len(got.Siblings) != 2 || got.Siblings[1].RFilename != "f.parquet" || got.Siblings[1].LFS != nil {
			t.Errorf("%q has the files %+v", path, got.Siblings)
		}
	}
	var full info
	w.get(api + "?blobs=true").into(&full)
	if f := full.Siblings[1]; f.Size != 4 || len(f.BlobID) != 40 || f.LFS == nil || len(f.LFS.SHA256) != 64 {
		t.Errorf("with blobs it has %+v", f)
	}
	w.get(api+"/revision/refs%252Fheads%252Fmain").refuses(http.StatusNotFound, "RevisionNotFound")
}

func TestCommits(t *testing.T) {
	w := withRepo(t, func(o *devhub.Options) { o.PageSize = 2 })
	var shas []string
	for range 4 {
		shas = append(shas, w.commit("main", object{"summary": "title", "description": "more"}).sha())
	}
	type commit struct {
		ID, Title, Message, Date string
		Authors                  []struct{ User string }
	}
	var log []commit
	for path := api + "/commits/main"; path != ""; {
		var page []commit
		got := w.get(path).wants(http.StatusOK)
		got.into(&page)
		log, path = append(log, page...), ""
		if m := nextLink.FindStringSubmatch(got.Header.Get("Link")); m != nil {
			path = m[1]
		}
		if n := got.Header.Get("X-Total-Count"); n != "5" {
			t.Errorf("there are %s commits, want 5", n)
		}
	}
	if len(log) != 5 || log[0].ID != shas[3] || log[3].ID != shas[0] || log[4].Title != "initial commit" {
		t.Fatalf("the log is %+v, want %v, newest first", log, shas)
	}
	if c := log[0]; c.Title != "title" || c.Message != "more" || c.Date == "" || c.Authors[0].User != "tester" {
		t.Errorf("a commit is %+v", c)
	}
	w.get(api + "/commits/main?p=-1&limit=-3").wants(http.StatusOK)
	w.get(api + "/commits/main?p=99999999999999999999").wants(http.StatusOK)
	w.get(api + "/commits/main?p=9999").wants(http.StatusOK)
}

func TestBranches(t *testing.T) {
	w := withRepo(t)
	first := w.publish(map[string]string{"f": "1"})
	second := w.publish(map[string]string{"f": "2"})
	remove := func(path string) *reply { return w.do(request{method: "DELETE", path: api + path}) }
	w.post(api+"/branch/dev%2Fx", nil).wants(http.StatusOK)
	w.post(api+"/branch/dev%2Fx", object{}).refuses(http.StatusConflict, "")
	w.post(api+"/branch/old", object{"startingPoint": first}).wants(http.StatusOK)
	w.post(api+"/branch/other", object{"startingPoint": "nope"}).refuses(http.StatusNotFound, "RevisionNotFound")
	w.post(api+"/branch/a..b", object{}).refuses(http.StatusBadRequest, "")
	w.post(api+"/tag/"+first, object{"tag": "v1", "message": "m"}).wants(http.StatusOK)
	w.post(api+"/tag/main", object{"tag": "v1"}).refuses(http.StatusConflict, "")
	w.post(api+"/tag/nope", object{"tag": "v2"}).refuses(http.StatusNotFound, "RevisionNotFound")
	w.post(api+"/tag/main", object{}).refuses(http.StatusBadRequest, "")
	w.post(api+"/discussions", object{"title": "t", "pullRequest": true}).wants(http.StatusOK)

	var refs struct {
		Branches, Tags, Converts, PullRequests []struct{ Name, Ref, TargetCommit string }
	}
	w.get(api + "/refs").wants(http.StatusOK).into(&refs)
	if refs.PullRequests != nil || refs.Converts == nil {
		t.Errorf("the refs are %+v, want no pull requests", refs)
	}
	w.get(api + "/refs?include_prs=1").into(&refs)
	var got []string
	for _, r := range slices.Concat(refs.Branches, refs.Tags, refs.PullRequests) {
		got = append(got, r.Ref+" "+r.TargetCommit)
	}
	want := []string{
		"refs/heads/dev/x " + second, "refs/heads/main " + second, "refs/heads/old " + first, "refs/tags/v1 " + first, "refs/pr/1 " + second,
	}
	if !slices.Equal(got, want) {
		t.Errorf("the refs are %q, want %q", got, want)
	}
	for rev, sha := range map[string]string{"dev%2Fx": second, "old": first, "v1": first, "refs%2Fpr%2F1": second} {
		if got := w.get(site + "/resolve/" + rev + "/f").Header.Get("X-Repo-Commit"); got != sha {
			t.Errorf("%s stands at %s, want %s", rev, got, sha)
		}
	}
	remove("/branch/dev%2Fx").wants(http.StatusOK)
	remove("/branch/dev%2Fx").refuses(http.StatusNotFound, "RevisionNotFound")
	remove("/branch/main").refuses(http.StatusBadRequest, "")
	remove("/tag/v1").wants(http.StatusOK)
	remove("/tag/v1").refuses(http.StatusNotFound, "RevisionNotFound")
	w.do(request{method: "POST", path: api + "/branch/anon", as: anonymous}).refuses(http.StatusUnauthorized, "RepoNotFound")
}

// A sha survives later commits, and no squash.
func TestSquash(t *testing.T) {
	w := withRepo(t)
	pinned := w.publish(map[string]string{"f": "1"})
	w.publish(map[string]string{"f": "2"})
	w.get(site + "/resolve/" + pinned + "/f").wants(http.StatusOK).says("1")
	w.post(api+"/super-squash/main", object{"message": "one"}).wants(http.StatusOK)
	w.get(site+"/resolve/"+pinned+"/f").refuses(http.StatusNotFound, "RevisionNotFound")
	w.get(site + "/resolve/main/f").wants(http.StatusOK).says("2")
	w.post(api+"/super-squash/nope", nil).refuses(http.StatusNotFound, "RevisionNotFound")
	log, err := w.store.Log(t.Context(), hub.Ref{Repo: repo, Revision: "main"}, 10)
	if err != nil || len(log) != 1 || log[0].Message != "one" {
		t.Errorf("the log is %+v, %v, want one commit", log, err)
	}
}

func TestPulls(t *testing.T) {
	w := withRepo(t)
	var made, seen struct {
		Num           int
		Title         string
		IsPullRequest bool
		Author        struct{ Name string }
		Changes       struct{ Base string }
	}
	w.post(api+"/discussions", object{"title": "first", "description": "d", "pullRequest": true}).wants(http.StatusOK).into(&made)
	w.get(api + "/discussions/1?diff=1").wants(http.StatusOK).into(&seen)
	if made != seen || made.Num != 1 || made.Title != "first" || !made.IsPullRequest || made.Author.Name != "tester" {
		t.Errorf("a pull request is made as %+v and seen as %+v", made, seen)
	}
	w.commit("refs%2Fpr%2F1", object{}, file("f", "pr")).wants(http.StatusOK)
	w.get(site + "/resolve/refs%2Fpr%2F1/f").wants(http.StatusOK).says("pr")
	w.get(site+"/resolve/main/f").refuses(http.StatusNotFound, "EntryNotFound")
	var list struct{ Count, Start int }
	if w.get(api + "/discussions?p=0").wants(http.StatusOK).into(&list); list.Count != 1 {
		t.Errorf("there are %d pull requests, want 1", list.Count)
	}
	w.get(api+"/discussions/2").refuses(http.StatusNotFound, "")
	w.get(api+"/discussions/01").refuses(http.StatusNotFound, "")
	w.post(api+"/discussions", object{"title": "talk"}).refuses(http.StatusBadRequest, "")
}
