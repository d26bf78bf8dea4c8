package lm

import (
	"context"
	"errors"
	"time"
)

// ErrDiverged is wrapped by the error of a run whose loss is not a finite number.
var ErrDiverged = errors.New("training diverged")

// Config is the shape of a decoder-only transformer: RMSNorm before attention
// and MLP, RoPE, queries and keys normalised, ReLU² in the MLP, no biases.
type Config struct {
	// Vocab is the number of tokens, Dim the width of the residual stream, Heads
	// the number of attention heads, Hidden the width of the MLP.
	Vocab  int `json:"vocab"`
	Dim    int `json:"dim"`
	Layers int `json:"layers"`
	Heads  int `json:"heads"`
	Hidden int `json:"hidden"`
	// Context is the number of positions of a sequence.
	Context int `json:"context"`
	// Tied models use the input embedding as output head, too.
	Tied bool `json:"tied"`
}

// Example is a sequence of at most Config.Context + 1 tokens. Tokens[From:] are
// predicted, each from all those before it; From is at least 1.
type Example struct {
	Tokens []uint16
	From   int
}

// Score says how well a model predicted one example.
type Score struct {
	// NLL is the sum of −ln p over the Tokens predicted tokens.
	NLL float64
	// Correct counts those that the model thought the likeliest.
	Tokens, Correct int
}

// Data is what a model is trained on, in order.
type Data interface {
	// Steps is the number of batches.
	Steps() int
	// Batch fills dst with the sequences of a step, Spec.Batch × (Context + 1)
	// tokens. It is called for any step, from one goroutine at a time.
	Batch(step int, dst []uint16)
}

// Job is one run: a model is trained on Data, then scored on Examples.
type Job struct {
	Spec     Spec
	Data     Data
	Examples []Example
	// Progress is called now and then from the goroutine of Train; it may be nil.
	Progress func(Progress)
}

// Progress is where a run stands.
type Progress struct {
	// Step of Steps is done. While examples are scored, Step is Steps and
	// Example of Examples are done.
	Step, Steps       int
	Example, Examples int
	// Loss is the mean over the tokens of the step, in nats.
	Loss float64
	// Tokens trained on so far, and the time that took.
	Tokens  int64
	Elapsed time.Duration
}

// Point is one point of a loss curve; Loss is in nats per token.
type Point struct {
	Step int     `json:"step"`
	Loss float64 `json:"loss"`
}

// Result is what a run came to.
type Result struct {
	// Kernel is the kernel class that it ran on. Results of different classes
	// are never compared.
	Kernel string `json:"kernel"`
	// Losses has one point a step.
	Losses []Point `json:"losses"`
	// Scores are those of Job.Examples, in order.
	Scores []Score `json:"scores"`
	Tokens int64   `json:"tokens"`
	// TrainSeconds and EvalSeconds are by the clock, CPUSeconds those of the
	// process over both; no result depends on them.
	TrainSeconds float64 `json:"train_seconds"`
	EvalSeconds  float64 `json:"eval_seconds"`
	CPUSeconds   float64 `json:"cpu_seconds"`
}

// Trainer trains and scores models.
//
// Train returns the error of ctx soon after it ends, an error that wraps
// ErrDiverged when the loss is not finite, and never a Result with a score that
// is not finite. It has a score for every example.
type Trainer interface {
	// Kernel names the kernel class, such as "native/avx2-fma".
	Kernel() string
	Train(ctx context.Context, j Job) (Result, error)
}
