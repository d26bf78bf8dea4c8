package huggingface_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"finest/hub"
)

const treePath = "/api/datasets/owner/name/tree/" + commit

// entry is a file of a listing, as JSON.
func entry(path string, size int64) map[string]any {
	return map[string]any{"type": "file", "oid": commit, "size": size, "path": path}
}

func jsonOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// endless serves pages of n new files each, with a cursor to the next, for ever.
func endless(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		at, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
		var page []any
		for i := at; i < at+n; i++ {
			page = append(page, entry(fmt.Sprintf("data/%09d", i), 1))
		}
		w.Header().Set("Link", fmt.Sprintf("<%s%s?recursive=true&cursor=%d>; rel=\"next\"", endpoint, treePath, at+n))
		_, _ = fmt.Fprint(w, jsonOf(page))
	}
}

// TestTreeOfHostileHubs ends with a clear error and a bounded number of
// requests, whatever the hub lists.
func TestTreeOfHostileHubs(t *testing.T) {
	page := func(link string, entries ...any) http.HandlerFunc {
		return says(200, jsonOf(append([]any{}, entries...)), "Link", link)
	}
	next := func(query string) string { return "<" + endpoint + treePath + query + `>; rel="next"` }
	a, b := entry("a", 1), entry("b", 2)
	lfs := func(oid string, size int64) map[string]any {
		e := entry("a", 10)
		e["lfs"] = map[string]any{"oid": oid, "size": size}
		return e
	}
	folders := func(w http.ResponseWriter, r *http.Request) {
		var page []any
		for i := range 10_000 {
			page = append(page, map[string]any{"type": "directory", "path": r.URL.Query().Get("cursor") + "/" + strconv.Itoa(i)})
		}
		w.Header().Set("Link", next("?cursor=x"+r.URL.Query().Get("cursor")))
		_, _ = fmt.Fprint(w, jsonOf(page))
	}
	for name, c := range map[string]struct {
		hub  http.HandlerFunc
		want error
		says string
	}{
		"no end":                     {endless(10), hub.ErrTooLarge, "more than 25 files"},
		"pages of one, no end":       {endless(1), hub.ErrTooLarge, "more than 25 files"},
		"one huge page":              {says(200, "["+strings.Repeat(jsonOf(a)+",", 1_000_000)), hub.ErrTooLarge, "more than 67108864 bytes"},
		"values of two bytes each":   {says(200, "["+strings.Repeat("1,", 1<<20)), hub.ErrTooLarge, "more than 524288 values"},
		"folders, no end":            {folders, hub.ErrTooLarge, "folders"},
		"the same page again":        {page(next("?expand=false&recursive=true"), a), hub.ErrUnavailable, "same page"},
		"a circle":                   {each(page(next("?cursor=1"), a), page(next("?cursor=2"), b), page(next("?cursor=1"), a)), hub.ErrCorrupt, `"a" twice`},
		"empty pages, no end":        {each(page(next("?cursor=1"), a), page(next("?cursor=2"))), hub.ErrUnavailable, "without entries"},
		"another host":               {page(`<https://evil.example/api/datasets/owner/name/tree/x>; rel="next"`, a), hub.ErrUnavailable, "evil.example"},
		"a subdomain":                {page(`<https://cdn.hub.example/api/x>; rel="next"`, a), hub.ErrUnavailable, "cdn.hub.example"},
		"not the API":                {page("<"+endpoint+`/datasets/owner/name/resolve/main/x>; rel="next"`, a), hub.ErrUnavailable, "not below"},
		"a link that is no URL":      {page(`<::>; rel="next"`, a), hub.ErrUnavailable, "no http"},
		"a query that is none":       {page("<"+endpoint+treePath+`?a=%zz>; rel="next"`, a), hub.ErrUnavailable, "query"},
		"twice in a page":            {page("", a, a), hub.ErrCorrupt, `"a" twice`},
		"a path that climbs":         {page("", entry("../a", 1)), hub.ErrCorrupt, `".."`},
		"an absolute path":           {page("", entry("/etc/passwd", 1)), hub.ErrCorrupt, `element ""`},
		"a path into .git":           {page("", entry("x/.Git/config", 1)), hub.ErrCorrupt, `".Git"`},
		"a control character":        {page("", entry("a\x00b", 1)), hub.ErrCorrupt, "control character"},
		"a backslash":                {page("", entry(`a\b`, 1)), hub.ErrCorrupt, "backslash"},
		"no path":                    {page("", entry("", 1)), hub.ErrCorrupt, "empty"},
		"a path that long":           {page("", entry(strings.Repeat("x", 5000), 1)), hub.ErrCorrupt, "5000 bytes"},
		"a negative size":            {page("", entry("a", -1)), hub.ErrCorrupt, "-1 bytes"},
		"a huge size":                {page("", entry("a", 1<<60)), hub.ErrCorrupt, "bytes"},
		"a size that is no number":   {says(200, `[{"type":"file","path":"a","size":"1"}]`), hub.ErrUnavailable, "not what the hub sends"},
		"a size beyond numbers":      {says(200, `[{"type":"file","path":"a","size":1e300}]`), hub.ErrUnavailable, "not what the hub sends"},
		"an object that is no hash":  {page("", lfs("sha256:abc", 10)), hub.ErrCorrupt, "sha256:abc"},
		"an object of another size":  {page("", lfs(strings.Repeat("a", 64), 11)), hub.ErrCorrupt, "10 bytes"},
		"an object, not a list":      {says(200, `{"error":null}`), hub.ErrUnavailable, "not what the hub sends"},
		"a list in lists":            {says(200, strings.Repeat("[", 100_000)), hub.ErrUnavailable, "not what the hub sends"},
		"a page of a captive portal": {says(200, "<!DOCTYPE html>", "Content-Type", "text/html"), hub.ErrUnavailable, `"<!DOCTYPE html>" of type "text/html"`},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(t, map[string]http.HandlerFunc{endpoint: c.hub})
			files, err := n.client(endpoint).Tree(t.Context(), pinned, "", 25)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || len(files) > 0 || len(err.Error()) > 1000 {
				t.Errorf("%d files, error %v, want %v that says %q", len(files), err, c.want, c.says)
			}
			if len(n.requests) > 30 {
				t.Errorf("%d requests", len(n.requests))
			}
		})
	}
	n := newNetwork(t, map[string]http.HandlerFunc{endpoint: page("", entry("data/a", 1), entry("database/a", 1))})
	if _, err := n.client(endpoint).Tree(t.Context(), pinned, "data", 25); !errors.Is(err, hub.ErrCorrupt) || !strings.Contains(err.Error(), "not in the folder") {
		t.Errorf("a file beside the folder: %v", err)
	}
}

// Pages of a branch are all of the commit it stood at.
func TestTreeOfABranch(t *testing.T) {
	n := newNetwork(t, map[string]http.HandlerFunc{endpoint: func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/api/datasets/owner/name/revision/main":
			says(200, `{"sha":"`+commit+`"}`)(w, r)
		case r.URL.Path == treePath && r.URL.Query().Get("cursor") == "":
			says(200, jsonOf([]any{entry("b", 1)}), "Link", `<`+endpoint+treePath+`?cursor=a%2Fb%3D%3D&recursive=true>; title="a, b"; rel="next"`)(w, r)
		case r.URL.Path == treePath && r.URL.Query().Get("cursor") == "a/b==":
			says(200, jsonOf([]any{entry("a", 3), map[string]any{"type": "directory", "path": "c"}, entry("c/d", 1)}), "Link", `<https://x>; rel="prev"`)(w, r)
		default:
			says(404, "")(w, r)
		}
	}})
	files, err := n.client(endpoint).Tree(t.Context(), hub.Ref{Repo: "owner/name", Revision: "main"}, "", 3)
	want := []hub.File{{Path: "a", Size: 3}, {Path: "b", Size: 1}, {Path: "c/d", Size: 1}}
	if err != nil || fmt.Sprint(files) != fmt.Sprint(want) || len(n.requests) != 3 {
		t.Errorf("%v, %v after %q", files, err, n.sent())
	}
}

// TestHead is the commit of a revision, and no other.
func TestHead(t *testing.T) {
	branch := hub.Ref{Repo: "owner/name", Revision: "main"}
	for name, c := range map[string]struct {
		reply string
		ref   hub.Ref
		want  error
	}{
		"a branch":                {`{"sha":"` + commit + `"}`, branch, nil},
		"a commit":                {`{"sha":"` + commit + `"}`, pinned, nil},
		"a branch, no commits":    {`{"sha":null}`, branch, nil},
		"another commit":          {`{"sha":"` + strings.Repeat("0", 40) + `"}`, pinned, hub.ErrCorrupt},
		"a commit that is none":   {`{"sha":"main"}`, branch, hub.ErrUnavailable},
		"no commit for a commit":  {`{}`, pinned, hub.ErrUnavailable},
		"a commit in upper case":  {`{"sha":"` + strings.ToUpper("ab") + commit[2:] + `"}`, branch, hub.ErrUnavailable},
		"a commit and a line end": {`{"sha":"` + commit + `\n"}`, branch, hub.ErrUnavailable},
	} {
		n := newNetwork(t, map[string]http.HandlerFunc{endpoint: says(200, c.reply)})
		sha, err := n.client(endpoint).Head(t.Context(), c.ref)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || err == nil && strings.Contains(c.reply, commit) != (sha == commit) {
			t.Errorf("%s: %q, %v, want %v", name, sha, err, c.want)
		}
	}
}

// TestStat reads no object of LFS, a regular file once, and asks again for
// nothing that a commit holds for ever.
func TestStat(t *testing.T) {
	files := map[string]object{"lfs": {text(5000), true}, "regular": {text(70), false}, "empty": {"", false}}
	n := newNetwork(t, map[string]http.HandlerFunc{endpoint: resolves(files)})
	c := n.client(endpoint)
	branch := hub.Ref{Repo: "owner/name", Revision: "main"}
	for _, step := range []struct {
		ref  hub.Ref
		path string
		sent string // methods
	}{
		{pinned, "lfs", "HEAD"},
		{pinned, "lfs", ""},
		{branch, "lfs", "HEAD"},
		{branch, "regular", "HEAD GET"},
		{branch, "regular", "HEAD"},
		{pinned, "regular", ""},
		{pinned, "empty", "HEAD GET"},
	} {
		before := len(n.requests)
		f, err := c.Stat(t.Context(), step.ref, step.path)
		want := hub.File{Path: step.path, Size: int64(len(files[step.path].body)), SHA256: files[step.path].sum()}
		if err != nil || f != want {
			t.Errorf("%s at %s is %v, %v, want %v", step.path, step.ref.Revision, f, err, want)
		}
		var methods []string
		for _, r := range n.requests[before:] {
			methods = append(methods, r.Method)
		}
		if got := strings.Join(methods, " "); got != step.sent {
			t.Errorf("%s at %s took %q, want %q", step.path, step.ref.Revision, got, step.sent)
		}
	}
	if _, err := c.Stat(t.Context(), pinned, "missing"); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := c.Stat(t.Context(), pinned, "../x"); err == nil || len(n.requests) != 8 {
		t.Errorf("a path that climbs: %v after %d requests", err, len(n.requests))
	}
}

// A file whose SHA-256 the hub does not know is read within bounds.
func TestStatOfHostileHubs(t *testing.T) {
	body := text(100)
	good := resolves(map[string]object{"f": {body, false}})
	for name, c := range map[string]struct {
		hub  http.HandlerFunc
		want error
		says string
	}{
		"huge":             {says(200, "", "X-Repo-Commit", commit, "Content-Length", fmt.Sprint(1<<40)), hub.ErrTooLarge, "no LFS object"},
		"no length":        {ending(1000, good), hub.ErrUnavailable, "how long"},
		"another length":   {each(good, changing(resolves(map[string]object{"f": {body + "x", false}}), "ETag", "")), hub.ErrCorrupt, "101 bytes instead of 100"},
		"a portal":         {says(200, "<html>", "Content-Type", "text/html"), hub.ErrUnavailable, "this is not the hub"},
		"a denied file":    {says(403, "", "X-Error-Code", "GatedRepo"), hub.ErrDenied, "GatedRepo"},
		"a hash that lies": {changing(good, "ETag", `"`+strings.Repeat("0", 40)+`"`), hub.ErrCorrupt, "its hash is"},
	} {
		n := newNetwork(t, map[string]http.HandlerFunc{endpoint: c.hub})
		_, err := n.client(endpoint).Stat(t.Context(), pinned, "f")
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v that says %q", name, err, c.want, c.says)
		}
	}
}

// TestPaths asks for at most 500 at once, and takes answers about those alone.
func TestPaths(t *testing.T) {
	var asked []int
	n := newNetwork(t, map[string]http.HandlerFunc{endpoint: func(w http.ResponseWriter, r *http.Request) {
		var ask struct{ Paths []string }
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
			t.Error(err)
		}
		asked = append(asked, len(ask.Paths))
		page := []any{map[string]any{"type": "directory", "path": "f0"}}
		for _, p := range ask.Paths {
			if p != "missing" {
				page = append(page, entry(p, 1))
			}
		}
		_, _ = fmt.Fprint(w, jsonOf(page))
	}})
	paths := []string{"missing"}
	for i := range 700 {
		paths = append(paths, fmt.Sprint("f", i))
	}
	entries, err := n.client(endpoint).Paths(t.Context(), pinned, paths)
	if err != nil || len(entries) != 700 || entries[0].GitID != commit || entries[0].LFS || fmt.Sprint(asked) != "[500 201]" {
		t.Errorf("%d entries, %v, asked for %v", len(entries), err, asked)
	}
	for name, reply := range map[string]http.HandlerFunc{
		"another": says(200, jsonOf([]any{entry("b", 1)})),
		"twice":   says(200, jsonOf([]any{entry("a", 1), entry("a", 1)})),
	} {
		n := newNetwork(t, map[string]http.HandlerFunc{endpoint: reply})
		if _, err := n.client(endpoint).Paths(t.Context(), pinned, []string{"a"}); !errors.Is(err, hub.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := n.client(endpoint).Paths(t.Context(), pinned, []string{"a", "../b"}); err == nil {
		t.Error("a path that climbs was asked for")
	}
}

// Names that no repository, branch or file has are not sent.
func TestNames(t *testing.T) {
	n := newNetwork(t, nil)
	c, ctx := n.client(endpoint), t.Context()
	for _, repo := range []string{"", "name", "a/b/c", "../b", "a/..", "a/b?c", "a/b#c", "a/b%2f", "a /b", "a/b\n", strings.Repeat("a", 96) + "/b"} {
		ref := hub.Ref{Repo: repo, Revision: "main"}
		_, head := c.Head(ctx, ref)
		_, info := c.Info(ctx, repo)
		_, refs := c.Refs(ctx, repo)
		_, pull := c.OpenPull(ctx, repo, "t", "")
		_, paths := c.Paths(ctx, ref, []string{"a"})
		_, open := c.Open(ctx, ref, "a", 0, 1)
		for _, err := range []error{head, info, refs, pull, paths, open, c.CreateRepo(ctx, repo, false), c.DeleteRepo(ctx, repo), c.CreateBranch(ctx, repo, "b", "")} {
			if err == nil || errors.Is(err, hub.ErrUnavailable) {
				t.Errorf("repository %q: %v", repo, err)
			}
		}
	}
	for _, revision := range []string{"", ".", "..", "../main", "a/../b", "main\n", "a\x00", "\xff", strings.Repeat("a", 251)} {
		ref := hub.Ref{Repo: "owner/name", Revision: revision}
		_, head := c.Head(ctx, ref)
		_, tree := c.Tree(ctx, ref, "", 1)
		_, open := c.Open(ctx, ref, "a", 0, 1)
		for _, err := range []error{head, tree, open, c.DeleteBranch(ctx, "owner/name", revision)} {
			if !errors.Is(err, hub.ErrNotFound) {
				t.Errorf("revision %q: %v", revision, err)
			}
		}
	}
	if sent := n.sent(); len(sent) > 0 {
		t.Errorf("sent %q", sent)
	}
}
