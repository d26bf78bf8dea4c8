package filter

import (
	"regexp"
	"strings"

	"finest/pipeline"
	"finest/pipeline/words"
)

// C4 takes lines out that are no prose and drops text with too little left: the
// rules of C4 (Raffel et al. 2020, arXiv:1910.10683, section 2.2), without its
// rule for terminal punctuation unless asked for.
type C4 struct {
	// countSentences is what the profiles do differently.
	countSentences                                        func(line string) int
	citations, terminal, lorem, javascript, curly, policy bool
	minSentences, minWords, maxWordLength                 int
}

// C4Spec returns the stage as FineWeb used it. A number of -1 switches its rule
// off.
//
//	profile                   release: sentences are those of Punkt; head: of
//	                          spaCy's rules, where an empty line has one
//	remove_citations          delete [12], [edit] and [citation needed]
//	filter_no_terminal_punct  take out lines that end in none of . ? ! " '
//	min_num_sentences         fewest sentences in the lines that stay
//	min_words_per_line        take out lines of fewer words
//	max_word_length           take out lines with a longer word, in characters
//	filter_lorem_ipsum        drop text with the phrase
//	filter_javascript         take out lines with the word
//	filter_curly_bracket      drop text with {
//	filter_policy             take out lines about cookies and terms of use
func C4Spec() pipeline.StageSpec {
	return pipeline.StageSpec{
		Name: "c4",
		Params: map[string]string{
			"profile":                  "release",
			"remove_citations":         "true",
			"filter_no_terminal_punct": "false",
			"min_num_sentences":        "5",
			"min_words_per_line":       "3",
			"max_word_length":          "1000",
			"filter_lorem_ipsum":       "true",
			"filter_javascript":        "true",
			"filter_curly_bracket":     "true",
			"filter_policy":            "true",
		},
	}
}

// NewC4 builds the stage.
func NewC4(spec pipeline.StageSpec) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	c := &C4{
		countSentences: pipeline.Profile(p, words.CountSentences, words.CountSpaCySentences),
		citations:      p.Bool("remove_citations"),
		terminal:       p.Bool("filter_no_terminal_punct"),
		minSentences:   p.Int("min_num_sentences"),
		minWords:       p.Int("min_words_per_line"),
		maxWordLength:  p.Int("max_word_length"),
		lorem:          p.Bool("filter_lorem_ipsum"),
		javascript:     p.Bool("filter_javascript"),
		curly:          p.Bool("filter_curly_bracket"),
		policy:         p.Bool("filter_policy"),
	}
	return c, p.Err()
}

// Name is "c4".
func (*C4) Name() string { return "c4" }

var (
	citation      = regexp.MustCompile(`\[\p{Nd}*\]|\[edit\]|\[citation needed\]`)
	policyPhrases = [...]string{
		"terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies",
	}
)

// Process edits the text of documents that stay: lines that fail are taken out,
// the others are stripped and joined with line feeds. Reasons: lorem_ipsum and
// curly_bracket (value 0), too_few_sentences (their number); a dropped document
// keeps its text.
func (c *C4) Process(d *pipeline.Document) *pipeline.Drop {
	var kept []string
	sentences := 0 // only as many as decide
	for _, line := range words.Lines(d.Text) {
		line, keep, reason := c.line(line)
		if reason != "" {
			return drop(reason, 0)
		}
		if keep {
			if sentences < c.minSentences {
				sentences += c.countSentences(line)
			}
			kept = append(kept, line)
		}
	}
	if sentences < c.minSentences {
		return drop("too_few_sentences", float64(sentences))
	}
	d.Text = words.TrimSpace(strings.Join(kept, "\n"))
	return nil
}

// line returns the edited line and whether it stays, or why the whole document
// goes. The order of the rules matters: a bracket in a line that an earlier rule
// takes out does no harm.
func (c *C4) line(line string) (edited string, keep bool, reason string) {
	line = words.TrimSpace(line)
	count, longest := measureWords(line)
	if c.maxWordLength != -1 && longest > c.maxWordLength {
		return "", false, ""
	}
	if c.citations && strings.IndexByte(line, '[') >= 0 {
		line = citation.ReplaceAllString(line, "")
	}
	if c.terminal && (!endsWithAny(line, `.?!"'`) || strings.HasSuffix(line, "...")) {
		return "", false, ""
	}
	if count < c.minWords {
		return "", false, ""
	}
	lower := words.Lower(line)
	switch {
	case c.lorem && strings.Contains(lower, "lorem ipsum"):
		return "", false, "lorem_ipsum"
	case c.javascript && strings.Contains(lower, "javascript"):
		return "", false, ""
	case c.curly && strings.IndexByte(line, '{') >= 0:
		return "", false, "curly_bracket"
	case c.policy && containsAny(lower, policyPhrases[:]):
		return "", false, ""
	}
	return line, true, ""
}

// measureWords returns how many pieces without whitespace a line has, and the
// characters of the longest.
func measureWords(line string) (count, longest int) {
	length := 0
	for _, r := range line {
		if words.IsSpace(r) {
			length = 0
			continue
		}
		if length++; length == 1 {
			count++
		}
		longest = max(longest, length)
	}
	return count, longest
}

func endsWithAny(s, ends string) bool {
	return s != "" && strings.IndexByte(ends, s[len(s)-1]) >= 0
}

func containsAny(s string, phrases []string) bool {
	for _, phrase := range phrases {
		if strings.Contains(s, phrase) {
			return true
		}
	}
	return false
}
