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
	"finest/internal/contract"
)

// The files of one task are fetched to disk before they are checked, so their
// sum is bounded: no more than sizeFactor times the task's compressed input and
// sizeBase. Text compresses in a shard at least as well as with its markup in a
// WARC file, and a ledger row has less than half the bytes of its record.
const (
	sizeFactor = 4
	sizeBase   = 64 << 20
)

// sizeProblem says in a sentence that the manifest names more bytes than its
// input can give.
func sizeProblem(m contract.Manifest) string {
	var input, output int64
	for _, in := range m.Inputs {
		input += in.Bytes
	}
	most := sizeFactor*input + sizeBase
	for _, f := range m.Files {
		if output += f.Bytes; output > most {
			return fmt.Sprintf("the files up to %s have %d bytes, more than %d bytes of WARC can give (%d)", f.Path, output, input, most)
		}
	}
	return ""
}

// files are the files of a task, fetched into dir when they are opened and kept
// there until remove. The commits of refs, any of which may be gone, are asked
// in order.
type files struct {
	hub     hub.Hub
	refs    []hub.Ref
	dir     string
	known   map[string]found
	fetched []string
}

var _ audit.Files = (*files)(nil)

// found is a file with the commit that holds it.
type found struct {
	hub.File
	ref hub.Ref
}

// find returns the file from the first commit that gives it. The error wraps
// fs.ErrNotExist if every commit can be read and none holds it.
func (f *files) find(ctx context.Context, path string) (found, error) {
	if info, ok := f.known[path]; ok {
		return info, nil
	}
	var failure error
	for _, ref := range f.refs {
		info, err := f.hub.Stat(ctx, ref, path)
		if err == nil {
			f.known[path] = found{info, ref}
			return f.known[path], nil
		}
		if err = blame(ctx, f.hub, ref, err); failure == nil || isMissing(failure) {
			failure = err
		}
	}
	if failure == nil {
		failure = eval.Blame(eval.FaultOwn, errors.New("no publication is known for the task"))
	}
	return found{}, failure
}

// Stat asks the hub for size and hash of a file.
func (f *files) Stat(ctx context.Context, path string) (audit.FileInfo, error) {
	info, err := f.find(ctx, path)
	return audit.FileInfo{Size: info.Size, SHA256: info.SHA256}, err
}

// Open fetches a file unless it was fetched before, and checks its hash.
func (f *files) Open(ctx context.Context, path string) (audit.File, error) {
	info, err := f.find(ctx, path)
	if err != nil {
		return nil, err
	}
	local := filepath.Join(f.dir, info.SHA256)
	if _, err := os.Stat(local); err != nil {
		if err := f.fetch(ctx, info, local); err != nil {
			return nil, err
		}
	}
	file, err := os.Open(local)
	if err != nil {
		return nil, eval.Blame(eval.FaultOwn, err)
	}
	return &openFile{file, info.Size}, nil
}

func (f *files) fetch(ctx context.Context, info found, local string) error {
	src, err := f.hub.Open(ctx, info.ref, info.Path, 0, info.Size)
	if err != nil {
		return blame(ctx, f.hub, info.ref, err)
	}
	defer func() { _ = src.Close() }()
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return eval.Blame(eval.FaultOwn, err)
	}
	// A cache needs no fsync: nothing of it is used after a restart.
	tmp, err := os.CreateTemp(f.dir, "fetch-*")
	if err != nil {
		return eval.Blame(eval.FaultOwn, err)
	}
	defer func() {
		_ = tmp.Close()
		_ = os.Remove(tmp.Name())
	}()
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(&blamed{tmp}, hash), io.LimitReader(src, info.Size+1))
	switch {
	case err != nil:
		return eval.Blame(eval.FaultHub, fmt.Errorf("read %s of %s: %w", info.Path, info.ref, err))
	case n != info.Size || hex.EncodeToString(hash.Sum(nil)) != info.SHA256:
		return eval.Blame(eval.FaultHub, fmt.Errorf("read %s of %s: %w", info.Path, info.ref, hub.ErrCorrupt))
	}
	if err := os.Rename(tmp.Name(), local); err != nil {
		return eval.Blame(eval.FaultOwn, err)
	}
	f.fetched = append(f.fetched, local)
	return nil
}

// remove deletes what was fetched.
func (f *files) remove() {
	for _, path := range f.fetched {
		_ = os.Remove(path)
	}
	f.fetched = nil
}

// readSmall returns a file of at most max bytes from one commit. The error wraps
// fs.ErrNotExist if the commit holds no such file, or a larger one: whoever looks
// finds the same. Otherwise it carries a fault.
func readSmall(ctx context.Context, h hub.Hub, ref hub.Ref, path string, max int64) ([]byte, error) {
	info, err := h.Stat(ctx, ref, path)
	if err != nil {
		return nil, blame(ctx, h, ref, err)
	}
	if info.Size > max {
		return nil, fmt.Errorf("%s of %s has %d bytes, more than the %d allowed: %w", path, ref, info.Size, max, fs.ErrNotExist)
	}
	raw, err := hub.ReadFile(ctx, h, ref, path, max)
	if err != nil {
		return nil, eval.Blame(eval.FaultHub, err)
	}
	return raw, nil
}

// blame tells a file that the commit does not hold, the miner's doing, from a
// commit that cannot be read.
func blame(ctx context.Context, h hub.Hub, ref hub.Ref, err error) error {
	if errors.Is(err, hub.ErrNotFound) {
		if _, headErr := h.Head(ctx, ref); headErr == nil {
			return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
		}
	}
	return eval.Blame(eval.FaultHub, err)
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

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
