// Command sample packs real pages into WARC files to try finest on: those that
// the extraction library carries in its tests and the module cache holds. They
// belong to their publishers; the files are made on the spot, never committed.
package main

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base32"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/klauspost/compress/gzip"

	"finest/internal/durable"
)

const (
	library  = "github.com/markusmobius/go-trafilatura"
	crawl    = "SAMPLE-2026-01"
	pageDate = "2026-01-01T00:00:00Z"
)

func main() {
	out := flag.String("out", "sample", "folder to write to")
	shards := flag.Int("shards", 2, "number of WARC files")
	lang := flag.String("lang", "en", "take pages that declare this language; empty takes all, most of which are German")
	flag.Parse()
	if err := pack(*out, *shards, *lang); err != nil {
		fmt.Fprintln(os.Stderr, "sample:", err)
		os.Exit(1)
	}
}

func pack(out string, shards int, lang string) error {
	if shards < 1 {
		return fmt.Errorf("-shards %d: at least one file is needed", shards)
	}
	dir, err := exec.CommandContext(context.Background(), "go", "list", "-m", "-f", "{{.Dir}}", library).Output()
	if err != nil {
		return fmt.Errorf("find the module %s: %w", library, err)
	}
	pattern := filepath.Join(strings.TrimSpace(string(dir)), "test-files", "comparison", "*.html")
	all, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	pages, err := inLanguage(all, lang)
	if err != nil {
		return err
	}
	if len(pages) < shards {
		return fmt.Errorf("%d pages in language %q at %s are too few", len(pages), lang, pattern)
	}
	for i := range shards {
		part := pages[len(pages)*i/shards : len(pages)*(i+1)/shards]
		path := filepath.Join(out, fmt.Sprintf("%s-%05d.warc.gz", crawl, i))
		err := durable.WriteFile(path, 0o644, func(w io.Writer) error { return writeWARC(w, part) })
		if err != nil {
			return err
		}
		fmt.Printf("%s: %d pages\n", path, len(part))
	}
	return nil
}

// inLanguage returns the pages whose html element declares a language.
func inLanguage(pages []string, lang string) ([]string, error) {
	declares := regexp.MustCompile(`(?i)<html[^>]*\blang=["']?` + regexp.QuoteMeta(lang))
	var out []string
	for _, path := range pages {
		body, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if lang == "" || declares.Match(body) {
			out = append(out, path)
		}
	}
	return out, nil
}

func writeWARC(w io.Writer, pages []string) error {
	info := "software: finest sample\r\nisPartOf: " + crawl + "\r\n"
	if err := writeRecord(w, "warcinfo", "", "application/warc-fields", []byte(info)); err != nil {
		return err
	}
	for _, path := range pages {
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		block := append(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n", len(body)), body...)
		url := pageURL(path, body)
		if err := writeRecord(w, "response", url, "application/http; msgtype=response", block); err != nil {
			return err
		}
	}
	return nil
}

// writeRecord writes one record as a gzip member of its own. Its id is made of
// its content, so the files are the same each time.
func writeRecord(w io.Writer, kind, url, contentType string, block []byte) error {
	sum := sha1.Sum(append([]byte(kind+url), block...))
	id := sum[:16]
	id[6], id[8] = id[6]&0x0f|0x50, id[8]&0x3f|0x80 // a UUID made of a hash, version 5
	digest := sha1.Sum(block)
	var head bytes.Buffer
	fmt.Fprintf(&head, "WARC/1.0\r\nWARC-Type: %s\r\nWARC-Record-ID: <urn:uuid:%x-%x-%x-%x-%x>\r\nWARC-Date: %s\r\n",
		kind, id[:4], id[4:6], id[6:8], id[8:10], id[10:], pageDate)
	if url != "" {
		fmt.Fprintf(&head, "WARC-Target-URI: %s\r\nWARC-Identified-Payload-Type: text/html\r\n", url)
	}
	fmt.Fprintf(&head, "WARC-Block-Digest: sha1:%s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		base32.StdEncoding.EncodeToString(digest[:]), contentType, len(block))
	z := gzip.NewWriter(w)
	for _, part := range [][]byte{head.Bytes(), block, []byte("\r\n\r\n")} {
		if _, err := z.Write(part); err != nil {
			return err
		}
	}
	return z.Close()
}

var canonical = regexp.MustCompile(`(?i)<link[^>]+rel=["']?canonical["']?[^>]*href=["']?(https?://[^"'\s>]+)|<meta[^>]+property=["']og:url["'][^>]*content=["'](https?://[^"'\s>]+)`)

// pageURL returns the address a page names itself, else one that says where it
// comes from.
func pageURL(path string, body []byte) string {
	if m := canonical.FindSubmatch(body[:min(len(body), 256<<10)]); m != nil {
		return string(append(m[1], m[2]...))
	}
	return "https://sample.invalid/" + filepath.Base(path)
}
