package commands

import (
	"errors"
	"fmt"
	"strings"
)

// Exit codes. They are a promise to scripts: new ones may be added, these keep
// their meaning.
const (
	ExitOK           = 0   // done, or nothing to do
	ExitFailed       = 1   // failed
	ExitUsage        = 2   // wrong flag, argument or configuration
	ExitResumable    = 3   // stopped by its own limit; run it again to go on
	ExitVerification = 4   // what was checked is not as claimed
	ExitLocked       = 10  // another run holds the lock
	ExitSignal       = 130 // ended by a signal
)

var exitMeaning = map[int]string{
	ExitOK:           "done, or nothing to do",
	ExitFailed:       "failed; the message says what, on what, and why",
	ExitUsage:        "wrong flag, argument or configuration",
	ExitResumable:    "stopped by its own limit; run it again to go on",
	ExitVerification: "what was checked is not as claimed",
	ExitLocked:       "another run holds the lock",
	ExitSignal:       "ended by a signal",
}

// codedError is an error that decides the exit code and may carry a hint: what
// the reader can do about it.
type codedError struct {
	code int
	err  error
	hint string
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// usageError is a mistake in flags, arguments or configuration.
func usageError(format string, args ...any) error {
	return &codedError{code: ExitUsage, err: fmt.Errorf(format, args...)}
}

// withCode gives err an exit code; nil stays nil.
func withCode(code int, err error) error {
	if err == nil {
		return nil
	}
	return &codedError{code: code, err: err}
}

// withHint adds what to do about err, keeping its exit code.
func withHint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &codedError{code: ExitCode(err), err: err, hint: fmt.Sprintf(format, args...)}
}

// ExitCode returns the exit code that stands for err.
func ExitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	var coded *codedError
	if errors.As(err, &coded) {
		return coded.code
	}
	return ExitFailed
}

func hintOf(err error) string {
	var coded *codedError
	for errors.As(err, &coded) {
		if coded.hint != "" {
			return coded.hint
		}
		err = coded.err
	}
	return ""
}

// exitStatus is the EXIT STATUS block of a help text.
func exitStatus(codes ...int) string {
	var b strings.Builder
	b.WriteString("EXIT STATUS\n")
	for _, code := range codes {
		fmt.Fprintf(&b, "   %-4d %s\n", code, exitMeaning[code])
	}
	return strings.TrimRight(b.String(), "\n")
}
