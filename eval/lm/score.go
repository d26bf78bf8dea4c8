package lm

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"finest/eval/lm/matmul"
)

// scoreBlock is about how many examples are scored between two looks at the
// context and two reports of progress.
const scoreBlock = 256

// score fills in the scores of the job's examples. That of an example depends
// on nothing but the model and the example: every row is computed by itself.
func (r *run) score(ctx context.Context, began time.Time, result *Result) error {
	examples := r.job.Examples
	result.Scores = make([]Score, len(examples))
	for from := 0; from < len(examples); from += scoreBlock {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := min(from+scoreBlock, len(examples))
		groups := r.group(examples[from:to])
		r.pool.each(len(groups), func(worker, i int) {
			first := from
			for _, n := range groups[:i] {
				first += n
			}
			r.passes[worker].score(examples[first:first+groups[i]], result.Scores[first:])
		})
		if r.job.Progress != nil {
			r.job.Progress(Progress{
				Step: r.spec.Steps(), Steps: r.spec.Steps(), Example: to, Examples: len(examples),
				Loss: result.Losses[len(result.Losses)-1].Loss, Tokens: result.Tokens, Elapsed: time.Since(began),
			})
		}
	}
	for i, s := range result.Scores {
		if math.IsNaN(s.NLL) || math.IsInf(s.NLL, 0) {
			return fmt.Errorf("%w: example %d has a loss of %v", ErrDiverged, i, s.NLL)
		}
	}
	return ctx.Err()
}

// group says how many examples go into each pass, in order.
func (r *run) group(examples []Example) []int {
	var groups []int
	room := 0
	for _, e := range examples {
		if rows := len(e.Tokens) - 1; rows > room || len(groups) == 0 {
			groups, room = append(groups, 0), r.passes[0].capacity
		}
		groups[len(groups)-1]++
		room -= len(e.Tokens) - 1
	}
	return groups
}

// score predicts the examples, which fit into the pass.
func (p *pass) score(examples []Example, scores []Score) {
	p.begin()
	for _, e := range examples {
		p.add(e.Tokens[:len(e.Tokens)-1])
	}
	p.forward()
	for i, e := range examples {
		seg := p.segments[i]
		scores[i] = Score{Tokens: len(e.Tokens) - e.From}
		for from := e.From - 1; from < seg.length; from += headRows {
			to := min(from+headRows, seg.length)
			p.headForward(seg.at+from, seg.at+to)
			for t := from; t < to; t++ {
				row := p.logits[(t-from)*p.config.Vocab:][:p.config.Vocab]
				p.predict(row, e.Tokens[t+1], &scores[i])
			}
		}
	}
}

// predict adds one token to a score. Of equal logits the first is the likeliest.
func (p *pass) predict(logits []float32, target uint16, s *Score) {
	logit, maximum := logits[target], matmul.Max(logits)
	if logit == maximum && !slices.Contains(logits[:target], maximum) {
		s.Correct++
	}
	s.NLL += surprise(logit, maximum, matmul.ExpSum(logits, logits, maximum))
}
