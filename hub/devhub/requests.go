package devhub

import (
	"io"
	"net/http"
	"slices"
	"time"
)

// maxRequests bounds the requests that are remembered.
const maxRequests = 10_000

// Request is one that the server got.
type Request struct {
	Method string
	Path   string // escaped
	Query  string
	Host   string
	Header http.Header // Authorization included
	// Received is how many bytes of the body the server read.
	Received int64
	// Status is of the answer; 0 while there is none, and when none was sent.
	Status int
}

// Requests returns the last ten thousand requests in the order they came,
// whatever became of them.
func (f *Faults) Requests() []Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Request, len(f.log))
	for i, r := range f.log {
		all[i] = *r
	}
	return all
}

// wrap serves with handle, remembers each request, and lets it meet its fault.
func (f *Faults) wrap(handle http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn := http.NewResponseController(w)
		_ = conn.SetWriteDeadline(time.Time{}) // which the answer before has left on this connection
		body := &counted{ReadCloser: r.Body, conn: conn}
		r.Body = body
		seen := &watched{ResponseWriter: w, conn: conn}
		entry := &Request{
			Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Host: r.Host, Header: r.Header.Clone(),
		}
		f.remember(entry)
		defer func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			entry.Received, entry.Status = body.n, seen.status
		}()
		if rule := f.next(r); rule != nil {
			rule.serve(seen, r, handle)
		} else {
			handle.ServeHTTP(seen, r)
		}
		if seen.status == 0 { // as net/http then says
			seen.status = http.StatusOK
		}
	})
}

func (f *Faults) remember(r *Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.log) == maxRequests {
		f.log = slices.Delete(f.log, 0, maxRequests/10)
	}
	f.log = append(f.log, r)
}

// stall is how long a client may take for the next bytes of a body.
const stall = 2 * time.Minute

// counted counts what is read of a body, and does not wait for ever.
type counted struct {
	io.ReadCloser
	conn *http.ResponseController
	n    int64
}

func (c *counted) Read(p []byte) (int, error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(stall))
	n, err := c.ReadCloser.Read(p)
	c.n += int64(n)
	if err != nil { // what is done then may take its time
		_ = c.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}

// watched notes the status of an answer, and does not wait for ever.
type watched struct {
	http.ResponseWriter
	conn   *http.ResponseController
	status int
}

func (w *watched) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	_ = w.conn.SetWriteDeadline(time.Now().Add(stall))
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }
