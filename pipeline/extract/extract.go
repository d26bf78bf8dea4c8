// Package extract finds the main text of a web page.
//
// It runs go-trafilatura, a port of the trafilatura library that FineWeb used,
// behind budgets on the size and shape of the page, and writes the tree it finds
// as lines of text.
//
// Extraction cannot be cancelled once it runs, and a limit on the clock would
// give different rows on different machines. So the budgets are counted before
// the expensive work: what passes them ends in bounded time.
package extract

import (
	"github.com/markusmobius/go-htmldate"
	"github.com/markusmobius/go-trafilatura"

	"finest/pipeline"
)

// Name is the stage's name in recipes and ledgers.
const Name = "extract"

// Reasons of drops. The value of the first four is what was counted: bytes,
// nodes, levels, units of work. The others have none.
const (
	ReasonTooManyBytes = "too_many_bytes"
	ReasonTooManyNodes = "too_many_nodes"
	ReasonTooDeep      = "too_deep"
	ReasonTooMuchWork  = "too_much_work"
	ReasonEmpty        = "empty"
)

// library names the extractor; another version may find other text.
const library = "go-trafilatura/1.12.2"

// Spec returns the stage as FineWeb ran it: trafilatura with precision favoured,
// comments left out, and its fallbacks on. Three things differ. Duplicate
// elements are dropped within a document only, because the original's memory of
// other documents makes a text depend on what was read before it. Budgets stand
// in for the original's limit of 0.1 seconds. The library is a port, whose
// fallbacks are go-readability and go-domdistiller.
func Spec() pipeline.StageSpec {
	return pipeline.StageSpec{
		Name: Name,
		Params: map[string]string{
			"library":     library,
			"favor":       "precision",
			"fallback":    "true",
			"comments":    "false",
			"tables":      "true",
			"deduplicate": "document",
			"max_bytes":   "8388608",
			"max_nodes":   "50000",
			"max_depth":   "128",
			"max_work":    "3000000",
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
			Focus:           trafilatura.FavorPrecision,
			EnableFallback:  p.Bool("fallback"),
			ExcludeComments: true,
			ExcludeTables:   !p.Bool("tables"),
			Deduplicate:     true,
			// An empty result keeps the library from looking for a date: the slowest
			// part of it, and of no use here.
			HtmlDateOverride: &htmldate.Result{},
		},
		budget: budget{
			bytes: p.Int("max_bytes"),
			nodes: p.Int("max_nodes"),
			depth: p.Int("max_depth"),
			work:  p.Int("max_work"),
		},
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

type stage struct {
	options trafilatura.Options
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
	tree, drop := s.budget.parse(page)
	if drop != nil {
		return drop
	}
	// The library's errors all say that it found no text.
	if result, err := trafilatura.ExtractDocument(tree, s.options); err == nil {
		d.Text = render(result.ContentNode)
	}
	if d.Text == "" {
		return &pipeline.Drop{Reason: ReasonEmpty}
	}
	return nil
}
