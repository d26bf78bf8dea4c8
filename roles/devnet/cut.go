package devnet

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"

	"finest/internal/contract"
	"finest/internal/durable"
	"finest/pipeline/warc"
)

// span is one record of an input as stored.
type span struct {
	file           int
	offset, length int64
	plain          bool // not compressed: it becomes a gzip member of its own
}

// cut writes the records of the inputs, in order, into one WARC file per name
// under dir, at record borders and as equal in bytes as these allow. Damaged
// spans are left out. The returned paths are relative to dir.
func cut(inputs []string, dir string, names []string) ([]contract.InputFile, error) {
	var spans []span
	var total int64
	for i, path := range inputs {
		found, err := scanSpans(path, i)
		if err != nil {
			return nil, fmt.Errorf("cut %s: %w", path, err)
		}
		for _, s := range found {
			total += s.length
		}
		spans = append(spans, found...)
	}
	if len(spans) < 2*len(names) {
		return nil, fmt.Errorf("cut the input: %d records are too few for %d actors", len(spans), len(names))
	}
	var files []contract.InputFile
	var done int64
	for i, name := range names {
		var part []span
		// A record goes where its middle lies, so that no part is off by more
		// than half a record at either end.
		for border := total * int64(i+1) / int64(len(names)); len(spans) > 0 && (done+spans[0].length/2 < border || i == len(names)-1); {
			part = append(part, spans[0])
			done += spans[0].length
			spans = spans[1:]
		}
		if len(part) == 0 {
			return nil, fmt.Errorf("cut the input: nothing is left for %s, its records are too large", name)
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		err := durable.WriteFile(path, 0o644, func(w io.Writer) error { return copySpans(w, inputs, part) })
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		files = append(files, contract.InputFile{Path: name, Bytes: info.Size()})
	}
	return files, nil
}

func scanSpans(path string, file int) ([]span, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var magic [2]byte
	if _, err := f.ReadAt(magic[:], 0); err != nil {
		return nil, err
	}
	plain := magic != [2]byte{0x1f, 0x8b}
	var spans []span
	r := warc.NewReader(f, 0, warc.Options{MaxBlock: 1})
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return spans, nil
		}
		if err != nil {
			return nil, err
		}
		if rec.Shared {
			return nil, fmt.Errorf("the gzip member at byte %d holds several records, so they have no ranges", rec.Offset)
		}
		if rec.Damage == "" {
			spans = append(spans, span{file, rec.Offset, rec.Length, plain})
		}
	}
}

func copySpans(w io.Writer, inputs []string, spans []span) error {
	var f *os.File
	defer func() {
		if f != nil {
			_ = f.Close()
		}
	}()
	open := -1
	for _, s := range spans {
		if open != s.file {
			if f != nil {
				_ = f.Close()
			}
			var err error
			if f, err = os.Open(inputs[s.file]); err != nil {
				return err
			}
			open = s.file
		}
		record := io.NewSectionReader(f, s.offset, s.length)
		if !s.plain {
			if _, err := io.Copy(w, record); err != nil {
				return err
			}
			continue
		}
		z := gzip.NewWriter(w)
		if _, err := io.Copy(z, record); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
	}
	return nil
}
