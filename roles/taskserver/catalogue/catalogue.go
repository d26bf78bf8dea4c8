// Package catalogue knows the WARC files of crawls: it reads lists of them,
// divides them into tasks, and looks at the files themselves, because a list
// says neither how large they are nor whether their records can be read one by
// one.
package catalogue

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"finest/internal/contract"
)

// Limits of a catalogue. The largest crawls list about 100,000 files in 15 MB of
// text.
const (
	maxText  = 256 << 20 // bytes, gzipped or not
	maxFiles = 2_000_000
	maxLine  = 1024 + len("\t1099511627776\r\n") // a path and a size
	// maxFileBytes is the size of the largest file that a receipt may name.
	maxFileBytes = 1 << 40
)

// Catalogue is the list of WARC files of a crawl.
type Catalogue struct {
	// Files have Bytes 0 where the list does not say their size.
	Files []contract.InputFile
	// SHA256 pins the list: it is that of the text of its paths, one a line, as
	// warc.paths has them. Sizes are not in it.
	SHA256 string
}

// New returns the catalogue of files, in their order. An error wraps
// contract.ErrInvalid.
func New(files []contract.InputFile) (Catalogue, error) {
	if len(files) == 0 {
		return Catalogue{}, fmt.Errorf("%w: the catalogue lists no files", contract.ErrInvalid)
	}
	if len(files) > maxFiles {
		return Catalogue{}, fmt.Errorf("%w: the catalogue lists more than %d files", contract.ErrInvalid, maxFiles)
	}
	seen := make(map[string]bool, len(files))
	sum := sha256.New()
	for _, f := range files {
		switch {
		case !contract.ValidPath(f.Path):
			return Catalogue{}, fmt.Errorf("%w: path %.120q is not a plain relative path", contract.ErrInvalid, f.Path)
		case f.Bytes < 0 || f.Bytes > maxFileBytes:
			return Catalogue{}, fmt.Errorf("%w: %.120q has %d bytes; up to %d are allowed", contract.ErrInvalid, f.Path, f.Bytes, int64(maxFileBytes))
		case seen[f.Path]:
			return Catalogue{}, fmt.Errorf("%w: %.120q is listed twice", contract.ErrInvalid, f.Path)
		}
		seen[f.Path] = true
		_, _ = io.WriteString(sum, f.Path+"\n") // a hash never fails
	}
	return Catalogue{Files: files, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// Read reads a list of paths, one a line, gzipped or not: the warc.paths.gz of a
// crawl. A size in bytes may follow a path after a tab; a file that has one is
// taken for what the list says and not looked at again.
func Read(r io.Reader) (Catalogue, error) {
	files, err := readLines(r)
	if err != nil {
		return Catalogue{}, fmt.Errorf("read catalogue: %w", err)
	}
	c, err := New(files)
	if err != nil {
		return Catalogue{}, fmt.Errorf("read catalogue: %w", err)
	}
	return c, nil
}

func readLines(r io.Reader) ([]contract.InputFile, error) {
	text, err := inflate(&capped{r: r, left: maxText})
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(text)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	var files []contract.InputFile
	number := 0
	for lines.Scan() {
		if number++; number > maxFiles {
			return nil, fmt.Errorf("%w: more than %d lines", contract.ErrInvalid, maxFiles)
		}
		if lines.Text() == "" {
			continue
		}
		f, err := parseLine(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		files = append(files, f)
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, fmt.Errorf("line %d: %w: longer than any path", number+1, contract.ErrInvalid)
	}
	return files, lines.Err()
}

// inflate returns what r holds, gzipped or not.
func inflate(r io.Reader) (io.Reader, error) {
	in := bufio.NewReader(r)
	if magic, _ := in.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return in, nil
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	return &capped{r: z, left: maxText}, nil
}

// parseLine reads a line of a catalogue. It takes paths of WARC files only, so
// that no list of something else and no error page passes for a crawl.
func parseLine(line string) (contract.InputFile, error) {
	path, size, hasSize := strings.Cut(line, "\t")
	f := contract.InputFile{Path: path}
	switch {
	case !contract.ValidPath(path):
		return f, fmt.Errorf("%w: path %.120q is not a plain relative path", contract.ErrInvalid, path)
	case !isWARC(path):
		return f, fmt.Errorf("%w: %.120q is not named as a WARC file, *.warc or *.warc.gz", contract.ErrInvalid, path)
	case !hasSize:
		return f, nil
	}
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || n <= 0 {
		return f, fmt.Errorf("%w: size %.40q", contract.ErrInvalid, size)
	}
	f.Bytes = n
	return f, nil
}

func isWARC(name string) bool {
	return strings.HasSuffix(name, ".warc") || strings.HasSuffix(name, ".warc.gz")
}

// capped reads up to left bytes; more are an error, so that no list is cut off
// in silence.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	n, err := c.r.Read(p[:min(int64(len(p)), c.left+1)])
	if c.left -= int64(n); c.left < 0 {
		return n, fmt.Errorf("%w: more than %d bytes", contract.ErrInvalid, int64(maxText))
	}
	return n, err
}
