package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"finest/pipeline"
	"finest/pipeline/extract"
	"finest/pipeline/warc"
)

// page is a page of the benchmark with the text that people found in it.
type page struct {
	ID, URL string
	// Text is the main content, Visible all text on the screen, empty where a page
	// is beyond the budgets, Source the begin of its HTML, as long as Text.
	Text, Visible, Source string
}

// readPages reads the WARC files of a folder and the known texts beside them;
// pages without one are passed over.
func readPages(ctx context.Context, web string) ([]page, error) {
	texts, err := readTexts(filepath.Join(web, "wcxb-dev-truth.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("read known texts: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(web, "*.warc.gz"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("read pages: no WARC files in %s", web)
	}
	visible, err := extract.NewVisible(extract.VisibleSpec())
	if err != nil {
		return nil, err
	}
	var pages []page
	for _, name := range files {
		err := eachPage(ctx, name, func(p warc.Page) {
			if text := strings.TrimSpace(texts[p.ID]); text != "" {
				pages = append(pages, page{p.ID, p.URL, text, visibleText(visible, p), source(p.HTML, len(text))})
			}
		})
		if err != nil {
			return nil, fmt.Errorf("read pages of %s: %w", name, err)
		}
	}
	return pages, nil
}

func readTexts(name string) (map[string]string, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	texts := make(map[string]string)
	for lines := json.NewDecoder(bufio.NewReader(file)); ; {
		var row struct {
			RecordID string `json:"record_id"`
			Text     string `json:"text"`
		}
		if err := lines.Decode(&row); errors.Is(err, io.EOF) {
			return texts, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		texts[row.RecordID] = row.Text
	}
}

func eachPage(ctx context.Context, name string, use func(warc.Page)) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	for r := warc.NewReader(file, 0, warc.Options{}); ctx.Err() == nil; {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if p, ok := record.Page(warc.PageOptions{}); ok && p.Problem == "" {
			use(p)
		}
	}
	return ctx.Err()
}

func visibleText(s pipeline.Stage, p warc.Page) string {
	d := &pipeline.Document{ID: p.ID, URL: p.URL, HTML: p.HTML}
	if s.Process(d) != nil {
		return ""
	}
	return d.Text
}

// source returns the first n bytes of a page's body.
func source(html string, n int) string {
	if at := strings.Index(html, "<body"); at >= 0 {
		html = html[at:]
	}
	return head(html, n)
}

// head returns the first n bytes, less the last character if it is cut.
func head(text string, n int) string {
	return strings.ToValidUTF8(text[:min(n, len(text))], "")
}
