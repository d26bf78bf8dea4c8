package localhub

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"finest/hub"
	"finest/internal/durable"
)

// Incoming is content on its way into the hub, written in any order. Its file is
// locked while its process lives, so that others can tell what a kill left.
type Incoming struct {
	h    *Hub
	file *os.File
	lock *durable.Lock
}

// NewIncoming begins a content, which Keep makes an object. Close must be called.
func (h *Hub) NewIncoming() (*Incoming, error) {
	in, err := h.newIncoming()
	if err != nil {
		return nil, fmt.Errorf("begin an object: %w", unavailable(err))
	}
	return in, nil
}

// incomingTries bounds how often a new file is lost to another process that
// takes it for a leftover; that has a moment only to do so.
const incomingTries = 100

func (h *Hub) newIncoming() (*Incoming, error) {
	for try := 0; ; try++ {
		file, err := os.CreateTemp(filepath.Join(h.dir, "incoming"), "")
		if err != nil {
			return nil, err
		}
		lock, err := durable.TryLock(file.Name())
		if err == nil && isAt(file, file.Name()) {
			return &Incoming{h, file, lock}, nil
		}
		_ = file.Close()
		_ = os.Remove(file.Name())
		if err == nil {
			_ = lock.Unlock()
			err = durable.ErrLocked // it was, when it was removed
		}
		if !errors.Is(err, durable.ErrLocked) || try == incomingTries {
			return nil, err
		}
	}
}

// isAt reports whether path still names file.
func isAt(file *os.File, path string) bool {
	mine, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(mine, there)
}

// WriteAt may be called concurrently for different parts.
func (in *Incoming) WriteAt(p []byte, offset int64) (int, error) {
	n, err := in.file.WriteAt(p, offset)
	return n, unavailable(err)
}

// Keep stores what was written as the object f. It is ErrCorrupt, and nothing
// is stored, if it is not f.
func (in *Incoming) Keep(ctx context.Context, f hub.File) error {
	if err := in.check(ctx, f); err != nil {
		return fmt.Errorf("store object %.64s: %w", f.SHA256, err)
	}
	if err := in.h.keep(in, f.SHA256); err != nil {
		return fmt.Errorf("store object %.64s: %w", f.SHA256, err)
	}
	return nil
}

func (in *Incoming) check(ctx context.Context, f hub.File) error {
	if err := validateObject(f); err != nil {
		return err
	}
	info, err := in.file.Stat()
	if err != nil {
		return unavailable(err)
	}
	sum := sha256.New()
	from := &reader{ctx: ctx, r: io.NewSectionReader(in.file, 0, info.Size())}
	n, err := io.CopyBuffer(sum, from, make([]byte, copyBytes))
	if err := ctx.Err(); err != nil {
		return err
	}
	if err != nil {
		return unavailable(err)
	}
	return compare(n, sum, f)
}

// Close discards what was not kept.
func (in *Incoming) Close() error {
	in.discard()
	return nil
}

func (in *Incoming) discard() {
	if in.file == nil {
		return
	}
	_ = os.Remove(in.file.Name())
	in.release()
}

func (in *Incoming) release() {
	_ = in.file.Close()
	_ = in.lock.Unlock()
	in.file = nil
}

// keep makes in, whose hash is sum, an object: whole and durable, or not there.
func (h *Hub) keep(in *Incoming, sum string) error {
	path := h.objectPath(sum)
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return unavailable(err)
	}
	info, err := in.file.Stat()
	if err == nil {
		err = errors.Join(in.file.Chmod(0o444), in.file.Sync())
	}
	if err == nil {
		err = os.Rename(in.file.Name(), path)
	}
	if err == nil {
		in.release()
		h.trust(sum, info)
		err = durable.SyncDir(filepath.Dir(path))
	}
	return unavailable(err)
}

// sweep removes incoming files of processes that were killed.
func (h *Hub) sweep() {
	entries, err := os.ReadDir(filepath.Join(h.dir, "incoming"))
	if err != nil {
		return // nothing else needs it
	}
	for _, e := range entries {
		path := filepath.Join(h.dir, "incoming", e.Name())
		lock, err := durable.TryLock(path)
		if err != nil {
			continue // it is being written
		}
		_ = os.Remove(path)
		_ = lock.Unlock()
	}
}
