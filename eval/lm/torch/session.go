package torch

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"time"

	"finest/eval/lm"
)

// message is a line of the program.
type message struct {
	Type string `json:"type"`

	Protocol int    `json:"protocol"`
	Torch    string `json:"torch"`
	Device   string `json:"device"`
	Dtype    string `json:"dtype"`
	Mode     string `json:"mode"`

	Step    int      `json:"step"`
	Loss    *float64 `json:"loss"`
	Example int      `json:"example"`

	TrainSeconds float64 `json:"train_seconds"`
	EvalSeconds  float64 `json:"eval_seconds"`

	Message string `json:"message"`
}

func parseMessage(line []byte) (m message, err error) {
	if err := json.Unmarshal(line, &m); err != nil {
		return message{}, fmt.Errorf("the program wrote %.100q, which is no message: %w", line, err)
	}
	return m, nil
}

// kernelPart is a part of a kernel class: it stands in file names and reports.
var kernelPart = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}$`)

// kernel returns the kernel class that a hello line names.
func (m message) kernel() (string, error) {
	switch {
	case m.Type == "error":
		return "", fmt.Errorf("the program says: %.2000s", m.Message)
	case m.Type != "hello":
		return "", fmt.Errorf("the program began with a message %.40q, not hello", m.Type)
	case m.Protocol != protocol:
		return "", fmt.Errorf("the program speaks protocol %d, not %d", m.Protocol, protocol)
	}
	kernel := "torch"
	for _, part := range []string{m.Torch, m.Device, m.Dtype, m.Mode} {
		if !kernelPart.MatchString(part) {
			return "", fmt.Errorf("the program runs on torch %.40q, device %.40q, type %.40q, mode %.40q", m.Torch, m.Device, m.Dtype, m.Mode)
		}
		kernel += "/" + part
	}
	return kernel, nil
}

// session is a run as far as the program has told of it.
type session struct {
	job    lm.Job
	kernel string
	began  time.Time

	greeted, done bool
	scored        int
	result        lm.Result
}

// hear takes the next message. Whatever is out of order is an error.
func (s *session) hear(m message) error {
	if !s.greeted {
		return s.hello(m)
	}
	switch m.Type {
	case "step":
		return s.step(m)
	case "scored":
		return s.score(m)
	case "done":
		return s.finish(m)
	case "diverged":
		return fmt.Errorf("step %d: %w", m.Step, lm.ErrDiverged)
	case "error":
		return fmt.Errorf("the program says: %.2000s", m.Message)
	}
	return fmt.Errorf("the program wrote a message %.40q, which there is none of", m.Type)
}

func (s *session) hello(m message) error {
	kernel, err := m.kernel()
	if err != nil {
		return err
	}
	if kernel != s.kernel {
		return fmt.Errorf("the program runs on %s, but said that it would on %s", kernel, s.kernel)
	}
	s.greeted = true
	s.result.Kernel = kernel
	return nil
}

// perStep is the number of tokens that a step trains on.
func (s *session) perStep() int64 {
	return int64(s.job.Spec.Batch) * int64(s.job.Spec.Config.Context)
}

func (s *session) step(m message) error {
	last, steps := len(s.result.Losses), s.job.Data.Steps()
	switch {
	case m.Step != last+1 || m.Step > steps:
		return fmt.Errorf("the program told of step %d after step %d of %d", m.Step, last, steps)
	case m.Loss == nil:
		return fmt.Errorf("the program told no loss of step %d", m.Step)
	}
	s.result.Losses = append(s.result.Losses, lm.Point{Step: m.Step, Loss: *m.Loss})
	s.result.Tokens += s.perStep()
	s.report(m.Step, *m.Loss)
	return nil
}

func (s *session) score(m message) error {
	if len(s.result.Losses) != s.job.Data.Steps() || m.Example <= s.scored || m.Example > len(s.job.Examples) {
		return fmt.Errorf("the program told of example %d of %d after %d, and of step %d of %d", m.Example, len(s.job.Examples), s.scored, len(s.result.Losses), s.job.Data.Steps())
	}
	s.scored = m.Example
	if n := len(s.result.Losses); n > 0 {
		s.report(n, s.result.Losses[n-1].Loss)
	}
	return nil
}

func (s *session) finish(m message) error {
	if len(s.result.Losses) != s.job.Data.Steps() || s.scored != len(s.job.Examples) {
		return fmt.Errorf("the program ended at step %d of %d and example %d of %d", len(s.result.Losses), s.job.Data.Steps(), s.scored, len(s.job.Examples))
	}
	if !isDuration(m.TrainSeconds) || !isDuration(m.EvalSeconds) {
		return fmt.Errorf("the program took %v and %v seconds", m.TrainSeconds, m.EvalSeconds)
	}
	s.result.TrainSeconds, s.result.EvalSeconds = m.TrainSeconds, m.EvalSeconds
	s.done = true
	return nil
}

func isDuration(seconds float64) bool { return seconds >= 0 && !math.IsInf(seconds, 0) }

func (s *session) report(step int, loss float64) {
	if s.job.Progress == nil {
		return
	}
	s.job.Progress(lm.Progress{
		Step: step, Steps: s.job.Data.Steps(), Example: s.scored, Examples: len(s.job.Examples),
		Loss: loss, Tokens: s.result.Tokens, Elapsed: time.Since(s.began),
	})
}
