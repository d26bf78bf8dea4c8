package huggingface_test

import (
	"io"
	"net/http"
	"sync/atomic"
)

// each returns a handler that takes the next of handlers for every request, and
// the last for all after.
func each(handlers ...http.HandlerFunc) http.HandlerFunc {
	var calls atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		handlers[min(int(calls.Add(1)), len(handlers))-1](w, r)
	}
}

// cutting lets n bytes pass and cuts the connection.
func cutting(n int, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { next(&cutter{w, n}, r) }
}

type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) > c.left {
		_, _ = c.ResponseWriter.Write(p[:c.left])
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

// ending ends every answer after n bytes as if that were all, without a length.
func ending(n int, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { next(&ender{w, n}, r) }
}

type ender struct {
	http.ResponseWriter
	left int
}

func (e *ender) WriteHeader(status int) {
	e.Header().Del("Content-Length")
	e.ResponseWriter.WriteHeader(status)
	e.ResponseWriter.(http.Flusher).Flush()
}

func (e *ender) Write(p []byte) (int, error) {
	k := min(len(p), e.left)
	e.left -= k
	_, _ = e.ResponseWriter.Write(p[:k])
	return len(p), nil
}

// without takes a header line out of the request.
func without(line string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Header.Del(line)
		next(w, r)
	}
}

// says answers with status, header lines in pairs, and a body.
func says(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// changing changes header lines of the answer of next.
func changing(next http.HandlerFunc, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		next(&changer{w, header, false}, r)
	}
}

type changer struct {
	http.ResponseWriter
	header []string
	done   bool
}

func (c *changer) WriteHeader(status int) {
	for i := 0; !c.done && i+1 < len(c.header); i += 2 {
		c.Header().Set(c.header[i], c.header[i+1])
		if c.header[i+1] == "" {
			c.Header().Del(c.header[i])
		}
	}
	c.done = true
	c.ResponseWriter.WriteHeader(status)
}

func (c *changer) Write(p []byte) (int, error) {
	if !c.done {
		c.WriteHeader(http.StatusOK)
	}
	return c.ResponseWriter.Write(p)
}
