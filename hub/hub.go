// Package hub publishes and reads dataset repositories with revisions, as the
// Hugging Face Hub serves them.
package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"finest/internal/canon"
)

// Ref is a repository at a revision.
type Ref struct {
	// Repo is owner/name.
	Repo string
	// Revision is a branch ("main") or the 40-hex sha of a commit.
	Revision string
}

func (r Ref) String() string { return r.Repo + "@" + r.Revision }

// MainBranch is where publications go.
const MainBranch = "main"

// File is one file of a repository at a commit.
type File struct {
	Path string
	Size int64
	// SHA256 has 64 lower-case hex digits. In a Tree it is empty for files that
	// the hub knows by another hash only.
	SHA256 string
}

// Source is a file to publish. Open may be called several times, concurrently,
// and must return the same Size bytes each time.
type Source struct {
	File
	Open func() (Content, error)
}

// Content is what a file holds. An *os.File is one.
type Content interface {
	io.ReaderAt
	io.Closer
}

// Bytes returns a source of content at path.
func Bytes(path string, content []byte) Source {
	return Source{
		File: File{Path: path, Size: int64(len(content)), SHA256: canon.Sum(content)},
		Open: func() (Content, error) { return inMemory{bytes.NewReader(content)}, nil },
	}
}

type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

// Publication is one commit to be made.
type Publication struct {
	Repo    string
	Message string
	// Parent is the sha the commit builds on; "" means an empty repository.
	Parent string
	// Add are files to create or replace; all others stay.
	Add []Source
}

// Errors that callers tell apart with errors.Is. All but ErrUnavailable are
// permanent.
var (
	// ErrNotFound: no such repository, revision or file, or not readable.
	ErrNotFound = errors.New("not found on the hub")
	// ErrConflict: the branch has moved away from Publication.Parent.
	ErrConflict = errors.New("the branch has moved")
	// ErrUnavailable: the hub cannot be reached now; later it may work.
	ErrUnavailable = errors.New("hub unavailable")
	// ErrCorrupt: bytes differ from the size or hash stated for them.
	ErrCorrupt = errors.New("content differs from its hash")
	// ErrTooLarge: there is more than the caller allows.
	ErrTooLarge = errors.New("larger than allowed")
	// ErrDenied: the hub wants a token, or another one.
	ErrDenied = errors.New("the hub denies access")
	// ErrSetup: the settings on this side are why, whatever the repository: the
	// hub does not know the token, is none, or is switched off. It comes with one
	// of the others.
	ErrSetup = errors.New("the settings on this side are why")
)

// Hub is a place for dataset repositories. Implementations pass hubtest.Suite.
//
// Reads pinned by a 40-hex sha return the same bytes for ever or fail. All
// methods honour ctx, are safe for concurrent use, and never put a token in an
// error.
type Hub interface {
	// EnsureRepo creates the dataset repository if it does not exist.
	EnsureRepo(ctx context.Context, repo string) error
	// Head returns the sha a revision stands at; "" for a repository without
	// commits.
	Head(ctx context.Context, ref Ref) (sha string, err error)
	// Tree lists the files under a folder ("" is all) in path order and stops
	// with ErrTooLarge after max entries.
	Tree(ctx context.Context, ref Ref, folder string, max int) ([]File, error)
	// Stat describes one file, SHA256 included.
	Stat(ctx context.Context, ref Ref, path string) (File, error)
	// Open reads length bytes from offset; a negative length reads to the end.
	// A reader that ends early returns io.ErrUnexpectedEOF, never a short EOF.
	Open(ctx context.Context, ref Ref, path string, offset, length int64) (io.ReadCloser, error)
	// Upload stores contents ahead of the publication that will name them, which
	// then need not send them. Readers see nothing of it.
	Upload(ctx context.Context, repo string, contents []Source) error
	// Publish makes one commit with all files, or none. Publishing what the
	// head already holds makes no commit and returns the head's sha, so a lost
	// reply can be repeated. It fails with ErrConflict if the head is neither
	// Parent nor a commit with this content.
	//
	// More files than a hub takes in one commit go in several, in the order of
	// Add: the last of them is in the commit that is returned. A publication that
	// was cut off between them is made again on top of the head.
	Publish(ctx context.Context, p Publication) (sha string, err error)
}

// ReadFile reads a whole file of at most max bytes, in one request. A larger one
// is ErrTooLarge.
func ReadFile(ctx context.Context, h Hub, ref Ref, path string, max int64) ([]byte, error) {
	r, err := h.Open(ctx, ref, path, 0, -1)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	raw, err := io.ReadAll(io.LimitReader(r, max+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s of %s: %w", path, ref, err)
	case int64(len(raw)) > max:
		return nil, fmt.Errorf("read %s of %s: more than the %d bytes allowed: %w", path, ref, max, ErrTooLarge)
	}
	return raw, nil
}

// RetryAfter returns how long the hub asked to wait before the request that
// failed with err is sent again; 0 if it did not say.
func RetryAfter(err error) time.Duration {
	var asked interface{ RetryAfter() time.Duration }
	if errors.As(err, &asked) {
		return asked.RetryAfter()
	}
	return 0
}
