package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"finest/pipeline"
)

// C4Paragraphs drops text with too few long lines: the rule of mC4 (Xue et al.
// 2021, arXiv:2010.11934, section 3.1), as datatrove 0.10.1 has it. FineWeb did
// not use it.
type C4Paragraphs struct {
	minParagraphs, minLength int
	reason                   string
}

// C4ParagraphsSpec returns the stage as mC4 used it.
//
//	min_paragraphs       fewest lines that are long enough
//	min_paragraph_chars  length of such a line, in characters
func C4ParagraphsSpec() pipeline.StageSpec {
	return pipeline.StageSpec{
		Name: "c4_paragraphs",
		Params: map[string]string{
			"min_paragraphs":      "3",
			"min_paragraph_chars": "200",
		},
	}
}

// NewC4Paragraphs builds the stage.
func NewC4Paragraphs(spec pipeline.StageSpec) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	c := &C4Paragraphs{minParagraphs: p.Int("min_paragraphs"), minLength: p.Int("min_paragraph_chars")}
	c.reason = fmt.Sprintf("< %d paragraphs", c.minParagraphs)
	return c, p.Err()
}

// Name is "c4_paragraphs".
func (*C4Paragraphs) Name() string { return "c4_paragraphs" }

// Process drops for the reason "< 3 paragraphs", or what their number is; the
// value is how many there are.
func (c *C4Paragraphs) Process(d *pipeline.Document) *pipeline.Drop {
	long := 0
	for line := range strings.SplitSeq(d.Text, "\n") {
		if utf8.RuneCountInString(line) >= c.minLength {
			long++
		}
	}
	if long < c.minParagraphs {
		return drop(c.reason, float64(long))
	}
	return nil
}
