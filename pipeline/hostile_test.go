package pipeline_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/extract"
	"finest/pipeline/recipes"
	"finest/pipeline/warc"
)

// Bounds of the work that any one page may cause. Both are far above what the
// worst of these pages needs, and far below what it would without budgets.
const (
	maxAllocated = 4 << 30 // bytes, all in all
	maxTime      = time.Minute
)

// prose is a text that every rule of the recipe keeps.
const prose = `The ferry to the island leaves at seven in the morning, and it takes about two hours when the sea is calm. Most of the people on board are going to work in the harbour, where the boats of the fishing company are repaired in winter.
Those who come for the first time stand at the rail and look for the lighthouse, which has been out of use for more than thirty years. It was built of grey stone by the same family that owns the mill, and it can be seen from every hill around the bay.
In the village there is one shop, one school and a small library that opens on Thursdays. The librarian says that children borrow books about whales more than anything else, because whales pass the island twice a year and everybody runs to the beach to see them.
When the last ferry has gone, the island becomes very quiet. People meet in the kitchen of the old inn, play cards and talk about the weather, which decides over everything here: what can be eaten, who can visit, and whether the doctor will come tomorrow.`

// pageOf is an article, with markup before and after its text.
func pageOf(before, after string) string {
	return "<!DOCTYPE html><html><head><title>The island</title></head><body>" + before + "<article><p>" +
		strings.ReplaceAll(prose, "\n", "</p><p>") + "</p></article>" + after + "</body></html>"
}

func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func gzipped(data string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(data))
	_ = z.Close()
	return b.String()
}

func brotlied(data string) string {
	var b bytes.Buffer
	z := brotli.NewWriterLevel(&b, 5)
	_, _ = z.Write([]byte(data))
	_ = z.Close()
	return b.String()
}

// inUTF16 encodes text, little endian unless big, with a byte order mark or not.
func inUTF16(text string, mark, big bool) string {
	if mark {
		text = "\ufeff" + text
	}
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

// hostilePage is a response and what must become of it: a document with the
// text of prose where no outcome is given.
type hostilePage struct {
	name, header, body string
	outcome, reason    string
}

func hostilePages() []hostilePage {
	const html, utf8 = "text/html", "text/html; charset=utf-8"
	repeat := strings.Repeat
	bomb := repeat("\x00", 64<<20)
	nested := pageOf("", "")
	for range 6 {
		nested = gzipped(nested)
	}
	drop := func(reason string) (string, string) { return extract.Name, reason }
	read := func(reason string) (string, string) { return pipeline.StageRead, reason }
	page := func(name, header, body string, fate ...string) hostilePage {
		p := hostilePage{name: name, header: "Content-Type: " + header, body: body}
		if len(fate) == 2 {
			p.outcome, p.reason = fate[0], fate[1]
		}
		return p
	}
	fate := func(outcome, reason string) []string { return []string{outcome, reason} }
	return []hostilePage{
		page("a million nested tags", html, repeat("<div>", 1_000_000)+prose, fate(drop(extract.ReasonTooManyNodes))...),
		page("a thousand nested tags", html, pageOf(repeat("<div>", 1_000), ""), fate(drop(extract.ReasonTooDeep))...),
		page("a table of a million rows", html, "<table>"+repeat("<tr><td>x", 1_000_000), fate(drop(extract.ReasonTooManyBytes))...),
		page("a table of half a million rows", html, "<table>"+repeat("<tr><td>x", 500_000), fate(drop(extract.ReasonTooManyNodes))...),
		page("a text of 50 MB", html, "<p>"+repeat("word ", 10_000_000), fate(read(warc.ProblemTooLarge))...),
		page("a text of 25 MB", html, "<p>"+repeat("word ", 5_000_000), fate(drop(extract.ReasonTooManyBytes))...),
		page("a text of 7 MB", html, "<p>"+repeat("word ", 1_400_000), fate(drop(extract.ReasonTooMuchWork))...),
		page("100,000 attributes on one tag", html, pageOf("<p "+numbered(100_000, "a%d=x ")+">", ""), fate(drop(extract.ReasonTooManyAttributes))...),
		page("one attribute 100,000 times", html, pageOf("<p "+repeat("class=x ", 100_000)+">", ""), fate(drop(extract.ReasonTooManyAttributes))...),
		page("500,000 attributes on many tags", html, repeat("<p "+numbered(500, "a%d=x ")+">", 1_000), fate(drop(extract.ReasonTooManyAttributes))...),
		page("100,000 attributes on many tags", html, pageOf(repeat("<p "+numbered(500, "a%d=x ")+"></p>", 200), "")),
		page("broken UTF-8", utf8, pageOf("", "<p>\xff\xfe\xfd\xc3\x28\xed\xa0\x80</p>")),
		page("bytes of no encoding", utf8, "<p>"+repeat("\x81\x8d\xfe\xff\xc0", 1_000), fate(read(warc.ProblemCharset))...),
		page("UTF-8 cut off in a character", utf8, pageOf("", "\xe2\x82")),
		page("UTF-16 with a mark as UTF-8", utf8, inUTF16(pageOf("", ""), true, false)),
		page("UTF-16 with a mark as latin-1", "text/html; charset=iso-8859-1", inUTF16(pageOf("", ""), true, true)),
		page("UTF-16 without a mark as UTF-8", utf8, inUTF16(pageOf("", ""), false, false)),
		page("UTF-16 without a mark as latin-1", "text/html; charset=iso-8859-1", inUTF16(pageOf("", ""), false, true)),
		page("UTF-16 without a mark as UTF-16", "text/html; charset=utf-16le", inUTF16(pageOf("", "é"), false, false)),
		{name: "a gzip bomb", header: "Content-Type: text/html\r\nContent-Encoding: gzip", body: gzipped(bomb), outcome: pipeline.StageRead, reason: warc.ProblemTooLarge},
		{name: "a brotli bomb", header: "Content-Type: text/html\r\nContent-Encoding: br", body: brotlied(bomb), outcome: pipeline.StageRead, reason: warc.ProblemTooLarge},
		{name: "a bomb in a bomb", header: "Content-Type: text/html\r\nContent-Encoding: gzip, gzip", body: gzipped(gzipped(bomb)), outcome: pipeline.StageRead, reason: warc.ProblemTooLarge},
		{name: "six encodings", header: "Content-Type: text/html\r\nContent-Encoding: gzip, gzip, gzip, gzip, gzip, gzip", body: nested, outcome: pipeline.StageRead, reason: warc.ProblemContentEncoding},
		{name: "two encodings", header: "Content-Type: text/html\r\nContent-Encoding: br, gzip", body: gzipped(brotlied(pageOf("", "")))},
		{name: "encoded in name only", header: "Content-Type: text/html\r\nContent-Encoding: gzip", body: pageOf("", "")},
	}
}

// Every page, however it is made, soon ends as a document with its text or as a
// drop with its reason.
func TestHostilePages(t *testing.T) {
	recipe, err := recipes.Named(recipes.FineWebNoLists)
	if err != nil {
		t.Fatal(err)
	}
	runner, err := recipes.Build(recipe, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	runner.Workers = 1
	for _, tt := range hostilePages() {
		t.Run(tt.name, func(t *testing.T) {
			block := "HTTP/1.1 200 OK\r\n" + tt.header + "\r\n\r\n" + tt.body
			file := member(gzip.BestSpeed, record("response", "x", nil, []byte(block)))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			rows, _ := scan(t, runner, file, pipeline.File{Bytes: int64(len(file))})
			elapsed := time.Since(start)
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > maxAllocated || elapsed > maxTime {
				t.Errorf("took %d MiB and %v", n>>20, elapsed)
			}
			if len(rows) != 1 {
				t.Fatalf("%d rows, want 1", len(rows))
			}
			row := rows[0]
			outcome := tt.outcome
			if outcome == "" {
				outcome = contract.OutcomeKept
			}
			if row.Ledger.Outcome != outcome || row.Ledger.Reason != tt.reason {
				t.Fatalf("%s %s (%v), want %s %s", row.Ledger.Outcome, row.Ledger.Reason, row.Ledger.Value, outcome, tt.reason)
			}
			if tt.outcome == "" && !strings.Contains(row.Row.Text, prose) {
				t.Errorf("text %.200q", row.Row.Text)
			}
		})
	}
}
