package taskserver

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"finest/internal/contract"
	"finest/pipeline/warc"
)

// Limits of a catalogue that comes from outside. The largest crawls list about
// 100,000 files in 15 MB of text.
const (
	maxCatalogueBytes = 256 << 20
	maxFileBytes      = 1 << 40
)

// ErrNoRanges says that a WARC file cannot be checked by ranges, because one
// gzip member holds several of its records.
var ErrNoRanges = errors.New("records share a gzip member, so they have no ranges of their own")

// Catalogue is the list of WARC files of a crawl.
type Catalogue struct {
	Files []contract.InputFile
	// SHA256 pins the list: it is that of the text of its paths, one a line, as
	// warc.paths has them. Sizes are not in it.
	SHA256 string
}

// ReadCatalogue reads a list of paths, one a line, gzipped or not: the
// warc.paths.gz of a crawl. A size in bytes may follow a path after a tab;
// files without one have Bytes 0 until FillSizes.
func ReadCatalogue(r io.Reader) (Catalogue, error) {
	in := bufio.NewReader(r)
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return Catalogue{}, fmt.Errorf("read catalogue: %w", err)
		}
		in = bufio.NewReader(z)
	}
	text, err := io.ReadAll(io.LimitReader(in, maxCatalogueBytes+1))
	if err != nil {
		return Catalogue{}, fmt.Errorf("read catalogue: %w", err)
	}
	if len(text) > maxCatalogueBytes {
		return Catalogue{}, fmt.Errorf("read catalogue: %w: more than %d bytes", contract.ErrInvalid, maxCatalogueBytes)
	}
	var files []contract.InputFile
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		path, size, hasSize := strings.Cut(line, "\t")
		f := contract.InputFile{Path: path}
		if hasSize {
			if f.Bytes, err = strconv.ParseInt(size, 10, 64); err != nil || f.Bytes <= 0 {
				return Catalogue{}, fmt.Errorf("read catalogue: line %d: %w: size %.40q", number, contract.ErrInvalid, size)
			}
		}
		if !contract.ValidPath(path) {
			return Catalogue{}, fmt.Errorf("read catalogue: line %d: %w: path %.120q", number, contract.ErrInvalid, path)
		}
		files = append(files, f)
	}
	return newCatalogue(files)
}

// FolderCatalogue lists the WARC files under a folder by their relative paths,
// in path order. Files whose records have no ranges are an error that wraps
// ErrNoRanges.
func FolderCatalogue(dir string) (Catalogue, error) {
	var files []contract.InputFile
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !isWARC(entry.Name()) {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if err := checkRanges(path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		files = append(files, contract.InputFile{Path: filepath.ToSlash(relative), Bytes: info.Size()})
		return nil
	})
	if err != nil {
		return Catalogue{}, fmt.Errorf("list WARC files: %w", err)
	}
	if len(files) == 0 {
		return Catalogue{}, fmt.Errorf("list WARC files: no *.warc or *.warc.gz under %s", dir)
	}
	slices.SortFunc(files, func(a, b contract.InputFile) int { return strings.Compare(a.Path, b.Path) })
	return newCatalogue(files)
}

// FillSizes asks for every size that is not known yet. It may be called again
// after an error: what was learnt stays.
func (c *Catalogue) FillSizes(ctx context.Context, size func(ctx context.Context, path string) (int64, error)) error {
	for i := range c.Files {
		f := &c.Files[i]
		if f.Bytes > 0 {
			continue
		}
		n, err := size(ctx, f.Path)
		if err != nil {
			return fmt.Errorf("size of %s: %w", f.Path, err)
		}
		f.Bytes = n
	}
	return nil
}

func newCatalogue(files []contract.InputFile) (Catalogue, error) {
	if len(files) == 0 {
		return Catalogue{}, fmt.Errorf("read catalogue: %w: it lists no files", contract.ErrInvalid)
	}
	sum := sha256.New()
	for _, f := range files {
		_, _ = io.WriteString(sum, f.Path+"\n") // a hash never fails
	}
	return Catalogue{Files: files, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

func isWARC(name string) bool {
	return strings.HasSuffix(name, ".warc") || strings.HasSuffix(name, ".warc.gz")
}

// checkRanges looks at the first two records of a file, a warcinfo and what
// follows it: a writer that puts several records into a gzip member does so
// from the start.
func checkRanges(path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	reader := warc.NewReader(f, 0, warc.Options{MaxBlock: 1 << 10})
	for n := range 2 {
		record, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF) && n > 0:
			return nil
		case errors.Is(err, io.EOF):
			return fmt.Errorf("%w: it is empty", contract.ErrInvalid)
		case err != nil:
			return err
		case record.Shared:
			return ErrNoRanges
		}
	}
	return nil
}
