package localhub

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"finest/hub"
	"finest/internal/canon"
	"finest/internal/durable"
)

// fileID tells whether an object is still the file whose hash was checked.
type fileID struct {
	size     int64
	modified time.Time
}

func (h *Hub) objectPath(sum string) string {
	return filepath.Join(h.dir, "objects", sum[:2], sum)
}

// store puts the content of a source under its hash. An object that is there
// and sound is not written again; a damaged one is replaced.
func (h *Hub) store(ctx context.Context, src hub.Source) error {
	switch r, err := h.openObject(ctx, src.File, 0, src.Size); {
	case err == nil:
		return r.Close()
	case !errors.Is(err, hub.ErrCorrupt):
		return err
	}
	r, err := src.Open()
	if err != nil {
		return fmt.Errorf("open source: %w", err)
	}
	defer func() { _ = r.Close() }()
	// A byte more than stated, to notice that there is more.
	from := &reader{ctx: ctx, r: io.NewSectionReader(r, 0, src.Size+1)}
	var wrong error // of the source, not of the folder
	path := h.objectPath(src.SHA256)
	err = durable.WriteFile(path, 0o444, func(w io.Writer) error {
		sum := sha256.New()
		n, err := io.Copy(io.MultiWriter(w, sum), from)
		if err == nil {
			wrong = compare(n, sum, src.File)
			return wrong
		}
		wrong = from.err
		return err
	})
	if wrong != nil {
		return wrong
	}
	if err != nil {
		return unavailable(err)
	}
	if info, err := os.Stat(path); err == nil {
		h.trust(src.SHA256, info)
	}
	return nil
}

// compare holds what was read against what f states.
func compare(size int64, sum hash.Hash, f hub.File) error {
	if size != f.Size {
		return fmt.Errorf("content does not have the stated %d bytes: %w", f.Size, hub.ErrCorrupt)
	}
	if got := canon.Hash(sum.Sum(nil)).String(); got != f.SHA256 {
		return fmt.Errorf("content has SHA-256 %s, not %s: %w", got, f.SHA256, hub.ErrCorrupt)
	}
	return nil
}

// trust records that an object had its hash when it was the file info.
func (h *Hub) trust(sum string, info fs.FileInfo) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sound[sum] = fileID{info.Size(), info.ModTime()}
}

// openObject opens a part of an object of a commit.
func (h *Hub) openObject(ctx context.Context, f hub.File, offset, length int64) (_ io.ReadCloser, err error) {
	object, err := os.Open(h.objectPath(f.SHA256))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("content is gone: %w", hub.ErrCorrupt)
	}
	if err != nil {
		return nil, unavailable(err)
	}
	defer func() {
		if err != nil {
			_ = object.Close()
		}
	}()
	if err := h.check(ctx, object, f); err != nil {
		return nil, err
	}
	part := &reader{ctx: ctx, r: io.NewSectionReader(object, offset, length)}
	return &exactReader{part, object, length}, nil
}

// check hashes an object unless this process did so and it is the same file.
func (h *Hub) check(ctx context.Context, object *os.File, f hub.File) error {
	info, err := object.Stat()
	if err != nil {
		return unavailable(err)
	}
	h.mu.Lock()
	known, ok := h.sound[f.SHA256]
	h.mu.Unlock()
	if ok && known.size == info.Size() && known.modified.Equal(info.ModTime()) && known.size == f.Size {
		return nil
	}
	sum := sha256.New()
	n, err := io.Copy(sum, &reader{ctx: ctx, r: object})
	if err := ctx.Err(); err != nil {
		return err
	}
	if err != nil {
		return unavailable(err)
	}
	if err := compare(n, sum, f); err != nil {
		return err
	}
	h.trust(f.SHA256, info)
	return nil
}

// reader stops when its context ends, and keeps the error it stopped with.
type reader struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (r *reader) Read(p []byte) (int, error) {
	if r.err = r.ctx.Err(); r.err != nil {
		return 0, r.err
	}
	n, err := r.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// exactReader reads left more bytes, and fails if there are fewer.
type exactReader struct {
	r io.Reader
	io.Closer
	left int64
}

func (e *exactReader) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	e.left -= int64(n)
	if errors.Is(err, io.EOF) && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
