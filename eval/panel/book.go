package panel

import (
	"bytes"
	"strconv"
	"strings"
)

// section is the length in bytes that a section of a book reaches; only the last
// one of a book may be shorter.
const section = 8 << 10

// book takes the sections of a book. What Project Gutenberg puts before and
// behind the text is left out; each paragraph becomes one line, as on web pages,
// without the marks of italics.
func (b *builder) book(content []byte) error {
	text := string(bytes.TrimPrefix(content, []byte("\ufeff")))
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "_", "").Replace(text)
	text = between(text)
	var part strings.Builder
	n := 0
	flush := func() error {
		if part.Len() == 0 {
			return nil
		}
		n++
		u := Unit{ID: strconv.Itoa(n), Text: part.String()}
		part.Reset()
		return b.add(u)
	}
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		words := strings.Join(strings.Fields(paragraph), " ")
		if words == "" {
			continue
		}
		if part.Len() > 0 {
			part.WriteString("\n\n")
		}
		part.WriteString(words)
		if part.Len() >= section {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// between returns what stands between the lines that mark the start and the end
// of a text of Project Gutenberg, all of it where there are none.
func between(text string) string {
	const start, end = "*** START OF TH", "*** END OF TH"
	if _, rest, ok := strings.Cut(text, start); ok {
		_, text, _ = strings.Cut(rest, "\n")
	}
	text, _, _ = strings.Cut(text, end)
	return text
}
