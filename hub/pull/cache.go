package pull

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"finest/hub"
	"finest/internal/durable"
)

// Limits bound what a cache keeps on disk, parts of downloads and files in use
// included.
type Limits struct {
	Bytes int64
	Files int
}

// Cache holds files of hub repositories in a folder, under their SHA-256. When a
// file is fetched those that were not used for the longest time make room.
//
// Its limits hold at every moment. It outlives restarts and kills: a download
// goes on where it was cut off, and what an earlier process left is hashed
// again before it is believed. One process at a time has the folder, whose lock
// file says so.
type Cache struct {
	dir    string
	limits Limits
	lock   *durable.Lock

	mu      sync.Mutex
	entries map[string]*entry // by SHA-256
	bytes   int64             // sum of their sizes
	clock   int64             // counts uses
}

// entry is one file on disk: whole, or a part while it is fetched and when that
// was cut off.
type entry struct {
	size   int64 // on disk, or what is reserved for it
	used   int64 // by the clock of the cache
	whole  bool
	pins   int       // open Files
	stamp  time.Time // of the file when its hash was checked; zero if it was not
	flight *flight   // while it is fetched or checked
}

// flight is a fetch under way, which others may wait for.
type flight struct {
	ctx     context.Context // of its leader
	ref     hub.Ref
	file    hub.File
	entry   *entry
	whole   bool // the file is here, but nobody knows whether it is sound
	waiters int  // that want the very same
	done    chan struct{}

	// Known when done.
	sound bool // the file has its hash
	err   error
}

// OpenCache opens the cache in dir, and creates it if there is none. A folder
// that another process or Cache holds is an error that wraps durable.ErrLocked.
func OpenCache(dir string, l Limits) (*Cache, error) {
	if l.Bytes < 1 || l.Files < 1 {
		return nil, fmt.Errorf("open cache %s: limits of %d bytes and %d files hold nothing", dir, l.Bytes, l.Files)
	}
	lock, err := durable.TryLock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open cache: %w", local(err))
	}
	c := &Cache{dir: dir, limits: l, lock: lock, entries: map[string]*entry{}}
	if err := c.load(); err != nil {
		_ = lock.Unlock()
		return nil, fmt.Errorf("open cache %s: %w", dir, local(err))
	}
	return c, nil
}

// Close hands the folder back. No Fetch may be under way; open Files stay
// readable.
func (c *Cache) Close() error { return c.lock.Unlock() }

// File is a file of a cache, which stays there until it is closed.
type File struct {
	f    *os.File
	size int64
	free func()
}

// ReadAt implements io.ReaderAt.
func (f *File) ReadAt(p []byte, off int64) (int, error) { return f.f.ReadAt(p, off) }

// Size returns the size of the file.
func (f *File) Size() int64 { return f.size }

// Name returns where the file lies; nobody may write there.
func (f *File) Name() string { return f.f.Name() }

// Close lets the file be evicted.
func (f *File) Close() error {
	f.free()
	return f.f.Close()
}

// Fetch returns the content of f, from the cache or by one download from the
// hub, however many ask for it at the same time. Its SHA-256 was checked. f is
// what a manifest or the hub's Stat says of it.
//
// A file larger than the cache may hold is hub.ErrTooLarge before any byte of it
// is read; bytes that differ from size or hash are hub.ErrCorrupt and not kept.
// An error that wraps ErrLocal is not the hub's.
func (c *Cache) Fetch(ctx context.Context, h hub.Hub, ref hub.Ref, f hub.File) (*File, error) {
	file, err := c.fetch(ctx, h, ref, f)
	if err != nil {
		return nil, fmt.Errorf("fetch %.200q of %s: %w", f.Path, ref, err)
	}
	return file, nil
}

func (c *Cache) fetch(ctx context.Context, h hub.Hub, ref hub.Ref, f hub.File) (*File, error) {
	if err := checkFile(f); err != nil {
		return nil, err
	}
	if f.Size > c.limits.Bytes {
		return nil, fmt.Errorf("%d bytes, more than the %d that the cache may hold: %w", f.Size, c.limits.Bytes, hub.ErrTooLarge)
	}
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		file, fl, leads, err := c.enter(ctx, ref, f)
		switch {
		case file != nil || err != nil:
			return file, err
		case leads:
			return c.settle(fl, c.bring(ctx, h, fl))
		}
		if file, err = c.await(ctx, fl, ref, f); file != nil || err != nil {
			return file, err
		}
	}
}

// enter returns the file if it is here and sound; else the flight that brings
// it, which the caller leads or waits for.
func (c *Cache) enter(ctx context.Context, ref hub.Ref, f hub.File) (file *File, fl *flight, leads bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[f.SHA256]
	if e != nil && e.flight != nil {
		if e.flight.wanted(ref, f) {
			e.flight.waiters++
		}
		return nil, e.flight, false, nil
	}
	if e != nil && c.isSound(f.SHA256, e) {
		if e.size != f.Size {
			return nil, nil, false, wrongSize(f)
		}
		e.pins++
		file, err = c.open(f.SHA256, e)
		return file, nil, false, err
	}
	if e, err = c.reserve(f); err != nil {
		return nil, nil, false, err
	}
	e.flight = &flight{ctx: ctx, ref: ref, file: f, entry: e, whole: e.whole, done: make(chan struct{})}
	return nil, e.flight, true, nil
}

func (fl *flight) wanted(ref hub.Ref, f hub.File) bool { return fl.ref == ref && fl.file == f }

// bring checks the file of a flight if it is here, and downloads it if it is not
// or not sound.
func (c *Cache) bring(ctx context.Context, h hub.Hub, fl *flight) error {
	path := c.path(fl.file.SHA256)
	if fl.whole {
		size, err := verify(ctx, path, fl.file)
		switch {
		case err == nil && size != fl.file.Size:
			fl.sound = true
			return wrongSize(fl.file)
		case err == nil:
			fl.sound = true
			return nil
		case !errors.Is(err, hub.ErrCorrupt):
			return err
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return local(err)
		}
	}
	if err := download(ctx, h, fl.ref, fl.file, path+partSuffix, func(int64) {}); err != nil {
		return err
	}
	if err := os.Rename(path+partSuffix, path); err != nil {
		return local(err)
	}
	fl.sound = true
	return nil
}

// await waits for a flight that another leads. Without file and error the caller
// has to look again.
func (c *Cache) await(ctx context.Context, fl *flight, ref hub.Ref, f hub.File) (*File, error) {
	var gaveUp error
	select {
	case <-fl.done:
	case <-ctx.Done():
		gaveUp = context.Cause(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !fl.wanted(ref, f) {
		return nil, gaveUp
	}
	select {
	case <-fl.done:
	default:
		fl.waiters--
		return nil, gaveUp
	}
	switch {
	case fl.err == nil && gaveUp != nil:
		fl.entry.pins--
		return nil, gaveUp
	case fl.err == nil:
		return c.open(f.SHA256, fl.entry)
	case fl.ctx.Err() != nil:
		return nil, gaveUp // the leader gave up, which says nothing of the file
	}
	return nil, fl.err
}
