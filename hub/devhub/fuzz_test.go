package devhub_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"finest/hub"
	"finest/internal/canon"
)

// FuzzRequest sends requests of strangers to every door. None is the server's
// fault, and none changes what it may not.
func FuzzRequest(f *testing.F) {
	w := withRepo(f)
	sha := w.publish(map[string]string{"f": "x", "d/g.parquet": "rows"})
	oid := canon.Sum([]byte("rows"))
	for _, seed := range []struct{ method, path, query, token, kind, body string }{
		{"GET", api + "/tree/main/d", "recursive=1&cursor=d&limit=1", token, "", ""},
		{"GET", api + "/commits/main", "p=1&limit=2", token, "", ""},
		{"POST", api + "/paths-info/main", "", token, "application/x-www-form-urlencoded", "paths=f&paths=d&expand=1"},
		{"POST", api + "/paths-info/main", "", token, "application/json", `{"paths":["f"],"expand":true}`},
		{"POST", api + "/preupload/main", "", token, "", `{"files":[{"path":"f","size":1}],"gitIgnore":"*.x"}`},
		{"POST", batch, "", token, "", `{"operation":"upload","transfers":["multipart"],"objects":[{"oid":"` + oid + `","size":4},{"oid":"00","size":-1}]}`},
		{"POST", strings.Replace(batch, "batch", "verify", 1), "", token, "", `{"oid":"` + oid + `","size":4}`},
		{"POST", "/api/complete_multipart", "oid=x&size=9&chunk=0&upload=1", "", "", `{"oid":"x","parts":[{"partNumber":1,"etag":"e"}]}`},
		{"PUT", "/storage/parts/x/1", "size=1&chunk=1&expires=9999999999&signature=00", "", "", "x"},
		{"GET", "/storage/objects/" + oid, "size=4", "", "", ""},
		{"POST", "/api/repos/create", "", token, "", `{"name":"x","type":"dataset","organization":"o","gated":"auto"}`},
		{"DELETE", "/api/repos/delete", "", token, "", `{"name":"x","type":"dataset"}`},
		{"PUT", api + "/settings", "", token, "", `{"gated":false,"visibility":"public"}`},
		{"POST", api + "/branch/b", "", token, "", `{"startingPoint":"` + sha + `"}`},
		{"POST", api + "/tag/main", "", token, "", `{"tag":"v1"}`},
		{"POST", api + "/discussions", "", token, "", `{"title":"t","pullRequest":true}`},
		{"GET", api + "/discussions/1", "", "", "", ""},
		{"GET", site + "/resolve/main/f", "", "", "", ""},
		{"HEAD", site + "/raw/refs%2Fpr%2F1/d/g.parquet", "", "", "", ""},
		{"GET", "/api/whoami-v2", "", "hf_\xff", "", ""},
		{"POST", "/api/validate-yaml", "", "", "", `{"content":"---\n"}`},
	} {
		f.Add(seed.method, seed.path, seed.query, seed.token, seed.kind, seed.body)
	}
	f.Fuzz(func(t *testing.T, method, path, query, user, kind, body string) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost/", strings.NewReader(body))
		if err != nil {
			t.Skip()
		}
		if r.URL, err = url.ParseRequestURI(path); err != nil || r.URL.Host != "" {
			t.Skip()
		}
		r.URL.RawQuery, r.Host, r.RequestURI = query, "localhost", path
		r.Header = http.Header{"Authorization": {"Bearer " + user}, "Content-Type": {kind}}
		recorder := httptest.NewRecorder()
		w.server.ServeHTTP(recorder, r)
		if recorder.Code >= 500 {
			t.Errorf("%s %s?%s %q is answered with %d %s", method, path, query, body, recorder.Code, recorder.Body)
		}
		for name, values := range recorder.Header() {
			if strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
				t.Errorf("%s is %q", name, values)
			}
		}
		w.server.Faults().Clear()
	})
}

// FuzzCommit sends lines of strangers. What is committed can be read, and what
// is refused changes nothing.
func FuzzCommit(f *testing.F) {
	w := withRepo(f)
	seed := map[string]string{"f": "x", "d/g.parquet": "rows"}
	w.publish(seed)
	oid := canon.Sum([]byte("rows"))
	const header = `{"key":"header","value":{"summary":"s"}}` + "\n"
	f.Add(header + `{"key":"file","value":{"path":"n","content":"eA==","encoding":"base64"}}`)
	f.Add(header + `{"key":"lfsFile","value":{"path":"n.parquet","algo":"sha256","oid":"` + oid + `","size":4}}`)
	f.Add(header + `{"key":"deletedFile","value":{"path":"f"}}` + "\n" + `{"key":"deletedFolder","value":{"path":"d/"}}`)
	f.Add(`{"key":"header","value":{"summary":"s","parentCommit":"` + strings.Repeat("0", 40) + `"}}`)
	f.Add(header + header)
	main := hub.Ref{Repo: repo, Revision: hub.MainBranch}
	f.Fuzz(func(t *testing.T, body string) {
		before, err := w.store.Head(t.Context(), main)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), "POST", api+"/commit/main", strings.NewReader(body))
		r.Host = "localhost"
		r.Header.Set("Authorization", "Bearer "+token)
		recorder := httptest.NewRecorder()
		w.server.ServeHTTP(recorder, r)
		after, err := w.store.Head(t.Context(), main)
		if err != nil || recorder.Code >= 500 || (before != after) != (recorder.Code == http.StatusOK) {
			t.Fatalf("%q is answered with %d %s; main went from %s to %s, %v", body, recorder.Code, recorder.Body, before, after, err)
		}
		files, err := w.store.Entries(t.Context(), main, "", 100_000)
		if err != nil {
			t.Fatalf("%q leaves %v", body, err)
		}
		if len(files) > 50 { // begin anew, or each try takes longer than the last
			if err := errors.Join(w.store.DeleteRepo(t.Context(), repo), w.store.EnsureRepo(t.Context(), repo)); err != nil {
				t.Fatal(err)
			}
			w.publish(seed)
			return
		}
		for _, e := range files {
			if content, err := hub.ReadFile(t.Context(), w.store, main, e.Path, 1<<20); err != nil || int64(len(content)) != e.Size {
				t.Errorf("%q leaves %q with %d bytes, %v", body, e.Path, len(content), err)
			}
		}
	})
}
