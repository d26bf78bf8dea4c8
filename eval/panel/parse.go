package panel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of one unit.
const (
	maxText    = 4 << 20
	maxChoices = 26
	maxChoice  = 16 << 10
	maxID      = 1 << 10
)

// check says what is wrong with a unit of the suite.
func (s Suite) check(u Unit) error {
	switch {
	case u.ID == "" || len(u.ID) > maxID || len(u.URL) > maxText || !utf8.ValidString(u.ID+u.URL):
		return errors.New("its ID or URL is empty, too long or no UTF-8")
	case len(u.Text) > maxText || !utf8.ValidString(u.Text):
		return fmt.Errorf("its text is no UTF-8 of at most %d bytes", maxText)
	case strings.TrimSpace(u.Text) == "":
		return errors.New("it has no text")
	}
	least, most := map[Kind]int{Choice: 2, Cloze: 1}[s.Kind], map[Kind]int{Choice: maxChoices, Cloze: 1}[s.Kind]
	if len(u.Choices) < least || len(u.Choices) > most {
		return fmt.Errorf("%d choices, want %d to %d", len(u.Choices), least, most)
	}
	for _, c := range u.Choices {
		if strings.TrimSpace(c) == "" || len(c) > maxChoice || !utf8.ValidString(c) {
			return fmt.Errorf("a choice is empty, no UTF-8 or longer than %d bytes", maxChoice)
		}
	}
	if u.Gold < 0 || u.Gold >= max(len(u.Choices), 1) {
		return fmt.Errorf("answer %d of %d is right", u.Gold, len(u.Choices))
	}
	return nil
}

// parse reads the units of a file. Every unit is right, no two have one ID.
func (s Suite) parse(file string, content []byte) ([]Unit, error) {
	b := &builder{suite: s, ids: make(map[string]bool)}
	if len(s.Files) > 1 {
		b.prefix = file + ":"
	}
	var err error
	switch s.Format {
	case Lines:
		err = b.lines(content)
	case Pages:
		err = b.pages(content)
	case Passages:
		err = b.passages(content)
	case Books:
		err = b.book(content)
	default:
		err = fmt.Errorf("unknown format %q", s.Format)
	}
	if err == nil && len(b.units) == 0 {
		err = errors.New("it has no units")
	}
	return b.units, err
}

// builder gathers the units of a file.
type builder struct {
	suite  Suite
	prefix string
	units  []Unit
	ids    map[string]bool
}

func (b *builder) add(u Unit) error {
	u.ID = b.prefix + u.ID
	if b.suite.Kind == Text {
		u.Text = strings.TrimSpace(u.Text)
	}
	if err := b.suite.check(u); err != nil {
		return fmt.Errorf("unit %.80q: %w", u.ID, err)
	}
	if b.ids[u.ID] {
		return fmt.Errorf("two units are called %.80q", u.ID)
	}
	if len(b.units) == maxUnits {
		return fmt.Errorf("more than %d units", maxUnits)
	}
	b.ids[u.ID] = true
	b.units = append(b.units, u)
	return nil
}

// objects calls use with each JSON object of the content, numbered from 1.
func objects[T any](content []byte, use func(n int, v T) error) error {
	dec := json.NewDecoder(bytes.NewReader(content))
	for n := 1; ; n++ {
		var v T
		switch err := dec.Decode(&v); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("object %d: %w", n, err)
		}
		if err := use(n, v); err != nil {
			return fmt.Errorf("object %d: %w", n, err)
		}
	}
}

// line is an object of the format Lines.
type line struct {
	ID           string   `json:"id"`
	URL          string   `json:"url"`
	Text         string   `json:"text"`
	Query        string   `json:"query"`
	Choices      []string `json:"choices"`
	Gold         int      `json:"gold"`
	Context      string   `json:"context"`
	Continuation string   `json:"continuation"`
}

func (b *builder) lines(content []byte) error {
	return objects(content, func(n int, l line) error {
		u := Unit{ID: l.ID, URL: l.URL, Text: l.Text}
		switch b.suite.Kind {
		case Choice:
			u.Text, u.Choices, u.Gold = l.Query, l.Choices, l.Gold
		case Cloze:
			u.Text, u.Choices = l.Context, []string{l.Continuation}
		case Text:
		}
		if u.ID == "" {
			u.ID = strconv.Itoa(n)
		}
		return b.add(u)
	})
}

// page is an object of the format Pages.
type page struct {
	FileID      string `json:"file_id"`
	URL         string `json:"url"`
	GroundTruth struct {
		MainContent string `json:"main_content"`
	} `json:"ground_truth"`
}

// pages takes the pages that have a text.
func (b *builder) pages(content []byte) error {
	return objects(content, func(_ int, p page) error {
		if strings.TrimSpace(p.GroundTruth.MainContent) == "" {
			return nil
		}
		return b.add(Unit{ID: p.FileID, URL: p.URL, Text: p.GroundTruth.MainContent})
	})
}

// signs undoes how the passages spell quotation marks and dashes.
var signs = strings.NewReplacer("``", `"`, "''", `"`, "--", "–")

// passages takes each passage where it first occurs.
func (b *builder) passages(content []byte) error {
	seen := make(map[string]bool)
	return objects(content, func(n int, l line) error {
		text, isPassage := strings.CutPrefix(l.Query, "Passage: ")
		end := strings.LastIndex(text, "\nQuestion:")
		if !isPassage || end < 0 {
			return errors.New("its query has no passage and question")
		}
		if text = signs.Replace(text[:end]); seen[text] {
			return nil
		}
		seen[text] = true
		return b.add(Unit{ID: strconv.Itoa(n), Text: text})
	})
}
