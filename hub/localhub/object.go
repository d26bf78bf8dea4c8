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
)

// fileID tells whether an object is still the file whose hash was checked.
type fileID struct {
	size     int64
	modified time.Time
}

// maxSound bounds the objects that are known to be sound; each has a hundred
// bytes or so.
const maxSound = 1 << 16

func (h *Hub) objectPath(sum string) string {
	return filepath.Join(h.dir, "objects", sum[:2], sum)
}

// StoreObject stores f.Size bytes of r under f.SHA256. It is ErrCorrupt, and
// nothing is stored, if r holds more, less or something else. f.Path is for
// errors only.
func (h *Hub) StoreObject(ctx context.Context, f hub.File, r io.Reader) error {
	err := validateObject(f)
	if err == nil {
		err = h.write(ctx, f, r)
	}
	if err != nil {
		return fmt.Errorf("store object %.64s: %w", f.SHA256, err)
	}
	return nil
}

// HasObject reports whether content of this size and hash is stored and sound.
func (h *Hub) HasObject(ctx context.Context, f hub.File) (bool, error) {
	err := validateObject(f)
	if err == nil {
		var r io.Closer
		if r, err = h.openObject(ctx, f, 0, f.Size); err == nil {
			return true, r.Close()
		}
	}
	if errors.Is(err, hub.ErrCorrupt) {
		return false, nil
	}
	return false, fmt.Errorf("look for object %.64s: %w", f.SHA256, err)
}

// ObjectSize returns the size of the content of a hash, or ErrNotFound.
func (h *Hub) ObjectSize(ctx context.Context, sum string) (int64, error) {
	size, err := h.objectSize(ctx, sum)
	if err != nil {
		return 0, fmt.Errorf("size of object %.64s: %w", sum, err)
	}
	return size, nil
}

func (h *Hub) objectSize(ctx context.Context, sum string) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := validateObject(hub.File{SHA256: sum}); err != nil {
		return 0, err
	}
	info, err := os.Stat(h.objectPath(sum))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, hub.ErrNotFound
	case err != nil:
		return 0, unavailable(err)
	}
	return info.Size(), nil
}

// OpenObject reads a part of a content; a negative length reads to the end. It
// is ErrCorrupt if the content is not there, or is not what f says.
func (h *Hub) OpenObject(ctx context.Context, f hub.File, offset, length int64) (io.ReadSeekCloser, error) {
	err := validateObject(f)
	if err == nil {
		var r io.ReadSeekCloser
		if r, err = h.openObject(ctx, f, offset, length); err == nil {
			return r, nil
		}
	}
	return nil, fmt.Errorf("open object %.64s: %w", f.SHA256, err)
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
	return h.write(ctx, src.File, io.NewSectionReader(r, 0, src.Size+1))
}

// write makes an object of what r holds.
func (h *Hub) write(ctx context.Context, f hub.File, r io.Reader) error {
	in, err := h.newIncoming()
	if err != nil {
		return unavailable(err)
	}
	defer in.discard()
	sum := sha256.New()
	from := &reader{ctx: ctx, r: io.LimitReader(r, f.Size+1)}
	n, err := io.CopyBuffer(io.MultiWriter(in.file, sum), from, make([]byte, copyBytes))
	switch {
	case from.err != nil:
		return from.err
	case err != nil:
		return unavailable(err)
	}
	if err := compare(n, sum, f); err != nil {
		return err
	}
	return h.keep(in, f.SHA256)
}

// copyBytes is how much is read and written at a time.
const copyBytes = 256 << 10

// compare holds what was read against what f states.
func compare(size int64, sum hash.Hash, f hub.File) error {
	if size != f.Size {
		return wrongSize(f)
	}
	if got := canon.Hash(sum.Sum(nil)).String(); got != f.SHA256 {
		return fmt.Errorf("content has SHA-256 %s, not %s: %w", got, f.SHA256, hub.ErrCorrupt)
	}
	return nil
}

func wrongSize(f hub.File) error {
	return fmt.Errorf("content does not have the stated %d bytes: %w", f.Size, hub.ErrCorrupt)
}

// trust records that an object had its hash when it was the file info.
func (h *Hub) trust(sum string, info fs.FileInfo) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.sound) >= maxSound {
		clear(h.sound)
	}
	h.sound[sum] = fileID{info.Size(), info.ModTime()}
}

// openObject opens a part of an object; a negative length reads to the end.
func (h *Hub) openObject(ctx context.Context, f hub.File, offset, length int64) (_ io.ReadSeekCloser, err error) {
	if offset < 0 || offset > f.Size {
		return nil, badRequest("offset %d in a file of %d bytes", offset, f.Size)
	}
	if length < 0 {
		length = f.Size - offset
	}
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
	return &partReader{ctx: ctx, r: io.NewSectionReader(object, offset, length), Closer: object, length: length}, nil
}

// check hashes an object unless this process did so and it is the same file.
func (h *Hub) check(ctx context.Context, object *os.File, f hub.File) error {
	info, err := object.Stat()
	if err != nil {
		return unavailable(err)
	}
	if info.Size() != f.Size { // anybody may ask for a wrong size: it costs no hashing
		return wrongSize(f)
	}
	h.mu.Lock()
	known, ok := h.sound[f.SHA256]
	h.mu.Unlock()
	if ok && known.size == f.Size && known.modified.Equal(info.ModTime()) {
		return nil
	}
	sum := sha256.New()
	n, err := io.CopyBuffer(sum, &reader{ctx: ctx, r: object}, make([]byte, copyBytes))
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

// partReader reads length bytes of a file, and fails if there are fewer.
type partReader struct {
	ctx context.Context
	r   *io.SectionReader
	io.Closer
	length, at int64
}

func (p *partReader) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := p.r.Read(b)
	p.at += int64(n)
	if errors.Is(err, io.EOF) && p.at < p.length {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (p *partReader) Seek(offset int64, whence int) (int64, error) {
	at, err := p.r.Seek(offset, whence)
	if err == nil {
		p.at = at
	}
	return at, err
}
