package filter

import (
	"fmt"
	"unicode/utf8"

	"finest/pipeline"
	"finest/pipeline/words"
)

// GopherRepetition drops text that repeats itself: the rules of table A1 of Rae
// et al. 2021 (Gopher, arXiv:2112.11446).
type GopherRepetition struct {
	profile                                        repetitionProfile
	splitter                                       pipeline.Splitter
	paraFrac, paraCharFrac, lineFrac, lineCharFrac float64
	top                                            []ngramLimit // most frequent n-gram
	duplicated                                     []ngramLimit // all repeated n-grams
}

// repetitionProfile is what the profiles do differently.
type repetitionProfile struct {
	lines func(text string) []string
	// dropsEmpty text, for which the release profile has no rule.
	dropsEmpty bool
}

func repetitionProfileOf(p *pipeline.Params) repetitionProfile {
	return pipeline.Profile(p,
		repetitionProfile{lines: words.Lines},
		repetitionProfile{lines: func(text string) []string { return splitAtFeeds(text, 1) }, dropsEmpty: true})
}

// ngramLimit is the highest share of characters that n-grams may have.
type ngramLimit struct {
	n      int
	limit  float64
	reason string
}

const (
	smallestTop, largestTop               = 2, 4
	smallestDuplicated, largestDuplicated = 5, 10
)

// GopherRepetitionSpec returns the stage as FineWeb used it.
//
//	profile             release: lines are those of Python's splitlines, blank ones
//	                    too; head: what lies between runs of line feeds
//	words               the word splitter
//	dup_para_frac       highest share of repeated paragraphs; 0 switches the rule off
//	dup_para_char_frac  of their characters in the text; 0 switches off
//	dup_line_frac       highest share of repeated lines; 0 switches off
//	dup_line_char_frac  of their characters in the text; 0 switches off
//	top_N_gram          highest share of the most frequent N-gram's characters
//	dup_N_gram          highest share of the characters of repeated N-grams
func GopherRepetitionSpec() pipeline.StageSpec {
	return pipeline.StageSpec{
		Name: "gopher_repetition",
		Params: map[string]string{
			"profile":            "release",
			"words":              "nltk",
			"dup_para_frac":      "0.3",
			"dup_para_char_frac": "0.2",
			"dup_line_frac":      "0.3",
			"dup_line_char_frac": "0.2",
			"top_2_gram":         "0.2",
			"top_3_gram":         "0.18",
			"top_4_gram":         "0.16",
			"dup_5_gram":         "0.15",
			"dup_6_gram":         "0.14",
			"dup_7_gram":         "0.13",
			"dup_8_gram":         "0.12",
			"dup_9_gram":         "0.11",
			"dup_10_gram":        "0.1",
		},
	}
}

// NewGopherRepetition builds the stage.
func NewGopherRepetition(spec pipeline.StageSpec) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	g := &GopherRepetition{
		profile:      repetitionProfileOf(p),
		splitter:     words.FromParams(p),
		paraFrac:     p.Float("dup_para_frac"),
		paraCharFrac: p.Float("dup_para_char_frac"),
		lineFrac:     p.Float("dup_line_frac"),
		lineCharFrac: p.Float("dup_line_char_frac"),
	}
	for n := smallestTop; n <= largestTop; n++ {
		limit := p.Float(fmt.Sprintf("top_%d_gram", n))
		g.top = append(g.top, ngramLimit{n, limit, fmt.Sprintf("top_%d_gram", n)})
	}
	for n := smallestDuplicated; n <= largestDuplicated; n++ {
		limit := p.Float(fmt.Sprintf("dup_%d_gram", n))
		g.duplicated = append(g.duplicated, ngramLimit{n, limit, fmt.Sprintf("duplicated_%d_n_grams", n)})
	}
	return g, p.Err()
}

// Name is "gopher_repetition".
func (*GopherRepetition) Name() string { return "gopher_repetition" }

// Process checks paragraphs, lines, the most frequent n-grams and the repeated
// ones, in this order. Reasons: empty (head), dup_para_frac, dup_para_char_frac,
// dup_line_frac, dup_line_char_frac, top_N_gram, duplicated_N_n_grams.
func (g *GopherRepetition) Process(d *pipeline.Document) *pipeline.Drop {
	if d.Text == "" && g.profile.dropsEmpty {
		return drop("empty", 0)
	}
	length := utf8.RuneCountInString(d.Text)

	paragraphs := splitAtFeeds(words.TrimSpace(d.Text), 2)
	count, characters := repeats(paragraphs)
	if v := ratio(count, len(paragraphs)); g.paraFrac != 0 && v > g.paraFrac {
		return drop("dup_para_frac", v)
	}
	if v := ratio(characters, length); g.paraCharFrac != 0 && v > g.paraCharFrac {
		return drop("dup_para_char_frac", v)
	}

	lines := g.profile.lines(d.Text)
	count, characters = repeats(lines)
	if v := ratio(count, len(lines)); g.lineFrac != 0 && v > g.lineFrac {
		return drop("dup_line_frac", v)
	}
	if v := ratio(characters, length); g.lineCharFrac != 0 && v > g.lineCharFrac {
		return drop("dup_line_char_frac", v)
	}

	grams := newNgrams(d.Words(g.splitter))
	for _, rule := range g.top {
		if v := ratio(grams.top(rule.n), length); v > rule.limit {
			return drop(rule.reason, v)
		}
	}
	for _, rule := range g.duplicated {
		if v := ratio(grams.duplicated(rule.n), length); v > rule.limit {
			return drop(rule.reason, v)
		}
	}
	return nil
}
