package filter

import (
	"slices"
	"strings"
	"unicode/utf8"

	"finest/pipeline"
	"finest/pipeline/words"
)

// GopherQuality drops text that does not look like prose: the quality rules of
// Rae et al. 2021 (Gopher, arXiv:2112.11446, appendix A1.1).
type GopherQuality struct {
	profile                                         qualityProfile
	splitter                                        pipeline.Splitter
	minWords, maxWords                              int
	minWordLength, maxWordLength                    float64
	maxSymbols, maxBullets, maxEllipses, minLetters float64
	minStopWords                                    int
	stopWords                                       map[string]struct{}
}

// qualityProfile is what the profiles do differently.
type qualityProfile struct {
	// isPunctuation says of which characters mere punctuation consists.
	isPunctuation func(rune) bool
	// distinct counts a stop word once however often it occurs.
	distinct bool
}

func qualityProfileOf(p *pipeline.Params) qualityProfile {
	return pipeline.Profile(p,
		qualityProfile{isPunctuation: words.IsPunctuation},
		qualityProfile{isPunctuation: isPunctuationOrTerminal, distinct: true})
}

// GopherQualitySpec returns the stage as FineWeb used it. A threshold of 0
// switches its rule off.
//
//	profile                   release: stop words are counted by occurrence, and
//	                          punctuation is 129 characters; head: distinct stop
//	                          words, and 281 characters
//	words                     the word splitter
//	min_doc_words             fewest words that are not mere punctuation
//	max_doc_words             most of them
//	min_avg_word_length       their lowest mean length, in characters
//	max_avg_word_length       their highest mean length
//	max_symbol_word_ratio     highest ratio of # to words, and of ellipses to words
//	max_bullet_lines_ratio    highest share of lines that begin with a bullet
//	max_ellipsis_lines_ratio  highest share of lines that end with an ellipsis
//	min_alpha_words_ratio     lowest share of words with a letter
//	min_stop_words            fewest stop words
//	stop_words                the stop words, matched as they stand
func GopherQualitySpec() pipeline.StageSpec {
	return pipeline.StageSpec{
		Name: "gopher_quality",
		Params: map[string]string{
			"profile":                  "release",
			"words":                    "nltk",
			"min_doc_words":            "50",
			"max_doc_words":            "100000",
			"min_avg_word_length":      "3",
			"max_avg_word_length":      "10",
			"max_symbol_word_ratio":    "0.1",
			"max_bullet_lines_ratio":   "0.9",
			"max_ellipsis_lines_ratio": "0.3",
			"min_alpha_words_ratio":    "0.8",
			"min_stop_words":           "2",
			"stop_words":               "the be to of and that have with",
		},
	}
}

// NewGopherQuality builds the stage.
func NewGopherQuality(spec pipeline.StageSpec) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	g := &GopherQuality{
		profile:       qualityProfileOf(p),
		splitter:      words.FromParams(p),
		minWords:      p.Int("min_doc_words"),
		maxWords:      p.Int("max_doc_words"),
		minWordLength: p.Float("min_avg_word_length"),
		maxWordLength: p.Float("max_avg_word_length"),
		maxSymbols:    p.Float("max_symbol_word_ratio"),
		maxBullets:    p.Float("max_bullet_lines_ratio"),
		maxEllipses:   p.Float("max_ellipsis_lines_ratio"),
		minLetters:    p.Float("min_alpha_words_ratio"),
		minStopWords:  p.Int("min_stop_words"),
		stopWords:     make(map[string]struct{}),
	}
	for _, w := range p.List("stop_words") {
		g.stopWords[w] = struct{}{}
	}
	return g, p.Err()
}

// Name is "gopher_quality".
func (*GopherQuality) Name() string { return "gopher_quality" }

// Process checks, in this order, for the reasons gopher_short_doc,
// gopher_long_doc, gopher_below_avg_threshold, gopher_above_avg_threshold,
// gopher_too_many_hashes, gopher_too_many_ellipsis, gopher_too_many_bullets,
// gopher_too_many_end_ellipsis, gopher_below_alpha_threshold and
// gopher_enough_stop_words (which means: not enough).
func (g *GopherQuality) Process(d *pipeline.Document) *pipeline.Drop {
	tokens := d.Words(g.splitter)
	if reason := g.checkLength(tokens); reason != nil {
		return reason
	}
	if reason := g.checkSymbols(d.Text, len(tokens)); reason != nil {
		return reason
	}
	lettered := 0
	for _, w := range tokens {
		if strings.IndexFunc(w, words.IsAlpha) >= 0 {
			lettered++
		}
	}
	if v := ratio(lettered, len(tokens)); g.minLetters != 0 && len(tokens) > 0 && v < g.minLetters {
		return drop("gopher_below_alpha_threshold", v)
	}
	if g.minStopWords == 0 {
		return nil
	}
	if stops := g.countStopWords(tokens); stops < g.minStopWords {
		return drop("gopher_enough_stop_words", float64(stops))
	}
	return nil
}

// countStopWords counts, but no further than the fewest there must be.
func (g *GopherQuality) countStopWords(tokens []string) int {
	var found []string
	for _, w := range tokens {
		if _, ok := g.stopWords[w]; ok && !(g.profile.distinct && slices.Contains(found, w)) {
			if found = append(found, w); len(found) >= g.minStopWords {
				break
			}
		}
	}
	return len(found)
}

// checkLength judges number and mean length of the words that are not mere
// punctuation.
func (g *GopherQuality) checkLength(tokens []string) *pipeline.Drop {
	isWord := func(r rune) bool { return !g.profile.isPunctuation(r) }
	count, characters := 0, 0
	for _, w := range tokens {
		if strings.IndexFunc(w, isWord) >= 0 {
			count++
			characters += utf8.RuneCountInString(w)
		}
	}
	mean := ratio(characters, count)
	switch {
	case g.minWords != 0 && count < g.minWords:
		return drop("gopher_short_doc", float64(count))
	case g.maxWords != 0 && count > g.maxWords:
		return drop("gopher_long_doc", float64(count))
	case count == 0:
		return nil
	case g.minWordLength != 0 && mean < g.minWordLength:
		return drop("gopher_below_avg_threshold", mean)
	case g.maxWordLength != 0 && mean > g.maxWordLength:
		return drop("gopher_above_avg_threshold", mean)
	}
	return nil
}

// checkSymbols judges hashes, ellipses and bullets.
func (g *GopherQuality) checkSymbols(text string, tokens int) *pipeline.Drop {
	hashes := strings.Count(text, "#")
	if v := ratio(hashes, tokens); g.maxSymbols != 0 && v > g.maxSymbols {
		return drop("gopher_too_many_hashes", v)
	}
	ellipses := strings.Count(text, "...") + strings.Count(text, "…")
	if v := ratio(ellipses, tokens); g.maxSymbols != 0 && v > g.maxSymbols {
		return drop("gopher_too_many_ellipsis", v)
	}
	lines := words.Lines(text)
	bullets, endings := 0, 0
	for _, line := range lines {
		if left := words.TrimLeft(line); strings.HasPrefix(left, "•") || strings.HasPrefix(left, "-") {
			bullets++
		}
		if right := words.TrimRight(line); strings.HasSuffix(right, "...") || strings.HasSuffix(right, "…") {
			endings++
		}
	}
	if v := ratio(bullets, len(lines)); g.maxBullets != 0 && v > g.maxBullets {
		return drop("gopher_too_many_bullets", v)
	}
	if v := ratio(endings, len(lines)); g.maxEllipses != 0 && v > g.maxEllipses {
		return drop("gopher_too_many_end_ellipsis", v)
	}
	return nil
}
