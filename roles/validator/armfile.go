package validator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/klauspost/compress/zstd"

	"finest/eval/compare"
)

// document is one page's text in an arm of a comparison, on disk as JSON lines
// under zstd.
type document struct {
	// Key names the page: the same in every arm.
	Key  string `json:"key"`
	URL  string `json:"url"`
	Text string `json:"text"`
}

// armWriter writes documents to a file.
type armWriter struct {
	file    *os.File
	zip     *zstd.Encoder
	json    *json.Encoder
	written armFacts
}

// armFacts is how much an arm holds.
type armFacts struct {
	Documents int64 `json:"documents"`
	Bytes     int64 `json:"bytes"`
}

func createArm(path string) (*armWriter, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	zip, err := zstd.NewWriter(file, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	w := &armWriter{file: file, zip: zip, json: json.NewEncoder(zip)}
	w.json.SetEscapeHTML(false)
	return w, nil
}

func (w *armWriter) add(d document) error {
	w.written.Documents++
	w.written.Bytes += int64(len(d.Text))
	return w.json.Encode(d)
}

// close ends the file, which is on disk after that.
func (w *armWriter) close() error {
	return errors.Join(w.zip.Close(), w.file.Sync(), w.file.Close())
}

// readArm yields the documents of a file.
func readArm(ctx context.Context, path string) iter.Seq2[document, error] {
	return func(yield func(document, error) bool) {
		fail := func(err error) { yield(document{}, fmt.Errorf("read what was drawn for a comparison: %w", err)) }
		file, err := os.Open(path)
		if err != nil {
			fail(err)
			return
		}
		defer func() { _ = file.Close() }()
		zip, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(1))
		if err != nil {
			fail(err)
			return
		}
		defer zip.Close()
		for lines := json.NewDecoder(zip); ; {
			var d document
			err := lines.Decode(&d)
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				fail(err)
				return
			}
			if !yield(d, nil) {
				return
			}
		}
	}
}

// documents is an arm as package compare reads it.
func documents(path string) compare.Documents {
	return func(ctx context.Context) iter.Seq2[compare.Document, error] {
		return func(yield func(compare.Document, error) bool) {
			for d, err := range readArm(ctx, path) {
				if !yield(compare.Document{Key: d.Key, URL: d.URL, Text: d.Text}, err) || err != nil {
					return
				}
			}
		}
	}
}
