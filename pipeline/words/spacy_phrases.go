package words

import "maps"

// phrases finds exceptions that the cutting of affixes has cut: an emoticon at
// the end of a word, an abbreviation behind a slash. As in spaCy a run of tokens
// that is also how an exception would be cut without the exceptions becomes the
// exception's tokens.
type phrases struct {
	rules *spaCyRules
	root  phrase
	// pairs has a bit for each pair of first bytes with which the first two tokens
	// of any phrase begin.
	pairs   [256][4]uint64
	longest int // tokens of the longest phrase
}

// phrase is a node in the tree of phrases; the path to it is their tokens.
type phrase struct {
	next map[string]*phrase
	ends bool
}

// newPhrases collects the exceptions that any rule for affixes or infixes cuts.
// One that stays a single token has nothing to be put back together.
func (r *spaCyRules) newPhrases() phrases {
	p := phrases{rules: r}
	bare := *r
	bare.exceptions = nil
	for text := range maps.Keys(r.exceptions) {
		tokens := bare.splitAffixes(text)
		if len(tokens) < 2 {
			continue
		}
		node := &p.root
		for _, t := range tokens {
			word := text[t.Start:t.Stop]
			if node.next == nil {
				node.next = make(map[string]*phrase)
			}
			if node.next[word] == nil {
				node.next[word] = new(phrase)
			}
			node = node.next[word]
		}
		node.ends = true
		p.longest = max(p.longest, len(tokens))
		second := text[tokens[1].Start]
		p.pairs[text[0]][second>>6] |= 1 << (second & 63)
	}
	return p
}

// apply returns tokens with the exceptions in them put back together.
//
// Of phrases that overlap the longest wins, then the first. A phrase also keeps
// others from its tokens when it lost itself, or when its tokens turn out not to
// be adjacent in the text.
func (p *phrases) apply(text string, tokens []Span) []Span {
	starts := p.find(text, tokens)
	if starts == nil {
		return tokens
	}
	// 0: free, 1: taken, more: the length of the phrase that starts here.
	marks := make([]uint8, len(tokens))
	for length := len(starts) - 1; length > 1; length-- {
		for _, start := range starts[length] {
			run := marks[start : start+length]
			wins := run[0] == 0 && run[length-1] == 0
			for i := range run {
				run[i] = max(run[i], 1)
			}
			if wins {
				run[0] = uint8(length)
			}
		}
	}
	applied := make([]Span, 0, len(tokens))
	for i := 0; i < len(tokens); {
		n := max(1, int(marks[i]))
		run := tokens[i : i+n]
		i += n
		whole := Span{run[0].Start, run[n-1].Stop}
		if lengths, ok := p.rules.exception(text[whole.Start:whole.Stop]); ok && n > 1 {
			applied = appendCut(applied, whole.Start, lengths)
		} else {
			applied = append(applied, run...)
		}
	}
	return applied
}

// find returns the starts of all phrases by their length in tokens, in order; nil
// if there are none.
func (p *phrases) find(text string, tokens []Span) [][]int {
	var starts [][]int
	for i := 0; i+1 < len(tokens); i++ {
		second := text[tokens[i+1].Start]
		if p.pairs[text[tokens[i].Start]][second>>6]&(1<<(second&63)) == 0 {
			continue
		}
		node := &p.root
		for j := i; j < len(tokens); j++ {
			node = node.next[text[tokens[j].Start:tokens[j].Stop]]
			if node == nil {
				break
			}
			if node.ends {
				if starts == nil {
					starts = make([][]int, p.longest+1)
				}
				starts[j+1-i] = append(starts[j+1-i], i)
			}
		}
	}
	return starts
}
