package huggingface

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"

	"finest/hub"
	"finest/internal/polite"
)

// Values of X-Error-Code (huggingface_hub, utils/_http.py, hf_raise_for_status).
const (
	codeRepoNotFound     = "RepoNotFound"
	codeRevisionNotFound = "RevisionNotFound"
	codeEntryNotFound    = "EntryNotFound"
	codeGatedRepo        = "GatedRepo"
)

const (
	// maxErrorBody is how much of an error's body is read.
	maxErrorBody = 64 << 10
	// maxMessage is how much of its message is shown, in characters.
	maxMessage = 400
	// badCredentials is the message of a token that the Hub does not know. Other
	// answers 401 about a repository may mean that there is none.
	badCredentials = "Invalid credentials in Authorization header"
)

// errBadToken is the class of a 401 to a token that the Hub does not know.
var errBadToken = fmt.Errorf("%w: %w", hub.ErrDenied, hub.ErrSetup)

// errNoHub is the class of a 404 that has neither X-Error-Code nor X-Request-Id,
// of which the Hub sends the second with everything, nor JSON, as servers that
// stand in for it send: what is at the endpoint is something else, and knows
// nothing about repositories.
var errNoHub = fmt.Errorf("no hub answers like this: %w: %w", hub.ErrUnavailable, hub.ErrSetup)

// Error is an answer of the hub, or of its storage, with a status of 300 or
// more. It unwraps to the error of package hub that its meaning is, if one is.
type Error struct {
	// Request is method and URL, without the query.
	Request string
	Status  int
	// Code is X-Error-Code, "" if there is none.
	Code string
	// Message is what the hub says, on one line.
	Message string
	// RequestID is what the Hub's operators can find the request by.
	RequestID string

	class error
	wait  time.Duration
}

func (e *Error) Error() string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "%s: %d %s", e.Request, e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		_, _ = fmt.Fprintf(&b, " (%s)", e.Code)
	}
	if e.Message != "" {
		_, _ = fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.RequestID != "" {
		_, _ = fmt.Fprintf(&b, " [request %s]", e.RequestID)
	}
	if e.class != nil {
		_, _ = fmt.Fprintf(&b, ": %v", e.class)
	}
	if errors.Is(e.class, hub.ErrDenied) {
		b.WriteString("; set HF_TOKEN to a token that may do this")
	}
	if e.wait > 0 {
		_, _ = fmt.Fprintf(&b, "; again in %v", e.wait.Round(time.Second))
	}
	return b.String()
}

// Unwrap returns the class of e, nil if it is none that callers tell apart.
func (e *Error) Unwrap() error { return e.class }

// RetryAfter returns how long the hub asked to wait, 0 if it did not.
func (e *Error) RetryAfter() time.Duration { return e.wait }

// failure returns the error of a response, and closes it.
func (c *Client) failure(resp *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // as far as it comes
	body = c.redact(body)
	polite.Discard(resp)
	e := &Error{
		Request: polite.Describe(resp.Request), Status: resp.StatusCode,
		Code:      oneLine(resp.Header.Get("X-Error-Code")),
		Message:   errorMessage(resp.Header, body),
		RequestID: oneLine(resp.Header.Get("X-Request-Id")),
	}
	foreign := c.isOurs(resp.Request.URL) && e.Code == "" && e.RequestID == "" && !isJSON(resp.Header)
	e.class = e.classify(resp.Request, foreign, c.o.Token == "")
	if isBusy(e.Status) {
		e.wait = waitOf(resp.Header, body, c.http.Now())
	}
	return e
}

// isJSON reports whether a response has, or would have, a JSON body.
func isJSON(h http.Header) bool { return strings.HasPrefix(h.Get("Content-Type"), typeJSON) }

// classify returns what e means to callers. foreign tells that the endpoint does
// not answer as a hub does.
func (e *Error) classify(req *http.Request, foreign, anonymous bool) error {
	switch e.Code {
	case codeRepoNotFound, codeRevisionNotFound, codeEntryNotFound:
		return hub.ErrNotFound
	case codeGatedRepo:
		return hub.ErrDenied
	}
	switch e.Status {
	case http.StatusUnauthorized:
		// To readers without a token, repositories that are private look like
		// those that do not exist.
		reads := req.Method == http.MethodGet || req.Method == http.MethodHead
		if anonymous && reads && strings.Contains(req.URL.Path, "/datasets/") && !strings.Contains(e.Message, badCredentials) {
			return hub.ErrNotFound
		}
		if !anonymous && strings.Contains(e.Message, badCredentials) {
			return errBadToken
		}
		return hub.ErrDenied
	case http.StatusForbidden:
		return hub.ErrDenied
	case http.StatusNotFound, http.StatusGone:
		if foreign {
			return errNoHub
		}
		return hub.ErrNotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return hub.ErrConflict
	}
	if isBusy(e.Status) {
		return hub.ErrUnavailable
	}
	return nil
}

// strange is the error of a reply that makes no sense: it is not the Hub, or
// speaks otherwise than this client knows.
func strange(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, hub.ErrUnavailable)...)
}

// isBusy reports whether a status passes with time.
func isBusy(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

// errorMessage returns what a response says is wrong: X-Error-Message, or the
// "error" or "message" of a JSON body, or the beginning of a text.
func errorMessage(header http.Header, body []byte) string {
	if m := header.Get("X-Error-Message"); m != "" {
		return oneLine(m)
	}
	var reply struct {
		Error   any    `json:"error"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &reply) == nil {
		if text, ok := reply.Error.(string); ok {
			return oneLine(text)
		}
		if reply.Message != "" {
			return oneLine(reply.Message)
		}
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return "" // a page, or the XML of an object store
	}
	return oneLine(string(body))
}

// oneLine shortens text from outside to one printable line.
func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if r := []rune(s); len(r) > maxMessage {
		return string(r[:maxMessage]) + "…"
	}
	return s
}
