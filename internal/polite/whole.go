package polite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// resumeChunk is the length of the ranges that complete a download which an
// earlier process began.
const resumeChunk = 32 << 20

// Download writes the file at path of base into part. What part holds already is
// taken for the beginning of the file, from an earlier process that was stopped,
// and completed by ranges; it begins anew where the server knows no ranges or
// has a shorter file. That the beginning is of the same file is for the caller
// to know or to find out from the whole. size is what the file must have, −1 if
// that is not known. progress, which may be nil, is told of bytes that are there
// of total, 0 if the server does not say.
func Download(ctx context.Context, base Base, path string, size int64, part *os.File, progress func(done, total int64)) error {
	have, err := part.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	d := &progressWriter{w: part, done: have, report: progress}
	complete, err := d.resume(ctx, base, path, size)
	if complete || err != nil {
		return err
	}
	if err := part.Truncate(0); err != nil {
		return err
	}
	if _, err := part.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r, total, err := base.Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	if err := checkSize(base, size, total); err != nil {
		return err
	}
	d.done, d.total = 0, max(0, total)
	var whole io.Reader = r
	if size >= 0 {
		whole = io.LimitReader(r, size+1)
	}
	n, err := io.Copy(d, whole)
	switch {
	case err != nil:
		return err
	case total >= 0 && n != total:
		return fmt.Errorf("%w: %d bytes came instead of %d", ErrUnavailable, n, total)
	}
	return checkSize(base, size, n)
}

// checkSize compares the size that a file must have with the one it has, either
// of which may be unknown.
func checkSize(base Base, want, size int64) error {
	if want >= 0 && size >= 0 && size != want {
		return fmt.Errorf("the file at %s has %d bytes instead of %d: %w", base, size, want, ErrUnexpectedContent)
	}
	return nil
}

// progressWriter reports what is written.
type progressWriter struct {
	w           io.Writer
	done, total int64
	report      func(done, total int64)
}

func (d *progressWriter) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	d.done += int64(n)
	if d.report != nil {
		d.report(d.done, d.total)
	}
	return n, err
}

// resume completes a download that has begun. It reports false if there is none,
// or none that can be completed.
func (d *progressWriter) resume(ctx context.Context, base Base, path string, want int64) (bool, error) {
	if d.done == 0 {
		return false, nil
	}
	size, err := base.Size(ctx, path)
	if err == nil {
		err = checkSize(base, want, size)
	}
	if err != nil {
		return false, err
	}
	if size < d.done {
		return false, nil
	}
	for d.total = size; d.done < size; {
		length := min(resumeChunk, size-d.done)
		b, total, err := base.ReadRange(ctx, path, d.done, length)
		if errors.Is(err, ErrUnexpectedContent) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if total != size || int64(len(b)) != length {
			return false, fmt.Errorf("%w: %d bytes became %d", ErrChanged, size, total)
		}
		if _, err := d.Write(b); err != nil {
			return false, err
		}
	}
	return true, nil
}
