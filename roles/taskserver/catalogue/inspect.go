package catalogue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"finest/internal/contract"
	"finest/internal/polite"
	"finest/pipeline/warc"
)

// What makes a file no input of a task. What cannot be found out now, because
// the crawl cannot be read, wraps none of these; a file that is not there wraps
// polite.ErrNotFound.
var (
	// ErrNoRanges says that a file cannot be checked by ranges, because one gzip
	// member holds several of its records.
	ErrNoRanges = errors.New("records share a gzip member, so they have no ranges of their own")
	// ErrNotWARC says that a file does not begin as a WARC file does.
	ErrNotWARC = errors.New("it does not begin as a WARC file")
	// ErrTooLarge says that no receipt may name a file of this size.
	ErrTooLarge = errors.New("it is too large")
)

// headSizes are how much of a file is read to see its first two records, the
// warcinfo and what follows it: one or two kilobytes in the files of Common
// Crawl. More is read only while the second record does not end.
var headSizes = []int64{8 << 10, 128 << 10, 2 << 20}

// Inspect returns the size of a file and, with an error, what is wrong with it.
// It reads a small range: a writer that puts several records into a gzip member
// does so from the start.
func Inspect(ctx context.Context, base polite.Base, path string) (size int64, err error) {
	for _, length := range headSizes {
		var head []byte
		head, size, err = base.ReadRange(ctx, path, 0, length)
		if err != nil {
			return 0, err
		}
		if size > maxFileBytes {
			return size, fmt.Errorf("%w: %d bytes, %d are allowed", ErrTooLarge, size, int64(maxFileBytes))
		}
		whole := int64(len(head)) == size
		decided, err := inspectHead(head, whole)
		if decided || whole {
			return size, err
		}
	}
	return size, nil // its second record is as large as that, which is no fault
}

// inspectHead looks at the first two records of a file that begins with head,
// or is head. It is undecided if more of the file may change its mind.
func inspectHead(head []byte, whole bool) (decided bool, err error) {
	if len(head) == 0 {
		return true, fmt.Errorf("%w: it is empty", ErrNotWARC)
	}
	reader := warc.NewReader(bytes.NewReader(head), 0, warc.Options{MaxBlock: 1 << 10, Shared: true})
	for good := 0; good < 2; {
		record, err := reader.Next()
		switch {
		case errors.Is(err, warc.ErrNotWARC):
			return true, ErrNotWARC
		case errors.Is(err, io.EOF):
			return whole, nil
		case err != nil:
			return true, err
		case record.Shared:
			return true, ErrNoRanges
		case record.Damage == "":
			good++
		}
	}
	return true, nil
}

// isFault reports whether err is a fault of the file, and not of the way to it.
func isFault(err error) bool {
	return errors.Is(err, polite.ErrNotFound) || errors.Is(err, ErrNoRanges) || errors.Is(err, ErrNotWARC) || errors.Is(err, ErrTooLarge)
}

// isProven reports whether err is a fault that only a WARC file can have. The
// others come as well from a server that is not the one it should be.
func isProven(err error) bool { return errors.Is(err, ErrNoRanges) }

// describeFault says for people what is wrong with a file, without the error's own
// text, which may name folders of the server.
func describeFault(path string, err error) string {
	what := "cannot be read"
	switch {
	case errors.Is(err, polite.ErrNotFound):
		what = "there is no such file"
	case errors.Is(err, ErrNoRanges):
		what = ErrNoRanges.Error()
	case errors.Is(err, ErrNotWARC):
		what = ErrNotWARC.Error()
	case errors.Is(err, ErrTooLarge):
		what = ErrTooLarge.Error()
	}
	return sentence(path, what)
}

// sentence joins what is said of a file to its path, of which a long one keeps
// its end.
func sentence(path, what string) string {
	room := contract.MaxReason - len(what) - len("…: ")
	if len(path) > room {
		cut := len(path) - room
		for cut < len(path) && path[cut]&0xc0 == 0x80 {
			cut++ // not within a character
		}
		path = "…" + path[cut:]
	}
	return path + ": " + what
}
