package devhub_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"finest/hub"
	"finest/hub/devhub"
	"finest/hub/localhub"
	"finest/internal/canon"
)

// The repository that tests work on, and who they are.
const (
	repo  = "tester/corpus"
	api   = "/api/datasets/" + repo
	site  = "/datasets/" + repo
	batch = site + ".git/info/lfs/objects/batch"
	token = "hf_tester"
	chunk = 100 // bytes of a part
)

// clock is a time that stands until it is moved.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// world is a server without a network.
type world struct {
	testing.TB
	dir    string
	store  *localhub.Hub
	server *devhub.Server
	clock  *clock
}

func start(t testing.TB, change ...func(*devhub.Options)) *world {
	t.Helper()
	dir := t.TempDir()
	store, err := localhub.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, dir: dir, store: store, clock: &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}
	o := devhub.Options{ChunkSize: chunk, Now: w.clock.Now}
	for _, c := range change {
		c(&o)
	}
	w.server = devhub.New(store, o)
	t.Cleanup(func() {
		if err := w.server.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// withRepo is start with the repository.
func withRepo(t testing.TB, change ...func(*devhub.Options)) *world {
	t.Helper()
	w := start(t, change...)
	if err := w.store.EnsureRepo(t.Context(), repo); err != nil {
		t.Fatal(err)
	}
	return w
}

// request is one to send: of the user tester, unless as says otherwise.
type request struct {
	method, path string
	body         any // text, or a value to be sent as JSON
	as           string
	header       http.Header
	length       int64 // of the body as the header says; 0 is the truth
}

// anonymous is nobody's token.
const anonymous = "-"

// do sends a request and returns the answer, whose body is read.
func (w *world) do(q request) *reply {
	w.Helper()
	var body []byte
	switch b := q.body.(type) {
	case nil:
	case string:
		body = []byte(b)
	case []byte:
		body = b
	default:
		body = encode(w, b)
	}
	r := httptest.NewRequest(q.method, q.path, bytes.NewReader(body))
	r.Host = "localhost"
	if r.URL.Host != "" {
		r.Host = r.URL.Host
	}
	for name, values := range q.header {
		r.Header[name] = values
	}
	if q.length != 0 {
		r.ContentLength = q.length
	}
	switch q.as {
	case "":
		r.Header.Set("Authorization", "Bearer "+token)
	case anonymous:
	default:
		r.Header.Set("Authorization", q.as)
	}
	recorder := httptest.NewRecorder()
	w.server.ServeHTTP(recorder, r)
	return &reply{TB: w, name: q.method + " " + q.path, Response: recorder.Result(), text: recorder.Body.String()}
}

func (w *world) get(path string) *reply {
	w.Helper()
	return w.do(request{method: "GET", path: path})
}

func (w *world) post(path string, body any) *reply {
	w.Helper()
	return w.do(request{method: "POST", path: path, body: body})
}

// reply is an answer.
type reply struct {
	testing.TB
	*http.Response
	name, text string
}

// wants fails the test unless the answer has a status.
func (r *reply) wants(status int) *reply {
	r.Helper()
	if r.StatusCode != status {
		r.Fatalf("%s answers %d %.500s, want %d", r.name, r.StatusCode, r.text, status)
	}
	return r
}

// refuses fails the test unless the answer is an error as the Hub has them.
func (r *reply) refuses(status int, code string) *reply {
	r.Helper()
	var body struct{ Error string }
	r.wants(status).into(&body)
	if got := r.Header.Get("X-Error-Code"); got != code || body.Error == "" || r.Header.Get("X-Error-Message") == "" {
		r.Fatalf("%s has the code %q and the message %q, %q, want the code %q", r.name, got, r.Header.Get("X-Error-Message"), body.Error, code)
	}
	return r
}

// says fails the test unless the body holds a text.
func (r *reply) says(text string) *reply {
	r.Helper()
	if !strings.Contains(r.text, text) {
		r.Errorf("%s answers %.500q, want something with %q", r.name, r.text, text)
	}
	return r
}

// into decodes the body.
func (r *reply) into(v any) {
	r.Helper()
	if err := json.Unmarshal([]byte(r.text), v); err != nil {
		r.Fatalf("%s answers %.500q: %v", r.name, r.text, err)
	}
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// object is a JSON object.
type object = map[string]any

// commit sends a commit with these lines after the header, and returns the
// answer.
func (w *world) commit(branch string, header object, lines ...object) *reply {
	w.Helper()
	if header["summary"] == nil {
		header["summary"] = "test"
	}
	var body bytes.Buffer
	for _, l := range append([]object{{"key": "header", "value": header}}, lines...) {
		body.Write(append(encode(w, l), '\n'))
	}
	return w.post(api+"/commit/"+branch, body.Bytes())
}

// sha returns the commit that an answer reports.
func (r *reply) sha() string {
	r.Helper()
	var made struct{ CommitOid string }
	r.wants(http.StatusOK).into(&made)
	return made.CommitOid
}

func file(path, content string) object {
	return object{"key": "file", "value": object{"path": path, "content": content, "encoding": "utf-8"}}
}

func lfsFile(path, content string) object {
	return object{"key": "lfsFile", "value": object{"path": path, "algo": "sha256", "oid": canon.Sum([]byte(content)), "size": len(content)}}
}

// publish stores files, those that end in .parquet in LFS, and returns the
// commit.
func (w *world) publish(files map[string]string) string {
	w.Helper()
	var add []hub.Source
	for path, content := range files {
		add = append(add, hub.Bytes(path, []byte(content)))
	}
	head, err := w.store.Head(w.Context(), hub.Ref{Repo: repo, Revision: hub.MainBranch})
	if err != nil {
		w.Fatal(err)
	}
	sha, err := w.store.Publish(w.Context(), hub.Publication{Repo: repo, Message: "files", Parent: head, Add: add})
	if err != nil {
		w.Fatal(err)
	}
	return sha
}

// read returns what a file holds at a revision.
func (w *world) read(revision, path string) string {
	w.Helper()
	raw, err := hub.ReadFile(w.Context(), w.store, hub.Ref{Repo: repo, Revision: revision}, path, 1<<20)
	if err != nil {
		w.Fatal(err)
	}
	return string(raw)
}

// text is a body of n bytes that has no period of a part.
func text(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d,", i)
	}
	return b.String()[:n]
}
