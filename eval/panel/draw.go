package panel

import (
	"iter"
	"net/url"
	"strings"
	"unicode/utf8"

	"finest/eval"
)

// perHost is the most units that a draw takes of one host, so that no site
// stands for the web.
const perHost = 2

// Draw returns the panel with the units that the seed takes within the bounds of
// the suites. Of each host it takes one before it takes a second.
func (p *Panel) Draw(seed eval.Seed) *Panel {
	q := *p
	q.drawn = make([][]Unit, len(p.all))
	for i, s := range p.def.Suites {
		q.drawn[i] = s.draw(p.all[i], seed.Sub(s.Name))
	}
	return &q
}

func (s Suite) draw(all []Unit, seed eval.Seed) []Unit {
	order, pieces := permutation(len(all), seed.Sub("order").Stream()), seed.Sub("piece").Stream()
	var drawn []Unit
	var total int64
	hosts, taken := make(map[string]int), make(map[int]bool)
	for round := range perHost {
		for _, at := range order {
			if s.Units > 0 && len(drawn) >= s.Units || s.Bytes > 0 && total >= s.Bytes {
				return drawn
			}
			u := all[at]
			host := HostOf(u.URL)
			if taken[at] || host != "" && hosts[host] > round {
				continue
			}
			taken[at] = true
			hosts[host]++
			if s.Kind == Text && s.Piece > 0 {
				u.Text = piece(u.Text, s.Piece, pieces)
			}
			drawn = append(drawn, u)
			total += int64(len(u.Text))
		}
	}
	return drawn
}

// permutation returns the numbers below n in the order of the stream.
func permutation(n int, stream *eval.Stream) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := int(stream.Below(uint64(i) + 1))
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// maxHost is the longest host name there is.
const maxHost = 253

// HostOf returns the host of a page in lower case, without a leading "www.", which
// is who counts as one site; empty for what has none.
func HostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || len(u.Hostname()) > maxHost {
		return ""
	}
	return strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
}

// lookahead is how far a piece may begin behind the place that was drawn.
const lookahead = 256

// piece returns at most limit bytes of the text in one run, from a place that
// the stream draws. It begins and ends at the border of a line or a word where
// one is near, else of a character.
func piece(text string, limit int64, stream *eval.Stream) string {
	if int64(len(text)) <= limit {
		return text
	}
	rest := text[begin(text, int(stream.Below(uint64(int64(len(text))-limit+1)))):]
	if int64(len(rest)) > limit {
		rest = rest[:runeBorder(rest, int(limit))]
		if at := strings.LastIndexAny(rest, " \n"); at > len(rest)/2 {
			rest = rest[:at]
		}
	}
	if rest = strings.TrimSpace(rest); rest == "" {
		return text[:runeBorder(text, int(limit))]
	}
	return rest
}

// begin returns where the first line begins that begins soon from at on, else
// the first word, else the next character.
func begin(text string, at int) int {
	if at == 0 {
		return 0
	}
	near := text[at-1 : min(at-1+lookahead, len(text))]
	for _, border := range []byte{'\n', ' '} {
		if i := strings.IndexByte(near, border); i >= 0 {
			return at + i
		}
	}
	for at < len(text) && !utf8.RuneStart(text[at]) {
		at++
	}
	return at
}

// runeBorder returns the last border of a character at or before at; not 0 but
// for a first character that is longer, which it is then the end of.
func runeBorder(text string, at int) int {
	border := at
	for border > 0 && !utf8.RuneStart(text[border]) {
		border--
	}
	if border == 0 {
		_, border = utf8.DecodeRuneInString(text)
	}
	return border
}

// Texts returns all held-out text by suite and unit, drawn or not: documents,
// passages with their last word, and of an item its question, and that with each
// of its answers in the ways that they are put.
func (p *Panel) Texts() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i, s := range p.def.Suites {
			for _, u := range p.all[i] {
				source := s.Name + "/" + u.ID
				for _, text := range u.texts(s.Kind) {
					if !yield(source, text) {
						return
					}
				}
			}
		}
	}
}

func (u Unit) texts(kind Kind) []string {
	asked, isQuestion := strings.CutPrefix(u.Text, question)
	var list []string
	if kind != Cloze {
		list = append(list, asked)
	}
	for _, c := range u.Choices {
		list = append(list, asked+" "+c)
		if isQuestion {
			list = append(list, asked+answer+" "+c)
		}
	}
	return list
}
