package devhub_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"finest/internal/canon"
)

var update = flag.Bool("update", false, "write the goldens anew")

// What no two runs have in common.
var passing = []struct {
	re    *regexp.Regexp
	stand string
}{
	{regexp.MustCompile(`20\d\d-\d\d-\d\dT[0-9:.]+Z`), "TIME"},
	{regexp.MustCompile(`signature=[0-9a-f]{64}`), "signature=SIGNATURE"},
	{regexp.MustCompile(`upload=[0-9a-f]{32}`), "upload=UPLOAD"},
	{regexp.MustCompile(`parts/[0-9a-f]{32}`), "parts/UPLOAD"},
}

// shown are the headers that clients look at.
var shown = []string{
	"Accept-Ranges", "Content-Disposition", "Content-Length", "Content-Range", "Content-Type", "Etag", "Link", "Location", "X-Error-Code", "X-Error-Message",
	"X-Linked-Etag", "X-Linked-Size", "X-Repo-Commit", "X-Total-Count",
}

// transcript writes down a request and its answer.
func transcript(out *bytes.Buffer, q request, r *reply) {
	fmt.Fprintf(out, "%s %s\n", q.method, q.path)
	if q.body != nil {
		body, isText := q.body.(string)
		if !isText {
			body = string(encode(r, q.body))
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(body, "\n"), "\n") {
			fmt.Fprintf(out, "> %s\n", line)
		}
	}
	fmt.Fprintf(out, "%d\n", r.StatusCode)
	for _, name := range shown {
		if v := r.Header.Get(name); v != "" {
			fmt.Fprintf(out, "%s: %s\n", name, v)
		}
	}
	body := r.text
	var indented bytes.Buffer
	if json.Indent(&indented, []byte(body), "", "  ") == nil {
		body = indented.String()
	}
	fmt.Fprintf(out, "%s\n\n", strings.TrimSuffix(body, "\n"))
}

// One session, byte by byte: what is asked and what is answered.
func TestSession(t *testing.T) {
	w := start(t)
	var out bytes.Buffer
	say := func(q request) *reply {
		t.Helper()
		r := w.do(q)
		transcript(&out, q, r)
		return r
	}
	get := func(path string) *reply { return say(request{method: "GET", path: path}) }
	post := func(path string, body any) *reply { return say(request{method: "POST", path: path, body: body}) }
	small, large := "some rows", text(chunk+50)

	get("/api/whoami-v2")
	say(request{method: "GET", path: "/api/whoami-v2", as: "Bearer secret"})
	post("/api/repos/create", object{"name": "corpus", "organization": "tester", "type": "dataset", "private": false})
	post("/api/repos/create", object{"name": "corpus", "organization": "tester", "type": "dataset", "private": false})
	get(api)
	post(api+"/preupload/main", object{"files": []object{
		{"path": "README.md", "size": 6, "sample": "aGVsbG8K"}, {"path": ".gitattributes", "size": 1}, {"path": "data/a.parquet", "size": len(small)},
	}})
	var got batched
	post(batch, object{"operation": "upload", "transfers": both, "hash_algo": "sha256", "objects": []object{
		{"oid": canon.Sum([]byte(small)), "size": len(small)}, {"oid": canon.Sum([]byte(large)), "size": len(large)}, {"oid": "x", "size": 1},
	}}).into(&got)
	say(request{method: "PUT", path: got.Objects[0].Actions["upload"].Href, body: small, as: anonymous})
	say(request{method: "PUT", path: got.Objects[0].Actions["upload"].Href, body: "other row", as: anonymous})
	parts := []object{}
	for n, key := range []string{"1", "2"} {
		r := say(request{method: "PUT", path: got.Objects[1].Actions["upload"].Header[key], body: part(large, n+1), as: anonymous})
		parts = append(parts, object{"partNumber": n + 1, "etag": r.Header.Get("ETag")})
	}
	complete := got.Objects[1].Actions["upload"].Href
	say(request{method: "POST", path: complete, body: object{"oid": canon.Sum([]byte(large)), "parts": parts[:1]}, as: anonymous})
	say(request{method: "POST", path: complete, body: object{"oid": canon.Sum([]byte(large)), "parts": parts}, as: anonymous})
	post(strings.Replace(batch, "batch", "verify", 1), object{"oid": canon.Sum([]byte(large)), "size": len(large)})
	var made struct{ CommitOid string }
	post(api+"/commit/main", `{"key":"header","value":{"summary":"rows","description":""}}
{"key":"file","value":{"content":"aGVsbG8K","path":"README.md","encoding":"base64"}}
{"key":"lfsFile","value":{"path":"data/a.parquet","algo":"sha256","oid":"`+canon.Sum([]byte(small))+`","size":9}}
{"key":"lfsFile","value":{"path":"data/b.parquet","algo":"sha256","oid":"`+canon.Sum([]byte(large))+`","size":150}}
`).into(&made)
	post(api+"/commit/main", `{"key":"header","value":{"summary":"s","parentCommit":"0000000000000000000000000000000000000000"}}`)
	post(api+"/commit/main", `{"key":"header","value":{"summary":"late","parentCommit":"`+made.CommitOid+`"}}
{"key":"deletedFile","value":{"path":"data/b.parquet"}}`)
	post(api+"/commit/main", `{"key":"header","value":{"summary":"stale","parentCommit":"`+made.CommitOid+`"}}`)
	post(api+"/commit/main?create_pr=1", `{"key":"header","value":{"summary":"for all"}}
{"key":"file","value":{"content":"x","path":"x","encoding":"utf-8"}}`)
	get(api + "/tree/main?recursive=true&expand=true&limit=2")
	get(api + "/tree/nope")
	get(api + "/tree/main/nope")
	post(api+"/paths-info/main", object{"paths": []string{"data", "README.md", "nope"}})
	get(api + "/commits/main?limit=1")
	get(api + "/refs?include_prs=1")
	get(api + "/discussions/1")
	say(request{method: "HEAD", path: site + "/resolve/main/data/a.parquet"})
	to := get(site + "/resolve/main/data/a.parquet").Header.Get("Location")
	say(request{method: "GET", path: to, as: anonymous, header: map[string][]string{"Range": {"bytes=5-"}}})
	say(request{method: "GET", path: to})
	say(request{method: "HEAD", path: site + "/resolve/main/README.md"})
	get(site + "/raw/main/data/a.parquet")
	get(site + "/resolve/main/nope")
	say(request{method: "GET", path: "/api/datasets/tester/nope", as: anonymous})
	say(request{method: "DELETE", path: "/api/repos/delete", body: object{"name": "corpus", "organization": "tester", "type": "dataset"}})
	get(api)

	text := out.String()
	for _, p := range passing {
		text = p.re.ReplaceAllString(text, p.stand)
	}
	golden := filepath.Join("testdata", "session.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(text, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("line %d of the session is\n%s\nwant\n%s", i+1, gotLines[i], wantLines[i])
		}
	}
	if !slices.Equal(gotLines, wantLines) {
		t.Errorf("the session has %d lines, want %d", len(gotLines), len(wantLines))
	}
}
