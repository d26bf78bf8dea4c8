package devhub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"finest/hub"
	"finest/hub/devhub"
	"finest/internal/canon"
)

// live is a server on the network, and a client that does not try again: each
// request has a connection of its own.
type live struct {
	*world
	endpoint string
	client   *http.Client
}

func listen(t testing.TB, change ...func(*devhub.Options)) *live {
	t.Helper()
	w := withRepo(t, change...)
	endpoint, err := w.server.Listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	return &live{w, endpoint, &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// send sends a request of the user tester to a path, or of nobody to a URL. The
// body of the answer is read as far as it comes.
func (l *live) send(method, to, body string) (answer *http.Response, got string, err error) {
	l.Helper()
	mine := strings.HasPrefix(to, "/")
	if mine {
		to = l.endpoint + to
	}
	r, err := http.NewRequestWithContext(l.Context(), method, to, strings.NewReader(body))
	if err != nil {
		l.Fatal(err)
	}
	if mine {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err = l.client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	return answer, string(raw), err
}

// status is what a request is answered with, 0 for no answer.
func (l *live) status(method, to, body string) int {
	l.Helper()
	answer, _, err := l.send(method, to, body)
	if err != nil {
		return 0
	}
	return answer.StatusCode
}

const commitLine = `{"key":"header","value":{"summary":"s"}}` + "\n" + `{"key":"file","value":{"path":"f","content":"new"}}`

var commitTo = devhub.Match{Method: "POST", Path: "/commit/main$"}

func (l *live) head() string {
	l.Helper()
	sha, err := l.store.Head(l.Context(), hub.Ref{Repo: repo, Revision: "main"})
	if err != nil {
		l.Fatal(err)
	}
	return sha
}

func TestReplyFault(t *testing.T) {
	l := listen(t)
	before := l.head()
	l.server.Faults().Reply(commitTo, 2, 429, http.Header{"RateLimit": {`"api";r=0;t=7`}, "retry-after": {"3"}}, "slow down")
	for range 2 {
		answer, body, err := l.send("POST", api+"/commit/main", commitLine)
		if err != nil || answer.StatusCode != 429 || body != "slow down" || answer.Header.Get("Retry-After") != "3" || answer.Header.Get("RateLimit") != `"api";r=0;t=7` {
			t.Errorf("the answer is %v, %q, %v", answer, body, err)
		}
	}
	if l.head() != before {
		t.Error("the commit was made")
	}
	if got := l.status("POST", api+"/commit/main", commitLine); got != http.StatusOK || l.head() == before {
		t.Errorf("after two times the answer is %d", got)
	}
}

// A large body is heard to its end, so that the sender sees the answer.
func TestReplyFaultToLargeBody(t *testing.T) {
	l := listen(t)
	l.server.Faults().Reply(devhub.Match{}, -1, 503, nil, "")
	for range 3 {
		if got := l.status("PUT", "/x", strings.Repeat("x", 8<<20)); got != 503 {
			t.Errorf("the answer is %d, want 503", got)
		}
	}
}

func TestAfterFault(t *testing.T) {
	l := listen(t)
	before := l.head()
	l.server.Faults().After(commitTo, 1, 500)
	answer, body, err := l.send("POST", api+"/commit/main", commitLine)
	if err != nil || answer.StatusCode != 500 || !strings.Contains(body, "Internal Server Error") || strings.Contains(body, "commitOid") {
		t.Errorf("the answer is %v, %q, %v, want 500", answer, body, err)
	}
	if l.head() == before || l.read("main", "f") != "new" {
		t.Error("the commit has not landed")
	}
}

func TestDropFault(t *testing.T) {
	l := listen(t)
	before := l.head()
	l.server.Faults().Drop(commitTo, 1)
	if answer, _, err := l.send("POST", api+"/commit/main", commitLine); !errors.Is(err, io.EOF) {
		t.Errorf("the answer is %v, %v, want a cut connection", answer, err)
	}
	if l.head() == before {
		t.Error("the commit has not landed")
	}
	if log := l.server.Faults().Requests(); len(log) != 1 || log[0].Status != 0 {
		t.Errorf("the requests are %+v, want one without an answer", log)
	}
}

func TestCutAfterFault(t *testing.T) {
	l := listen(t)
	content := text(10_000)
	l.publish(map[string]string{"f": content, "f.parquet": content})
	answer, _, err := l.send("GET", site+"/resolve/main/f.parquet", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{site + "/resolve/main/f", answer.Header.Get("Location")} {
		for _, n := range []int64{0, 1, 5000, 9999} {
			l.server.Faults().CutAfter(devhub.Match{Method: "GET"}, 1, n)
			answer, got, err := l.send("GET", from, "")
			if !errors.Is(err, io.ErrUnexpectedEOF) || got != content[:n] || answer.ContentLength != 10_000 {
				t.Errorf("cut after %d it has %d bytes, %v", n, len(got), err)
			}
		}
		l.server.Faults().CutAfter(devhub.Match{Method: "GET"}, 1, 10_000)
		if _, got, err := l.send("GET", from, ""); err != nil || got != content {
			t.Errorf("cut after its end it has %d bytes, %v", len(got), err)
		}
	}
}

func TestCutUploadFault(t *testing.T) {
	l := listen(t, func(o *devhub.Options) { o.ChunkSize = 1 << 20 })
	content := text(1<<20 + 5)
	var got batched
	_, body, err := l.send("POST", batch, string(encode(t, object{
		"operation": "upload", "transfers": both, "objects": []object{{"oid": canon.Sum([]byte(content)), "size": len(content)}},
	})))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	upload := got.Objects[0].Actions["upload"]
	l.server.Faults().CutUpload(devhub.Match{Method: "PUT"}, 1, 1<<19)
	first := content[:1<<20]
	if got := l.status("PUT", upload.Header["1"], first); got != 0 {
		t.Errorf("the cut upload is answered with %d", got)
	}
	log := l.server.Faults().Requests()
	if last := log[len(log)-1]; last.Received != 1<<19 {
		t.Errorf("the server read %d bytes, want %d", last.Received, 1<<19)
	}
	if got := l.status("PUT", upload.Header["1"], first); got != http.StatusOK {
		t.Errorf("the second try is answered with %d", got)
	}
}

func TestRewriteFault(t *testing.T) {
	l := listen(t)
	l.publish(map[string]string{"f": "0123456789"})
	from := site + "/resolve/main/f"
	rewrite := func(change func(http.Header, []byte) (int, http.Header, []byte)) (*http.Response, string, error) {
		l.server.Faults().Rewrite(devhub.Match{Path: "/resolve/"}, 1, change)
		return l.send("GET", from, "")
	}
	answer, got, err := rewrite(func(h http.Header, body []byte) (int, http.Header, []byte) {
		return 0, h, bytes.ToUpper([]byte("wrong"))
	})
	if err != nil || got != "WRONG" || answer.StatusCode != 200 || answer.ContentLength != 5 || answer.Header.Get("ETag") == "" {
		t.Errorf("wrong bytes come as %v, %q, %v", answer, got, err)
	}
	answer, got, err = rewrite(func(h http.Header, body []byte) (int, http.Header, []byte) {
		return 200, http.Header{"Content-Type": {"text/html"}}, []byte("<html>")
	})
	if err != nil || got != "<html>" || answer.Header.Get("X-Repo-Commit") != "" || answer.Header.Get("Content-Type") != "text/html" {
		t.Errorf("a page comes as %v, %q, %v", answer, got, err)
	}
	_, got, err = rewrite(func(h http.Header, body []byte) (int, http.Header, []byte) {
		h.Set("Content-Length", strconv.Itoa(len(body)+5))
		return 206, h, body
	})
	if !errors.Is(err, io.ErrUnexpectedEOF) || got != "0123456789" {
		t.Errorf("too large a size comes as %q, %v", got, err)
	}
	l.server.Faults().Rewrite(devhub.Match{Method: "HEAD"}, 1, func(h http.Header, body []byte) (int, http.Header, []byte) {
		h.Set("ETag", `W/"weak"`)
		return 0, h, body
	})
	if answer, _, err = l.send("HEAD", from, ""); err != nil || answer.Header.Get("ETag") != `W/"weak"` || answer.ContentLength != 10 {
		t.Errorf("a rewritten HEAD is %v, %v", answer, err)
	}
}

// Each request meets the first fault that is left for it, and no other.
func TestFaultsInTurn(t *testing.T) {
	w := withRepo(t)
	f := w.server.Faults()
	f.Reply(devhub.Match{Method: "GET", Path: "/refs$"}, 1, 500, nil, "first")
	f.Reply(devhub.Match{Path: "/refs$"}, 2, 502, nil, "second")
	f.Reply(devhub.Match{Path: "%2Fx"}, -1, 503, nil, "escaped")
	var got []int
	for _, path := range []string{"/tree/main", "/refs", "/refs", "/branch/a%2Fx", "/refs", "/refs", "/branch/a%2Fx"} {
		got = append(got, w.get(api+path).StatusCode)
	}
	for i, want := range []int{200, 500, 502, 503, 502, 200, 503} {
		if got[i] != want {
			t.Fatalf("the answers are %v", got)
		}
	}
	f.Clear()
	if w.get(api+"/branch/a%2Fx").StatusCode == 503 {
		t.Error("a fault is left after Clear")
	}
	if n := len(f.Requests()); n != 1 {
		t.Errorf("%d requests are remembered after Clear and one more", n)
	}
}

func TestRequests(t *testing.T) {
	l := listen(t)
	l.status("POST", api+"/commit/main?create_pr=0", commitLine)
	l.status("GET", site+"/resolve/refs%2Fpr%2F7/a%20b", "")
	log := l.server.Faults().Requests()
	if len(log) != 2 {
		t.Fatalf("the requests are %+v", log)
	}
	r := log[0]
	if r.Method != "POST" || r.Path != api+"/commit/main" || r.Query != "create_pr=0" || "http://"+r.Host != l.endpoint ||
		r.Header.Get("Authorization") != "Bearer "+token || r.Received != int64(len(commitLine)) || r.Status != 200 {
		t.Errorf("the first is %+v", r)
	}
	if r := log[1]; r.Path != site+"/resolve/refs%2Fpr%2F7/a%20b" || r.Status != 404 {
		t.Errorf("the second is %+v", r)
	}
	for range 10_000 {
		l.world.get("/")
	}
	if n := len(l.server.Faults().Requests()); n > 10_000 || n < 5_000 {
		t.Errorf("%d requests are remembered", n)
	}
}

// connection is one of a client whose deadline for writing can be seen.
type connection struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (c *connection) SetWriteDeadline(t time.Time) error {
	c.deadline = t
	return nil
}

// An answer has a deadline from its first bytes on, which is not that of the next
// request on its connection: it may take any time until its answer begins.
func TestWriteDeadline(t *testing.T) {
	w := withRepo(t)
	c := &connection{ResponseRecorder: httptest.NewRecorder()}
	ask := func(path string) {
		r := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
		r.Host = "localhost"
		w.server.ServeHTTP(c, r)
	}
	if ask(api); c.deadline.Before(time.Now()) {
		t.Errorf("an answer is to be written by %v", c.deadline)
	}
	if ask(api + "/auth-check"); !c.deadline.IsZero() { // is answered without a body
		t.Errorf("the next request has the deadline %v", c.deadline)
	}
}
