package devhub

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
)

// Faults are what hubs and networks do at bad times. A fault is for the next
// times requests that match, or for all of them when times is negative; a
// request meets the first fault that matches it, and no other. Its methods are
// safe for concurrent use.
type Faults struct {
	mu    sync.Mutex
	rules []*rule
	log   []*Request // in the order they came
}

// Match says which requests a fault is for, at the API or the storage.
type Match struct {
	// Method is an HTTP method; "" matches all.
	Method string
	// Path is a regular expression that the escaped path must hold, as
	// "/commit/main$"; "" matches all.
	Path string
}

// rule is a fault that is left for some requests.
type rule struct {
	method string
	path   *regexp.Regexp
	left   int
	serve  func(w http.ResponseWriter, r *http.Request, handle http.Handler)
}

func (f *Faults) add(m Match, times int, serve func(http.ResponseWriter, *http.Request, http.Handler)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, &rule{m.Method, regexp.MustCompile(m.Path), times, serve})
}

// Clear ends all faults and forgets the requests.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules, f.log = nil, nil
}

// next returns the fault that a request meets, nil for none.
func (f *Faults) next(r *http.Request) *rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, rule := range f.rules {
		if rule.left == 0 || rule.method != "" && rule.method != r.Method || !rule.path.MatchString(r.URL.EscapedPath()) {
			continue
		}
		rule.left = max(rule.left-1, -1)
		return rule
	}
	return nil
}

// Reply answers so instead of doing what is asked. The body of the request is
// read to its end.
func (f *Faults) Reply(m Match, times, status int, header http.Header, body string) {
	f.add(m, times, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body) // so that the sender is there to hear the answer
		for name, values := range header {
			w.Header()[http.CanonicalHeaderKey(name)] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// After does what is asked and answers with this status as if it had failed.
func (f *Faults) After(m Match, times, status int) {
	f.add(m, times, func(w http.ResponseWriter, r *http.Request, handle http.Handler) {
		handle.ServeHTTP(&unsent{header: http.Header{}}, r)
		writeProblem(w, &problem{status: status, message: http.StatusText(status)})
	})
}

// Drop does what is asked and cuts the connection without an answer.
func (f *Faults) Drop(m Match, times int) {
	f.add(m, times, func(_ http.ResponseWriter, r *http.Request, handle http.Handler) {
		handle.ServeHTTP(&unsent{header: http.Header{}}, r)
		cut()
	})
}

// CutAfter sends n bytes of the body of the answer and cuts the connection. A
// shorter body is sent whole.
func (f *Faults) CutAfter(m Match, times int, n int64) {
	f.add(m, times, func(w http.ResponseWriter, r *http.Request, handle http.Handler) {
		handle.ServeHTTP(&short{ResponseWriter: w, left: n}, r)
	})
}

// CutUpload reads n bytes of the body of the request and cuts the connection.
func (f *Faults) CutUpload(m Match, times int, n int64) {
	f.add(m, times, func(_ http.ResponseWriter, r *http.Request, handle http.Handler) {
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(r.Body, n), lost{}), r.Body}
		handle.ServeHTTP(&unsent{header: http.Header{}}, r)
		cut()
	})
}

// maxRewrite bounds the answers that Rewrite changes, in bytes.
const maxRewrite = 64 << 20

// Rewrite does what is asked and sends what change makes of the answer. A status
// of 0 leaves the status as it is; the Content-Length is that of the new body
// unless change sets another.
func (f *Faults) Rewrite(m Match, times int, change func(header http.Header, body []byte) (int, http.Header, []byte)) {
	f.add(m, times, func(w http.ResponseWriter, r *http.Request, handle http.Handler) {
		kept := &unsent{header: http.Header{}, keep: true}
		handle.ServeHTTP(kept, r)
		if kept.lost {
			writeProblem(w, &problem{status: http.StatusInternalServerError, message: "the answer is too large to be rewritten"})
			return
		}
		length := kept.header.Get("Content-Length")
		status, header, body := change(kept.header, kept.body.Bytes())
		if status == 0 {
			status = kept.status
		}
		if r.Method != http.MethodHead && header.Get("Content-Length") == length {
			header.Set("Content-Length", strconv.Itoa(len(body)))
		}
		clear(w.Header())
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = w.Write(body)
	})
}

// cut ends the connection of the request that is being served.
func cut() { panic(http.ErrAbortHandler) }

// lost is the rest of a body whose connection was cut.
type lost struct{}

func (lost) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// unsent is an answer that does not leave the server.
type unsent struct {
	header http.Header
	status int
	keep   bool // keep the body
	body   bytes.Buffer
	lost   bool // the body was too large to be kept
}

func (u *unsent) Header() http.Header { return u.header }

func (u *unsent) WriteHeader(status int) {
	if u.status == 0 {
		u.status = status
	}
}

func (u *unsent) Write(p []byte) (int, error) {
	u.WriteHeader(http.StatusOK)
	switch {
	case !u.keep:
	case u.body.Len()+len(p) > maxRewrite:
		u.lost = true
	default:
		u.body.Write(p)
	}
	return len(p), nil
}

// short cuts the connection once left bytes are written.
type short struct {
	http.ResponseWriter
	left int64
}

func (s *short) Write(p []byte) (int, error) {
	if int64(len(p)) <= s.left {
		s.left -= int64(len(p))
		return s.ResponseWriter.Write(p)
	}
	_, _ = s.ResponseWriter.Write(p[:s.left])
	_ = http.NewResponseController(s.ResponseWriter).Flush()
	cut()
	return 0, io.ErrClosedPipe
}
