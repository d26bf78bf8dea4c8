package warc_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"finest/pipeline/warc"
)

// gzipHeader is the length of the headers that member writes.
const gzipHeader = 10

// file is a file under construction; at notes where its parts begin.
type file struct {
	data string
	at   []int
}

func parts(parts ...string) file {
	var f file
	for _, p := range parts {
		f.at = append(f.at, len(f.data))
		f.data += p
	}
	f.at = append(f.at, len(f.data))
	return f
}

// span formats an outline line that covers parts i to j-1.
func (f file) span(what string, i, j int) string {
	return fmt.Sprintf("%s @%d+%d", what, f.at[i], f.at[j]-f.at[i])
}

func TestReaderFindsRecordsAndDamage(t *testing.T) {
	a, b, c := page("a", "<p>first"), page("b", "<p>second"), page("c", "<p>third")
	za, zb, zc := member(a), member(b), member(c)
	noise := "\x00\x01some bytes\xff\xfe"
	badCRC := []byte(zb)
	badCRC[len(badCRC)-6] ^= 0x40
	badData := []byte(zb)
	badData[gzipHeader] = 0b111 // a last block of the reserved type
	long := strings.Replace(b, "Content-Length: ", "Content-Length: 9", 1)
	short := strings.Replace(b, "Content-Length: ", "Content-Length: 1\r\nX-Length: ", 1)
	length := func(s string) string { return strings.Replace(b, "Content-Length: ", "Content-Length: "+s+"\r\nX:", 1) }
	recA, recB, recC := "response a", "response b", "response c"

	type line struct {
		what string
		i, j int // parts covered; -1: an outline line without range
	}
	for _, tc := range []struct {
		name   string
		file   file
		shared bool
		want   []line
	}{
		{"gzip members", parts(za, zb, zc), false, []line{{recA, 0, 1}, {recB, 1, 2}, {recC, 2, 3}}},
		{"uncompressed", parts(a, b, c), false, []line{{recA, 0, 1}, {recB, 1, 2}, {recC, 2, 3}}},
		{"gzip, then uncompressed", parts(za, b, zc), false, []line{{recA, 0, 1}, {recB, 1, 2}, {recC, 2, 3}}},
		{"blank lines first", parts("\r\n\n", za, "\n", zb), false, []line{{recA, 1, 2}, {recB, 3, 4}}},
		{"more blank lines than needed", parts(a+"\r\n\n", b), false, []line{{recA, 0, 1}, {recB, 1, 2}}},
		{"no line end before the next record", parts(strings.TrimRight(a, "\r\n"), b), false, []line{{recA, 0, 1}, {recB, 1, 2}}},
		{"no line end before a member", parts(strings.TrimRight(a, "\r\n"), zb), false, []line{{recA, 0, 1}, {recB, 1, 2}}},
		{"no line end at the end", parts(strings.TrimRight(a, "\r\n")), false, []line{{recA, 0, 1}}},
		{"no line end in the member", parts(member(strings.TrimRight(a, "\r\n")), zb), false, []line{{recA, 0, 1}, {recB, 1, 2}}},
		{"empty member", parts(za, member(""), zb), false, []line{{recA, 0, 1}, {recB, 2, 3}}},
		{"whole file in one member", parts(member(a + b + c)), false, []line{{"shared", 0, 1}}},
		{"its records", parts(member(a + b + c)), true, []line{{recA, -1, 0}, {recB, -1, 0}, {recC, -1, 0}}},
		{"two records in a member", parts(za, member(b+a), zc), false, []line{{recA, 0, 1}, {"shared", 1, 2}, {recC, 2, 3}}},
		{"their records", parts(za, member(b+a), zc), true, []line{{recA, 0, 1}, {recB, -1, 0}, {recA, -1, 0}, {recC, 2, 3}}},
		{"damage in a shared member", parts(member(a+b+"junk\r\n"+c), zc), true, []line{{recA, -1, 0}, {recB, -1, 0}, {"damage not_warc", -1, 0}, {recC, -1, 0}, {recC, 1, 2}}},
		{"shared member cut off", parts(member(a + b)[:len(member(a+b))-12]), true, []line{{recA, -1, 0}, {recB, -1, 0}, {"damage truncated", 0, 1}}},

		{"noise between members", parts(za, noise, zb), false, []line{{recA, 0, 1}, {"damage not_warc", 1, 2}, {recB, 2, 3}}},
		{"noise at the start", parts(noise, za), false, []line{{"damage not_warc", 0, 1}, {recA, 1, 2}}},
		{"noise at the end", parts(za, noise), false, []line{{recA, 0, 1}, {"damage not_warc", 1, 2}}},
		{"noise between records", parts(a, noise+"\n", b), false, []line{{recA, 0, 1}, {"damage not_warc", 1, 2}, {recB, 2, 3}}},
		{"member of something else", parts(za, member("no record"), zb), false, []line{{recA, 0, 1}, {"damage not_warc", 1, 2}, {recB, 2, 3}}},
		{"wrong checksum", parts(za, string(badCRC), zc), false, []line{{recA, 0, 1}, {"damage gzip_checksum", 1, 2}, {recC, 2, 3}}},
		{"wrong data", parts(za, string(badData), zc), false, []line{{recA, 0, 1}, {"damage gzip_data", 1, 2}, {recC, 2, 3}}},
		{"reserved header bits", parts(za, "\x1f\x8b\x08\xe0"+zb[4:], zc), false, []line{{recA, 0, 1}, {"damage gzip_header", 1, 2}, {recC, 2, 3}}},
		{"member cut off in the middle", parts(za, zb[:len(zb)-20], zc), false, []line{{recA, 0, 1}, {"damage truncated", 1, 2}, {recC, 2, 3}}},
		{"member cut off at the end", parts(za, zb[:len(zb)-20]), false, []line{{recA, 0, 1}, {"damage truncated", 1, 2}}},
		{"two broken members", parts(za, string(badCRC), zb[:len(zb)-20], zc), false, []line{{recA, 0, 1}, {"damage gzip_checksum", 1, 3}, {recC, 3, 4}}},
		{"length too long", parts(a, long, c), false, []line{{recA, 0, 1}, {"damage truncated", 1, 2}, {recC, 2, 3}}},
		{"length too short", parts(a, short, c), false, []line{{recA, 0, 1}, {"damage bad_length", 1, 2}, {recC, 2, 3}}},
		{"length too long in a member", parts(za, member(long), zc), false, []line{{recA, 0, 1}, {"damage bad_length", 1, 2}, {recC, 2, 3}}},
		{"length too short in a member", parts(za, member(short), zc), false, []line{{recA, 0, 1}, {"damage bad_length", 1, 2}, {recC, 2, 3}}},
		{"length negative", parts(a, length("-5"), c), false, []line{{recA, 0, 1}, {"damage bad_length", 1, 2}, {recC, 2, 3}}},
		{"length 2^63", parts(a, length("9223372036854775808"), c), false, []line{{recA, 0, 1}, {"damage bad_length", 1, 2}, {recC, 2, 3}}},
		{"length 2^63-1", parts(a, length("9223372036854775807"), c), false, []line{{recA, 0, 1}, {"damage bad_length", 1, 2}, {recC, 2, 3}}},
		{"length empty", parts(a, length(""), c), false, []line{{recA, 0, 1}, {"damage bad_length", 1, 2}, {recC, 2, 3}}},
		{"header without end in a member", parts(za, member("WARC/1.0\r\nA: b\r\n"), zc), false, []line{{recA, 0, 1}, {"damage bad_header", 1, 2}, {recC, 2, 3}}},
		{"senseless version", parts(a, "WARC/one\r\n\r\n", c), false, []line{{recA, 0, 1}, {"damage bad_header", 1, 2}, {recC, 2, 3}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readAll(t, tc.file.data, 0, warc.Options{Shared: tc.shared})
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, l := range tc.want {
				if l.i < 0 {
					want = append(want, l.what+" @-1+0")
				} else {
					want = append(want, tc.file.span(l.what, l.i, l.j))
				}
			}
			if lines := outline(got); !slices.Equal(lines, want) {
				t.Errorf("got  %q\nwant %q", lines, want)
			}
		})
	}
}

func TestReaderReadsHeaders(t *testing.T) {
	got, err := readAll(t, "warc/0.17 \nwarc-type:response\nWARC-Target-URI: <http://a/ b>\nWARC-Record-ID:\t<urn:x>\n"+
		"Folded: one\n  two\n\tthree\nEmpty:\nno colon\nWARC-Type: other\nBad: \xff\xfe!\n"+
		"WARC-Identified-Payload-Type: text/html\nContent-Length: 4\n\nabcd\n\n", 0, warc.Options{})
	if err != nil || len(got) != 1 {
		t.Fatal(outline(got), err)
	}
	r := got[0]
	want := []warc.Field{
		{"warc-type", "response"}, {"WARC-Target-URI", "<http://a/ b>"}, {"WARC-Record-ID", "<urn:x>"},
		{"Folded", "one two three"}, {"Empty", ""}, {"WARC-Type", "other"}, {"Bad", "\uFFFD!"},
		{"WARC-Identified-Payload-Type", "text/html"}, {"Content-Length", "4"},
	}
	if !slices.Equal(r.Fields, want) {
		t.Errorf("fields %q", r.Fields)
	}
	if r.Version != "0.17" || r.Type != "response" || r.ID != "<urn:x>" || r.TargetURI != "<http://a/ b>" ||
		r.PayloadType != "text/html" || string(r.Block) != "abcd" || r.BlockLength != 4 || r.Truncated {
		t.Errorf("record %+v", r)
	}
}

func TestReaderKeepsNoMoreThanAsked(t *testing.T) {
	block := strings.Repeat("x", 5000)
	for _, data := range []string{record("response", "a", block) + page("b", ""), member(record("response", "a", block)) + member(page("b", ""))} {
		got, err := readAll(t, data, 0, warc.Options{MaxBlock: 100})
		if err != nil || len(got) != 2 {
			t.Fatal(outline(got), err)
		}
		if r := got[0]; len(r.Block) != 100 || !r.Truncated || r.BlockLength != 5000 {
			t.Errorf("kept %d bytes of %d, truncated %t", len(r.Block), r.BlockLength, r.Truncated)
		}
	}
	got, err := readAll(t, page("a", "")+page("b", ""), 0, warc.Options{MaxHeader: 50})
	if lines := outline(got); err != nil || len(lines) != 1 || !strings.HasPrefix(lines[0], "damage bad_header @0+") {
		t.Error(lines, err)
	}
}

func TestReaderSaysWhatIsNoWARC(t *testing.T) {
	for name, tc := range map[string]struct{ data, hint string }{
		"html":    {"<!DOCTYPE html><title>503</title>", "HTML"},
		"zstd":    {"\x28\xb5\x2f\xfd rest", "zstd"},
		"bzip2":   {"BZh91AY rest", "bzip2"},
		"lz4":     {"\x04\x22\x4d\x18 rest", "LZ4"},
		"ARC":     {"filedesc://x.arc 0.0.0.0 20080430204825 text/plain 73\n", "ARC"},
		"gzip":    {member("filedesc://x.arc 0.0.0.0 20080430204825 text/plain 73\n"), "ARC"},
		"nothing": {"\x00\x00\x00\x00", "binary"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readAll(t, tc.data, 0, warc.Options{})
			if !errors.Is(err, warc.ErrNotWARC) || !strings.Contains(err.Error(), tc.hint) {
				t.Errorf("error %v does not name %s", err, tc.hint)
			}
			if len(got) != 1 || got[0].Damage == "" || got[0].Offset != 0 || got[0].End() != int64(len(tc.data)) {
				t.Errorf("spans %q", outline(got))
			}
			if _, err := readAll(t, "."+tc.data, 1, warc.Options{}); err != nil {
				t.Errorf("a slice of a file is no WARC file: %v", err)
			}
		})
	}
	if got, err := readAll(t, "", 0, warc.Options{}); err != nil || len(got) != 0 {
		t.Error("empty file:", outline(got), err)
	}
}

func TestReaderReturnsErrorsOfTheSource(t *testing.T) {
	cause := errors.New("connection reset")
	data := member(page("a", "first")) + member(page("b", strings.Repeat("second", 100)))
	for _, whole := range []string{data, page("a", "first") + page("b", "second")} {
		for n := range whole {
			r := warc.NewReader(io.MultiReader(strings.NewReader(whole[:n]), iotest.ErrReader(cause)), 0, warc.Options{})
			for {
				rec, err := r.Next()
				if err == nil {
					if rec.Damage != "" {
						t.Fatalf("error after %d bytes was called damage %s", n, rec.Damage)
					}
					continue
				}
				if !errors.Is(err, cause) {
					t.Fatalf("error after %d bytes became %v", n, err)
				}
				break
			}
		}
	}
}

func TestReaderDoesNotCareHowItsInputArrives(t *testing.T) {
	data := member(page("a", "first")) + "noise" + member(page("b", "second"))[5:] + member(page("c", "third"))
	want, err := readAll(t, data, 0, warc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := warc.NewReader(iotest.DataErrReader(iotest.OneByteReader(strings.NewReader(data))), 0, warc.Options{})
	for _, w := range want {
		rec, err := r.Next()
		if err != nil || rec.Offset != w.Offset || rec.Damage != w.Damage {
			t.Fatal(rec, err, "want", w)
		}
	}
}

func TestInfo(t *testing.T) {
	got, err := readAll(t, record("warcinfo", "a", "isPartOf: CC-MAIN-2024-10\r\nSoftware: x\r\n y\r\nsoftware: z\r\n"), 0, warc.Options{})
	if err != nil || len(got) != 1 {
		t.Fatal(outline(got), err)
	}
	if info := got[0].Info(); info["ispartof"] != "CC-MAIN-2024-10" || info["software"] != "x y" {
		t.Error(info)
	}
	if got, _ := readAll(t, page("a", "b: c"), 0, warc.Options{}); got[0].Info() != nil {
		t.Error("a response has no info")
	}
}
