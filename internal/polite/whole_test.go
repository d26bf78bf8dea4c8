package polite_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"finest/internal/polite"
)

// TestDownload completes what is there, or begins anew, and ends with the file.
func TestDownload(t *testing.T) {
	b := content(100_000)
	noRanges := func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		file(b)(w, r)
	}
	noLength := func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write(b)
			return
		}
		file(b)(w, r)
	}
	page := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<!DOCTYPE html><p>Sign in") }
	for name, c := range map[string]struct {
		server http.HandlerFunc
		have   []byte
		size   int64
		want   error
	}{
		"new":                     {file(b), nil, 100_000, nil},
		"new, size unknown":       {file(b), nil, -1, nil},
		"begun":                   {file(b), b[:70_000], 100_000, nil},
		"begun, whole":            {file(b), b, 100_000, nil},
		"begun, longer":           {file(b), append(bytes.Clone(b), 1), 100_000, nil},
		"begun, no ranges":        {noRanges, b[:70_000], 100_000, nil},
		"begun, no length":        {noLength, b[:70_000], 100_000, nil},
		"cut":                     {cutting(3000, file(b)), nil, 100_000, nil},
		"other size":              {file(b), nil, 99_999, polite.ErrUnexpectedContent},
		"begun, other size":       {file(b), b[:10], 99_999, polite.ErrUnexpectedContent},
		"endless":                 {noLength, nil, 5_000, polite.ErrUnexpectedContent},
		"page":                    {page, nil, -1, polite.ErrUnexpectedContent},
		"begun, page":             {page, b[:10], -1, polite.ErrUnexpectedContent},
		"missing":                 {http.NotFound, nil, -1, polite.ErrNotFound},
		"begun, missing":          {http.NotFound, b[:10], -1, polite.ErrNotFound},
		"begun, cut in the range": {cutting(90_000, file(b)), b[:5_000], -1, polite.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			part, err := os.Create(filepath.Join(t.TempDir(), "part"))
			if err == nil {
				_, err = part.Write(c.have)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = part.Close() }()
			last := int64(-1)
			err = polite.Download(context.Background(), serve(t, c.server), path, c.size, part, func(done, _ int64) { last = done })
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			got, readErr := os.ReadFile(part.Name())
			if readErr != nil || err == nil && !bytes.Equal(got, b) {
				t.Fatalf("%d bytes, error %v", len(got), readErr)
			}
			if err == nil && last != int64(len(b)) && len(c.have) != len(b) {
				t.Errorf("progress ended at %d", last)
			}
		})
	}
}
