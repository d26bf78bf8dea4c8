package devhub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"finest/hub"
	"finest/hub/localhub"
)

// problem is an answer that refuses.
type problem struct {
	status  int
	code    string // X-Error-Code; "" for none
	message string
	commit  string // X-Repo-Commit; "" for none
	url     string // of the repository that is there already; "" for none
}

func (p *problem) Error() string { return p.message }

// refuse returns a problem without a code.
func refuse(status int, format string, args ...any) *problem {
	return &problem{status: status, message: fmt.Sprintf(format, args...)}
}

// Problems that the Hub has codes for; see
// https://github.com/huggingface/huggingface_hub/blob/main/src/huggingface_hub/errors.py.

func repoNotFound(anonymous bool) *problem {
	p := &problem{status: http.StatusNotFound, code: "RepoNotFound", message: "Repository not found"}
	if anonymous { // who may be told more with a token
		p.status, p.message = http.StatusUnauthorized, "Invalid username or password."
	}
	return p
}

func revisionNotFound(revision string) *problem {
	return &problem{status: http.StatusNotFound, code: "RevisionNotFound", message: fmt.Sprintf("Invalid rev id: %.100s", revision)}
}

func entryNotFound(commit string) *problem {
	return &problem{status: http.StatusNotFound, code: "EntryNotFound", message: "Entry not found", commit: commit}
}

// problemOf maps what a handler failed with to an answer.
func problemOf(err error) *problem {
	var p *problem
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &large):
		return refuse(http.StatusRequestEntityTooLarge, "the request is larger than %d bytes", large.Limit)
	case errors.Is(err, localhub.ErrExists):
		return refuse(http.StatusConflict, "%v", err)
	case errors.Is(err, localhub.ErrBadRequest):
		return refuse(http.StatusBadRequest, "%v", err)
	case errors.Is(err, hub.ErrConflict):
		return refuse(http.StatusPreconditionFailed, "A commit has happened since. Please refresh and try again.")
	case errors.Is(err, hub.ErrNotFound):
		return entryNotFound("")
	case errors.Is(err, hub.ErrTooLarge):
		return refuse(http.StatusRequestEntityTooLarge, "%v", err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, hub.ErrUnavailable):
		return refuse(http.StatusServiceUnavailable, "%v", err)
	}
	return refuse(http.StatusInternalServerError, "%v", err)
}

// forHeader makes a text fit for a header.
func forHeader(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
}

func writeProblem(w http.ResponseWriter, p *problem) {
	h := w.Header()
	h.Del("Content-Length")
	if p.code != "" {
		h.Set("X-Error-Code", p.code)
	}
	if p.commit != "" {
		h.Set("X-Repo-Commit", p.commit)
	}
	h.Set("X-Error-Message", forHeader(p.message))
	body := map[string]string{"error": p.message}
	if p.url != "" {
		body["url"] = p.url
	}
	writeJSON(w, p.status, body)
}

// writeJSON answers with v; a client that went away is none of our business.
func writeJSON(w http.ResponseWriter, status int, v any) {
	raw, err := json.Marshal(v)
	if err != nil { // nothing that the server sends cannot be encoded
		status, raw = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be encoded"}`)
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}

// ok answers with v.
func ok(w http.ResponseWriter, v any) error {
	writeJSON(w, http.StatusOK, v)
	return nil
}

// maxJSON bounds the requests that are one JSON value, in bytes: 256 files with
// samples of 512 bytes and paths of a kilobyte are half a megabyte.
const maxJSON = 4 << 20

// readJSON reads the body of a request, which may have members that v lacks.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSON))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return refuse(http.StatusBadRequest, "the request is not the JSON that is wanted: %v", err)
	}
	return nil
}

// timestamp writes a time as the Hub does.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
