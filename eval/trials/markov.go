package main

import (
	"strings"

	"finest/eval"
)

// chain is a Markov chain of words: each follows two before it as often as in the
// texts that it was made of.
type chain struct {
	words []string
	after map[[2]string][]int32 // positions behind each pair
}

func newChain(c *corpus) *chain {
	m := &chain{after: make(map[[2]string][]int32)}
	for _, p := range c.pages {
		m.words = append(m.words, strings.Fields(p.Text)...)
	}
	for i := 2; i < len(m.words); i++ {
		pair := [2]string{m.words[i-2], m.words[i-1]}
		m.after[pair] = append(m.after[pair], int32(i))
	}
	return m
}

// text returns about n bytes, in lines of several sentences.
func (m *chain) text(s *eval.Stream, n int) string {
	var out strings.Builder
	at := int32(2 + s.Below(uint64(len(m.words)-2)))
	for out.Len() < n {
		out.WriteString(m.words[at])
		if strings.HasSuffix(m.words[at], ".") && s.Below(6) == 0 {
			out.WriteByte('\n')
		} else {
			out.WriteByte(' ')
		}
		next := m.after[[2]string{m.words[at-1], m.words[at]}]
		if len(next) == 0 { // the very last two words
			at = 2
			continue
		}
		at = next[s.Below(uint64(len(next)))]
	}
	return strings.TrimSpace(out.String())
}

// markov replaces a share of the documents by text of a chain, as long as they
// are.
func markov(c *corpus, seed eval.Seed) []document {
	m := newChain(c)
	if len(m.words) < 3 {
		return nil
	}
	return spoil(0.2, func(t text) string { return m.text(t.Stream, len(t.Text)) })(c, seed)
}
