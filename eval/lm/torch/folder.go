package torch

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"finest/eval/lm"
	"finest/internal/durable"
)

// maxShard bounds a shard of tokens in bytes, unless a single step has more.
const maxShard = 64 << 20

// scoreBytes is the length of an example's score.
const scoreBytes = 8 + 4

// folder holds the files of one run.
type folder struct {
	path string
	lock *durable.Lock
}

const runPrefix = "run-"

// newFolder makes a folder for a run in dir, with the program in it, after it
// removed those of runs that are no more.
func newFolder(dir string) (*folder, error) {
	// Between making a folder and locking it, it looks abandoned.
	making, err := durable.WaitLock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = making.Unlock() }()
	if err := sweep(dir); err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(dir, runPrefix)
	if err != nil {
		return nil, fmt.Errorf("make a folder for a run: %w", err)
	}
	f := &folder{path: path}
	if f.lock, err = durable.TryLock(f.file("lock")); err != nil {
		return nil, err
	}
	if err := os.WriteFile(f.program(), []byte(Program), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write the program: %w", err), f.remove())
	}
	return f, nil
}

// sweep removes the folders in dir whose run was killed.
func sweep(dir string) error {
	old, err := filepath.Glob(filepath.Join(dir, runPrefix+"*"))
	if err != nil {
		return fmt.Errorf("look for old runs: %w", err)
	}
	for _, path := range old {
		l, err := durable.TryLock(filepath.Join(path, "lock"))
		if errors.Is(err, durable.ErrLocked) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look for old runs: %w", err)
		}
		if err := (&folder{path, l}).remove(); err != nil {
			return err
		}
	}
	return nil
}

func (f *folder) remove() error {
	err := os.RemoveAll(f.path)
	if f.lock != nil {
		err = errors.Join(err, f.lock.Unlock())
	}
	return err
}

func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

func (f *folder) program() string { return f.file("trainer.py") }

// order is the job as the program is told of it.
type order struct {
	Protocol int      `json:"protocol"`
	Spec     lm.Spec  `json:"spec"`
	Steps    int      `json:"steps"`
	Folder   string   `json:"folder"`
	Tensors  []tensor `json:"tensors"`
	Shards   []shard  `json:"shards"`
	Examples int      `json:"examples"`
}

type tensor struct {
	Name  string `json:"name"`
	Shape [2]int `json:"shape"`
}

type shard struct {
	File  string `json:"file"`
	Steps int    `json:"steps"`
}

// write writes what the program reads, tokens in shards of a number of bytes, and
// returns its job as a line.
func (f *folder) write(ctx context.Context, j lm.Job, shard int64) ([]byte, error) {
	o := order{Protocol: protocol, Spec: j.Spec, Steps: j.Data.Steps(), Folder: f.path, Examples: len(j.Examples)}
	var err error
	if o.Tensors, err = f.writeInit(j.Spec); err != nil {
		return nil, fmt.Errorf("write initial weights: %w", err)
	}
	if o.Shards, err = f.writeShards(ctx, j, shard); err != nil {
		return nil, fmt.Errorf("write token shards: %w", err)
	}
	if err := f.writeExamples(j.Examples); err != nil {
		return nil, fmt.Errorf("write examples: %w", err)
	}
	line, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("write the job: %w", err)
	}
	return append(line, '\n'), nil
}

// create writes a file with what fill hands to its writer.
func (f *folder) create(name string, fill func(w io.Writer) error) error {
	file, err := os.OpenFile(f.file(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(file, 1<<20)
	err = fill(w)
	return errors.Join(err, w.Flush(), file.Close())
}

func (f *folder) writeInit(s lm.Spec) ([]tensor, error) {
	var shapes []tensor
	err := f.create("init.f32", func(w io.Writer) error {
		for _, t := range s.Init() {
			shapes = append(shapes, tensor{t.Name, t.Shape})
			raw := make([]byte, 0, 4*len(t.Data))
			for _, v := range t.Data {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
			}
			if _, err := w.Write(raw); err != nil {
				return err
			}
		}
		return nil
	})
	return shapes, err
}

func (f *folder) writeShards(ctx context.Context, j lm.Job, bytes int64) ([]shard, error) {
	tokens := make([]uint16, j.Spec.Batch*(j.Spec.Config.Context+1))
	raw := make([]byte, 0, 2*len(tokens))
	most := max(1, int(bytes)/(2*len(tokens)))
	var shards []shard
	for first, steps := 0, j.Data.Steps(); first < steps; first += most {
		s := shard{fmt.Sprintf("tokens-%05d.u16", len(shards)), min(most, steps-first)}
		err := f.create(s.File, func(w io.Writer) error {
			for i := range s.Steps {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				j.Data.Batch(first+i, tokens)
				if err := j.Spec.Config.Check(tokens); err != nil {
					return fmt.Errorf("batch %d: %w", first+i, err)
				}
				raw = appendTokens(raw[:0], tokens)
				if _, err := w.Write(raw); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		shards = append(shards, s)
	}
	return shards, nil
}

func appendTokens(raw []byte, tokens []uint16) []byte {
	for _, t := range tokens {
		raw = binary.LittleEndian.AppendUint16(raw, t)
	}
	return raw
}

func (f *folder) writeExamples(examples []lm.Example) error {
	var raw []byte
	err := f.create("examples.u16", func(w io.Writer) error {
		for _, e := range examples {
			raw = appendTokens(raw[:0], e.Tokens)
			if _, err := w.Write(raw); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return f.create("examples.u32", func(w io.Writer) error {
		for _, e := range examples {
			raw = binary.LittleEndian.AppendUint32(raw[:0], uint32(len(e.Tokens)))
			raw = binary.LittleEndian.AppendUint32(raw, uint32(e.From))
			if _, err := w.Write(raw); err != nil {
				return err
			}
		}
		return nil
	})
}

// scores reads what the program wrote of the examples.
func (f *folder) scores(examples []lm.Example) ([]lm.Score, error) {
	file, err := os.Open(f.file("scores.bin"))
	if err != nil {
		return nil, fmt.Errorf("read scores: %w", err)
	}
	defer func() { _ = file.Close() }()
	raw, err := io.ReadAll(io.LimitReader(file, int64(len(examples))*scoreBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read scores: %w", err)
	}
	if len(raw) != len(examples)*scoreBytes {
		return nil, fmt.Errorf("read scores: not %d bytes for each of %d examples", scoreBytes, len(examples))
	}
	scores := make([]lm.Score, len(examples))
	for i, e := range examples {
		if scores[i], err = readScore(raw[i*scoreBytes:], len(e.Tokens)-e.From); err != nil {
			return nil, fmt.Errorf("read score of example %d: %w", i, err)
		}
	}
	return scores, nil
}

// rounding is how far below 0 the nats of a token that is certain may come.
const rounding = 1e-3

// readScore reads the score of an example of which a number of tokens was
// predicted.
func readScore(raw []byte, tokens int) (lm.Score, error) {
	s := lm.Score{
		NLL:    math.Float64frombits(binary.LittleEndian.Uint64(raw)),
		Tokens: tokens, Correct: int(binary.LittleEndian.Uint32(raw[8:])),
	}
	switch {
	case math.IsNaN(s.NLL) || math.IsInf(s.NLL, 0):
		return lm.Score{}, fmt.Errorf("%v nats: %w", s.NLL, lm.ErrDiverged)
	case s.NLL < -rounding*float64(tokens) || s.Correct > s.Tokens:
		return lm.Score{}, fmt.Errorf("%v nats and %d of %d tokens right", s.NLL, s.Correct, s.Tokens)
	}
	return s, nil
}
