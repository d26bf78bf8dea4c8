package panel

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/pelletier/go-toml/v2"

	"finest/internal/canon"
	"finest/pipeline/assets"
)

// Size says how much of a panel is drawn: a tier that trains longer can score
// more.
type Size string

// Sizes.
const (
	Quick Size = "quick"
	CPU   Size = "cpu"
	Long  Size = "long"
	GPU   Size = "gpu"
)

// SuiteCrawl is the name of the suite that pages of the crawl are handed in for.
const SuiteCrawl = "crawl"

// maxCrawlWeight is the most that pages of the crawl may weigh, in thousandths:
// who chooses what to crawl must not choose what is held out.
const maxCrawlWeight = 300

// extent is how much of the suites a size draws.
type extent struct {
	pages, items, passages int   // units
	piece, prose           int64 // bytes: of a text, and of the texts of one suite of prose
}

// Scoring costs a third of training on as many tokens, so a size is a small
// share of its tier's training. Short pieces of many documents say more than
// long pieces of few.
var extents = map[Size]extent{
	Quick: {pages: 150, items: 100, passages: 100, piece: 1 << 10, prose: 64 << 10},
	CPU:   {pages: 200, items: 200, passages: 200, piece: 2 << 10, prose: 128 << 10},
	Long:  {pages: 400, items: 400, passages: 400, piece: 4 << 10, prose: 512 << 10},
	GPU:   {pages: 500, items: 1000, passages: 1000, piece: 16 << 10, prose: 1 << 20},
}

// weights are the shares of one text suite, the three sets of items, and the
// cloze, in thousandths. A model that trained for minutes says little about
// knowledge, so the large size gives items more.
type weights struct {
	texts []int
	items [3]int
	cloze int
}

// Public returns the panel of the public assets.
func Public(size Size) Definition {
	w := weights{texts: []int{200, 200, 200}, items: [3]int{67, 67, 66}, cloze: 200}
	if size == GPU {
		w = weights{texts: []int{117, 117, 116}, items: [3]int{150, 150, 150}, cloze: 200}
	}
	return define("public-"+string(size), size, w)
}

// Window returns Public with pages of the crawl, handed in by With, as a fourth
// source of texts.
func Window(size Size) Definition {
	w := weights{texts: []int{150, 150, 150, 150}, items: [3]int{67, 67, 66}, cloze: 200}
	if size == GPU {
		w = weights{texts: []int{88, 88, 87, 87}, items: [3]int{150, 150, 150}, cloze: 200}
	}
	return define("window-"+string(size), size, w)
}

func define(name string, size Size, w weights) Definition {
	x := extents[size]
	texts := []Suite{
		{Name: "pages", Format: Pages, Files: []string{assets.PanelPages}, Units: x.pages},
		{Name: "encyclopaedia", Format: Passages, Files: []string{assets.PanelPassages}, Bytes: x.prose},
		{Name: "books", Format: Books, Files: assets.PanelBooks(), Bytes: x.prose},
		{Name: SuiteCrawl, Units: x.pages},
	}[:len(w.texts)]
	d := Definition{Name: name}
	for i, s := range texts {
		s.Kind, s.Piece, s.Weight = Text, x.piece, w.texts[i]
		d.Suites = append(d.Suites, s)
	}
	for i, item := range [3][2]string{
		{"arc_easy", assets.PanelArcEasy}, {"arc_challenge", assets.PanelArcChallenge}, {"openbook_qa", assets.PanelOpenBook},
	} {
		d.Suites = append(d.Suites, Suite{Name: item[0], Kind: Choice, Format: Lines, Files: []string{item[1]}, Units: x.items, Weight: w.items[i]})
	}
	return Definition{Name: name, Suites: append(d.Suites, Suite{
		Name: "lambada", Kind: Cloze, Format: Lines, Files: []string{assets.PanelLambada}, Units: x.passages, Weight: w.cloze,
	})}
}

// ParseDefinition reads a panel of one's own from TOML, whose keys are those of
// the JSON. It is valid.
func ParseDefinition(raw []byte) (Definition, error) {
	var d Definition
	err := toml.NewDecoder(bytes.NewReader(raw)).DisallowUnknownFields().Decode(&d)
	if strict := (*toml.StrictMissingError)(nil); errors.As(err, &strict) {
		err = fmt.Errorf("unknown key %q", strict.Errors[0].Key())
	}
	if err == nil {
		err = d.Validate()
	}
	if err != nil {
		return Definition{}, fmt.Errorf("read panel definition: %w", err)
	}
	return d, nil
}

// maxSuites bounds a definition.
const maxSuites = 64

// Validate says what is wrong with a definition.
func (d Definition) Validate() error {
	if d.Name == "" || len(d.Suites) == 0 || len(d.Suites) > maxSuites {
		return fmt.Errorf("panel %q has %d suites, want a name and 1 to %d", d.Name, len(d.Suites), maxSuites)
	}
	total := 0
	names := make(map[string]bool)
	for _, s := range d.Suites {
		if err := s.validate(); err != nil {
			return fmt.Errorf("panel %s: suite %q: %w", d.Name, s.Name, err)
		}
		if names[s.Name] {
			return fmt.Errorf("panel %s: two suites are called %s", d.Name, s.Name)
		}
		names[s.Name] = true
		total += s.Weight
	}
	if total != 1000 {
		return fmt.Errorf("panel %s: the weights add up to %d thousandths", d.Name, total)
	}
	return nil
}

func (s Suite) validate() error {
	formats := map[Kind][]Format{Text: {Lines, Pages, Passages, Books}, Choice: {Lines}, Cloze: {Lines}}
	switch known, ok := formats[s.Kind]; {
	case s.Name == "":
		return errors.New("it has no name")
	case !ok:
		return fmt.Errorf("unknown kind %q", s.Kind)
	case len(s.Files) > 0 && !slices.Contains(known, s.Format):
		return fmt.Errorf("no %s is read from the format %q", s.Kind, s.Format)
	case len(s.Files) == 0 && s.Format != "":
		return errors.New("it has a format and no files")
	case s.Weight < 0 || s.Units < 0 || s.Bytes < 0 || s.Piece < 0:
		return errors.New("weight, units, bytes and piece are not below 0")
	case s.Name == SuiteCrawl && s.Weight > maxCrawlWeight:
		return fmt.Errorf("pages of the crawl may weigh %d thousandths, not %d", maxCrawlWeight, s.Weight)
	}
	return nil
}

// Hash returns the SHA-256 of the definition's canonical JSON.
func (d Definition) Hash() (string, error) {
	raw, err := canon.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("hash panel definition: %w", err)
	}
	return canon.Sum(raw), nil
}
