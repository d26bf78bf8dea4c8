package words

import (
	"strings"
	"unicode/utf8"
)

// punkt splits text into sentences by the algorithm of Kiss and Strunk
// (Unsupervised Multilingual Sentence Boundary Detection, 2006), as NLTK 3.8
// applies it: only the words around a possible end of a sentence are looked at.
type punkt struct {
	abbreviations map[string]struct{}
	starters      map[string]struct{}
	collocations  map[[2]string]struct{}
	// contexts holds the orthographic contexts in which a word type was seen in
	// training, as a set of the ortho flags.
	contexts map[string]uint8
}

// The orthographic contexts of Punkt's parameter files.
const (
	orthoMiddleUpper  = 1 << 2
	orthoInitialLower = 1 << 4
	orthoUpper        = 1<<1 | 1<<2 | 1<<3
	orthoLower        = 1<<4 | 1<<5 | 1<<6
)

// spans returns the non-empty sentences of text.
func (p *punkt) spans(text string) []Span {
	raw := p.rawSpans(text)
	// Closing quotes and brackets after the end of a sentence belong to it, not
	// to the next one.
	spans := raw[:0]
	shift := 0
	for i, s := range raw {
		s.Start += shift
		shift = 0
		if i+1 < len(raw) {
			next := raw[i+1]
			closers, taken := leadingClosers(slice(text, next))
			if taken > 0 {
				spans = append(spans, Span{s.Start, next.Start + closers})
				shift = taken
				continue
			}
		}
		if s.Start < s.Stop {
			spans = append(spans, s)
		}
	}
	return spans
}

func slice(text string, s Span) string {
	if s.Start >= s.Stop {
		return ""
	}
	return text[s.Start:s.Stop]
}

// leadingClosers returns the length of the quotes and brackets that s begins
// with if nothing but whitespace, a double dash or the end follows them, and the
// length with that whitespace.
func leadingClosers(s string) (closers, taken int) {
	rest := strings.TrimLeft(s, `"')]}`)
	closers = len(s) - len(rest)
	if closers == 0 {
		return 0, 0
	}
	after := TrimLeft(rest)
	if len(after) == len(rest) && rest != "" && !strings.HasPrefix(rest, "--") {
		return 0, 0
	}
	return closers, len(s) - len(after)
}

// rawSpans cuts text after each mark that ends a sentence.
func (p *punkt) rawSpans(text string) []Span {
	var spans []Span
	start := 0
	var last mark
	seen := false
	cut := func(m mark) {
		if p.breaks(text[m.word:m.after]) {
			spans = append(spans, Span{start, m.at + 1})
			start = m.next
		}
	}
	for at := nextEnd(text, 0); at >= 0; at = nextEnd(text, at+1) {
		m, ok := markAt(text, at)
		if !ok {
			continue
		}
		// The word before the mark starts after the last whitespace since the
		// mark before; without whitespace it is still the same word, whose last
		// mark alone counts. Whitespace directly at the mark before does not
		// separate: a quirk of the reference.
		if i := strings.LastIndexAny(text[last.at:at], " \t\n\r\v\f"); i > 0 {
			m.word = last.at + i + 1
		} else {
			m.word = last.word
		}
		if seen && last.at <= m.word {
			cut(last)
		}
		last, seen = m, true
	}
	if seen {
		cut(last)
	}
	return append(spans, Span{start, len(TrimRight(text))})
}

// mark is a possible end of a sentence.
type mark struct {
	word  int // start of the word that the mark ends
	at    int // the mark: one of . ? !
	after int // end of the token after the mark
	next  int // where the next sentence would start
}

func nextEnd(text string, from int) int {
	if i := strings.IndexAny(text[from:], ".?!"); i >= 0 {
		return from + i
	}
	return -1
}

// markAt reports whether the character at offset at may end a sentence: it is
// followed by punctuation, or by whitespace and another token.
func markAt(text string, at int) (mark, bool) {
	rest := text[at+1:]
	r, size := utf8.DecodeRuneInString(rest)
	if size == 0 {
		return mark{}, false
	}
	if endsWord(r) {
		return mark{at: at, after: at + 1 + size, next: at + 1}, true
	}
	token := TrimLeft(rest)
	if len(token) == len(rest) || token == "" {
		return mark{}, false
	}
	next := len(text) - len(token)
	length := strings.IndexFunc(token, IsSpace)
	if length < 0 {
		length = len(token)
	}
	return mark{at: at, after: next + length, next: next}, true
}

// breaks reports whether any token of a context but its last ends a sentence.
func (p *punkt) breaks(context string) bool {
	var previous token
	for t := range contextTokens(context) {
		p.annotate(&t)
		if previous.text != "" {
			p.reconsider(&previous, &t)
			if previous.ends {
				return true
			}
		}
		previous = t
	}
	return false
}

// annotate judges a token by itself.
func (p *punkt) annotate(t *token) {
	switch {
	case t.text == "." || t.text == "?" || t.text == "!":
		t.ends = true
	case len(t.text) > 1 && strings.Trim(t.text, ".") == "":
		t.ellipsis = true
	case t.periodFinal() && !strings.HasSuffix(t.text, ".."):
		word := Lower(t.text[:len(t.text)-1])
		_, known := p.abbreviations[word]
		if !known {
			_, known = p.abbreviations[word[strings.LastIndexByte(word, '-')+1:]]
		}
		t.abbreviation, t.ends = known, !known
	}
}

// reconsider judges a token by the one after it.
func (p *punkt) reconsider(t, next *token) {
	if !t.periodFinal() {
		return
	}
	kind, nextKind := t.kindWithoutPeriod(), next.kindWithoutEnd()
	if _, ok := p.collocations[[2]string{kind, nextKind}]; ok {
		t.ends, t.abbreviation = false, true
		return
	}
	initial := t.initial()
	starts := p.startsSentence(next, nextKind)
	if (t.abbreviation || t.ellipsis) && !initial {
		if starts == yes {
			t.ends = true
			return
		}
		if _, ok := p.starters[nextKind]; ok && isUpper(next.first()) {
			t.ends = true
			return
		}
	}
	if initial || kind == number {
		if starts == no || starts == unknown && initial && isUpper(next.first()) &&
			p.contexts[nextKind]&orthoLower == 0 {
			t.ends, t.abbreviation = false, true
		}
	}
}

type answer int

const (
	unknown answer = iota
	yes
	no
)

// startsSentence judges by case whether a token starts a sentence.
func (p *punkt) startsSentence(t *token, kind string) answer {
	if len(t.text) == 1 && strings.Contains(";:,.!?", t.text) {
		return no
	}
	context := p.contexts[kind]
	if isUpper(t.first()) && context&orthoLower != 0 && context&orthoMiddleUpper == 0 {
		return yes
	}
	if isLower(t.first()) && (context&orthoUpper != 0 || context&orthoInitialLower == 0) {
		return no
	}
	return unknown
}
