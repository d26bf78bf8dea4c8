package localhub

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"finest/hub"
)

// Entry is a file as Git sees it.
type Entry struct {
	hub.File
	// GitID names the blob: the content, or the pointer of a file in LFS.
	GitID string
	// LFS says that Git holds a pointer only.
	LFS         bool
	PointerSize int64
}

// lfsBytes is the size from which on the Hugging Face Hub wants files of any
// kind in LFS.
const lfsBytes = 10 << 20

// InLFS says whether a new file goes into LFS: large files and Parquet do, but
// never an empty one.
func InLFS(path string, size int64) bool {
	return size > 0 && (size >= lfsBytes || strings.HasSuffix(path, ".parquet"))
}

// Pointer is what Git holds in the place of a file in LFS,
// https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md.
func Pointer(f hub.File) string {
	return fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", f.SHA256, f.Size)
}

// gitID names size bytes of content as Git does.
func gitID(size int64, content io.Reader) (string, error) {
	sum := sha1.New()
	_, _ = fmt.Fprintf(sum, "blob %d\x00", size)
	if _, err := io.Copy(sum, content); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func (f file) entry() Entry {
	e := Entry{File: f.file(), GitID: f.Git}
	if f.Git == "" {
		pointer := Pointer(e.File)
		e.LFS, e.PointerSize = true, int64(len(pointer))
		e.GitID, _ = gitID(e.PointerSize, strings.NewReader(pointer))
	}
	return e
}

// file returns an entry as a commit holds it. It is ErrCorrupt if its content is
// not stored.
func (h *Hub) file(ctx context.Context, e Entry) (file, error) {
	f := file{Path: e.Path, Size: e.Size, SHA256: e.SHA256}
	r, err := h.openObject(ctx, e.File, 0, e.Size)
	if err != nil {
		return file{}, err
	}
	defer func() { _ = r.Close() }()
	if e.LFS {
		return f, nil
	}
	if f.Git, err = gitID(e.Size, r); err != nil {
		return file{}, unavailable(err)
	}
	return f, nil
}

// Entries is Tree with what Git knows of the files.
func (h *Hub) Entries(ctx context.Context, ref hub.Ref, folder string, most int) ([]Entry, error) {
	files, err := h.tree(ctx, ref, folder, most)
	if err != nil {
		return nil, fmt.Errorf("list %.200q of %s: %w", folder, ref, err)
	}
	entries := make([]Entry, 0, len(files))
	for _, f := range files {
		entries = append(entries, f.entry())
	}
	return entries, nil
}

// Entry is Stat with what Git knows of the file.
func (h *Hub) Entry(ctx context.Context, ref hub.Ref, path string) (Entry, error) {
	f, err := h.stat(ctx, ref, path)
	if err != nil {
		return Entry{}, fmt.Errorf("find %.200q of %s: %w", path, ref, err)
	}
	return f.entry(), nil
}
