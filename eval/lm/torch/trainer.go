package torch

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"finest/eval/lm"
)

// Program is trainer.py.
//
//go:embed trainer.py
var Program string

// protocol is the version of what is spoken with the program.
const protocol = 1

// DefaultSilence is how long the program may say nothing: loading PyTorch and
// compiling a model take it minutes.
const DefaultSilence = 10 * time.Minute

// Options says how to run the program.
type Options struct {
	// Command runs a Python file whose path is put behind it: {"python3"}, or
	// {"uv", "run"}.
	Command []string
	// Dir is where runs keep their files, 2 bytes a token of training, in folders
	// that are gone when the run ends. What runs that were killed left there is
	// removed by the next.
	Dir string
	// Device is "cuda" or "cpu", Dtype "bfloat16" or "float32", Mode "compiled" or
	// "eager"; "" is the best there is. On a CPU that is float32, eager.
	Device, Dtype, Mode string
	// Silence is after how long without a word the program is given up.
	Silence time.Duration
}

// Trainer is an lm.Trainer that runs the program once for every run.
type Trainer struct {
	o      Options
	grace  time.Duration
	shard  int64 // bytes
	kernel string
}

var _ lm.Trainer = (*Trainer)(nil)

// New asks the program what it would run on, which shows that it can run at all.
func New(ctx context.Context, o Options) (*Trainer, error) {
	if len(o.Command) == 0 {
		return nil, errors.New("torch trainer: no command")
	}
	if o.Dir == "" {
		return nil, errors.New("torch trainer: no folder for its files")
	}
	o.Silence = cmp.Or(o.Silence, DefaultSilence)
	t := &Trainer{o: o, grace: defaultGrace, shard: maxShard}
	var err error
	if t.kernel, err = t.probe(ctx); err != nil {
		return nil, fmt.Errorf("ask the torch trainer what it runs on: %w", err)
	}
	return t, nil
}

// Kernel returns torch/VERSION/DEVICE/TYPE/MODE, such as
// "torch/2.6.0/cpu/float32/eager". Cards of different models are different
// devices.
func (t *Trainer) Kernel() string { return t.kernel }

func (t *Trainer) probe(ctx context.Context) (kernel string, err error) {
	f, err := newFolder(t.o.Dir)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.remove()) }()
	p, err := t.start(f, "--probe")
	if err != nil {
		return "", err
	}
	m, err := p.next(ctx)
	if err == nil {
		kernel, err = m.kernel()
	}
	return kernel, p.end(err)
}

// Train runs the program.
func (t *Trainer) Train(ctx context.Context, j lm.Job) (result lm.Result, err error) {
	if err := j.Validate(); err != nil {
		return lm.Result{}, fmt.Errorf("train with torch: %w", err)
	}
	f, err := newFolder(t.o.Dir)
	if err != nil {
		return lm.Result{}, fmt.Errorf("train with torch: %w", err)
	}
	defer func() { err = errors.Join(err, f.remove()) }()
	line, err := f.write(ctx, j, t.shard)
	if err != nil {
		return lm.Result{}, fmt.Errorf("train with torch: %w", err)
	}
	r, err := t.run(ctx, f, j, line)
	if err != nil {
		return lm.Result{}, fmt.Errorf("train with torch: %w", err)
	}
	if r.Scores, err = f.scores(j.Examples); err != nil {
		return lm.Result{}, fmt.Errorf("train with torch: %w", err)
	}
	return r, nil
}

// run hands the program its job and follows what it says to the end.
func (t *Trainer) run(ctx context.Context, f *folder, j lm.Job, line []byte) (lm.Result, error) {
	p, err := t.start(f)
	if err != nil {
		return lm.Result{}, err
	}
	// It may end before it has read its job; then its own words say why.
	p.send(line)
	s := session{job: j, kernel: t.kernel, began: time.Now()}
	for !s.done && err == nil {
		var m message
		if m, err = p.next(ctx); err == nil {
			err = s.hear(m)
		}
	}
	if err = p.end(err); err != nil {
		return lm.Result{}, err
	}
	s.result.CPUSeconds = p.cpu().Seconds()
	return s.result, nil
}
