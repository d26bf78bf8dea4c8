package huggingface

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestNextLink(t *testing.T) {
	for _, c := range []struct {
		want   string
		values []string
	}{
		{"", nil},
		{"https://x/?cursor=a", []string{`<https://x/?cursor=a>; rel="next"`}},
		{"https://x/?cursor=a", []string{`<https://x/?cursor=a>;rel=next`}},
		{"https://x/2", []string{`<https://x/1>; rel="prev", <https://x/2>; rel="next"`}},
		{"https://x/2", []string{`<https://x/1>; rel="prev"`, `<https://x/2>; title="a, <b>; rel=c"; REL="last NEXT"`}},
		{"https://x/a,b;c", []string{`<https://x/a,b;c>; rel="next"`}},
		{"", []string{`<https://x/1>; rel="nextish"`, `<https://x/2>; relative="next"`, `<https://x/3>`, `rel="next"`, `<`, `>`, `<>,`, `<a; rel="next"`}},
		{"", []string{"<https://x/" + strings.Repeat("a", maxLink) + `>; rel="next"`}},
	} {
		if got := nextLink(c.values); got != c.want {
			t.Errorf("%q: %q, want %q", c.values, got, c.want)
		}
	}
}

func FuzzNextLink(f *testing.F) {
	f.Add(`<https://x/1>; rel="prev", <https://x/2>; rel="next"`)
	f.Add(`<https://x/2>; title="a, <b>; rel=c"; rel="last next"`)
	f.Add(`<<>>,;;""=`)
	f.Fuzz(func(t *testing.T, value string) {
		if link := nextLink([]string{value}); link != "" && (!strings.Contains(value, "<"+link) || strings.Contains(link, ">")) {
			t.Errorf("%q is no link of %q", link, value)
		}
	})
}

func FuzzWait(f *testing.F) {
	f.Add(`"api";r=0;t=20`, "7", `{"error":"retry this action in about 41 minutes"}`)
	f.Add(`"api";r=949;t=200, "resolvers";r=0;t=33`, "Sat, 01 Jan 2000 00:00:30 GMT", "128 per hour")
	f.Add(`r=0;t=99999999999999999999`, "99999999999999999999", "in 999999 hours")
	f.Add(";=,", "-1", "\xff")
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, limit, after, body string) {
		h := http.Header{"Ratelimit": {limit}, "Retry-After": {after}}
		if wait := waitOf(h, []byte(body), now); wait < 0 || wait > maxAskedWait {
			t.Errorf("wait %v", wait)
		}
	})
}

func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-9/100", "bytes */100", "bytes 5-/*", "bytes -1--1/-1", "items 0-1/2", "bytes 9223372036854775807-1/9223372036854775808"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		first, total := contentRange(&http.Response{Header: http.Header{"Content-Range": {s}}})
		if first < -1 || total < -1 || total > maxSize || !strings.HasPrefix(s, "bytes ") && (first >= 0 || total >= 0) {
			t.Errorf("%q is %d of %d", s, first, total)
		}
	})
}

// FuzzListing reads pages of a tree: what comes out are files that a repository
// can have, each once.
func FuzzListing(f *testing.F) {
	f.Add([]byte(`[{"type":"file","oid":"x","size":1,"path":"a"},{"type":"directory","path":"d"},{"type":"file","size":2,"path":"d/b","lfs":{"oid":"`+strings.Repeat("a", 64)+`","size":2}}]`), "d", 5)
	f.Add([]byte(`[{"type":"file","path":"../a","size":-1},null,{}]`), "", 1)
	f.Fuzz(func(t *testing.T, page []byte, folder string, most int) {
		var entries []entryReply
		if json.Unmarshal(page, &entries) != nil || most > 1000 {
			return
		}
		l := listing{folder: folder, most: most, seen: map[string]bool{}}
		if l.add(entries) != nil {
			return
		}
		files, err := l.sorted()
		if err != nil {
			return
		}
		for i, file := range files {
			if validatePath(file.Path) != nil || file.Size < 0 || file.SHA256 != "" && !isHash(file.SHA256) || i > 0 && file.Path <= files[i-1].Path || i >= most {
				t.Errorf("file %d of at most %d is %+v", i, most, file)
			}
		}
	})
}
