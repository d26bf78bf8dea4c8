package huggingface

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"finest/hub"
)

// defaultSummary is the message of a commit without one, which the Hub refuses.
const defaultSummary = "Add files"

// commitBody is the request of one commit: a header, then a line for each file
// (huggingface_hub, _commit_api.py, _prepare_commit_payload). Files that are not
// LFS objects travel in it as base64 and are read while it is sent.
type commitBody struct {
	size   int64
	pieces []piece
	failed func(error) // ends the request because a source cannot be read
}

// piece is text, or the content of a file.
type piece struct {
	text    []byte
	content hub.Content
	length  int64
}

type commitHeader struct {
	Summary     string `json:"summary"`
	Description string `json:"description"`
	Parent      string `json:"parentCommit,omitempty"`
}

type lfsFile struct {
	Path string `json:"path"`
	Algo string `json:"algo"`
	OID  string `json:"oid"`
	Size int64  `json:"size"`
}

// newCommitBody opens the files that travel in the commit; close closes them.
func newCommitBody(m message) (*commitBody, error) {
	b := &commitBody{failed: func(error) {}}
	summary, description, _ := strings.Cut(strings.TrimSpace(m.text), "\n")
	if summary == "" {
		summary = defaultSummary
	}
	err := b.line("header", commitHeader{strings.TrimSpace(summary), strings.TrimSpace(description), m.parent})
	for _, it := range m.items {
		if err != nil {
			break
		}
		if it.mode == modeLFS {
			err = b.line("lfsFile", lfsFile{it.Path, "sha256", it.SHA256, it.Size})
		} else {
			err = b.file(it)
		}
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// line adds a line of JSON.
func (b *commitBody) line(key string, value any) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line) // it ends the line
	enc.SetEscapeHTML(false)
	if err := enc.Encode(struct {
		Key   string `json:"key"`
		Value any    `json:"value"`
	}{key, value}); err != nil {
		return fmt.Errorf("encode commit: %w", err)
	}
	b.add(piece{text: line.Bytes()})
	return nil
}

// file adds the line of a file with its content.
func (b *commitBody) file(it *item) error {
	var path bytes.Buffer
	enc := json.NewEncoder(&path)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(it.Path); err != nil {
		return fmt.Errorf("encode commit: %w", err)
	}
	content, err := it.Open()
	if err != nil {
		return fmt.Errorf("%.200q: open source: %w", it.Path, err)
	}
	b.add(piece{text: []byte(`{"key":"file","value":{"content":"`)})
	b.add(piece{content: content, length: it.Size})
	b.add(piece{text: []byte(`","path":` + strings.TrimSuffix(path.String(), "\n") + `,"encoding":"base64"}}` + "\n")})
	return nil
}

func (b *commitBody) add(p piece) {
	b.pieces = append(b.pieces, p)
	b.size += int64(len(p.text))
	if p.content != nil {
		b.size += (p.length + 2) / 3 * 4
	}
}

// open returns the whole body from its start.
func (b *commitBody) open() (io.Reader, error) {
	readers := make([]io.Reader, len(b.pieces))
	for i, p := range b.pieces {
		readers[i] = bytes.NewReader(p.text)
		if p.content != nil {
			readers[i] = &base64Reader{r: &sourceReader{io.NewSectionReader(p.content, 0, p.length), p.length, b.failed}}
		}
	}
	return io.MultiReader(readers...), nil
}

func (b *commitBody) close() {
	for _, p := range b.pieces {
		if p.content != nil {
			_ = p.content.Close()
		}
	}
}

// base64Reader encodes what r has.
type base64Reader struct {
	r       io.Reader
	raw     [3 << 10]byte // a multiple of three, so that only the end is padded
	encoded [4 << 10]byte
	left    []byte
	err     error
}

func (b *base64Reader) Read(p []byte) (int, error) {
	if len(b.left) == 0 && b.err == nil {
		var n int
		n, b.err = io.ReadFull(b.r, b.raw[:])
		if errors.Is(b.err, io.ErrUnexpectedEOF) {
			b.err = io.EOF
		}
		base64.StdEncoding.Encode(b.encoded[:], b.raw[:n])
		b.left = b.encoded[:base64.StdEncoding.EncodedLen(n)]
	}
	if len(b.left) == 0 {
		return 0, b.err
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	return n, nil
}
