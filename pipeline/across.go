package pipeline

import (
	"context"
	"iter"

	"finest/pipeline/dedup/keysort"
)

// Across is a stage that looks across records: MinHash and the deduplications of
// package dedup.
//
// In its place in the recipe, Process drops nothing, and Keys takes of the
// document what is to be compared, as it is there. When all pages are done, the
// documents that every stage kept are compared, step after step in the order of
// the recipe; a document that one step dropped takes no part in the next ones.
type Across interface {
	Stage
	// Keys returns what the document is compared by; none if it repeats no other.
	// Like Process, it depends on the document alone.
	Keys(d *Document) []uint64
	// Compare returns an empty comparison.
	Compare(o keysort.Options) Comparison
}

// Comparison finds the documents that repeat earlier ones. It is for one
// goroutine, and for one use. What it finds depends on the keys and their order
// alone, not on its options.
type Comparison interface {
	// Add takes the keys of the next document, in the order of (file, offset).
	// Documents are numbered from 0. An error is one of the disk.
	Add(keys []uint64) error
	// Repeats yields the documents that repeat earlier ones, in order, and ends
	// with the first error of ctx or the disk. Nothing may be added afterwards.
	Repeats(ctx context.Context) iter.Seq2[Repeat, error]
	// Close frees disk and memory.
	Close() error
}

// Repeat says that a document repeats what was there before.
type Repeat struct {
	Document uint32
	// Keeper is the first document that holds what this one repeats.
	Keeper uint32
	// Places are the numbers of the keys that repeat, rising, where the step is
	// an Editor. They are overwritten by the next Repeat.
	Places []uint32
}

// Editor is a step across records that cuts what repeats out of a document
// instead of dropping it whole. The stages behind it run on what is left, so
// that a recipe with an Editor takes several passes; see Runner.Passes.
type Editor interface {
	Across
	// Edit cuts out what the keys at places stand for, and returns nil to keep
	// the rest, or why the document is dropped. It obeys the rules of Process.
	Edit(d *Document, places []uint32) *Drop
}

// Across returns the steps across records among the stages, in order.
func (r *Runner) Across() []Across {
	var steps []Across
	for _, s := range r.Stages {
		if step, ok := s.(Across); ok {
			steps = append(steps, step)
		}
	}
	return steps
}

// Passes cuts the runner behind every Editor. The first of the returned runners
// scans files; the others revise what the one before left, after the comparisons
// of its steps, of which the last is the Editor's. Most recipes have one pass.
func (r *Runner) Passes() []*Runner {
	next := *r
	next.Stages = nil
	var passes []*Runner
	for _, s := range r.Stages {
		next.Stages = append(next.Stages, s)
		if editor, ok := s.(Editor); ok {
			pass := next
			passes = append(passes, &pass)
			next.Stages, next.editor = nil, editor
		}
	}
	return append(passes, &next)
}
