package panel

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"finest/eval/lm"
)

// Version changes whenever the same panel gives other examples or other results.
const Version = 1

// How items are put, as llm-foundry does without examples before them
// (scripts/eval/yamls/tasks_v0.3.yaml): a query that begins with "Question: " is
// followed by a line "Answer:", any other by the answer alone.
const (
	question = "Question: "
	answer   = "\nAnswer:"
)

// Plan is the examples of a panel, and what is needed to read their scores.
type Plan struct {
	// Examples are those of the first suite's first unit, then its next unit …
	Examples []lm.Example

	suites []planned
	enc    Encoder
	// context is the number of positions of a model.
	context int
}

// planned is a suite of a plan.
type planned struct {
	suite Suite
	units []Unit
	// spans has the examples of every part of every unit.
	spans [][]span
}

// span is a part of a unit: a text, one of several answers, or a passage and its
// last word.
type span struct {
	first, end int // of Plan.Examples
	bytes      int64
	tokens     int
}

// Plan turns the drawn units into examples for models of that many positions.
//
// Every token of a text is predicted once: texts are cut into runs of context
// tokens, each preceded by the token before it, or by EOS at the start. An
// answer is encoded apart from its question, with a space before it, and
// predicted after as much of the question's end as there are positions for. All
// bytes are counted in the raw text: no tokenizer can change them.
//
// The error is a *MissingError if a suite has no units.
func (p *Panel) Plan(enc Encoder, context int) (*Plan, error) {
	if context < 1 {
		return nil, fmt.Errorf("panel %s: models have %d positions", p.def.Name, context)
	}
	plan := &Plan{enc: enc, context: context}
	missing := &MissingError{Panel: p.def.Name}
	for i, s := range p.def.Suites {
		if len(p.drawn[i]) == 0 {
			missing.Suites = append(missing.Suites, s.Name)
			continue
		}
		suite := planned{suite: s, units: p.drawn[i]}
		for _, u := range suite.units {
			spans, err := plan.unit(s.Kind, u)
			if err != nil {
				return nil, fmt.Errorf("panel %s: suite %s: unit %q: %w", p.def.Name, s.Name, u.ID, err)
			}
			suite.spans = append(suite.spans, spans)
		}
		plan.suites = append(plan.suites, suite)
	}
	if len(missing.Suites) > 0 {
		return nil, missing
	}
	plan.enc = nil
	return plan, nil
}

// Smallest returns the suite with the fewest units, and their number.
func (p *Plan) Smallest() (suite string, units int) {
	least := slices.MinFunc(p.suites, func(a, b planned) int { return len(a.units) - len(b.units) })
	return least.suite.Name, len(least.units)
}

// unit adds the examples of a unit.
func (p *Plan) unit(kind Kind, u Unit) ([]span, error) {
	query := u.Text
	if kind == Choice && strings.HasPrefix(query, question) {
		query += answer
	}
	before := p.enc.Encode([]uint16{p.enc.EOS()}, query)
	var spans []span
	if kind != Choice {
		spans = append(spans, p.predict(before[:1], before[1:], query))
	}
	for _, choice := range u.Choices {
		text := " " + strings.TrimLeft(choice, " ")
		spans = append(spans, p.predict(before, p.enc.Encode(nil, text), text))
	}
	for _, s := range spans {
		if s.tokens == 0 {
			return nil, errors.New("a text of it has no tokens")
		}
	}
	return spans, nil
}

// predict adds the examples that predict tokens, which stand for text, after
// what comes before them. before is not empty.
func (p *Plan) predict(before, tokens []uint16, text string) span {
	s := span{first: len(p.Examples), bytes: int64(len(text)), tokens: len(tokens)}
	room := max(p.context+1-len(tokens), 1)
	before = before[max(0, len(before)-room):]
	for len(tokens) > 0 {
		n := min(len(tokens), p.context)
		sequence := append(append(make([]uint16, 0, len(before)+n), before...), tokens[:n]...)
		p.Examples = append(p.Examples, lm.Example{Tokens: sequence, From: len(before)})
		before, tokens = sequence[len(sequence)-1:], tokens[n:]
	}
	s.end = len(p.Examples)
	return s
}

// Results reads the scores of the plan's examples, in their order.
func (p *Plan) Results(scores []lm.Score) ([]SuiteResult, error) {
	if len(scores) != len(p.Examples) {
		return nil, fmt.Errorf("read scores of the panel: %d for %d examples", len(scores), len(p.Examples))
	}
	results := make([]SuiteResult, len(p.suites))
	for i, s := range p.suites {
		results[i] = SuiteResult{Name: s.suite.Name, Kind: s.suite.Kind, Weight: s.suite.Weight}
		for j, u := range s.units {
			r, err := s.result(u, s.spans[j], scores)
			if err != nil {
				return nil, fmt.Errorf("read scores of the panel: suite %s: unit %q: %w", s.suite.Name, u.ID, err)
			}
			results[i].Units = append(results[i].Units, r)
		}
	}
	return results, nil
}

// rounding is how far below 0 the nats of an example that is certain may come.
const rounding = 1e-3

func (s planned) result(u Unit, spans []span, scores []lm.Score) (UnitResult, error) {
	sums := make([]lm.Score, len(spans))
	for i, part := range spans {
		for _, score := range scores[part.first:part.end] {
			if math.IsNaN(score.NLL) || math.IsInf(score.NLL, 0) || score.NLL < -rounding {
				return UnitResult{}, fmt.Errorf("a score of %v nats", score.NLL)
			}
			sums[i].NLL += score.NLL
			sums[i].Tokens += score.Tokens
			sums[i].Correct += score.Correct
		}
		if sums[i].Tokens != part.tokens || sums[i].Correct < 0 || sums[i].Correct > part.tokens {
			return UnitResult{}, fmt.Errorf("%d of %d tokens right, there are %d", sums[i].Correct, sums[i].Tokens, part.tokens)
		}
	}
	switch s.suite.Kind {
	case Choice:
		r := UnitResult{ID: u.ID, NLL: sums[u.Gold].NLL, Bytes: spans[u.Gold].bytes, Trials: 1}
		if likeliest(spans, sums) == u.Gold {
			r.Correct = 1
		}
		return r, nil
	case Cloze:
		r := UnitResult{ID: u.ID, NLL: sums[0].NLL + sums[1].NLL, Bytes: spans[0].bytes + spans[1].bytes, Trials: 1}
		if sums[1].Correct == spans[1].tokens {
			r.Correct = 1
		}
		return r, nil
	default:
		return UnitResult{ID: u.ID, NLL: sums[0].NLL, Bytes: spans[0].bytes, Correct: sums[0].Correct, Trials: spans[0].tokens}, nil
	}
}

// likeliest returns the answer with the fewest nats per byte, the first of
// several.
func likeliest(spans []span, sums []lm.Score) int {
	best := 0
	for i := range spans {
		if sums[i].NLL/float64(spans[i].bytes) < sums[best].NLL/float64(spans[best].bytes) {
			best = i
		}
	}
	return best
}
