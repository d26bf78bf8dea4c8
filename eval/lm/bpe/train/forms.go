package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"html"
	"io"
	"regexp"
	"slices"
	"strings"
)

// forms take the text a reader sees from a file.
var forms = map[string]func([]byte) (string, error){
	"markdown": markdown,
	"xml":      markup,
	"book":     book,
	"conllu":   sentences,
}

// markdownNoise is what markdown has beside its words, with what takes its place.
var markdownNoise = []struct {
	pattern *regexp.Regexp
	by      string
}{
	{regexp.MustCompile(`(?s)\A---\n.*?\n---\n`), ""},                      // front matter
	{regexp.MustCompile("(?ms)^[ \t]*(```|~~~).*?^[ \t]*(```|~~~)"), ""},   // code
	{regexp.MustCompile(`(?s)\{\{.*?\}\}|\{%.*?%\}|<!--.*?-->`), ""},       // shortcodes, comments
	{regexp.MustCompile(`(?s)<(script|style).*?</(script|style)>`), ""},    // programs
	{regexp.MustCompile(`</?[A-Za-z][^>]*>`), ""},                          // tags
	{regexp.MustCompile(`!\[[^\]]*\]\([^)]*\)`), ""},                       // images
	{regexp.MustCompile(`\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])`), "$1"},       // links
	{regexp.MustCompile(`(?m)^\[[^\]]*\]:.*$`), ""},                        // their targets
	{regexp.MustCompile(`(?m)^[ \t]*(#+|>|[*+-])[ \t]+|[ \t]*#+$`), ""},    // headings, quotes, lists
	{regexp.MustCompile(`(?m)^[ \t]*([*_=-][ \t]*){3,}$|^\|[-:| ]+$`), ""}, // rules
	{regexp.MustCompile("\\*\\*?|__|`"), ""},                               // emphasis
}

func markdown(raw []byte) (string, error) {
	text := strings.ReplaceAll(string(raw), "\r\n", "\n")
	for _, n := range markdownNoise {
		text = n.pattern.ReplaceAllString(text, n.by)
	}
	return tidy(html.UnescapeString(text)), nil
}

// hidden elements have no text for a reader; block elements begin a line.
var (
	hidden = []string{"metadata", "head", "math", "script", "style"}
	blocks = []string{"title", "para", "p", "item", "li", "section", "h1", "h2", "h3", "h4", "div", "note", "entry", "br", "blockquote", "caption"}
)

// markup reads XML: XHTML of books, CNXML of textbooks.
func markup(raw []byte) (string, error) {
	d := xml.NewDecoder(bytes.NewReader(raw))
	d.Strict, d.Entity = false, xml.HTMLEntity
	var out strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return tidy(out.String()), nil
		}
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if slices.Contains(hidden, t.Name.Local) {
				if err := d.Skip(); err != nil {
					return "", err
				}
			}
		case xml.EndElement:
			if slices.Contains(blocks, t.Name.Local) {
				out.WriteString("\n")
			}
		case xml.CharData:
			out.WriteString(strings.ReplaceAll(string(t), "\n", " "))
		}
	}
}

var (
	bookStart = regexp.MustCompile(`(?m)^\*\*\* ?START OF .*$`)
	bookEnd   = regexp.MustCompile(`(?m)^\*\*\* ?END OF .*$`)
	wrapped   = regexp.MustCompile(`([^\n])\n([^\n])`)
)

// book reads plain text of Project Gutenberg: what stands between its notices,
// with lines of a paragraph joined.
func book(raw []byte) (string, error) {
	text := strings.ReplaceAll(string(raw), "\r\n", "\n")
	start, end := bookStart.FindStringIndex(text), bookEnd.FindStringIndex(text)
	if start == nil || end == nil || end[0] < start[1] {
		return "", errors.New("the notices at start and end are not found")
	}
	return tidy(wrapped.ReplaceAllString(text[start[1]:end[0]], "$1 $2")), nil
}

// sentences reads CoNLL-U: the sentences as they stood in their document.
func sentences(raw []byte) (string, error) {
	var out strings.Builder
	for line := range strings.Lines(string(raw)) {
		if strings.HasPrefix(line, "# newpar") {
			out.WriteString("\n\n")
		}
		if text, ok := strings.CutPrefix(line, "# text = "); ok {
			out.WriteString(strings.TrimSpace(text) + " ")
		}
	}
	return tidy(out.String()), nil
}

var (
	spaces = regexp.MustCompile(`[ \t\x{A0}]+`)
	edges  = regexp.MustCompile(` ?\n ?`)
	breaks = regexp.MustCompile(`\n{3,}`)
)

// tidy leaves one space between words and at most one empty line.
func tidy(text string) string {
	text = edges.ReplaceAllString(spaces.ReplaceAllString(text, " "), "\n")
	return strings.TrimSpace(breaks.ReplaceAllString(text, "\n\n")) + "\n"
}
