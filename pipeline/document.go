// Package pipeline is the algorithm: it turns the bytes of WARC files into
// documents, and says of every page what became of it. It knows no chain, no
// hub, no role and no network.
//
// A row is a function of its record and the recipe alone. Steps across records
// run after all pages are done; MinHash is the only one in recipes whose rows
// others can check. See Across.
package pipeline

import "finest/internal/contract"

// Version changes whenever a golden result changes. It is part of every
// recipe's hash.
const Version = 2

// Document is one page's text on its way through the stages of a recipe.
type Document struct {
	// ID, URL and Date are the record's WARC-Record-ID, WARC-Target-URI and
	// WARC-Date, verbatim, as valid UTF-8.
	ID, URL, Date string
	// HTML is the decoded page; the extract stage turns it into Text and
	// releases it.
	HTML string
	// Text is the document's text; valid UTF-8.
	Text string
	// Language is the code of the model's best label, LanguageScore its
	// probability.
	Language      string
	LanguageScore float64
	// BandKeys are set by the minhash stage; empty where the text is too short
	// to have a signature.
	BandKeys []uint64
	// TokenCount is the number of GPT-2 tokens of the text before PII is
	// replaced.
	TokenCount int64

	words wordCache
}

// Drop says why a document leaves: which rule, and the value it measured.
type Drop struct {
	Reason string
	Value  float64
}

// Stage is one step of a recipe.
//
// Process reads and edits the document and returns nil to keep it, or why it
// is dropped. It is a pure function of the document and the stage's parameters:
// no clock, no randomness, no memory of other documents. It must be safe for
// concurrent use on different documents, must not panic on any input, must
// bound its work by the size of the document, and must compute floating point
// so that no compiler may fuse it.
//
// Name is the name in recipes, ledgers and reports, constant per type.
type Stage interface {
	Name() string
	Process(*Document) *Drop
}

// Splitter cuts text into word tokens; see package words. Name tells splitters
// apart in the document's cache.
type Splitter interface {
	Name() string
	Words(text string) []string
}

// wordCache holds the tokens of the text as one splitter last saw it, so that
// consecutive stages share one pass.
type wordCache struct {
	splitter, text string
	words          []string
}

// Words returns the tokens of d.Text. The result is shared: callers must not
// change it.
func (d *Document) Words(s Splitter) []string {
	if d.words.words == nil || d.words.splitter != s.Name() || d.words.text != d.Text {
		d.words = wordCache{s.Name(), d.Text, s.Words(d.Text)}
	}
	return d.words.words
}

// Recipe is a recipe as contracts carry it.
type Recipe = contract.Recipe
