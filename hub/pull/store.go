package pull

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"finest/hub"
	"finest/internal/canon"
)

// A cache's folder holds whole files under their SHA-256 and parts with this
// suffix. Their times of modification are those of their last use.
const partSuffix = ".part"

func (c *Cache) path(sum string) string { return filepath.Join(c.dir, sum) }

// load takes up what earlier processes left, and lets go of what exceeds the
// limits. It touches no file that is not a cache's.
func (c *Cache) load() error {
	names, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	var found []fs.FileInfo
	for _, name := range names {
		sum, isPart := strings.CutSuffix(name.Name(), partSuffix)
		if _, err := canon.ParseHash(sum); err != nil || !name.Type().IsRegular() {
			continue
		}
		if c.entries[sum] != nil { // the whole file, which sorts before its part
			if err := os.Remove(c.path(name.Name())); err != nil {
				return err
			}
			continue
		}
		info, err := name.Info()
		if err != nil {
			return err
		}
		c.entries[sum] = &entry{size: info.Size(), whole: !isPart}
		c.bytes += info.Size()
		found = append(found, info)
	}
	slices.SortStableFunc(found, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, info := range found {
		c.use(c.entries[strings.TrimSuffix(info.Name(), partSuffix)])
	}
	return c.makeRoom(0, 0, nil)
}

// use makes e the entry that was used last.
func (c *Cache) use(e *entry) {
	c.clock++
	e.used = c.clock
}

// reserve makes room for f, and returns its entry.
func (c *Cache) reserve(f hub.File) (*entry, error) {
	e, files := c.entries[f.SHA256], 0
	if e == nil {
		e, files = new(entry), 1
	}
	more := max(0, f.Size-e.size)
	if err := c.makeRoom(more, files, e); err != nil {
		return nil, local(err)
	}
	e.size += more
	c.bytes += more
	c.entries[f.SHA256] = e
	c.use(e)
	return e, nil
}

// makeRoom evicts what was not used for the longest time until so many bytes and
// files more are within the limits. Nothing goes if that does not suffice.
func (c *Cache) makeRoom(bytes int64, files int, keep *entry) error {
	var idle []string
	for sum, e := range c.entries {
		if e.pins == 0 && e.flight == nil && e != keep {
			idle = append(idle, sum)
		}
	}
	slices.SortFunc(idle, func(a, b string) int { return cmp.Compare(c.entries[a].used, c.entries[b].used) })
	left, count, enough := c.bytes, len(c.entries), 0
	for ; left > c.limits.Bytes-bytes || count+files > c.limits.Files; enough++ {
		if enough == len(idle) {
			return fmt.Errorf("%d bytes in %d files of the cache are in use, which leaves no room for %d more of the %d allowed", left, count, bytes, c.limits.Bytes)
		}
		left -= c.entries[idle[enough]].size
		count--
	}
	for _, sum := range idle[:enough] {
		if err := c.remove(sum); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes a file.
func (c *Cache) remove(sum string) error {
	e, path := c.entries[sum], c.path(sum)
	if !e.whole {
		path += partSuffix
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	c.bytes -= e.size
	delete(c.entries, sum)
	return nil
}

// isSound reports whether a whole file is the one whose hash was checked.
func (c *Cache) isSound(sum string, e *entry) bool {
	if !e.whole || e.stamp.IsZero() {
		return false
	}
	info, err := os.Stat(c.path(sum))
	return err == nil && info.Size() == e.size && info.ModTime().Equal(e.stamp)
}

// open opens a file that was pinned.
func (c *Cache) open(sum string, e *entry) (*File, error) {
	f, err := os.Open(c.path(sum))
	if err != nil {
		e.pins--
		return nil, local(err)
	}
	c.use(e)
	// For the order of uses after a restart; without it the file seems older.
	now := time.Now()
	if err := os.Chtimes(f.Name(), now, now); err == nil {
		if info, err := f.Stat(); err == nil {
			e.stamp = info.ModTime()
		}
	}
	closed := false
	return &File{f: f, size: e.size, free: func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !closed {
			closed = true
			e.pins--
		}
	}}, nil
}

// settle ends a flight: what is on disk now is what the cache holds.
func (c *Cache) settle(fl *flight, err error) (*File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(fl.done)
	e, path := fl.entry, c.path(fl.file.SHA256)
	fl.err, e.flight = err, nil
	c.bytes -= e.size
	whole, errWhole := os.Stat(path)
	part, errPart := os.Stat(path + partSuffix)
	switch {
	case errWhole == nil:
		e.size, e.whole = whole.Size(), true
		if fl.sound {
			e.stamp = whole.ModTime()
		}
	case errPart == nil:
		e.size, e.whole = part.Size(), false
	default:
		e.size = 0
		delete(c.entries, fl.file.SHA256)
	}
	c.bytes += e.size
	if err != nil {
		return nil, err
	}
	e.pins += 1 + fl.waiters
	return c.open(fl.file.SHA256, e)
}

// verify hashes a file that is here, and returns its size.
func verify(ctx context.Context, path string, f hub.File) (int64, error) {
	file, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, hub.ErrCorrupt
	case err != nil:
		return 0, local(err)
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	size, err := copyTo(ctx, sum, fromDisk{file}, maxFileBytes)
	if err != nil {
		return 0, err
	}
	return size, compare(sum, f)
}
