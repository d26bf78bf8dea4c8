package lm

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"time"

	"finest/eval/lm/matmul"
)

// Native trains in this process, on its processors.
type Native struct {
	// Workers is the number of goroutines; below 1 it is GOMAXPROCS. No result
	// depends on it.
	Workers int
}

var _ Trainer = (*Native)(nil)

// Kernel names the kernel class: "native/avx2-fma" or "native/generic".
func (*Native) Kernel() string { return "native/" + matmul.Kernel() }

// Train implements Trainer.
func (n *Native) Train(ctx context.Context, j Job) (Result, error) {
	if err := j.Validate(); err != nil {
		return Result{}, err
	}
	workers := n.Workers
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	r := newRun(j, workers)
	defer r.close()
	began, cpu := time.Now(), processSeconds()
	result := Result{Kernel: n.Kernel()}
	if err := r.train(ctx, began, &result); err != nil {
		return Result{}, err
	}
	trained := time.Now()
	result.TrainSeconds = trained.Sub(began).Seconds()
	if err := r.score(ctx, began, &result); err != nil {
		return Result{}, err
	}
	result.EvalSeconds = time.Since(trained).Seconds()
	result.CPUSeconds = processSeconds() - cpu
	return result, nil
}

// run is one training run.
type run struct {
	job    Job
	spec   Spec
	config Config
	pool   *pool

	w      weights
	grads  [Shards]weights
	passes []*pass // one a worker
	muons  []*muon
	adams  []*adam
	ortho  []*orthogonaliser
	batch  []uint16
	losses [Shards]float64
}

// passRows is about how many rows are computed at once; it is a part of the
// kernel's rounding, as gradients are summed pass by pass.
const passRows = 256

func newRun(j Job, workers int) *run {
	s, c := j.Spec, j.Spec.Config
	r := &run{job: j, spec: s, config: c, w: newWeights(c), batch: make([]uint16, s.Batch*(c.Context+1))}
	initial := s.Init()
	at := 0
	for _, t := range initial {
		at += copy(r.w.all[at:], t.Data)
	}
	for i := range r.grads {
		r.grads[i] = newWeights(c)
	}
	sum := c.tensors(r.grads[0])
	for i, t := range c.tensors(r.w) {
		if p := partOf(t.Name); p == "embedding" || p == "head" {
			r.adams = append(r.adams, newAdam(t.Data, sum[i].Data))
		} else {
			r.muons = append(r.muons, newMuon(t, sum[i].Data))
		}
	}
	tables := newRope(c)
	r.pool = newPool(workers)
	for i := range workers {
		p := newPass(c, tables, r.w, max(c.Context, passRows), i < Shards)
		r.passes, r.ortho = append(r.passes, p), append(r.ortho, newOrthogonaliser(c))
	}
	return r
}

func (r *run) close() { r.pool.close() }

func (r *run) train(ctx context.Context, began time.Time, result *Result) error {
	steps := r.spec.Steps()
	for step := range steps {
		r.job.Data.Batch(step, r.batch)
		loss, err := r.step(ctx, step)
		if err != nil {
			return err
		}
		result.Tokens += int64(r.spec.Batch) * int64(r.config.Context)
		result.Losses = append(result.Losses, Point{Step: step + 1, Loss: loss})
		if r.job.Progress != nil {
			r.job.Progress(Progress{
				Step: step + 1, Steps: steps, Examples: len(r.job.Examples),
				Loss: loss, Tokens: result.Tokens, Elapsed: time.Since(began),
			})
		}
	}
	return ctx.Err()
}

// step trains on the batch and returns its mean loss.
func (r *run) step(ctx context.Context, step int) (float64, error) {
	if err := r.config.Check(r.batch); err != nil {
		return 0, fmt.Errorf("batch %d: %w", step, err)
	}
	r.pool.each(Shards, func(worker, i int) { r.shard(ctx, worker, i) })
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	loss := 0.0
	for _, l := range r.losses {
		loss += l
	}
	loss /= float64(r.spec.Batch) * float64(r.config.Context)
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return 0, fmt.Errorf("%w at step %d of %d: the loss is %v", ErrDiverged, step+1, r.spec.Steps(), loss)
	}
	r.sum()
	share := r.spec.rate(step)
	r.pool.each(len(r.muons), func(worker, i int) {
		r.muons[i].step(r.ortho[worker], share*float64(r.spec.MuonRate))
	})
	r.pool.each(len(r.adams), func(_, i int) { r.adams[i].step(share*float64(r.spec.AdamRate), step+1) })
	return loss, nil
}

// shard computes the gradient of part i of the batch.
func (r *run) shard(ctx context.Context, worker, i int) {
	p, g, length := r.passes[worker], r.grads[i], r.config.Context+1
	clear(g.all)
	r.losses[i] = 0
	share := float32(1 / (float64(r.spec.Batch) * float64(r.config.Context)))
	rest := r.batch[i*len(r.batch)/Shards : (i+1)*len(r.batch)/Shards]
	for len(rest) > 0 && ctx.Err() == nil {
		p.begin()
		for len(rest) > 0 && p.add(rest[:length]) {
			rest = rest[length:]
		}
		p.forward()
		r.losses[i] += p.headBackward(share, g)
		p.backward(g)
	}
}

// sum adds the shards' gradients into the first.
func (r *run) sum() {
	const part = 1 << 14
	all := r.grads[0].all
	r.pool.each((len(all)+part-1)/part, func(_, i int) {
		from, to := i*part, min((i+1)*part, len(all))
		for _, g := range r.grads[1:] {
			matmul.Add(g.all[from:to], all[from:])
		}
	})
}
