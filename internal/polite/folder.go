package polite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// folder is a base of local files.
type folder string

var _ Base = folder("")

func openFolder(dir string) (Base, error) {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = errors.New("not a folder")
	}
	if err != nil {
		return nil, fmt.Errorf("open base %s: %w", dir, err)
	}
	return folder(dir), nil
}

// String returns the folder's path as given.
func (d folder) String() string { return string(d) }

// file opens a file and returns its size.
func (d folder) file(path string) (*os.File, int64, error) {
	if err := checkPath(path); err != nil {
		return nil, 0, err
	}
	f, err := os.Open(filepath.Join(string(d), filepath.FromSlash(path)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("open %s: not a regular file: %w", path, ErrUnexpectedContent)
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// Open implements Base.
func (d folder) Open(_ context.Context, path string) (io.ReadCloser, int64, error) {
	f, size, err := d.file(path)
	if err != nil {
		return nil, 0, err
	}
	return &exactly{f: f, left: size}, size, nil
}

// ReadRange implements Base.
func (d folder) ReadRange(_ context.Context, path string, offset, length int64) ([]byte, int64, error) {
	if err := checkRange(offset, length); err != nil {
		return nil, 0, err
	}
	f, size, err := d.file(path)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }()
	b := make([]byte, max(0, min(length, size-offset)))
	if _, err := f.ReadAt(b, offset); err != nil && len(b) > 0 {
		if errors.Is(err, io.EOF) {
			err = ErrChanged
		}
		return nil, 0, fmt.Errorf("read %s: %w", f.Name(), err)
	}
	return b, size, nil
}

// Size implements Base.
func (d folder) Size(_ context.Context, path string) (int64, error) {
	f, size, err := d.file(path)
	if err != nil {
		return 0, err
	}
	return size, f.Close()
}

// exactly reads the bytes a file had when it was opened.
type exactly struct {
	f    *os.File
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.f.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if errors.Is(err, io.EOF) {
		return n, fmt.Errorf("read %s: %w: %d bytes are gone", e.f.Name(), ErrChanged, e.left)
	}
	return n, err
}

func (e *exactly) Close() error { return e.f.Close() }
