// Package panel is what models are judged by: held-out texts of several sources
// and the items of public benchmarks. It says which of them a tier uses, turns
// them into examples for package lm, and the scores of these into bits per byte
// and accuracies.
//
// All of it counts: where a suite is missing nobody judges by the others.
package panel

// Kind says how the units of a suite are scored.
type Kind string

// Kinds.
const (
	// Text: whole documents, every token predicted; accuracy is that of the next
	// token.
	Text Kind = "text"
	// Choice: questions with several answers; the right one's bits per byte, and
	// whether it is the likeliest per byte.
	Choice Kind = "choice"
	// Cloze: passages whose last word is to be found. The bits per byte are those
	// of the whole passage; accuracy is that of the last word, all of its tokens
	// being the likeliest.
	Cloze Kind = "cloze"
)

// Format says how the units of a file are written.
type Format string

// Formats.
const (
	// Lines: a JSON object a line. Texts have `text`, and perhaps `id` and `url`;
	// items have `query`, `choices` and `gold`; cloze passages have `context` and
	// `continuation`.
	Lines Format = "lines"
	// Pages: JSON objects as WCXB has them, with `file_id`, `url` and
	// `ground_truth`.`main_content`.
	Pages Format = "pages"
	// Passages: a JSON object a line, whose `query` is "Passage: …" and, on a line
	// of its own, "Question: …". The passages are the texts, each once.
	Passages Format = "passages"
	// Books: plain text, as Project Gutenberg has it, cut into sections at
	// paragraphs.
	Books Format = "books"
)

// Suite is one part of a panel.
type Suite struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Files are the names of the assets that its units come from; none for a
	// suite that is handed in, such as pages of the crawl.
	Files []string `json:"files,omitempty"`
	// Format is that of the files.
	Format Format `json:"format,omitempty"`
	// Units and Bytes bound how much of it a seed draws; 0 is no bound.
	Units int   `json:"units,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
	// Piece bounds the bytes of one text: of a longer one the seed draws a piece
	// in one run; 0 is no bound.
	Piece int64 `json:"piece,omitempty"`
	// Weight is the suite's share in the panel's score, in thousandths; those of
	// a panel add up to 1000.
	Weight int `json:"weight"`
}

// Definition is a panel as validators agree on it: its hash and the hashes of
// its assets are part of every verdict.
type Definition struct {
	Name   string  `json:"name"`
	Suites []Suite `json:"suites"`
}

// Encoder turns text into tokens; package bpe has them.
type Encoder interface {
	// Encode appends the tokens of text to dst. They are the same wherever the
	// text is cut off at a space before which it ends.
	Encode(dst []uint16, text string) []uint16
	// EOS is the token between documents.
	EOS() uint16
}

// Unit is one held-out document or one benchmark item.
type Unit struct {
	// ID tells it apart within its suite.
	ID string `json:"id"`
	// URL is where a page came from. Of one host a draw takes few.
	URL string `json:"url,omitempty"`
	// Text is the document, or the passage before the last word.
	Text string `json:"text"`
	// Choices are the answers, of which the one at Gold is right; a cloze has
	// one, its last word.
	Choices []string `json:"choices,omitempty"`
	Gold    int      `json:"gold,omitempty"`
}

// SuiteResult is what one model came to on one suite.
type SuiteResult struct {
	Name   string `json:"name"`
	Kind   Kind   `json:"kind"`
	Weight int    `json:"weight"`
	// Units are in the order of the plan: the same for every model.
	Units []UnitResult `json:"units"`
}

// UnitResult is what one model came to on one unit.
type UnitResult struct {
	ID string `json:"id"`
	// NLL is in nats, over Bytes of raw text.
	NLL   float64 `json:"nll"`
	Bytes int64   `json:"bytes"`
	// Correct of Trials were right: tokens of a text, 0 or 1 of 1 of an item.
	Correct int `json:"correct"`
	Trials  int `json:"trials"`
}
