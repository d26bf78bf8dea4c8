package huggingface_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"finest/hub"
	"finest/hub/huggingface"
	"finest/internal/polite"
)

const (
	token  = "hf_secretsecretsecret"
	commit = "00112233445566778899aabbccddeeff00112233"
)

// network answers requests by their host, without sockets, so that hosts can
// have any name and time can be a bubble's. A request to a host that it does not
// have fails the test.
type network struct {
	t     testing.TB
	hosts map[string]http.HandlerFunc // by scheme://host

	mu       sync.Mutex
	requests []*http.Request
	open     map[*body]string // answers that nobody has closed, by their request
}

func newNetwork(t testing.TB, hosts map[string]http.HandlerFunc) *network {
	n := &network{t: t, hosts: hosts, open: make(map[*body]string)}
	t.Cleanup(func() {
		for _, request := range n.open {
			t.Errorf("the answer to %s is never closed", request)
		}
	})
	return n
}

// body is that of an answer, which holds a connection until it is closed.
type body struct {
	io.Reader
	network *network
}

func (b *body) Close() error {
	b.network.mu.Lock()
	defer b.network.mu.Unlock()
	delete(b.network.open, b)
	return nil
}

// RoundTrip implements http.RoundTripper. A handler that panics cuts the
// connection: what it wrote arrives.
func (n *network) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.Body != nil {
		raw, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(raw))
	}
	n.mu.Lock()
	n.requests = append(n.requests, r)
	n.mu.Unlock()
	handler, ok := n.hosts[r.URL.Scheme+"://"+r.URL.Host]
	if !ok {
		n.t.Errorf("a request to %s", r.URL)
		return nil, errors.New("no such host")
	}
	rec := httptest.NewRecorder()
	cut := func() (cut bool) {
		defer func() { cut = recover() != nil }()
		handler(rec, r)
		return false
	}()
	resp = rec.Result()
	resp.Request = r
	switch {
	case cut && rec.Body.Len() == 0:
		return nil, errors.New("connection reset by peer")
	case r.Method == http.MethodHead:
		resp.Body = http.NoBody
	case cut || resp.ContentLength > int64(rec.Body.Len()):
		resp.Body = io.NopCloser(io.MultiReader(rec.Body, broken{}))
	case resp.ContentLength < 0 && !rec.Flushed:
		resp.ContentLength = int64(rec.Body.Len())
	}
	b := &body{resp.Body, n}
	n.mu.Lock()
	n.open[b] = r.Method + " " + r.URL.String()
	n.mu.Unlock()
	resp.Body = b
	return resp, nil
}

// broken is the end of a connection that was cut.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// sent returns the requests so far, as "METHOD scheme://host/path?query".
func (n *network) sent() (lines []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.requests {
		lines = append(lines, r.Method+" "+r.URL.String())
	}
	return lines
}

// authorized returns the hosts that got the token.
func (n *network) authorized() map[string]bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	hosts := make(map[string]bool)
	for _, r := range n.requests {
		if strings.Contains(fmt.Sprint(r.Header, r.URL), token) {
			hosts[r.URL.Scheme+"://"+r.URL.Host] = true
		}
	}
	return hosts
}

// client returns a client with a token on the network whose hub is endpoint. It
// does not wait, unless changes say so.
func (n *network) client(endpoint string, changes ...func(*huggingface.Options)) *huggingface.Client {
	n.t.Helper()
	h := polite.NewClient("finest/test")
	h.Transport = n
	h.Chance = func() float64 { return 1 }
	h.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	o := huggingface.Options{Endpoint: endpoint, Token: token, HTTP: h}
	for _, change := range changes {
		change(&o)
	}
	c, err := huggingface.New(o)
	if err != nil {
		n.t.Fatal(err)
	}
	return c
}

// waiting lets a client wait as long as it wants to, for tests in a bubble.
func waiting(o *huggingface.Options) {
	fresh := polite.NewClient("")
	o.HTTP.Sleep, o.HTTP.MaxWait, o.HTTP.Interval = fresh.Sleep, 6*time.Minute, 0
}

func anonymous(o *huggingface.Options) { o.Token = "" }

// object is a file of a fake hub.
type object struct {
	body string
	lfs  bool
}

func (o object) sum() string {
	h := sha256.Sum256([]byte(o.body))
	return hex.EncodeToString(h[:])
}

func (o object) gitID() string {
	h := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(o.body), o.body))
	return hex.EncodeToString(h[:])
}

// Hosts of most tests here.
const (
	endpoint = "https://hub.example"
	storage  = "https://storage.example"
)

var pinned = hub.Ref{Repo: "owner/name", Revision: commit}

// resolves serves files of owner/name at commit, those in LFS from storage.
func resolves(files map[string]object) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, rev := range []string{commit, "main"} {
			path, ok := strings.CutPrefix(r.URL.Path, "/datasets/owner/name/resolve/"+rev+"/")
			f, has := files[path]
			if !ok || !has {
				continue
			}
			w.Header().Set("X-Repo-Commit", commit)
			if !f.lfs {
				w.Header().Set("ETag", `W/"`+f.gitID()+`"`)
				http.ServeContent(w, r, "", time.Time{}, strings.NewReader(f.body))
				return
			}
			w.Header().Set("X-Linked-Size", fmt.Sprint(len(f.body)))
			w.Header().Set("X-Linked-Etag", `"`+f.sum()+`"`)
			w.Header().Set("Location", storage+"/"+url.PathEscape(path)+"?signature=sesame")
			w.WriteHeader(http.StatusFound)
			return
		}
		w.Header().Set("X-Error-Code", "EntryNotFound")
		http.Error(w, "Entry not found", http.StatusNotFound)
	}
}

// stores serves the contents that resolves points to, to those who come without
// the token and with the signature.
func stores(files map[string]object) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f, ok := files[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok || r.URL.Query().Get("signature") != "sesame" || r.Header.Get("Authorization") != "" {
			http.Error(w, "denied", http.StatusForbidden)
			return
		}
		w.Header().Set("ETag", `"another"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(f.body))
	}
}

// text returns n bytes that repeat nowhere.
func text(n int) string {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		h := sha256.Sum256(fmt.Append(nil, i))
		b.Write(h[:])
	}
	return b.String()[:n]
}

// read reads a span.
func read(ctx context.Context, c *huggingface.Client, ref hub.Ref, path string, offset, length int64) (string, error) {
	r, err := c.Open(ctx, ref, path, offset, length)
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(r)
	return string(raw), errors.Join(err, r.Close())
}
