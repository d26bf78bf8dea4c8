package devhub_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"finest/hub/devhub"
	"finest/internal/canon"
)

func TestResolveLFS(t *testing.T) {
	w := withRepo(t)
	sha := w.publish(map[string]string{"d/f.parquet": "some rows"})
	sum := canon.Sum([]byte("some rows"))
	for _, method := range []string{"HEAD", "GET"} {
		got := w.do(request{method: method, path: site + "/resolve/main/d/f.parquet"}).wants(http.StatusFound)
		for name, want := range map[string]string{
			"X-Repo-Commit": sha, "X-Linked-Size": "9", "X-Linked-Etag": `"` + sum + `"`, "Accept-Ranges": "bytes",
		} {
			if got.Header.Get(name) != want {
				t.Errorf("%s has %s %q, want %q", method, name, got.Header.Get(name), want)
			}
		}
		to := got.Header.Get("Location")
		if _, err := url.Parse(to); err != nil || !strings.HasPrefix(to, "http://localhost/storage/") {
			t.Errorf("%s leads to %q", method, to)
		}
		stored := w.do(request{method: "GET", path: to, as: anonymous}).wants(http.StatusOK)
		if etag := stored.Header.Get("ETag"); stored.text != "some rows" || etag == "" || strings.Contains(etag, sum) {
			t.Errorf("the storage has %q with ETag %s", stored.text, etag)
		}
		w.do(request{method: "GET", path: to}).wants(http.StatusBadRequest).says("InvalidArgument") // with Authorization
		w.do(request{method: "HEAD", path: to, as: anonymous}).wants(http.StatusOK)
		w.put(to, "some rows").wants(http.StatusForbidden)
	}
	to := w.get(site + "/resolve/main/d/f.parquet").Header.Get("Location")
	w.clock.now = w.clock.now.Add(devhub.Expiry + time.Second)
	w.do(request{method: "GET", path: to, as: anonymous}).wants(http.StatusForbidden).says("AccessDenied")

	raw := w.get(site + "/raw/main/d/f.parquet").wants(http.StatusOK)
	if want := "version https://git-lfs.github.com/spec/v1\noid sha256:" + sum + "\nsize 9\n"; raw.text != want {
		t.Errorf("raw is %q, want %q", raw.text, want)
	}
}

func TestResolveRegular(t *testing.T) {
	w := withRepo(t)
	sha := w.publish(map[string]string{"f": "hello\n", "empty": ""})
	for _, door := range []string{"resolve", "raw"} {
		for _, method := range []string{"HEAD", "GET"} {
			got := w.do(request{method: method, path: site + "/" + door + "/main/f"}).wants(http.StatusOK)
			for name, want := range map[string]string{
				"X-Repo-Commit": sha, "ETag": `"ce013625030ba8dba906f756967f9e9ca394464a"`, "Content-Length": "6", "X-Linked-Etag": "", "Accept-Ranges": "bytes",
			} {
				if got.Header.Get(name) != want {
					t.Errorf("%s %s has %s %q, want %q", method, door, name, got.Header.Get(name), want)
				}
			}
			if want := map[string]string{"GET": "hello\n"}[method]; got.text != want {
				t.Errorf("%s %s has %q, want %q", method, door, got.text, want)
			}
		}
		if got := w.get(site + "/" + door + "/main/empty").wants(http.StatusOK); got.text != "" || got.Header.Get("Content-Length") != "0" {
			t.Errorf("an empty file is %q", got.text)
		}
	}
}

func TestResolveMissing(t *testing.T) {
	w := withRepo(t)
	sha := w.publish(map[string]string{"d/f": "x"})
	for path, code := range map[string]string{
		"/resolve/main/nope": "EntryNotFound", "/resolve/main/d": "EntryNotFound", "/raw/main/nope": "EntryNotFound",
		"/resolve/main/..%2Fmain": "EntryNotFound", "/resolve/main/%2Fetc%2Fpasswd": "EntryNotFound", "/resolve/main/%00": "EntryNotFound",
		"/resolve/main/d%5Cf": "EntryNotFound", "/resolve/main/%ff": "EntryNotFound", "/resolve/main/": "EntryNotFound",
		"/resolve/nope/d/f": "RevisionNotFound", "/resolve/refs%252Fheads%252Fmain/d/f": "RevisionNotFound",
		"/resolve/..%2F..%2Fx/d/f": "RevisionNotFound", "/resolve/" + strings.Repeat("1", 40) + "/d/f": "RevisionNotFound",
	} {
		got := w.get(site+path).refuses(http.StatusNotFound, code)
		if commit := got.Header.Get("X-Repo-Commit"); (commit == sha) != (code == "EntryNotFound") {
			t.Errorf("%s has the commit %q", path, commit)
		}
	}
}

func TestRanges(t *testing.T) {
	w := withRepo(t)
	const content = "0123456789"
	w.publish(map[string]string{"f": content, "f.parquet": content})
	lfs := w.get(site + "/resolve/main/f.parquet").Header.Get("Location")
	for _, path := range []string{site + "/resolve/main/f", lfs} {
		for asked, want := range map[string]struct {
			status int
			body   string
			span   string
		}{
			"bytes=0-0":     {206, "0", "bytes 0-0/10"},
			"bytes=2-5":     {206, "2345", "bytes 2-5/10"},
			"bytes=7-":      {206, "789", "bytes 7-9/10"},
			"bytes=-3":      {206, "789", "bytes 7-9/10"},
			"bytes=8-99":    {206, "89", "bytes 8-9/10"},
			"bytes=-99":     {206, content, "bytes 0-9/10"},
			"bytes=10-":     {416, "", "bytes */10"},
			"bytes=5-2":     {416, "", ""},
			"lines=1-2":     {416, "", ""},
			"":              {200, content, ""},
			"bytes=a-b":     {416, "", ""},
			"bytes=0-99999": {206, content, "bytes 0-9/10"},
		} {
			got := w.do(request{method: "GET", path: path, as: anonymous, header: http.Header{"Range": {asked}}}).wants(want.status)
			if span := got.Header.Get("Content-Range"); span != want.span || want.status != 416 && got.text != want.body {
				t.Errorf("%q of %s is %q, %q, want %q, %q", asked, path, got.text, span, want.body, want.span)
			}
		}
		etag := w.do(request{method: "GET", path: path, as: anonymous}).Header.Get("ETag")
		for condition, want := range map[string]int{etag: 206, `"other"`: 200, "W/" + etag: 200} {
			header := http.Header{"Range": {"bytes=1-2"}, "If-Range": {condition}}
			w.do(request{method: "GET", path: path, as: anonymous, header: header}).wants(want)
		}
		header := http.Header{"If-None-Match": {etag}}
		w.do(request{method: "GET", path: path, as: anonymous, header: header}).wants(http.StatusNotModified)
	}
}

// Any path that a repository may hold can be read by its escaped name.
func TestEscapedPaths(t *testing.T) {
	w := withRepo(t)
	for _, path := range []string{"a b", "a+b", "a#b?c&d=e", "100%", "%41", "é/ü", "日本/語.parquet", "a;b", "'\"<>", "x/...", "~", "a:b@c"} {
		sha := w.publish(map[string]string{path: "text of " + path})
		var escaped []string
		for part := range strings.SplitSeq(path, "/") {
			escaped = append(escaped, url.PathEscape(part))
		}
		got := w.get(site + "/resolve/" + sha + "/" + strings.Join(escaped, "/"))
		if got.StatusCode == http.StatusFound {
			got = w.do(request{method: "GET", path: got.Header.Get("Location"), as: anonymous})
		}
		if got.wants(http.StatusOK); got.text != "text of "+path {
			t.Errorf("%q holds %q", path, got.text)
		}
		whole := w.get(site + "/resolve/" + sha + "/" + url.PathEscape(path)) // slashes too, as Python's quote(safe="") has it
		if whole.StatusCode >= 400 {
			t.Errorf("%q in one piece is answered with %d", path, whole.StatusCode)
		}
	}
}
