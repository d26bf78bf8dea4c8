// Package durable writes files that appear whole or not at all, journals that
// survive a kill at any byte, and the lock that keeps a folder to one process.
package durable

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// WriteFile creates or replaces path with what write produces: temporary file
// in the same folder, fsync, rename, fsync of the folder. Parent folders are
// created. After an error path is as it was, or whole and new. A kill may leave
// the temporary file behind, named ".<base>.tmp-<random>".
func WriteFile(path string, mode os.FileMode, write func(io.Writer) error) (err error) {
	dir := filepath.Dir(path)
	if err := MkdirAll(dir); err != nil {
		return fmt.Errorf("create folder for %s: %w", path, err)
	}
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".tmp-*")
	if err != nil {
		return fmt.Errorf("create temporary file for %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = tmp.Close()
			_ = os.Remove(tmp.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	buf := bufio.NewWriterSize(tmp, 256<<10)
	if err = write(buf); err != nil {
		return err
	}
	if err = buf.Flush(); err != nil {
		return err
	}
	if err = tmp.Chmod(mode); err != nil {
		return err
	}
	if err = tmp.Sync(); err != nil {
		return err
	}
	if err = tmp.Close(); err != nil {
		return err
	}
	if err = os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return SyncDir(dir)
}

// WriteBytes is WriteFile for content that is at hand.
func WriteBytes(path string, mode os.FileMode, content []byte) error {
	return WriteFile(path, mode, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// MkdirAll creates dir and the folders above it that are missing, durably.
func MkdirAll(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := MkdirAll(parent); err != nil {
			return err
		}
	}
	// MkdirAll, so that another process may win the race to create it.
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return SyncDir(parent)
}

// SyncDir makes renames and removals in dir durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}
