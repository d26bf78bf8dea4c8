package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"net/url"
	"os"
	"slices"

	"finest/eval"
)

// heldOut is the number of pages in no set; a few more, as a host is in or out
// whole.
const heldOut = 200

const heldOutName = "heldout"

// panelDefinition scores a piece of each held-out page.
const panelDefinition = `name = "trials"

[[suites]]
name = "pages"
kind = "text"
format = "lines"
files = ["heldout.jsonl"]
piece = 2048
weight = 1000
`

// document is a line of a set.
type document struct {
	ID   string `json:"id"`
	URL  string `json:"url"`
	Text string `json:"text"`
}

// corpus is what sets are made of.
type corpus struct {
	pages []page // in the order of the crawl
	held  []page
}

// newCorpus holds out whole hosts, in the order that the seed gives them.
func newCorpus(pages []page, seed eval.Seed) *corpus {
	byHost := make(map[string][]page)
	var hosts []string
	for _, p := range pages {
		host := hostOf(p.URL)
		if byHost[host] == nil {
			hosts = append(hosts, host)
		}
		byHost[host] = append(byHost[host], p)
	}
	c := &corpus{}
	held := make(map[string]bool)
	for _, host := range ranked(hosts, seed.Sub("held out")) {
		if len(c.held) >= heldOut || len(c.held)+len(byHost[host]) > len(pages)/2 {
			break
		}
		held[host] = true
		c.held = append(c.held, byHost[host]...)
	}
	for _, p := range pages {
		if !held[hostOf(p.URL)] {
			c.pages = append(c.pages, p)
		}
	}
	return c
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Hostname()
}

// ranked returns the keys in the order of SHA-256(seed ‖ key).
func ranked(keys []string, seed eval.Seed) []string {
	rank := func(key string) []byte {
		sum := sha256.Sum256(append(seed[:], key...))
		return sum[:]
	}
	return slices.SortedFunc(slices.Values(keys), func(a, b string) int {
		return cmp.Or(bytes.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
}

// share returns the IDs of a share of the pages, drawn by the seed.
func (c *corpus) share(of float64, seed eval.Seed) map[string]bool {
	ids := make([]string, len(c.pages))
	for i, p := range c.pages {
		ids[i] = p.ID
	}
	in := make(map[string]bool)
	for _, id := range ranked(ids, seed)[:int(of*float64(len(ids))+0.5)] {
		in[id] = true
	}
	return in
}

// writeLines writes one JSON object a line.
func writeLines(name string, documents []document) error {
	var out bytes.Buffer
	lines := json.NewEncoder(&out)
	lines.SetEscapeHTML(false)
	for _, d := range documents {
		if err := lines.Encode(d); err != nil {
			return err
		}
	}
	return os.WriteFile(name, out.Bytes(), 0o644)
}
