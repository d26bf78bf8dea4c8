package polite

import (
	"context"
	"errors"
	"io"
)

// Errors of bases and clients, wrapped with what was tried on what.
var (
	// ErrNotFound says that the server or folder has no such file.
	ErrNotFound = errors.New("not found")
	// ErrUnavailable says that it did not work now, after all retries, and may
	// work later.
	ErrUnavailable = errors.New("unavailable")
	// ErrChanged says that the file is not the one reading began with.
	ErrChanged = errors.New("file has changed")
	// ErrUnexpectedContent says that something other than the file came back,
	// such as an HTML page.
	ErrUnexpectedContent = errors.New("unexpected content")
)

// Base is where WARC files are read from. Paths are relative, with slashes;
// implementations are safe for concurrent use.
type Base interface {
	// Open reads the whole file. The reader ends with io.EOF exactly after size
	// bytes, and never before: a cut connection is resumed, and what cannot be
	// resumed is an error. size is −1 if the server does not say.
	Open(ctx context.Context, path string) (r io.ReadCloser, size int64, err error)
	// ReadRange reads length bytes from offset in one request; fewer only if the
	// file ends there. size is the file's total.
	ReadRange(ctx context.Context, path string, offset, length int64) (b []byte, size int64, err error)
	// Size returns the file's total size.
	Size(ctx context.Context, path string) (int64, error)
	// String names the base as in reports: without credentials.
	String() string
}
