package warc

import (
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// sampleSize is how many bytes describe looks at.
const sampleSize = 4 << 10

// formats are the beginnings of files that are met in place of WARC files.
var formats = []struct{ magic, name string }{
	{"filedesc:", "an ARC file, which is not supported"},
	{"\x28\xb5\x2f\xfd", "a zstd file; decompress it first"},
	{"\x5d\x2a\x4d\x18", "a zstd file with a dictionary; decompress it first"},
	{"BZh", "a bzip2 file; decompress it first"},
	{"\x04\x22\x4d\x18", "an LZ4 file; decompress it first"},
	{"\xfd7zXZ\x00", "an xz file; decompress it first"},
	{"PK\x03\x04", "a zip file (WACZ?); unpack it first"},
	{"PAR1", "a Parquet file"},
	{"<?xml", "an XML document, as servers send in place of a file"},
}

// describe says what a file that starts with head looks like.
func describe(head []byte) string {
	if bytes.HasPrefix(head, gzipMagic) {
		var z gzip.Reader
		if err := z.Reset(bytes.NewReader(head)); err == nil {
			inner := make([]byte, sampleSize)
			n, _ := io.ReadFull(&z, inner)
			if n > 0 {
				return "gzip of " + describePlain(inner[:n])
			}
		}
		return "a damaged gzip file"
	}
	return describePlain(head)
}

func describePlain(head []byte) string {
	for _, f := range formats {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f.name
		}
	}
	switch {
	case looksLikeHTML(head):
		return "an HTML page, as servers send in place of a file"
	case looksLikeText(head):
		return fmt.Sprintf("text that starts with %q", head[:min(len(head), 40)])
	default:
		return fmt.Sprintf("binary data that starts with % x", head[:min(len(head), 8)])
	}
}
