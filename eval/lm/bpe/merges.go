package bpe

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	// eos is the token between documents, firstMerge the one that the first merge
	// makes.
	eos        = 256
	firstMerge = eos + 1
	// maxVocab is the size of the largest vocabulary.
	maxVocab = 1 << 15
)

// version changes whenever the same text has other tokens.
const version = 1

// Merge is a pair of tokens that become one.
type Merge struct{ Left, Right uint16 }

// Merges are what a vocabulary is made of: merge i makes token 257 + i of two
// tokens below it.
type Merges []Merge

func (m Merges) validate() error {
	if len(m)+firstMerge > maxVocab {
		return fmt.Errorf("%d merges: at most %d", len(m), maxVocab-firstMerge)
	}
	seen := make(map[Merge]bool, len(m))
	for i, pair := range m {
		made := firstMerge + i
		if int(pair.Left) >= made || int(pair.Right) >= made || pair.Left == eos || pair.Right == eos {
			return fmt.Errorf("merge %d of tokens %d and %d: they are not made before it", i, pair.Left, pair.Right)
		}
		if seen[pair] {
			return fmt.Errorf("merge %d of tokens %d and %d: there is one before it", i, pair.Left, pair.Right)
		}
		seen[pair] = true
	}
	return nil
}

func header() string { return fmt.Sprintf("finest bpe merges, version %d", version) }

// WriteTo writes a line with the version, then one line "left right" for each
// merge.
func (m Merges) WriteTo(w io.Writer) (int64, error) {
	buf := []byte(header() + "\n")
	for _, pair := range m {
		buf = strconv.AppendUint(buf, uint64(pair.Left), 10)
		buf = append(buf, ' ')
		buf = strconv.AppendUint(buf, uint64(pair.Right), 10)
		buf = append(buf, '\n')
	}
	n, err := w.Write(buf)
	return int64(n), err
}

func (m Merges) hash() string {
	h := sha256.New()
	_, _ = m.WriteTo(h) // a hash takes all bytes
	return hex.EncodeToString(h.Sum(nil))
}

// Parse reads what WriteTo writes.
func Parse(raw []byte) (Merges, error) {
	lines := bufio.NewScanner(bytes.NewReader(raw))
	if !lines.Scan() || lines.Text() != header() {
		return nil, fmt.Errorf("read merges: the first line is not %q", header())
	}
	var m Merges
	for lines.Scan() {
		pair, err := parseMerge(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("read merge %d: %w", len(m), err)
		}
		m = append(m, pair)
		if len(m)+firstMerge > maxVocab {
			break
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read merges: %w", err)
	}
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("read merges: %w", err)
	}
	return m, nil
}

func parseMerge(line string) (Merge, error) {
	left, right, _ := strings.Cut(line, " ")
	l, err := strconv.ParseUint(left, 10, 16)
	if err != nil {
		return Merge{}, fmt.Errorf("line %.40q: %w", line, err)
	}
	r, err := strconv.ParseUint(right, 10, 16)
	if err != nil {
		return Merge{}, fmt.Errorf("line %.40q: %w", line, err)
	}
	return Merge{uint16(l), uint16(r)}, nil
}
