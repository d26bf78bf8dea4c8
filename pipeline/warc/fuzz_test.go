package warc_test

import (
	"slices"
	"testing"
	"unicode/utf8"

	"finest/pipeline/warc"
)

func FuzzReader(f *testing.F) {
	a, b := page("a", "<p>first"), page("b", "<p>second")
	for _, seed := range []string{
		"", "WARC/1.0\r\n", a + b, member(a) + member(b), member(a + b), member(a)[:40] + member(b), member(a) + "noise" + member(b),
		"\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\x00\xff\xff", "WARC/1.1\nContent-Length: 9223372036854775807\n\n",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, shared bool) {
		o := warc.Options{MaxBlock: 1 << 16, Shared: shared}
		all, err := readAll(t, string(data), 0, o)
		if ignoreEnd(err) != nil {
			t.Fatal(err)
		}
		end := int64(0)
		for _, r := range all {
			if r.Offset < 0 && r.Shared && r.Length == 0 {
				continue
			}
			if r.Offset < end || r.Length <= 0 || r.End() > int64(len(data)) {
				t.Fatalf("span %d+%d after %d of %d bytes", r.Offset, r.Length, end, len(data))
			}
			if end = r.End(); r.Damage == "" && !shared {
				alone, err := readAll(t, string(data[:end]), r.Offset, o)
				if ignoreEnd(err) != nil || !slices.Equal(outline(alone), outline([]*warc.Record{r})) {
					t.Fatalf("alone it reads as %q, %v; in the file as %q", outline(alone), err, outline([]*warc.Record{r}))
				}
			}
			_, _ = r.Page(warc.PageOptions{MaxBytes: 1 << 20})
		}
	})
}

func FuzzPage(f *testing.F) {
	for _, coding := range []string{"gzip", "deflate", "br", "chunked", "gzip, br"} {
		for _, body := range []string{html, gzipped(f, html), zlibbed(f, html), deflated(f, html), brotlied(f, html), chunked(html, 9)} {
			f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=koi8-r\r\nContent-Encoding: "+coding+"\r\n\r\n"+body), "text/html")
		}
	}
	f.Add([]byte("\xff\xfe<\x00p\x00>\x00"), "")
	f.Fuzz(func(t *testing.T, block []byte, payload string) {
		r := warc.Record{Type: "response", PayloadType: payload, Block: block}
		o := warc.PageOptions{MaxBytes: 1 << 20}
		p, ok := r.Page(o)
		if again, _ := r.Page(o); again != p {
			t.Fatal("two answers for one record")
		}
		switch {
		case !ok && p != warc.Page{}:
			t.Fatalf("no HTML, yet a page: %+v", p)
		case ok && (p.Problem == "") != (p.HTML != ""):
			t.Fatalf("problem %q, %d bytes of HTML", p.Problem, len(p.HTML))
		case !utf8.ValidString(p.HTML) || len(p.HTML) > 3<<20:
			t.Fatalf("%d bytes of HTML, valid UTF-8 %t", len(p.HTML), utf8.ValidString(p.HTML))
		}
	})
}
