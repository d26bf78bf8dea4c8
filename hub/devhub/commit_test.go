package devhub_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"

	"finest/hub"
	"finest/internal/canon"
)

// The lines as the official clients send them.
func TestCommit(t *testing.T) {
	w := withRepo(t)
	parent := w.publish(map[string]string{"old": "x", "dir/a": "x", "dir/b": "x", "f.parquet": "rows"})
	body := strings.Join([]string{
		`{"key":"header","value":{"summary":"title","description":"more","parentCommit":"` + parent + `"}}`,
		`{"key":"file","value":{"content":"` + base64.StdEncoding.EncodeToString([]byte("hello\n")) + `","path":"README.md","encoding":"base64"}}`,
		`{"key":"file","value":{"content":"plain é","path":"a b/é#%.txt","encoding":"utf-8"}}`,
		`{"key":"lfsFile","value":{"path":"copy.parquet","algo":"sha256","oid":"` + canon.Sum([]byte("rows")) + `"}}`,
		``,
		`{"key":"lfsFile","value":{"path":"more.bin","oid":"` + canon.Sum([]byte("rows")) + `","size":4,"later":true}}`,
		`{"key":"deletedFile","value":{"path":"old"}}`,
		`{"key":"deletedFolder","value":{"path":"dir/"}}`,
	}, "\n") // the last line without its end, as @huggingface/hub has it
	var made struct {
		Success                          bool
		CommitOid, CommitURL, HookOutput string
		PullRequestURL                   *string
	}
	w.do(request{
		method: "POST", path: api + "/commit/main", body: body, header: http.Header{"Content-Type": {"application/x-ndjson"}},
	}).wants(http.StatusOK).into(&made)
	if !made.Success || made.CommitURL != "http://localhost"+site+"/commit/"+made.CommitOid || made.PullRequestURL != nil {
		t.Errorf("the answer is %+v", made)
	}
	entries, err := w.store.Entries(t.Context(), hub.Ref{Repo: repo, Revision: "main"}, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		kind := "regular"
		if e.LFS {
			kind = "lfs"
		}
		got = append(got, e.Path+" "+kind+" "+w.read(made.CommitOid, e.Path))
	}
	want := []string{"README.md regular hello\n", "a b/é#%.txt regular plain é", "copy.parquet lfs rows", "f.parquet lfs rows", "more.bin lfs rows"}
	if !slices.Equal(got[1:], want) {
		t.Errorf("the commit has %q, want %q", got[1:], want)
	}
	log, err := w.store.Log(t.Context(), hub.Ref{Repo: repo, Revision: "main"}, 1)
	if err != nil || log[0].SHA != made.CommitOid || log[0].Parent != parent || log[0].Message != "title" || log[0].Description != "more" {
		t.Errorf("the log has %+v, %v", log, err)
	}
}

func TestCommitParent(t *testing.T) {
	w := withRepo(t)
	first := w.commit("main", object{}, file("f", "1")).sha()
	second := w.commit("main", object{"parentCommit": first}, file("f", "2")).sha()
	for name, c := range map[string]struct {
		branch string
		header object
		status int
		code   string
	}{
		"stale":              {"main", object{"parentCommit": first}, http.StatusPreconditionFailed, ""},
		"unknown":            {"main", object{"parentCommit": strings.Repeat("0", 40)}, http.StatusNotFound, "RevisionNotFound"},
		"no sha":             {"main", object{"parentCommit": "main"}, http.StatusBadRequest, ""},
		"no such branch":     {"nope", object{}, http.StatusNotFound, "RevisionNotFound"},
		"a sha for a branch": {second, object{}, http.StatusNotFound, "RevisionNotFound"},
		"stale for a PR":     {"main?create_pr=1", object{"parentCommit": first}, http.StatusPreconditionFailed, ""},
		"unknown for a PR":   {"main?create_pr=1", object{"parentCommit": strings.Repeat("0", 40)}, http.StatusNotFound, "RevisionNotFound"},
		"no summary":         {"main", object{"summary": ""}, http.StatusBadRequest, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w.commit(c.branch, c.header, file("f", "3")).refuses(c.status, c.code)
			branches, _, pulls, err := w.store.Refs(t.Context(), repo)
			if err != nil || len(branches) != 1 || branches[0].SHA != second || len(pulls) > 0 {
				t.Errorf("there are %v, %v, %v afterwards", branches, pulls, err)
			}
		})
	}
}

func TestCommitPullRequest(t *testing.T) {
	w := withRepo(t)
	head := w.publish(map[string]string{"f": "1"})
	for n, parent := range []any{nil, head} {
		header := object{"summary": "title"}
		if parent != nil {
			header["parentCommit"] = parent
		}
		var made struct{ CommitOid, PullRequestURL string }
		w.commit("main?create_pr=1", header, file("f", "2")).wants(http.StatusOK).into(&made)
		number := string(rune('1' + n))
		if want := "http://localhost" + site + "/discussions/" + number; made.PullRequestURL != want {
			t.Errorf("the pull request is at %q, want %q", made.PullRequestURL, want)
		}
		if w.read("refs/pr/"+number, "f") != "2" || w.read("main", "f") != "1" {
			t.Error("the commit is not in the pull request alone")
		}
	}
}

func TestCommitRefuses(t *testing.T) {
	const header = `{"key":"header","value":{"summary":"s"}}` + "\n"
	w := withRepo(t)
	head := w.publish(map[string]string{"old": "x", "f.parquet": "rows"})
	absent := canon.Sum([]byte("absent"))
	stored := canon.Sum([]byte("rows"))
	for name, c := range map[string]struct {
		body   string
		status int
		says   string
	}{
		"nothing":                {"", 400, "no header"},
		"empty lines":            {"\n\n", 400, "no header"},
		"no header":              {`{"key":"file","value":{"path":"f","content":""}}`, 400, "first line"},
		"two headers":            {header + header, 400, "twice"},
		"no JSON":                {header + "f\n", 400, "line 2"},
		"JSON cut short":         {header + `{"key":"file","value":{"path":"f","cont`, 400, "line 2"},
		"another type":           {header + `{"key":"file","value":{"path":7}}`, 400, "line 2"},
		"unknown key":            {header + `{"key":"renamedFile","value":{"path":"f"}}`, 400, "renamedFile"},
		"no key":                 {header + `{"value":{"path":"f"}}`, 400, "key"},
		"bad base64":             {header + `{"key":"file","value":{"path":"f","content":"?","encoding":"base64"}}`, 400, "base64"},
		"unknown encoding":       {header + `{"key":"file","value":{"path":"f","content":"?","encoding":"rot13"}}`, 400, "rot13"},
		"path that climbs":       {header + `{"key":"file","value":{"path":"../f","content":""}}`, 400, ".."},
		"absolute path":          {header + `{"key":"file","value":{"path":"/f","content":""}}`, 400, ""},
		"path into .git":         {header + `{"key":"file","value":{"path":".git/hooks/x","content":""}}`, 400, ".git"},
		"file twice":             {header + `{"key":"file","value":{"path":"f","content":""}}` + "\n" + `{"key":"file","value":{"path":"f","content":""}}`, 400, "twice"},
		"file and folder":        {header + `{"key":"file","value":{"path":"old/x","content":""}}`, 400, "old"},
		"object that is missing": {header + `{"key":"lfsFile","value":{"path":"f","oid":"` + absent + `","size":6}}`, 400, "LFS pointer pointed to a file that does not exist"},
		"object of another size": {header + `{"key":"lfsFile","value":{"path":"f","oid":"` + stored + `","size":6}}`, 400, "LFS pointer pointed to a file that does not exist"},
		"object without a hash":  {header + `{"key":"lfsFile","value":{"path":"f","oid":"../../main","size":6}}`, 400, "SHA-256"},
		"another algorithm":      {header + `{"key":"lfsFile","value":{"path":"f","algo":"md5","oid":"` + stored + `","size":4}}`, 400, "SHA-256"},
		"deleted file missing":   {header + `{"key":"deletedFile","value":{"path":"nope"}}`, 400, "nope"},
		"deleted folder missing": {header + `{"key":"deletedFolder","value":{"path":"nope/"}}`, 400, "nope"},
		"all deleted":            {header + `{"key":"deletedFolder","value":{"path":""}}`, 400, ""},
		"a line too long":        {header + `{"key":"file","value":{"path":"f","content":"` + strings.Repeat("A", 15<<20), 413, "LFS"},
	} {
		t.Run(name, func(t *testing.T) {
			w.TB = t
			w.post(api+"/commit/main", c.body).refuses(c.status, "").says(c.says)
			if got, err := w.store.Head(t.Context(), hub.Ref{Repo: repo, Revision: "main"}); err != nil || got != head {
				t.Errorf("main stands at %q, %v, want %q", got, err, head)
			}
		})
	}
	w.TB = t
	w.do(request{method: "POST", path: api + "/commit/main", body: header, as: anonymous}).refuses(http.StatusUnauthorized, "RepoNotFound")
}

// A regular file may be as large as those that belong into LFS are not.
func TestCommitLargestRegularFile(t *testing.T) {
	w := withRepo(t)
	content := strings.Repeat("0123456789abcdef", 10<<20/16)
	line := object{"key": "file", "value": object{"path": "f", "encoding": "base64", "content": base64.StdEncoding.EncodeToString([]byte(content))}}
	w.commit("main", object{}, line).wants(http.StatusOK)
	f, err := w.store.Stat(t.Context(), hub.Ref{Repo: repo, Revision: "main"}, "f")
	if err != nil || f.SHA256 != canon.Sum([]byte(content)) {
		t.Errorf("it is stored as %+v, %v", f, err)
	}
}

func TestCommitTooManyFilesInAFolder(t *testing.T) {
	w := withRepo(t)
	w.publish(map[string]string{"x.parquet": ""})
	var body strings.Builder
	body.WriteString(`{"key":"header","value":{"summary":"s"}}` + "\n")
	for i := range 10_001 {
		body.WriteString(`{"key":"lfsFile","value":{"path":"d/` + string(base(i)) + `","oid":"` + canon.Sum(nil) + `"}}` + "\n")
	}
	w.post(api+"/commit/main", body.String()).refuses(http.StatusBadRequest, "").says("too many files per directory")
}

// base is a name for a number.
func base(n int) []byte {
	name := []byte("aaaa")
	for i := range name {
		name[i] += byte(n % 26)
		n /= 26
	}
	return name
}
