package devhub_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"finest/hub/devhub"
)

func TestListen(t *testing.T) {
	w := start(t)
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "example.com:80", "127.0.0.1", ""} {
		if endpoint, err := w.server.Listen(t.Context(), addr); err == nil {
			t.Errorf("the server listens on %q: %s", addr, endpoint)
		}
	}
	endpoint, err := w.server.Listen(context.Background(), "localhost:0")
	if err != nil || !strings.HasPrefix(endpoint, "http://127.0.0.1:") && !strings.HasPrefix(endpoint, "http://[::1]:") {
		t.Fatalf("listening gives %q, %v", endpoint, err)
	}
	if again, err := w.server.Listen(context.Background(), "127.0.0.1:0"); err == nil {
		t.Errorf("a server listens twice: %s", again)
	}
	if err := w.server.Close(); err != nil {
		t.Fatal(err)
	}
	at, _ := url.Parse(endpoint)
	if conn, err := net.Dial("tcp", at.Host); err == nil {
		_ = conn.Close()
		t.Error("a closed server is still there")
	}
	if again, err := w.server.Listen(context.Background(), "127.0.0.1:0"); err == nil {
		t.Errorf("a closed server listens: %s", again)
	}
}

func TestListenEndsWithContext(t *testing.T) {
	w := start(t)
	ctx, end := context.WithCancel(t.Context())
	endpoint, err := w.server.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	end()
	if err := w.server.Close(); err != nil { // waits
		t.Fatal(err)
	}
	if answer, err := http.Get(endpoint); err == nil {
		_ = answer.Body.Close()
		t.Error("the server outlives its context")
	}
}

// The storage is another host: what is for one is unknown at the other.
func TestTwoHosts(t *testing.T) {
	l := listen(t)
	l.publish(map[string]string{"f.parquet": "rows"})
	answer, _, err := l.send("GET", site+"/resolve/main/f.parquet", "")
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(answer.Header.Get("Location"))
	api, _ := url.Parse(l.endpoint)
	if err != nil || to.Host == api.Host || to.Hostname() != api.Hostname() {
		t.Fatalf("the storage is at %v, %v, the API at %v", to, err, api)
	}
	if _, body, err := l.send("GET", to.String(), ""); err != nil || body != "rows" {
		t.Errorf("the storage has %q, %v", body, err)
	}
	there := *to
	there.Host = api.Host
	if got := l.status("GET", there.String(), ""); got != http.StatusNotFound {
		t.Errorf("the API answers a path of the storage with %d", got)
	}
	if got := l.status("GET", "http://"+to.Host+"/api/whoami-v2", ""); got != http.StatusNotFound {
		t.Errorf("the storage answers a path of the API with %d", got)
	}
}

// A page whose name resolves to this machine is refused.
func TestForeignNames(t *testing.T) {
	w := start(t)
	for host, let := range map[string]bool{
		"localhost": true, "localhost:80": true, "127.0.0.1:1": true, "127.0.0.1": true, "[::1]:1": true, "[::1]": true,
		"evil.example": false, "evil.example:80": false, "localhost.evil.example": false, "10.0.0.1": false,
	} {
		if got := w.get("http://" + host + "/api/whoami-v2").StatusCode; (got == http.StatusOK) != let {
			t.Errorf("%s is answered with %d", host, got)
		}
	}
}

// The log names requests, and neither tokens nor signatures.
func TestLog(t *testing.T) {
	var log bytes.Buffer
	w := withRepo(t, func(o *devhub.Options) { o.Log = zerolog.New(&log) })
	w.publish(map[string]string{"f.parquet": "rows"})
	to := w.get(site + "/resolve/main/f.parquet").Header.Get("Location")
	w.do(request{method: "GET", path: to, as: anonymous}).wants(http.StatusOK)
	w.put(w.batch(both, "new").Objects[0].Actions["upload"].Href, "bad").wants(http.StatusBadRequest)
	signed, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	got := log.String()
	for _, secret := range []string{token, signed.Query().Get("signature"), "signature"} {
		if strings.Contains(got, secret) {
			t.Errorf("the log has %q: %s", secret, got)
		}
	}
	if !strings.Contains(got, "/resolve/main/f.parquet") || !strings.Contains(got, signed.Path) {
		t.Errorf("the log is %s", got)
	}
}

// Closing the server ends what is being sent to it.
func TestCloseEndsRequests(t *testing.T) {
	l := listen(t)
	body, sender := io.Pipe()
	go func() {
		_, _ = io.WriteString(sender, "{") // returns when the request is on its way
		_ = l.server.Close()
		_ = sender.Close() // or the client would wait for the rest
	}()
	r, err := http.NewRequestWithContext(t.Context(), "POST", l.endpoint+"/api/validate-yaml", body)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := l.client.Do(r); err == nil {
		_ = answer.Body.Close()
		t.Errorf("the request is answered with %d", answer.StatusCode)
	}
}

// Requests that do not end do not pile up without end.
func TestTooManyRequests(t *testing.T) {
	const most = 512
	w := start(t)
	var waiting sync.WaitGroup
	served, end := make(chan struct{}), make(chan struct{})
	for range most {
		waiting.Go(func() {
			r := httptest.NewRequest("POST", "http://localhost/api/validate-yaml", readThen(func() { served <- struct{}{}; <-end }))
			w.server.ServeHTTP(httptest.NewRecorder(), r)
		})
	}
	for range most {
		<-served
	}
	if got := w.get("/").refuses(http.StatusServiceUnavailable, ""); got.Header.Get("Retry-After") == "" {
		t.Error("who is refused is not told when to come again")
	}
	close(end)
	waiting.Wait()
	w.get("/").wants(http.StatusNotFound)
}

// readThen is an empty body that calls a function when it is read.
type readThen func()

func (f readThen) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}
