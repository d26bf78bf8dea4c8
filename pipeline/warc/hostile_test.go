package warc_test

import (
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
