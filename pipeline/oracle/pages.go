package oracle

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"finest/pipeline"
	"finest/pipeline/extract"
	"finest/pipeline/warc"
)

// Page is one page of a WARC file and the text that is extracted from it, empty
// where there is none.
type Page struct {
	ID, URL, Text string
	// HTML is the hash of the decoded page.
	HTML string
}

// Hash returns the first 8 bytes of the SHA-256 of a text, in hex.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// Extract returns the pages of WARC files, in order, but for those that cannot
// be read as HTML.
func Extract(files ...string) ([]Page, error) {
	stage, err := extract.New(extract.Spec())
	if err != nil {
		return nil, err
	}
	var pages []*Page
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, name := range files {
		err := eachPage(name, func(page warc.Page) {
			p := &Page{ID: page.ID, URL: page.URL, HTML: Hash(page.HTML)}
			pages = append(pages, p)
			slots <- struct{}{}
			running.Go(func() {
				defer func() { <-slots }()
				d := pipeline.Document{HTML: page.HTML}
				if stage.Process(&d) == nil {
					p.Text = d.Text
				}
			})
		})
		if err != nil {
			return nil, fmt.Errorf("read pages of %s: %w", name, err)
		}
	}
	running.Wait()
	done := make([]Page, len(pages))
	for i, p := range pages {
		done[i] = *p
	}
	return done, nil
}

func eachPage(name string, found func(warc.Page)) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	for r := warc.NewReader(f, 0, warc.Options{}); ; {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if page, ok := record.Page(warc.PageOptions{}); ok && page.Problem == "" {
			found(page)
		}
	}
}
