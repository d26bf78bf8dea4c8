package commands_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// makeWARC is the script command
//
//	warc [pages=N] [from=N] [whole] FILE
//
// It writes a crawl of N English articles (8 without it), which are kept, and
// after every eighth a stub, which is dropped. The same words give the same bytes. FILE.warc.gz has a gzip member per record, or with whole one
// member for all; any other name is stored as it is.
func makeWARC(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: warc [pages=N] [from=N] [whole] FILE")
	}
	pages, from, whole := 8, 0, false
	for _, option := range args[:len(args)-1] {
		if option == "whole" {
			whole = true
		} else if _, err := fmt.Sscanf(option, "pages=%d", &pages); err == nil {
		} else if _, err := fmt.Sscanf(option, "from=%d", &from); err != nil {
			ts.Fatalf("warc: unknown option %s", option)
		}
	}
	path := ts.MkAbs(args[len(args)-1])
	records := [][]byte{record("warcinfo", "", 0, "software: none\r\nisPartOf: TEST-2026-10\r\n")}
	for i := from; i < from+pages; i++ {
		url := fmt.Sprintf("https://press.example/%d.html", i)
		records = append(records, record("response", url, i, "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"+article(i)))
		if i%8 == 7 {
			records = append(records, record("response", url+"?stub", 1000+i,
				"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body><p>Nothing to see here.</p></body></html>"))
		}
	}
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
	ts.Check(os.WriteFile(path, store(records, strings.HasSuffix(path, ".gz"), whole), 0o644))
}

func store(records [][]byte, compressed, whole bool) []byte {
	if whole {
		records = [][]byte{bytes.Join(records, nil)}
	}
	if !compressed {
		return bytes.Join(records, nil)
	}
	var out bytes.Buffer
	for _, r := range records {
		z := gzip.NewWriter(&out)
		_, _ = z.Write(r) // a bytes.Buffer takes everything
		_ = z.Close()
	}
	return out.Bytes()
}

func record(kind, url string, number int, block string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "WARC/1.0\r\nWARC-Type: %s\r\nWARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-%012d>\r\n", kind, number)
	b.WriteString("WARC-Date: 2026-10-01T00:00:00Z\r\n")
	if url != "" {
		fmt.Fprintf(&b, "WARC-Target-URI: %s\r\nContent-Type: application/http; msgtype=response\r\n", url)
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s\r\n\r\n", len(block), block)
	return b.Bytes()
}

// article is a page of prose: grammatical, various, and about nothing.
func article(number int) string {
	r := rand.New(rand.NewPCG(uint64(number), 7))
	pick := func(words string) string {
		all := strings.Fields(words)
		return all[r.IntN(len(all))]
	}
	thing := func() string { return "the " + pick(adjectives) + " " + pick(nouns) }
	sentence := func() string {
		s := thing() + " " + pick(verbs) + " " + thing() + " " + pick(prepositions) + " " + thing()
		switch r.IntN(3) {
		case 0:
			s += ", " + pick(conjunctions) + " " + pick(people) + " " + pick(verbs) + " a " + pick(nouns) + " with the others"
		case 1:
			s = pick(people) + " of the town has said that " + s
		}
		return strings.ToUpper(s[:1]) + s[1:] + "."
	}
	var b strings.Builder
	title := fmt.Sprintf("The %s and the %s, part %d", pick(nouns), pick(nouns), number)
	fmt.Fprintf(&b, "<!DOCTYPE html><html lang=\"en\"><head><title>%s</title></head><body><article><h1>%s</h1>\n", title, title)
	for range 8 {
		b.WriteString("<p>")
		for range 4 {
			b.WriteString(sentence() + " ")
		}
		b.WriteString("</p>\n")
	}
	b.WriteString("</article></body></html>\n")
	return b.String()
}

const (
	adjectives = `old quiet narrow wooden public northern careful early broken patient distant common heavy empty bright
		forgotten useful curious local modern steady painted hidden famous gentle crowded stony windy second ordinary`
	nouns = `harbour bridge teacher river market letter garden engine window village council library mountain station
		farmer boat kitchen valley school weather museum road lantern orchard painter clock field song railway baker
		island meeting castle newspaper winter doctor ferry workshop forest tower`
	verbs = `crossed described repaired followed remembered measured visited watched opened carried bought studied
		drew mentioned finished noticed left reached praised filled kept found saved built`
	prepositions = `near behind before beside beyond above without inside toward against after under`
	conjunctions = `and but while because although so`
	people       = `nobody everyone somebody she he anyone`
)
