package submission

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"finest/eval"
	"finest/eval/audit"
	"finest/hub"
	"finest/hub/pull"
	"finest/internal/contract"
	"finest/pipeline/shard"
	"finest/pipeline/shard/guard"
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

// DefaultCacheBytes is what a resolver's cache may hold: the files of a large
// task. Their number is bounded too.
const (
	DefaultCacheBytes = 32 << 30
	cacheFiles        = 4096
)

// openCache opens the cache the first time it is needed.
func (r *Resolver) openCache() (*pull.Cache, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cache != nil {
		return r.cache, nil
	}
	cache, err := pull.OpenCache(r.CacheDir, pull.Limits{Bytes: cmp.Or(r.CacheBytes, DefaultCacheBytes), Files: cacheFiles})
	if err == nil {
		r.cache = cache
	}
	return cache, err
}

// Close hands back the cache's folder.
func (r *Resolver) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cache == nil {
		return nil
	}
	cache := r.cache
	r.cache = nil
	return cache.Close()
}

// files returns the files of a manifest, as the commits of claims hold them.
func (r *Resolver) files(m contract.Manifest, claims []contract.Claim) *files {
	f := &files{
		hub: r.Hub, cache: r.openCache, guard: r.Guard,
		stated: make(map[string]contract.OutputFile), known: make(map[string]found), read: make(map[string]bool),
	}
	for _, c := range claims {
		f.refs = append(f.refs, ref(c))
	}
	for _, file := range m.Files {
		f.stated[file.Path] = file
	}
	return f
}

// files are the files of a task, which come from the cache or the hub when they
// are opened. The commits of refs, any of which may be gone, are asked in order.
type files struct {
	hub    hub.Hub
	refs   []hub.Ref
	cache  func() (*pull.Cache, error)
	guard  *guard.Guard                   // nil: nothing is read in another process
	stated map[string]contract.OutputFile // by the manifest
	known  map[string]found
	read   map[string]bool // by the guard
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

// Open fetches a file unless it is here, and checks its hash. The guard reads it
// before anybody does. Another file in the place of one that the manifest states
// is none: the manifest's sizes are bounded, its size is not.
func (f *files) Open(ctx context.Context, path string) (audit.File, error) {
	info, err := f.find(ctx, path)
	if err != nil {
		return nil, err
	}
	if stated, ok := f.stated[path]; ok && (info.Size != stated.Bytes || info.SHA256 != stated.SHA256) {
		return nil, fmt.Errorf("%s is another file than the manifest states: %w", path, fs.ErrNotExist)
	}
	cache, err := f.cache()
	if err != nil {
		return nil, eval.Blame(eval.FaultOwn, err)
	}
	file, err := cache.Fetch(ctx, f.hub, info.ref, info.File)
	switch {
	case errors.Is(err, pull.ErrLocal), errors.Is(err, hub.ErrTooLarge):
		return nil, eval.Blame(eval.FaultOwn, err)
	case err != nil:
		return nil, blame(ctx, f.hub, info.ref, err)
	}
	if err := f.guarded(ctx, path, file.Name()); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// guarded lets the guard read a file the first time. A file that the manifest
// does not state has no kind and is nobody's to read.
func (f *files) guarded(ctx context.Context, path, local string) error {
	stated, ok := f.stated[path]
	if f.guard == nil || !ok || f.read[path] {
		return nil
	}
	kind := guard.Shard
	if strings.HasPrefix(path, "ledger/") {
		kind = guard.Ledger
	}
	switch err := f.guard.Check(ctx, kind, local, stated.Rows); {
	case err == nil:
		f.read[path] = true
		return nil
	case errors.Is(err, shard.ErrForm):
		return err
	default:
		return eval.Blame(eval.FaultOwn, err)
	}
}

// readSmall returns a file of at most max bytes from one commit. The error wraps
// fs.ErrNotExist if the commit holds no such file, or a larger one: whoever looks
// finds the same. Otherwise it carries a fault.
func readSmall(ctx context.Context, h hub.Hub, ref hub.Ref, path string, max int64) ([]byte, error) {
	raw, err := hub.ReadFile(ctx, h, ref, path, max)
	switch {
	case errors.Is(err, hub.ErrTooLarge):
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case err != nil:
		return nil, blame(ctx, h, ref, err)
	}
	return raw, nil
}

// blame tells a file that the commit does not hold, the miner's doing, from a
// commit that cannot be read, and that from a hub that these settings shut out.
func blame(ctx context.Context, h hub.Hub, ref hub.Ref, err error) error {
	if errors.Is(err, hub.ErrSetup) {
		return eval.Blame(eval.FaultOwn, err)
	}
	if errors.Is(err, hub.ErrNotFound) {
		if _, headErr := h.Head(ctx, ref); headErr == nil {
			return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
		}
	}
	return eval.Blame(eval.FaultHub, err)
}

func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) && eval.FaultOf(err) == eval.FaultNone
}
