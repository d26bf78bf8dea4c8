package oracle_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// document is a text with what the reference decided on it.
type document struct {
	id, url, text string
	golden        decisions
	// left says that it is left out.
	left bool
}

// decisions are those of every stage on the text as it came.
type decisions struct {
	ID                  string
	Text                string   // hash
	Words               counted  // tokens
	Sentences           int      //
	Language            language //
	Repetition, Quality verdict
	C4                  verdict
	FineWeb             verdict
	Normal              string // hash of the normalised text
	Signature           string // hash; empty without one
	Tokens              int64
	PII                 string  // hash of the edited text
	URL                 *string // reason
	End                 end     // of all stages in their order
}

// verdict is [reason, value], and of C4 the hash of the edited text as well; no
// reason keeps.
type verdict struct {
	reason string
	value  *float64
	edited string
}

func (v *verdict) UnmarshalJSON(raw []byte) error {
	return unmarshalArray(raw, &v.reason, &v.value, &v.edited)
}

type counted struct {
	n    int
	hash string
}

func (c *counted) UnmarshalJSON(raw []byte) error { return unmarshalArray(raw, &c.n, &c.hash) }

type language struct {
	keep  bool
	label string
	score float64
}

func (l *language) UnmarshalJSON(raw []byte) error {
	return unmarshalArray(raw, &l.keep, &l.label, &l.score)
}

// end is [stage, reason], or ["kept", hash of the text, tokens].
type end struct {
	outcome, reason string
	tokens          int64
}

func (e *end) UnmarshalJSON(raw []byte) error {
	return unmarshalArray(raw, &e.outcome, &e.reason, &e.tokens)
}

// unmarshalArray reads as many elements of an array as there are.
func unmarshalArray(raw []byte, into ...any) error {
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		return err
	}
	if len(elements) > len(into) {
		return fmt.Errorf("%d elements, of at most %d", len(elements), len(into))
	}
	for i, e := range elements {
		if err := json.Unmarshal(e, into[i]); err != nil {
			return err
		}
	}
	return nil
}

// golden is what the reference made of a corpus.
type golden struct {
	// Clusters are the near-duplicates among all texts, by their numbers; Dropped
	// those that the reference drops. EndClusters and EndDropped are the same
	// among the documents that come through all filters.
	Clusters    [][]int
	Dropped     []int
	EndClusters [][]int `json:"end_clusters"`
	EndDropped  []int   `json:"end_dropped"`
	rows        []decisions
}

func readGolden(t testing.TB, path string) golden {
	t.Helper()
	var g golden
	first := true
	eachLine(t, path, func(line []byte) error {
		if first {
			first = false
			return json.Unmarshal(line, &g)
		}
		var d decisions
		err := json.Unmarshal(line, &d)
		g.rows = append(g.rows, d)
		return err
	})
	return g
}

// eachLine calls f for every line of a file, which may be compressed.
func eachLine(t testing.TB, path string, f func([]byte) error) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var r io.Reader = file
	if filepath.Ext(path) == ".gz" {
		if r, err = gzip.NewReader(file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<28)
	for n := 1; lines.Scan(); n++ {
		if err := f(lines.Bytes()); err != nil {
			t.Fatalf("%s: line %d: %v", path, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// readTexts reads a corpus of texts: id, url and text, or parts of a text with
// how many times each stands there. Without an id it is the line's number.
func readTexts(t testing.TB, path string) (docs []document) {
	t.Helper()
	eachLine(t, path, func(line []byte) error {
		var row struct {
			ID, URL, Text string
			Parts         []struct {
				Text  string
				Times int
			}
		}
		if err := json.Unmarshal(line, &row); err != nil {
			return err
		}
		if row.ID == "" {
			row.ID = fmt.Sprint(len(docs))
		}
		for _, p := range row.Parts {
			row.Text += strings.Repeat(p.Text, p.Times)
		}
		docs = append(docs, document{id: row.ID, url: row.URL, text: row.Text})
		return nil
	})
	return docs
}
