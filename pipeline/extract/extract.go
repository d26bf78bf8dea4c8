// Package extract finds the main text of a web page, or takes all of it.
//
// To find it, it runs go-trafilatura, a port of the trafilatura library that FineWeb used,
// behind budgets on the size and shape of the page, and writes the tree it finds
// as lines of text.
//
// Extraction cannot be cancelled once it runs, and a limit on the clock would
// give different rows on different machines. So the budgets are counted before
// the expensive work: what passes them ends in bounded time.
package extract

import (
	"unicode/utf8"

	"github.com/markusmobius/go-htmldate"
	"github.com/markusmobius/go-trafilatura"

	"finest/pipeline"
)

// Name is the stage's name in recipes and ledgers.
const Name = "extract"

// Reasons of drops. The value is what was counted: bytes, attributes, nodes,
// levels, units of work. An empty text has none.
const (
	ReasonTooManyBytes      = "too_many_bytes"
	ReasonTooManyAttributes = "too_many_attributes"
	ReasonTooManyNodes      = "too_many_nodes"
	ReasonTooDeep           = "too_deep"
	ReasonTooMuchWork       = "too_much_work"
	ReasonEmpty             = "empty"
)

// shortText is the number of characters below which trafilatura mistrusts a text
// (its MIN_EXTRACTED_SIZE).
const shortText = 250

// library names the extractor; another version may find other text.
const library = "go-trafilatura/1.12.2"

// Spec returns the stage as FineWeb ran it: trafilatura with precision favoured,
// comments left out, and its fallbacks on. Three things differ. Duplicate
// elements are dropped within a document only, because the original's memory of
// other documents makes a text depend on what was read before it. Budgets stand
// in for the original's limit of 0.1 seconds. The library is a port, whose
// fallbacks are go-readability and go-domdistiller.
//
// With rescue, a text of less than 250 characters is looked for once more: without
// favouring precision, and in the content of noscript elements, too. It stands in
// for jusText, which the original asks at that length, and for the original's
// parser, which knows no scripts. The longer text is taken.
func Spec() pipeline.StageSpec {
	return pipeline.StageSpec{
		Name: Name,
		Params: map[string]string{
			"library":        library,
			"favor":          "precision",
			"fallback":       "true",
			"rescue":         "true",
			"comments":       "false",
			"tables":         "true",
			"deduplicate":    "document",
			"max_bytes":      "8388608",
			"max_attributes": "200000",
			"max_nodes":      "50000",
			"max_depth":      "128",
			"max_work":       "3000000",
		},
	}
}

// New returns the stage, which sets Document.Text from Document.HTML and
// releases the latter. The text is valid UTF-8 in Unicode's form NFC, a function
// of the HTML and the parameters alone.
func New(spec pipeline.StageSpec) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	p.Choice("library", library)
	p.Choice("favor", "precision")
	p.Choice("deduplicate", "document")
	p.Choice("comments", "false")
	s := &stage{
		options: trafilatura.Options{
			EnableFallback:  p.Bool("fallback"),
			ExcludeComments: true,
			ExcludeTables:   !p.Bool("tables"),
			Deduplicate:     true,
			// An empty result keeps the library from looking for a date: the slowest
			// part of it, and of no use here.
			HtmlDateOverride: &htmldate.Result{},
		},
		rescue: p.Bool("rescue"),
		budget: shapeOf(p),
	}
	s.budget.work = p.Int("max_work")
	if err := p.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

type stage struct {
	options trafilatura.Options
	rescue  bool
	budget  budget
}

func (*stage) Name() string { return Name }

func (s *stage) Process(d *pipeline.Document) (drop *pipeline.Drop) {
	page := d.HTML
	d.HTML, d.Text = "", ""
	defer func() {
		if recover() != nil {
			d.Text, drop = "", &pipeline.Drop{Reason: pipeline.ReasonPanic}
		}
	}()
	d.Text, drop = s.textOf(page, trafilatura.FavorPrecision, false)
	if drop != nil {
		return drop
	}
	if n := utf8.RuneCountInString(d.Text); s.rescue && n < shortText {
		// What is beyond the budget this time has passed it the first time.
		if text, _ := s.textOf(page, trafilatura.Balanced, true); utf8.RuneCountInString(text) > n {
			d.Text = text
		}
	}
	if d.Text == "" {
		return &pipeline.Drop{Reason: ReasonEmpty}
	}
	return nil
}

// textOf returns the text of a page, which may be empty, or why the page is
// beyond the budget. For noscript see budget.reduce.
func (s *stage) textOf(page string, focus trafilatura.ExtractionFocus, noscript bool) (string, *pipeline.Drop) {
	tree, drop := s.budget.parse(page, noscript)
	if drop != nil {
		return "", drop
	}
	options := s.options
	options.Focus = focus
	result, err := trafilatura.ExtractDocument(tree, options)
	if err != nil {
		return "", nil // the library's errors all say that it found no text
	}
	return render(result.ContentNode), nil
}
