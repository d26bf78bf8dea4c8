package compare

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"finest/eval"
	"finest/eval/lm"
	"finest/eval/panel"
	"finest/eval/stats"
	"finest/internal/canon"
)

// armInput is a dataset with what it is in the comparison.
type armInput struct {
	role Role
	Input
}

// arm is a dataset while it is compared.
type arm struct {
	facts   Arm
	samples []sample
	results stats.Arm
}

// session is one comparison, or one block of a calibration.
type session struct {
	*Comparer
	seed     eval.Seed
	kernel   string
	spec     string // hash of the training spec, without a seed
	plan     *panel.Plan
	examples canon.Hash // of the examples
	tokens   int64      // of the examples
	guard    *guard
	meter    *meter
	notes    []string
	unkept   []error // why finished runs could not be kept
}

// begin draws the panel.
func (c *Comparer) begin(seed eval.Seed) (*session, error) {
	if err := c.Tier.Validate(); err != nil {
		return nil, err
	}
	if c.Tokenizer.Vocab() != c.Tier.Vocab() {
		return nil, fmt.Errorf("tier %s has models of %d tokens, tokenizer %s has %d", c.Tier.Name, c.Tier.Vocab(), c.Tokenizer.Name(), c.Tokenizer.Vocab())
	}
	spec, err := c.Tier.SpecHash()
	if err != nil {
		return nil, err
	}
	plan, err := c.Panel.Draw(seed.Sub("panel")).Plan(c.Tokenizer, c.Tier.Spec.Config.Context)
	if err != nil {
		return nil, fmt.Errorf("draw panel: %w", err)
	}
	if suite, units := plan.Smallest(); units < stats.LeastUnits {
		return nil, fmt.Errorf("draw panel %s: suite %s has %d units, at least %d are needed to say how sure a difference is", c.Panel.Definition().Name, suite, units, stats.LeastUnits)
	}
	now := c.Now
	if now == nil {
		now = time.Now
	}
	s := &session{
		Comparer: c, seed: seed, kernel: c.Trainer.Kernel(), spec: spec, plan: plan,
		guard: c.guardOf(), meter: &meter{report: c.Progress, now: now}, notes: []string{},
	}
	s.examples, s.tokens = sumExamples(plan.Examples)
	return s, nil
}

// runSeed returns the seed of run i, from which all choices about it come.
func (s *session) runSeed(i int) eval.Seed { return s.seed.Sub(fmt.Sprintf("run/%d", i)) }

// readAll draws the samples of all datasets.
func (s *session) readAll(ctx context.Context, inputs []armInput) ([]*arm, error) {
	var arms []*arm
	for _, in := range inputs {
		a, err := s.read(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("read %s %q: %w", in.role, in.Name, err)
		}
		arms = append(arms, a)
	}
	return arms, nil
}

func (s *session) read(ctx context.Context, in armInput) (*arm, error) {
	seeds := make([]eval.Seed, s.Tier.Seeds)
	for i := range seeds {
		seeds[i] = s.runSeed(i).Sub("sample")
	}
	screen := s.guard.screen()
	got, err := drawer{
		tier: s.Tier, encoder: s.Tokenizer, keep: screen.keep, reading: s.meter.reading(in.role, in.Name),
	}.draw(ctx, in.Documents, seeds)
	if err != nil {
		return nil, err
	}
	return &arm{
		facts: Arm{
			Role: in.role, Name: in.Name, Documents: got.documents, Empty: got.empty,
			Overlap: screen.report(), Samples: []SampleFacts{}, Runs: []Run{}, Suites: []SuiteScore{},
		},
		samples: got.samples,
	}, nil
}

// run is one model that is to be trained.
type run struct {
	arm    *arm
	index  int // of its seed
	spec   lm.Spec
	data   lm.Data
	key    canon.Hash
	result lm.Result
	cached bool
}

// train trains what no finished run is kept of, seed by seed, so that what a
// killed comparison leaves behind is whole comparisons of fewer seeds.
func (s *session) train(ctx context.Context, arms []*arm) error {
	var runs []*run
	missing := 0
	for _, a := range arms {
		if err := a.hasText(); err != nil {
			return err
		}
	}
	for i := range s.Tier.Seeds {
		for _, a := range arms {
			r, err := s.prepare(a, i)
			if err != nil {
				return err
			}
			if !r.cached {
				missing++
			}
			runs = append(runs, r)
		}
	}
	s.meter.expect(missing, len(runs)-missing, passTokens(s.Tier.Spec), s.tokens)
	for _, r := range runs {
		if err := s.finish(ctx, r); err != nil {
			return err
		}
	}
	if n := len(s.unkept); n > 0 {
		s.note("%d of %d finished runs could not be kept, and are trained again another time: %v", n, missing, s.unkept[0])
	}
	return nil
}

// prepare packs the sample of a run, and looks whether it is finished already.
func (s *session) prepare(a *arm, i int) (*run, error) {
	seed := s.runSeed(i)
	r := &run{arm: a, index: i, spec: s.Tier.Spec}
	r.spec.Seed = seed.Sub("init")
	order := seed.Sub("order")
	var err error
	if r.data, err = a.samples[i].pack(r.spec, s.Tokenizer.EOS(), order); err != nil {
		return nil, s.runError(r, err)
	}
	spec, err := r.spec.Hash()
	if err != nil {
		return nil, err
	}
	r.key = runKey(spec, s.kernel, s.Tokenizer.Hash(), order, a.samples[i].documents, s.examples)
	a.samples[i].documents = nil
	if s.Runs != nil {
		if result, found := s.Runs.Get(r.key); found && checkResult(result, s.kernel, s.plan.Examples) == nil {
			r.result, r.cached, r.data = result, true, nil
		}
	}
	return r, nil
}

// finish trains a run unless it is finished, and reads its scores.
func (s *session) finish(ctx context.Context, r *run) error {
	if !r.cached {
		progress, finished := s.meter.run(r.arm.facts.Role, r.arm.facts.Name)
		var err error
		r.result, err = s.Trainer.Train(ctx, lm.Job{Spec: r.spec, Data: r.data, Examples: s.plan.Examples, Progress: progress})
		r.data = nil
		if err == nil {
			err = checkResult(r.result, s.kernel, s.plan.Examples)
		}
		if err != nil {
			return s.runError(r, err)
		}
		finished()
		if s.Runs != nil {
			// The result is at hand; only a later comparison misses the file.
			if err := s.Runs.Put(r.key, r.result); err != nil {
				s.unkept = append(s.unkept, err)
			}
		}
	}
	suites, err := s.plan.Results(r.result.Scores)
	if err != nil {
		return s.runError(r, err)
	}
	r.arm.results = append(r.arm.results, suites)
	r.arm.facts.Samples = append(r.arm.facts.Samples, r.arm.samples[r.index].facts)
	r.arm.facts.Runs = append(r.arm.facts.Runs, Run{
		Key: r.key.String(), Score: s.Calibration.Measure().Score(suites), Suites: suiteScores(suites),
		Losses: thin(r.result.Losses, curvePoints), Tokens: r.result.Tokens, Cached: r.cached,
		TrainSeconds: r.result.TrainSeconds, EvalSeconds: r.result.EvalSeconds, CPUSeconds: r.result.CPUSeconds,
	})
	return nil
}

func (s *session) runError(r *run, err error) error {
	return &RunError{Role: r.arm.facts.Role, Dataset: r.arm.facts.Name, Run: r.index + 1, Runs: s.Tier.Seeds, Err: err}
}

// runKey is the SHA-256 of all that a run depends on.
func runKey(spec, kernel, tokenizer string, order eval.Seed, documents [][]uint16, examples canon.Hash) canon.Hash {
	h := sha256.New()
	// Lengths go before what they are of, so that no two runs are spelt alike.
	for _, part := range []string{spec, kernel, tokenizer, string(order[:]), string(examples[:])} {
		_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(part))))
		_, _ = h.Write([]byte(part))
	}
	var buf []byte
	for _, d := range documents {
		buf = appendTokens(buf[:0], d)
		_, _ = h.Write(buf)
	}
	return canon.Hash(h.Sum(nil))
}

// sumExamples returns the SHA-256 of examples, and how many tokens they have.
func sumExamples(examples []lm.Example) (canon.Hash, int64) {
	h := sha256.New()
	tokens := int64(0)
	var buf []byte
	for _, e := range examples {
		buf = appendTokens(binary.LittleEndian.AppendUint64(buf[:0], uint64(e.From)), e.Tokens)
		_, _ = h.Write(buf)
		tokens += int64(len(e.Tokens))
	}
	return canon.Hash(h.Sum(nil)), tokens
}

func appendTokens(buf []byte, tokens []uint16) []byte {
	buf = binary.LittleEndian.AppendUint64(buf, uint64(len(tokens)))
	for _, t := range tokens {
		buf = binary.LittleEndian.AppendUint16(buf, t)
	}
	return buf
}
