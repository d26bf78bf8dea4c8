package rpc

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrUnreachable: no endpoint took a connection. The request was not sent.
	ErrUnreachable = errors.New("no endpoint can be reached")
	// ErrDisconnected: the connection was lost before the answer. The server may
	// have acted on the request.
	ErrDisconnected = errors.New("connection lost")
	// ErrTimeout: no answer came within the deadline of a call. The server may
	// have acted on the request.
	ErrTimeout = errors.New("no answer in time")
	// ErrSlowReader: a subscription ended because its notifications were not
	// taken as fast as they came.
	ErrSlowReader = errors.New("notifications were not read in time")
	// ErrClosed: the client was closed; with ErrDisconnected, while the server may
	// have acted on the request.
	ErrClosed = errors.New("client is closed")
)

// Error is the error object of an answer. A client cuts a long Message.
type Error struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// Text is Data as text, cut where it is long: the string itself where it is one,
// else its JSON.
func (e *Error) Text() string {
	var s string
	if json.Unmarshal(e.Data, &s) == nil {
		return clip(s)
	}
	return clip(string(e.Data))
}

func (e *Error) Error() string {
	if text := e.Text(); text != "" {
		return fmt.Sprintf("error %d: %s: %s", e.Code, e.Message, text)
	}
	return fmt.Sprintf("error %d: %s", e.Code, e.Message)
}

// longestText bounds what a server can put into our errors and logs, in bytes.
const longestText = 500

func clip(s string) string {
	if len(s) > longestText {
		return s[:longestText] + "…"
	}
	return s
}

// SizeError says that a message was longer than the client reads.
type SizeError struct {
	// Limit in bytes.
	Limit int64
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("answer is longer than %d bytes", e.Limit)
}
