package lm

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"finest/eval/lm/matmul"
)

// scoreBlock is how many examples are scored between two reports of progress.
const scoreBlock = 256

// score fills in the scores of the job's examples. That of an example depends
// on nothing but the model and the example: every row is computed by itself.
func (r *run) score(ctx context.Context, began time.Time, result *Result) error {
	examples := r.job.Examples
	result.Scores = make([]Score, len(examples))
	for from := 0; from < len(examples); from += scoreBlock {
		to := min(from+scoreBlock, len(examples))
		groups := r.group(examples[from:to])
		r.pool.each(len(groups), func(worker, i int) {
			if ctx.Err() != nil {
				return
			}
			first := from
			for _, n := range groups[:i] {
				first += n
			}
			r.passes[worker].score(examples[first:first+groups[i]], result.Scores[first:])
		})
		if err := ctx.Err(); err != nil {
			return err
		}
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
		p.add(e.Tokens)
	}
	p.forward()
	p.pick(examples)
	for i, e := range examples {
		scores[i] = Score{Tokens: len(e.Tokens) - e.From}
	}
	for from := 0; from < p.rows; from += headRows {
		to := min(from+headRows, p.rows)
		p.headForward(from, to)
		for i := from; i < to; i++ {
			scores[p.owners[i]].predict(p.logits[(i-from)*p.config.Vocab:][:p.config.Vocab], p.targets[i])
		}
	}
}

// pick keeps only those rows of the final norm that predict a token which counts,
// and says whose they are.
func (p *pass) pick(examples []Example) {
	dim := p.config.Dim
	p.rows, p.owners = 0, p.owners[:0]
	for i, e := range examples {
		seg := p.segments[i]
		for row := seg.at + e.From - 1; row < seg.at+seg.length; row++ {
			copy(p.final[p.rows*dim:][:dim], p.final[row*dim:])
			p.targets[p.rows] = p.targets[row]
			p.rows, p.owners = p.rows+1, append(p.owners, i)
		}
	}
}

// predict adds one token to a score. Of equal logits the first is the likeliest.
func (s *Score) predict(logits []float32, target uint16) {
	logit, maximum := logits[target], matmul.Max(logits)
	if logit == maximum && !slices.Contains(logits[:target], maximum) {
		s.Correct++
	}
	s.NLL += surprisal(logit, maximum, matmul.ExpSum(logits, logits, maximum))
}
