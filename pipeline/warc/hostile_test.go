package warc_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"finest/pipeline/warc"
)

// TestHostileFilesAreReadInLinearTime reads files made to send a reader that
// goes back after damage over the same bytes again and again. It would not end
// within the time limit of any test run if the work were quadratic.
func TestHostileFilesAreReadInLinearTime(t *testing.T) {
	const size = 3 << 20
	stored := "\x00\x20\x00\xdf\xff" // a stored block of 32 bytes
	for name, part := range map[string]string{
		"gzip headers":            "\x1f\x8b\x08\x00",
		"members inside members":  "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + stored + "WARC/1.0\r\nContent-Length: 32",
		"records without end":     "\nWARC/1.0\r\nContent-Length: 60000000000\r\n\r\n",
		"records one byte short":  "\nWARC/1.0\r\nContent-Length: 5000000\r\n\r\n",
		"headers without end":     "\nWARC/1.0\r\nA: b",
		"line ends":               "\r\n",
		"beginnings of two kinds": "\n\x1f\x8b\nWARC",
	} {
		t.Run(name, func(t *testing.T) {
			data := "." + strings.Repeat(part, size/len(part))
			for _, shared := range []bool{false, true} {
				all, err := readAll(t, data, 0, warc.Options{Shared: shared})
				if ignoreEnd(err) != nil {
					t.Fatal(err)
				}
				if len(all) == 0 || all[0].Damage != warc.DamageNotWARC {
					t.Errorf("read %d records", len(all))
				}
			}
		})
	}
}

// TestBombsTakeNoMemory reads a member that inflates a thousandfold.
func TestBombsTakeNoMemory(t *testing.T) {
	const size = 48 << 20
	for name, head := range map[string]string{
		"true length":  fmt.Sprintf("WARC/1.0\r\nWARC-Type: response\r\nContent-Length: %d\r\n\r\n", size),
		"false length": "WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 40000000000\r\n\r\n",
		"endless line": "WARC/1.0\r\nA: ",
		"no record":    "GIF89a",
	} {
		t.Run(name, func(t *testing.T) {
			bomb := pack(t, head, func(w io.Writer) io.WriteCloser { return zeros(w, size) }) + member(page("b", "after"))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			all, err := readAll(t, bomb, 0, warc.Options{MaxBlock: 1 << 20})
			runtime.ReadMemStats(&after)
			if err != nil || len(all) != 2 || all[1].TargetURI != "b" {
				t.Fatal(outline(all), err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
				t.Errorf("%d bytes were allocated", used)
			}
		})
	}
}

// zeros returns a gzip writer that adds n zero bytes before it closes.
func zeros(w io.Writer, n int) io.WriteCloser { return &zeroed{gzip.NewWriter(w), n} }

type zeroed struct {
	*gzip.Writer
	n int
}

func (z *zeroed) Close() error {
	chunk := make([]byte, 1<<20)
	for ; z.n > 0; z.n -= len(chunk) {
		if _, err := z.Write(chunk); err != nil {
			return err
		}
	}
	return z.Writer.Close()
}
