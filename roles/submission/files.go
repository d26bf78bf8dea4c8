package submission

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"finest/eval"
	"finest/eval/audit"
	"finest/hub"
)

// MaxFileBytes bounds one file of a publication: a shard has about 512 MiB of
// text at most.
const MaxFileBytes = 4 << 30

// files are the files of one commit, fetched into dir when they are opened and
// kept there until remove.
type files struct {
	hub     hub.Hub
	ref     hub.Ref
	dir     string
	fetched []string
}

var _ audit.Files = (*files)(nil)

// Stat asks the hub for size and hash of a file.
func (f *files) Stat(ctx context.Context, path string) (audit.FileInfo, error) {
	info, err := f.hub.Stat(ctx, f.ref, path)
	if err != nil {
		return audit.FileInfo{}, f.blame(ctx, err)
	}
	return audit.FileInfo{Size: info.Size, SHA256: info.SHA256}, nil
}

// Open fetches a file unless it was fetched before, and checks its hash.
func (f *files) Open(ctx context.Context, path string) (audit.File, error) {
	info, err := f.hub.Stat(ctx, f.ref, path)
	if err != nil {
		return nil, f.blame(ctx, err)
	}
	if info.Size > MaxFileBytes {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d allowed: %w", path, info.Size, int64(MaxFileBytes), fs.ErrNotExist)
	}
	local := filepath.Join(f.dir, info.SHA256)
	if _, err := os.Stat(local); err != nil {
		if err := f.fetch(ctx, path, info, local); err != nil {
			return nil, err
		}
	}
	file, err := os.Open(local)
	if err != nil {
		return nil, eval.Blame(eval.FaultOwn, err)
	}
	return &openFile{file, info.Size}, nil
}

func (f *files) fetch(ctx context.Context, path string, info hub.File, local string) error {
	src, err := f.hub.Open(ctx, f.ref, path, 0, info.Size)
	if err != nil {
		return f.blame(ctx, err)
	}
	defer func() { _ = src.Close() }()
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return eval.Blame(eval.FaultOwn, err)
	}
	// A cache needs no fsync: what a crash leaves is removed or fetched again.
	tmp, err := os.CreateTemp(f.dir, "fetch-*")
	if err != nil {
		return eval.Blame(eval.FaultOwn, err)
	}
	defer func() {
		_ = tmp.Close()
		_ = os.Remove(tmp.Name())
	}()
	hash := sha256.New()
	out := &blamed{tmp}
	n, err := io.Copy(io.MultiWriter(out, hash), io.LimitReader(src, info.Size+1))
	switch {
	case err != nil:
		return f.blame(ctx, err)
	case n != info.Size || hex.EncodeToString(hash.Sum(nil)) != info.SHA256:
		return eval.Blame(eval.FaultHub, fmt.Errorf("%s of %s: %w", path, f.ref, hub.ErrCorrupt))
	}
	if err := os.Rename(tmp.Name(), local); err != nil {
		return eval.Blame(eval.FaultOwn, err)
	}
	f.fetched = append(f.fetched, local)
	return nil
}

// read returns a small file.
func (f *files) read(ctx context.Context, path string, max int64) ([]byte, error) {
	raw, err := hub.ReadFile(ctx, f.hub, f.ref, path, max)
	if err != nil {
		return nil, f.blame(ctx, err)
	}
	return raw, nil
}

// blame tells a file that the commit does not hold, the miner's doing, from a
// publication that cannot be read.
func (f *files) blame(ctx context.Context, err error) error {
	if errors.Is(err, hub.ErrNotFound) {
		if _, repoErr := f.hub.Head(ctx, f.ref); repoErr == nil {
			return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
		}
	}
	return eval.Blame(eval.FaultHub, err)
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// remove deletes what was fetched.
func (f *files) remove() {
	for _, path := range f.fetched {
		_ = os.Remove(path)
	}
	f.fetched = nil
}

// blamed marks errors of the validator's own disk.
type blamed struct{ w io.Writer }

func (b *blamed) Write(p []byte) (int, error) {
	n, err := b.w.Write(p)
	return n, eval.Blame(eval.FaultOwn, err)
}

type openFile struct {
	*os.File
	size int64
}

// Size returns the size of the file.
func (f *openFile) Size() int64 { return f.size }
