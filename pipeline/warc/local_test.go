package warc_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"slices"
	"testing"

	"finest/pipeline/warc"

	"pgregory.net/rapid"
)

// TestReadingIsLocal breaks files in every way it can think of, and reads
// slices of them from border to border: of each slice it must find what reading
// the whole file finds there. Borders are the file's start and end and the start
// of every good record.
func TestReadingIsLocal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := drawFile(t)
		whole, err := readSpans(data, 0)
		if err != nil {
			t.Fatal(err)
		}
		borders := []int{0, len(data)}
		end := int64(0)
		for _, s := range whole {
			if s.damage == "" {
				borders = append(borders, int(s.offset))
			}
			if s.offset < end || s.offset+s.length > int64(len(data)) {
				t.Fatalf("spans overlap or leave the file: %v", whole)
			}
			end = s.offset + s.length
		}
		slices.Sort(borders)
		borders = slices.Compact(borders)
		for i, a := range borders {
			for _, b := range borders[i+1:] {
				got, err := readSpans(data[a:b], int64(a))
				if err != nil {
					t.Fatal(err)
				}
				if want := within(whole, int64(a), int64(b)); !slices.Equal(got, want) {
					t.Fatalf("bytes [%d, %d) of %d\ngot  %v\nwant %v", a, b, len(data), got, want)
				}
			}
		}
	})
}

type spanOf struct {
	offset, length int64
	damage, id     string
	shared         bool
}

// within returns the spans of whole in [a, b).
func within(whole []spanOf, a, b int64) []spanOf {
	var in []spanOf
	for _, s := range whole {
		if s.offset >= a && s.offset < b {
			in = append(in, s)
		}
	}
	return in
}

func readSpans(data []byte, start int64) ([]spanOf, error) {
	var spans []spanOf
	r := warc.NewReader(bytes.NewReader(data), start, warc.Options{})
	for {
		rec, err := r.Next()
		if err != nil {
			return spans, ignoreEnd(err)
		}
		spans = append(spans, spanOf{rec.Offset, rec.Length, rec.Damage, rec.ID, rec.Shared})
	}
}

// drawFile draws a file of records and members, whole and broken.
func drawFile(t *rapid.T) []byte {
	var data []byte
	for i := range rapid.IntRange(1, 8).Draw(t, "parts") {
		body := rapid.StringOfN(rapid.RuneFrom([]rune("ab <>\n")), 0, 200, -1).Draw(t, "body")
		if rapid.Bool().Draw(t, "nested") {
			body += member(page("nested", "x")) + "\n" + page("nested too", "y")
		}
		rec := page(fmt.Sprint(i), body)
		level := rapid.SampledFrom([]int{flate.NoCompression, flate.BestSpeed, flate.HuffmanOnly}).Draw(t, "level")
		part := []byte(rec)
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0: // uncompressed
		case 1:
			part = rapid.SliceOfN(rapid.SampledFrom([]byte("\x00\x1f\x8b\x08\x00\nWARC/1.0")), 1, 40).Draw(t, "noise")
		case 2:
			part = atLevel(rec+page("second", "z"), level)
		default:
			part = atLevel(rec, level)
		}
		switch rapid.IntRange(0, 7).Draw(t, "fate") {
		case 0:
			part = part[:rapid.IntRange(0, len(part)).Draw(t, "cut")]
		case 1:
			part = part[rapid.IntRange(0, len(part)).Draw(t, "behead"):]
		case 2:
			part[rapid.IntRange(0, len(part)-1).Draw(t, "flip")] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
		case 3:
			part = bytes.Replace(part, []byte("Content-Length: "), []byte("Content-Length: 1"), 1)
		}
		data = append(data, part...)
	}
	return data
}

func atLevel(data string, level int) []byte {
	var buf bytes.Buffer
	z, _ := gzip.NewWriterLevel(&buf, level)
	_, _ = z.Write([]byte(data))
	_ = z.Close()
	return buf.Bytes()
}
