// Package hub publishes and reads dataset repositories with revisions, as the
// Hugging Face Hub serves them.
package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	Path   string
	Size   int64
	SHA256 string // 64 lower-case hex digits
}

// Source is a file to publish. Open may be called several times, concurrently,
// and must return the same bytes each time.
type Source struct {
	File
	Open func() (io.ReadCloser, error)
}

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
	// with an error after max entries.
	Tree(ctx context.Context, ref Ref, folder string, max int) ([]File, error)
	// Stat describes one file.
	Stat(ctx context.Context, ref Ref, path string) (File, error)
	// Open reads length bytes from offset; a negative length reads to the end.
	// A reader that ends early returns io.ErrUnexpectedEOF, never a short EOF.
	Open(ctx context.Context, ref Ref, path string, offset, length int64) (io.ReadCloser, error)
	// Publish makes one commit with all files, or none. Publishing what the
	// head already holds makes no commit and returns the head's sha, so a lost
	// reply can be repeated. It fails with ErrConflict if the head is neither
	// Parent nor a commit with this content.
	Publish(ctx context.Context, p Publication) (sha string, err error)
}

// ReadFile reads a whole file of at most max bytes.
func ReadFile(ctx context.Context, h Hub, ref Ref, path string, max int64) ([]byte, error) {
	f, err := h.Stat(ctx, ref, path)
	if err != nil {
		return nil, err
	}
	if f.Size > max {
		return nil, fmt.Errorf("read %s of %s: %d bytes, more than the %d allowed: %w", path, ref, f.Size, max, ErrCorrupt)
	}
	r, err := h.Open(ctx, ref, path, 0, f.Size)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	raw := make([]byte, f.Size)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, fmt.Errorf("read %s of %s: %w", path, ref, err)
	}
	return raw, nil
}
