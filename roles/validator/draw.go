package validator

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"finest/eval"
	"finest/eval/audit"
	"finest/eval/compare"
	"finest/roles/submission"
)

// How many bytes of WARC files are compared.
const (
	// warcPerToken is how many compressed bytes a token of the reference's text
	// takes: of FineWeb's 15 trillion tokens (Penedo et al. 2024) each of 96 crawls
	// of about 90,000 files of 1 GB gave 160 billion, or one for 600 bytes; the small
	// vocabularies here make 1.5 of each.
	warcPerToken = 400
	// maxCompared is what one machine reads and refines in a few hours. The tier
	// that wants more repeats tokens, four times at the most: up to there that costs
	// little (Muennighoff et al. 2023).
	maxCompared = 48 << 30
	// leastBytes is how much of the reference's text there must be for each token:
	// a quarter of what one takes.
	leastBytes = 0.75
	// heldOutBytes bounds what is read for held-out pages, of which there must be
	// leastHeldOut.
	heldOutBytes = 1 << 30
	leastHeldOut = 8
	// Manifests are read of as many tasks as have drawFrom times the bytes that are
	// wanted, at most maxTasks, and of heldOutTasks of other recipes.
	drawFrom     = 4
	maxTasks     = 256
	heldOutTasks = 8
)

// wantedBytes is how much a tier compares.
func wantedBytes(t compare.Tier) int64 { return min(t.Spec.Tokens*warcPerToken, maxCompared) }

// task is one submission of a comparison.
type task struct {
	key caseKey
	*audit.Submission
	files audit.Files
}

// source is one WARC file of the tasks.
type source struct {
	task  int // its number
	file  int32
	path  string
	bytes int64
}

// cut is a piece of a source that a seed put in its place.
type cut struct {
	source
	audit.Cut
	rank rank
}

// sourcesOf returns the files of tasks, each path once: of tasks that were issued
// again, the first that is there.
func sourcesOf(tasks []task, seen map[string]bool) []source {
	var out []source
	for i, t := range tasks {
		for n, in := range t.Manifest.Inputs {
			if seen[in.Path] || in.Bytes < 1 {
				continue
			}
			seen[in.Path] = true
			out = append(out, source{task: i, file: int32(n), path: in.Path, bytes: in.Bytes})
		}
	}
	return out
}

// shuffleCases puts tasks in the order of a seed.
func shuffleCases(cases []submission.Case, seed eval.Seed) []submission.Case {
	place := func(c submission.Case) rank {
		return rankOf(seed, c.Line.Task+"/"+c.Address(), c.Line.Generation)
	}
	return slices.SortedFunc(slices.Values(cases), func(a, b submission.Case) int { return place(a).compare(place(b)) })
}

// setAside takes an eighth of the files away, at least one: those of the lowest
// rank.
func setAside(sources []source, seed eval.Seed) (aside, rest []source) {
	sorted := slices.SortedFunc(slices.Values(sources), func(a, b source) int {
		return rankOf(seed, a.path, 0).compare(rankOf(seed, b.path, 0))
	})
	n := max(1, len(sorted)/8)
	return sorted[:n], sorted[n:]
}

type rank eval.Seed

func (r rank) compare(o rank) int { return bytes.Compare(r[:], o[:]) }

// rankOf is where a seed puts a place of the crawl, whoever published it.
func rankOf(seed eval.Seed, path string, offset int64) rank {
	return rank(seed.Sub(fmt.Sprintf("%s@%d", path, offset)))
}

// shuffle cuts sources into pieces of at most size bytes, in the order of a seed:
// a byte of one file is as likely to be early as any other.
func shuffle(sources []source, size int64, seed eval.Seed) []cut {
	var out []cut
	for _, s := range sources {
		for from := int64(0); from < s.bytes; from += size {
			out = append(out, cut{
				source: s, Cut: audit.Cut{File: s.file, From: from, To: min(from+size, s.bytes)},
				rank: rankOf(seed, s.path, from),
			})
		}
	}
	slices.SortFunc(out, func(a, b cut) int { return a.rank.compare(b.rank) })
	return out
}

// take returns the first pieces that together have so many bytes, in the order of
// tasks and bytes.
func take(pieces []cut, wanted int64) (taken []cut, bytes int64) {
	for _, p := range pieces {
		if bytes >= wanted {
			break
		}
		taken = append(taken, p)
		bytes += p.To - p.From
	}
	slices.SortFunc(taken, func(a, b cut) int {
		return cmp.Or(cmp.Compare(a.task, b.task), cmp.Compare(a.file, b.file), cmp.Compare(a.From, b.From))
	})
	return taken, bytes
}
