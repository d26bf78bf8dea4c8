package selftest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
)

const (
	crawlDate = "2026-01-01T00:00:00Z"
	// fillerBytes of no page make the ledger say where the next border is.
	fillerBytes = 5 << 18
)

// Archive is the pages as a WARC file.
type Archive struct {
	Bytes []byte
	// URLs has the address of the page at each offset.
	URLs map[int64]string
}

// Pack packs the pages. Members of the file are stored, not compressed, so that
// the bytes do not depend on a compressor.
func Pack() (Archive, error) {
	urls := make(map[int64]string)
	w := &packer{}
	w.record("warcinfo", "", "application/warc-fields", []byte("software: finest selftest\r\nisPartOf: SELFTEST\r\n"))
	for i, p := range pages() {
		body, err := p.body()
		if err != nil {
			return Archive{}, fmt.Errorf("pack page %d, %s: %w", i, p.file, err)
		}
		w.record("request", p.url, "application/http; msgtype=request", []byte("GET / HTTP/1.1\r\n\r\n"))
		urls[int64(w.out.Len())] = p.url
		w.record("response", p.url, "application/http; msgtype=response", append(p.header(), body...))
		if p.damageBehind {
			w.out.WriteString("these bytes are no record")
		}
		if p.fillerBehind {
			w.record("resource", "https://pictures.example/map.png", "image/png", make([]byte, fillerBytes))
		}
	}
	whole := w.out.Len()
	w.record("response", "https://cut.example/", "application/http; msgtype=response", []byte("HTTP/1.1 200 OK\r\n\r\n<p>Cut off in the middle."))
	return Archive{w.out.Bytes()[:(whole+w.out.Len())/2], urls}, nil
}

type packer struct {
	out     bytes.Buffer
	records int
}

// record appends a record as a gzip member of its own.
func (w *packer) record(kind, url, contentType string, block []byte) {
	var head strings.Builder
	fmt.Fprintf(&head, "WARC/1.0\r\nWARC-Type: %s\r\nWARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-%012d>\r\nWARC-Date: %s\r\n", kind, w.records, crawlDate)
	if url != "" {
		fmt.Fprintf(&head, "WARC-Target-URI: %s\r\n", url)
	}
	fmt.Fprintf(&head, "Content-Type: %s\r\nContent-Length: %d\r\n\r\n", contentType, len(block))
	w.out.Write(stored(fmt.Appendf(nil, "%s%s\r\n\r\n", head.String(), block)))
	w.records++
}

// stored returns data as one gzip member (RFC 1952) of stored blocks (RFC 1951,
// section 3.2.4).
func stored(data []byte) []byte {
	out := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}
	for rest := data; ; {
		n := min(len(rest), 1<<16-1)
		last := byte(0)
		if n == len(rest) {
			last = 1
		}
		out = append(out, last)
		out = binary.LittleEndian.AppendUint16(out, uint16(n))
		out = binary.LittleEndian.AppendUint16(out, ^uint16(n))
		out = append(out, rest[:n]...)
		if rest = rest[n:]; last == 1 {
			break
		}
	}
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(data))
	return binary.LittleEndian.AppendUint32(out, uint32(len(data)))
}

func (p page) header() []byte {
	head := []byte("HTTP/1.1 200 OK\r\n")
	if p.contentType != "" {
		head = fmt.Appendf(head, "Content-Type: %s\r\n", p.contentType)
	}
	switch p.coding {
	case "gzip":
		head = append(head, "Content-Encoding: gzip\r\n"...)
	case "chunked":
		head = append(head, "Transfer-Encoding: chunked\r\n"...)
	}
	return append(head, "\r\n"...)
}

// body returns the page as its server sent it.
func (p page) body() ([]byte, error) {
	text := p.text
	if p.file != "" {
		raw, err := files.ReadFile("pages/" + p.file)
		if err != nil {
			return nil, err
		}
		text = strings.NewReplacer(p.edits...).Replace(string(raw))
	}
	body := []byte(text)
	if p.charset != "" {
		enc, err := lookup(p.charset)
		if err != nil {
			return nil, err
		}
		if body, err = enc.NewEncoder().Bytes(body); err != nil {
			return nil, err
		}
	}
	switch p.coding {
	case "gzip":
		return stored(body), nil
	case "chunked":
		half := len(body) / 2
		return fmt.Appendf(nil, "%x\r\n%s\r\n%x;last=1\r\n%s\r\n0\r\n\r\n", half, body[:half], len(body)-half, body[half:]), nil
	}
	return body, nil
}

// lookup returns an encoding by its name on the web, where utf-16 writes a byte
// order mark.
func lookup(name string) (encoding.Encoding, error) {
	if name == "utf-16" {
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), nil
	}
	if enc, _ := charset.Lookup(name); enc != nil {
		return enc, nil
	}
	return nil, fmt.Errorf("no encoding is named %s", name)
}
