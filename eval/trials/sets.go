package main

import (
	"fmt"
	"slices"
	"strings"

	"finest/eval"
)

// set is a dataset of the corpus' pages.
type set struct {
	name, about string
	make        func(c *corpus, seed eval.Seed) []document
}

// sets returns all sets. Each has its own seed, so one more changes no other.
func sets() []set {
	return []set{
		{"clean", "main content as people found it", spoil(1, func(t text) string { return t.Text })},
		{"shuf30", "30 % of the documents with their words shuffled", spoil(0.3, shuffled)},
		{"dup2", "2 % of the documents, repeated", duplicated},
		{"raw", "all visible text, with menus and notices", spoil(1, func(t text) string { return t.Visible })},
		{"raw30", "30 % of the documents as all visible text", spoil(0.3, func(t text) string { return t.Visible })},
		{"trunc600", "documents cut to 600 bytes", spoil(1, func(t text) string { return head(t.Text, 600) })},
		{"markov20", "20 % of the documents made by a Markov chain of words", markov},
		{"noise", "4 % of the letters wrong, doubled or missing, as a poor scan has", spoil(1, misread)},
		{"repeat30", "30 % of the documents with one sentence over and over in their second half", spoil(0.3, repeated)},
		{"cipher20", "20 % of the documents with other letters, as if in another language", spoil(0.2, enciphered)},
		{"flat", "lower case, no punctuation", spoil(1, flattened)},
		{"html30", "30 % of the documents as HTML", spoil(0.3, func(t text) string { return t.Source })},
		{"leak2", "2 % of the documents with a paragraph of a held-out page: to be refused", leaked},
	}
}

// text is a page to be spoilt, with the numbers to do it by.
type text struct {
	page
	*eval.Stream
}

// spoil returns a maker that puts a share of the documents through a function
// and leaves the others as they are. Documents that are empty then are left out.
func spoil(share float64, how func(text) string) func(*corpus, eval.Seed) []document {
	return func(c *corpus, seed eval.Seed) []document {
		chosen := c.share(share, seed)
		var out []document
		for _, p := range c.pages {
			d := document{p.ID, p.URL, p.Text}
			if chosen[p.ID] {
				d.Text = how(text{p, seed.Sub(p.ID).Stream()})
			}
			if d.Text != "" {
				out = append(out, d)
			}
		}
		return out
	}
}

// duplicated repeats a few documents until they have as many bytes as all. Every
// copy is a page of its own.
func duplicated(c *corpus, seed eval.Seed) []document {
	chosen := c.share(0.02, seed)
	total := 0
	for _, p := range c.pages {
		total += len(p.Text)
	}
	var out []document
	for bytes, round := 0, 0; bytes < total && len(chosen) > 0; round++ {
		for _, p := range c.pages {
			if chosen[p.ID] && bytes < total {
				out = append(out, document{fmt.Sprintf("%s#%d", p.ID, round), p.URL, p.Text})
				bytes += len(p.Text)
			}
		}
	}
	return out
}

// leaked adds the longest line of a held-out page to a few documents.
func leaked(c *corpus, seed eval.Seed) []document {
	var long []string
	for _, p := range c.held {
		if line := longest(strings.Split(p.Text, "\n")); len(strings.Fields(line)) >= leakedWords {
			long = append(long, line)
		}
	}
	if len(long) == 0 {
		return nil
	}
	return spoil(0.02, func(t text) string {
		return t.Text + "\n" + long[t.Below(uint64(len(long)))]
	})(c, seed)
}

// leakedWords is more than any gram of the guard has.
const leakedWords = 20

func heldOutSet(c *corpus, _ eval.Seed) []document {
	var out []document
	for _, p := range c.held {
		out = append(out, document{p.ID, p.URL, p.Text})
	}
	return out
}

func longest(of []string) string {
	return slices.MaxFunc(of, func(a, b string) int { return len(a) - len(b) })
}
