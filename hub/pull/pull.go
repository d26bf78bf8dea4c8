// Package pull brings files of hub repositories to this machine: into a cache
// of bounded size, as ranges checked one by one, or as a whole publication. A
// repository is a stranger's. No byte of it is handed on before it was compared
// with a SHA-256 that the caller knows, and no size that it states makes this
// machine use more disk or memory than the caller allows.
package pull

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"

	"finest/hub"
	"finest/internal/canon"
)

// ErrLocal is wrapped by errors of this machine: its disk fails or is full, or
// everything in a cache is in use. The hub has no part in them.
var ErrLocal = errors.New("no place on this machine")

func local(err error) error { return fmt.Errorf("%w: %w", ErrLocal, err) }

// maxFileBytes is more than any hub holds: the Hugging Face Hub refuses files
// of more than 500 GB (https://huggingface.co/docs/hub/storage-limits).
const maxFileBytes = 1 << 40

// checkFile refuses what cannot be asked for by hash.
func checkFile(f hub.File) error {
	if _, err := canon.ParseHash(f.SHA256); err != nil {
		return fmt.Errorf("SHA-256 %.70q: %w", f.SHA256, err)
	}
	if f.Size < 0 || f.Size > maxFileBytes {
		return fmt.Errorf("a stated size of %d bytes: %w", f.Size, hub.ErrTooLarge)
	}
	return nil
}

// download brings the content of f into the file at path, which is kept after
// an error, so that the next call goes on where this one was cut off. Only when
// bytes differ from their hash it is removed. Nil means that the file is whole
// and has the hash. progress is told how many bytes are there.
//
// What an earlier call left may be another's garbage or torn by a crash, so
// wrong bytes are an error only if all of them came with this call.
func download(ctx context.Context, h hub.Hub, ref hub.Ref, f hub.File, path string, progress func(have int64)) error {
	for {
		resumed, err := resume(ctx, h, ref, f, path, progress)
		if !errors.Is(err, hub.ErrCorrupt) {
			return err
		}
		if gone := os.Remove(path); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			return local(gone)
		}
		if !resumed {
			return err
		}
	}
}

// resume is one attempt of a download; resumed tells that bytes were there.
func resume(ctx context.Context, h hub.Hub, ref hub.Ref, f hub.File, path string, progress func(have int64)) (resumed bool, err error) {
	part, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return false, local(err)
	}
	defer func() {
		if closed := part.Close(); closed != nil && err == nil {
			err = local(closed)
		}
	}()
	sum := sha256.New()
	have, err := copyTo(ctx, sum, fromDisk{part}, f.Size+1)
	if err != nil {
		return have > 0, err
	}
	if have > f.Size {
		return true, wrongSize(f)
	}
	progress(have)
	if err := fetchRest(ctx, h, ref, f, have, io.MultiWriter(onDisk{part}, sum, &counter{have, progress})); err != nil {
		return have > 0, err
	}
	return have > 0, compare(sum, f)
}

// fetchRest writes what follows the first have bytes of f.
func fetchRest(ctx context.Context, h hub.Hub, ref hub.Ref, f hub.File, have int64, w io.Writer) error {
	left := f.Size - have
	if left == 0 {
		return nil
	}
	src, err := h.Open(ctx, ref, f.Path, have, left)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	n, err := copyTo(ctx, w, src, left)
	if err == nil && n < left {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	// A reader may check at its end what it gave.
	more, err := copyTo(ctx, io.Discard, src, 1)
	if err == nil && more > 0 {
		err = wrongSize(f)
	}
	return err
}

func wrongSize(f hub.File) error {
	return fmt.Errorf("it does not have the stated %d bytes: %w", f.Size, hub.ErrCorrupt)
}

func compare(sum hash.Hash, f hub.File) error {
	if got := canon.Hash(sum.Sum(nil)).String(); got != f.SHA256 {
		return fmt.Errorf("SHA-256 is %s, not %s: %w", got, f.SHA256, hub.ErrCorrupt)
	}
	return nil
}

// bufferBytes is how much is read at once.
const bufferBytes = 256 << 10

// copyTo copies at most limit bytes until r ends or ctx does.
func copyTo(ctx context.Context, w io.Writer, r io.Reader, limit int64) (n int64, err error) {
	buffer := make([]byte, min(bufferBytes, limit))
	for n < limit {
		if ctx.Err() != nil {
			return n, context.Cause(ctx)
		}
		got, err := r.Read(buffer[:min(int64(len(buffer)), limit-n)])
		n += int64(got)
		if _, failed := w.Write(buffer[:got]); failed != nil {
			return n, failed
		}
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// onDisk and fromDisk mark the errors of a file.
type onDisk struct{ f *os.File }

func (d onDisk) Write(p []byte) (int, error) {
	n, err := d.f.Write(p)
	if err != nil {
		err = local(err)
	}
	return n, err
}

type fromDisk struct{ f *os.File }

func (d fromDisk) Read(p []byte) (int, error) {
	n, err := d.f.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = local(err)
	}
	return n, err
}

// counter tells how much is there.
type counter struct {
	have int64
	tell func(have int64)
}

func (c *counter) Write(p []byte) (int, error) {
	c.have += int64(len(p))
	c.tell(c.have)
	return len(p), nil
}
