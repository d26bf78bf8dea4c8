package devhub

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Bounds of a commit.
const (
	// maxCommit bounds the body; the clients send 100 MB of regular files at most.
	maxCommit = 1 << 30
	// maxLine bounds one line: a regular file of 10 MiB in base64, with its path.
	maxLine = 10<<20*4/3 + 16<<10
	// maxLines bounds the files of one commit.
	maxLines = 100_000
)

// line is one of a commit: a header, or what is done to a file.
type line struct {
	Key   string    `json:"key"`
	Value lineValue `json:"value"`
}

// lineValue has the members of all kinds of lines.
type lineValue struct {
	// Of a header.
	Summary      string `json:"summary"`
	Description  string `json:"description"`
	ParentCommit string `json:"parentCommit"`
	// Of a file, a file in LFS, a deleted file or folder.
	Path     string `json:"path"`
	Content  string `json:"content"`
	Encoding string `json:"encoding"`
	Algo     string `json:"algo"`
	OID      string `json:"oid"`
	Size     *int64 `json:"size"`
}

func (v lineValue) content() ([]byte, error) {
	switch v.Encoding {
	case "base64":
		return base64.StdEncoding.DecodeString(v.Content)
	case "", "utf-8":
		return []byte(v.Content), nil
	}
	return nil, fmt.Errorf("encoding %.60q is not known", v.Encoding)
}

// readLines calls each for every line of JSON. The last may do without its end.
func readLines(r io.Reader, each func(line) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for n := 1; lines.Scan(); n++ {
		if n > maxLines {
			return refuse(http.StatusRequestEntityTooLarge, "more than %d lines", maxLines)
		}
		if len(lines.Bytes()) == 0 {
			continue
		}
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return refuse(http.StatusBadRequest, "line %d is not the JSON that is wanted: %v", n, err)
		}
		if err := each(l); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return refuse(http.StatusRequestEntityTooLarge, "a line is longer than %d bytes: large files go into LFS", maxLine)
	}
	return lines.Err()
}
