package warc_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"finest/pipeline/warc"
)

const html = "<!doctype html><title>One</title><p>Many words, and then some more words.</p>"

func pack(t testing.TB, data string, open func(io.Writer) io.WriteCloser) string {
	t.Helper()
	var buf bytes.Buffer
	w := open(&buf)
	if _, err := io.WriteString(w, data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func gzipped(t testing.TB, s string) string {
	return pack(t, s, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
}

func zlibbed(t testing.TB, s string) string {
	return pack(t, s, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
}

func deflated(t testing.TB, s string) string {
	return pack(t, s, func(w io.Writer) io.WriteCloser { z, _ := flate.NewWriter(w, 6); return z })
}

func brotlied(t testing.TB, s string) string {
	return pack(t, s, func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) })
}

func chunked(s string, sizes ...int) string {
	var b strings.Builder
	for _, n := range sizes {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, s[:n])
		s = s[n:]
	}
	fmt.Fprintf(&b, "%X;x=y\r\n%s\r\n0\r\nTrailer: x\r\n\r\n", len(s), s)
	return b.String()
}

func TestPageDecodesBodies(t *testing.T) {
	ct := "Content-Type: text/html\r\n"
	http := func(fields, body string) string { return "HTTP/1.1 200 OK\r\n" + ct + fields + "\r\n" + body }
	corrupt := []byte(gzipped(t, html))
	corrupt[12] ^= 0xff
	plainChunks := chunked(html, 10, 7)
	for _, tc := range []struct {
		name, block   string
		want, problem string
	}{
		{"plain", http("", html), html, ""},
		{"LF only", "HTTP/1.0 200 OK\nContent-Type: text/html\n\n" + html, html, ""},
		{"no reason phrase", "HTTP/1.1 404 \r\n" + ct + "\r\n" + html, html, ""},
		{"no status line", html, html, ""},
		{"interim response", "HTTP/1.1 100 Continue\r\n\r\n" + http("", html), html, ""},
		{"header without end", "HTTP/1.1 200 OK\r\n" + ct, "", warc.ProblemNoBody},
		{"empty body", http("", ""), "", warc.ProblemNoBody},
		{"chunked", http("Transfer-Encoding: chunked\r\n", plainChunks), html, ""},
		{"chunked with bare LF", http("Transfer-Encoding: chunked\r\n", strings.ReplaceAll(plainChunks, "\r\n", "\n")), html, ""},
		{"not chunked after all", http("Transfer-Encoding: chunked\r\n", html), html, ""},
		{"chunks cut off", http("Transfer-Encoding: chunked\r\n", plainChunks[:30]), html[:17] + "", ""},
		{"chunks go wrong", http("Transfer-Encoding: chunked\r\n", "4\r\n<p>x\r\nzz\r\n"), "", warc.ProblemTransferEncoding},
		{"gzip", http("Content-Encoding: gzip\r\n", gzipped(t, html)), html, ""},
		{"x-gzip in two members", http("Content-Encoding: X-GZIP\r\n", gzipped(t, html)+gzipped(t, html)), html + html, ""},
		{"bytes after gzip", http("Content-Encoding: gzip\r\n", gzipped(t, html)+"\r\n and some more bytes"), html, ""},
		{"gzip and chunked", http("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", chunked(gzipped(t, html), 5)), html, ""},
		{"gzip as transfer coding", http("Transfer-Encoding: gzip, chunked\r\n", chunked(gzipped(t, html), 5)), html, ""},
		{"deflate", http("Content-Encoding: deflate\r\n", zlibbed(t, html)), html, ""},
		{"bare deflate", http("Content-Encoding: deflate\r\n", deflated(t, html)), html, ""},
		{"brotli", http("Content-Encoding: br\r\n", brotlied(t, html)), html, ""},
		{"two encodings", http("Content-Encoding: gzip, br\r\n", brotlied(t, gzipped(t, html))), html, ""},
		{"in two fields", http("Content-Encoding: gzip\r\nContent-Encoding: br\r\n", brotlied(t, gzipped(t, html))), html, ""},
		{"six encodings", http("Content-Encoding: br,br,br,br,br,br\r\n", brotlied(t, html)), "", warc.ProblemContentEncoding},
		{"not gzip after all", http("Content-Encoding: gzip\r\n", html), html, ""},
		{"not brotli after all", http("Content-Encoding: br\r\n", html), html, ""},
		{"not deflate after all", http("Content-Encoding: deflate\r\n", html), html, ""},
		{"unknown encoding of text", http("Content-Encoding: utf-8\r\n", html), html, ""},
		{"unknown encoding", http("Content-Encoding: zstd\r\n", "\x28\xb5\x2f\xfd\x00\x01"), "", warc.ProblemContentEncoding},
		{"corrupt gzip", http("Content-Encoding: gzip\r\n", string(corrupt)), "", warc.ProblemContentEncoding},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := warc.Record{Type: "response", ID: "<i>", TargetURI: "u", Date: "d", Block: []byte(tc.block)}
			before := string(r.Block)
			p, ok := r.Page(warc.PageOptions{})
			if !ok || p.HTML != tc.want || p.Problem != tc.problem {
				t.Errorf("%q, problem %q, HTML %t; want %q, problem %q", p.HTML, p.Problem, ok, tc.want, tc.problem)
			}
			if p.ID != "<i>" || p.URL != "u" || p.Date != "d" {
				t.Errorf("page of another record: %+v", p)
			}
			if string(r.Block) != before {
				t.Error("the block was changed")
			}
		})
	}
	t.Run("gzip cut off", func(t *testing.T) {
		long := strings.Repeat(html, 1000)
		packed := pack(t, long, func(w io.Writer) io.WriteCloser { z, _ := gzip.NewWriterLevel(w, gzip.NoCompression); return z })
		r := warc.Record{Type: "response", Block: []byte(http("Content-Encoding: gzip\r\n", packed[:len(packed)/2]))}
		if p, _ := r.Page(warc.PageOptions{}); p.Problem != "" || len(p.HTML) < len(long)/3 || !strings.HasPrefix(long, p.HTML) {
			t.Errorf("problem %q, %d bytes", p.Problem, len(p.HTML))
		}
	})
}

func TestPageKnowsHTML(t *testing.T) {
	for _, tc := range []struct {
		recordType, payload, contentType, body string
		want                                   bool
	}{
		{"response", "", "text/html", "x", true},
		{"Response", "", "Text/HTML ; charset=utf-8", "x", true},
		{"response", "application/xhtml+xml", "text/plain", "x", true},
		{"response", "text/html", "", "x", true},
		{"response", "image/png", "text/html", "x", false},
		{"response", "", "application/json", html, false},
		{"response", "", "", html, true},
		{"response", "", "", "  \n<HTML>", true},
		{"response", "", "", "some text", false},
		{"response", "", "", "", false},
		{"revisit", "text/html", "text/html", html, false},
		{"conversion", "text/plain", "", html, false},
		{"request", "", "", html, false},
	} {
		block := "HTTP/1.1 200 OK\r\n"
		if tc.contentType != "" {
			block += "Content-Type: " + tc.contentType + "\r\n"
		}
		r := warc.Record{Type: tc.recordType, PayloadType: tc.payload, Block: []byte(block + "\r\n" + tc.body)}
		if _, got := r.Page(warc.PageOptions{}); got != tc.want {
			t.Errorf("%+v: HTML %t", tc, got)
		}
	}
}

func TestPageIsCapped(t *testing.T) {
	bomb := strings.Repeat("\x00", 3<<20)
	for name, body := range map[string]string{"gzip": gzipped(t, bomb), "br": brotlied(t, bomb), "deflate": zlibbed(t, bomb), "br, gzip": gzipped(t, brotlied(t, bomb))} {
		r := warc.Record{Type: "response", Block: []byte("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: " + name + "\r\n\r\n" + body)}
		for _, tc := range []struct {
			o    warc.PageOptions
			want float64
		}{
			{warc.PageOptions{MaxBytes: 2 << 20, MaxRatio: 1 << 40}, 2<<20 + 1},
			{warc.PageOptions{MaxRatio: 1}, 1<<20 + 1},
		} {
			if p, ok := r.Page(tc.o); !ok || p.Problem != warc.ProblemTooLarge || p.Value != tc.want || p.HTML != "" {
				t.Errorf("%s: problem %q, value %v, want %v", name, p.Problem, p.Value, tc.want)
			}
		}
		if p, _ := r.Page(warc.PageOptions{MaxRatio: 1 << 40}); p.Problem != "" || len(p.HTML) != len(bomb) {
			t.Errorf("%s: below the caps: problem %q, %d bytes", name, p.Problem, len(p.HTML))
		}
	}
	r := warc.Record{Type: "response", PayloadType: "text/html", Block: []byte(html), BlockLength: 1 << 30, Truncated: true}
	if p, ok := r.Page(warc.PageOptions{}); !ok || p.Problem != warc.ProblemTooLarge || p.Value != 1<<30 {
		t.Errorf("truncated block: %+v", p)
	}
}

func TestPageDecodesText(t *testing.T) {
	latin, _ := charmap.ISO8859_15.NewEncoder().String("<p>Déjà vu, Œuvre, garçon, naïve, 100 €</p>")
	russian := "<p>Съешь же ещё этих мягких французских булок, да выпей чаю. Широкая электрификация южных губерний.</p>"
	cyrillic, _ := charmap.KOI8R.NewEncoder().String(russian)
	const japaneseText = "<p>これは日本語の文章です。とても長いです。漢字とカタカナも使います。</p>"
	kanji, _ := japanese.ShiftJIS.NewEncoder().String(japaneseText)
	wide, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("<p>Größe</p>")
	for _, tc := range []struct{ name, contentType, body, want, problem string }{
		{"UTF-8", "text/html", "<p>naïve €", "<p>naïve €", ""},
		{"UTF-8 whatever is declared", "text/html; charset=koi8-r", "<p>naïve €", "<p>naïve €", ""},
		{"byte order mark", "text/html", "\uFEFF<p>x", "\uFEFF<p>x", ""},
		{"character cut off", "text/html", "<p>naïve €"[:len("<p>naïve €")-1], "<p>naïve ", ""},
		{"UTF-16 by its mark", "text/html; charset=utf-8", wide, "\uFEFF<p>Größe</p>", ""},
		{"UTF-16 without a mark", "text/html; charset=utf-8", strings.TrimPrefix(wide, "\xff\xfe"), "<p>Größe</p>", ""},
		{"HTTP charset", "text/html; charset=iso-8859-15", latin, "<p>Déjà vu, Œuvre, garçon, naïve, 100 €</p>", ""},
		{"meta charset", "text/html", `<meta charset="koi8-r">` + cyrillic, `<meta charset="koi8-r">` + russian, ""},
		{"meta http-equiv", "text/html", `<meta http-equiv=Content-Type content="text/html; charset=koi8-r">` + cyrillic, `<meta http-equiv=Content-Type content="text/html; charset=koi8-r">` + russian, ""},
		{"a guess", "text/html", cyrillic, russian, ""},
		{"a guess against a lie", "text/html; charset=utf-8", kanji, japaneseText, ""},
		{"broken UTF-8", "text/html; charset=utf-8", strings.Repeat("<p>Größe über € “x” ", 50) + "\xff\xfe", "", warc.ProblemCharset},
		{"overlong UTF-8", "text/html; charset=utf-8", strings.Repeat("<p>Größe über € “x” ", 50) + "\xc0\xaf.", "", warc.ProblemCharset},
		{"no text", "text/html", "<p>\x81\x00\xff\xfe\x80\x80", "", warc.ProblemCharset},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := warc.Record{Type: "response", Block: []byte("HTTP/1.1 200 OK\r\nContent-Type: " + tc.contentType + "\r\n\r\n" + tc.body)}
			if p, ok := r.Page(warc.PageOptions{}); !ok || p.HTML != tc.want || p.Problem != tc.problem {
				t.Errorf("%q, problem %q", p.HTML, p.Problem)
			}
		})
	}
}

func TestPageIsTheSameEveryTime(t *testing.T) {
	cyrillic, _ := charmap.KOI8R.NewEncoder().String("<p>Съешь же ещё этих мягких французских булок, да выпей чаю.</p>")
	r := warc.Record{Type: "response", PayloadType: "text/html", Block: []byte(cyrillic)}
	want, _ := r.Page(warc.PageOptions{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if got, _ := r.Page(warc.PageOptions{}); got != want {
					t.Errorf("%+v, before %+v", got, want)
				}
			}
		})
	}
	wg.Wait()
}
