package compare

import (
	"finest/eval"
	"finest/eval/lm"
	"finest/eval/panel"
	"finest/eval/stats"
)

// Version is that of Comparison's JSON.
const Version = 1

// Outcome is what a comparison comes to.
type Outcome string

// Outcomes.
const (
	// Better and Worse: the candidate's models are, by more than chance explains.
	Better Outcome = "better"
	Worse  Outcome = "worse"
	// Unresolved: chance explains the difference, or the tier was never calibrated.
	Unresolved Outcome = "unresolved"
	// Refused: the candidate holds held-out text beyond what the reference holds;
	// nothing was trained.
	Refused Outcome = "refused"
)

// Comparison is the result of a comparison with all that it rests on. Its JSON
// is stable.
type Comparison struct {
	Version int     `json:"version"`
	Outcome Outcome `json:"outcome"`
	// Reason is one sentence for people.
	Reason   string   `json:"reason"`
	Evidence Evidence `json:"evidence"`
	// Notes are further sentences, about what is unusual.
	Notes []string `json:"notes"`

	Tier Tier `json:"tier"`
	// SpecHash is the hash of the tier's training spec, without a seed.
	SpecHash  string         `json:"spec_hash"`
	Seed      eval.Seed      `json:"seed"`
	Kernel    string         `json:"kernel"`
	Tokenizer TokenizerFacts `json:"tokenizer"`
	Panel     PanelFacts     `json:"panel"`

	// Arms are candidate, reference and, where there is one, naive, in this order.
	Arms []Arm `json:"arms"`
	// Excess is the share of the candidate's documents accused of held-out text,
	// beyond the reference's share; ExcessLimit is where it is refused.
	Excess      float64 `json:"excess"`
	ExcessLimit float64 `json:"excess_limit"`

	// Calibration is what the bounds rest on. Without one there are no Difference,
	// no Suites and no Quality.
	Calibration *stats.Calibration      `json:"calibration"`
	Difference  *stats.Difference       `json:"difference"`
	Suites      []stats.SuiteDifference `json:"suites"`
	// Quality is there when a naive anchor was given and is resolvably worse than
	// the reference; NoQuality says why it is not there.
	Quality   *stats.Quality `json:"quality"`
	NoQuality string         `json:"no_quality,omitempty"`
}

// TokenizerFacts names a tokenizer.
type TokenizerFacts struct {
	Name string `json:"name"`
	Hash string `json:"hash"`
}

// PanelFacts names a panel, and what of it the seed drew.
type PanelFacts struct {
	Name string `json:"name"`
	// Hash is that of the whole panel, handed-in units included.
	Hash string `json:"hash"`
	// Examples is the number of sequences that every model is scored on, Tokens
	// what they have.
	Examples int   `json:"examples"`
	Tokens   int64 `json:"tokens"`
}

// Role is what a dataset is in a comparison.
type Role string

// Roles.
const (
	Candidate Role = "candidate"
	Reference Role = "reference"
	Naive     Role = "naive"
)

// Arm is one dataset of a comparison.
type Arm struct {
	Role Role   `json:"role"`
	Name string `json:"name"`
	// Documents were read; Empty of them have no text.
	Documents int64 `json:"documents"`
	Empty     int64 `json:"empty"`
	// Overlap says which of them share text with the panel; these are never
	// trained on.
	Overlap Overlap `json:"overlap"`
	// Runs are in the order of the seeds; none where nothing was trained. Samples
	// are what they are trained on.
	Samples []SampleFacts `json:"samples"`
	Runs    []Run         `json:"runs"`
	// Score is the panel's score, the mean over the runs: lower is better. Suites
	// are the means over the runs, too.
	Score  float64      `json:"score"`
	Suites []SuiteScore `json:"suites"`
}

// Run is one model.
type Run struct {
	// Key is what its result is kept by: the hash of all that it depends on.
	Key   string  `json:"key"`
	Score float64 `json:"score"`
	// Suites has the scores by suite.
	Suites []SuiteScore `json:"suites"`
	// Losses is the loss curve in nats per token, at most 200 points, each the mean
	// of the steps since the one before.
	Losses []lm.Point `json:"losses"`
	Tokens int64      `json:"tokens"`
	// Cached runs were finished before this comparison began.
	Cached       bool    `json:"cached"`
	TrainSeconds float64 `json:"train_seconds"`
	EvalSeconds  float64 `json:"eval_seconds"`
	CPUSeconds   float64 `json:"cpu_seconds"`
}

// TokensPerSecond is the rate of training by the clock.
func (r Run) TokensPerSecond() float64 {
	if r.TrainSeconds <= 0 {
		return 0
	}
	return float64(r.Tokens) / r.TrainSeconds
}

// SuiteScore is what a model came to on one suite.
type SuiteScore struct {
	Name        string     `json:"name"`
	Kind        panel.Kind `json:"kind"`
	Weight      int        `json:"weight"`
	Units       int        `json:"units"`
	Bytes       int64      `json:"bytes"`
	BitsPerByte float64    `json:"bits_per_byte"`
	Accuracy    float64    `json:"accuracy"`
}

// Arm returns the arm of a role; nil where there is none.
func (c *Comparison) Arm(role Role) *Arm {
	for i := range c.Arms {
		if c.Arms[i].Role == role {
			return &c.Arms[i]
		}
	}
	return nil
}

func suiteScores(run stats.Run) []SuiteScore {
	out := make([]SuiteScore, 0, len(run))
	for _, s := range run {
		bytes := int64(0)
		for _, u := range s.Units {
			bytes += u.Bytes
		}
		out = append(out, SuiteScore{
			Name: s.Name, Kind: s.Kind, Weight: s.Weight, Units: len(s.Units), Bytes: bytes,
			BitsPerByte: stats.BitsPerByte(s), Accuracy: stats.Accuracy(s),
		})
	}
	return out
}

// meanScores are the means of the suites over runs.
func meanScores(runs []Run) []SuiteScore {
	if len(runs) == 0 {
		return nil
	}
	out := append([]SuiteScore(nil), runs[0].Suites...)
	n := float64(len(runs))
	for i := range out {
		out[i].BitsPerByte, out[i].Accuracy = 0, 0
		for _, r := range runs {
			out[i].BitsPerByte += r.Suites[i].BitsPerByte / n
			out[i].Accuracy += r.Suites[i].Accuracy / n
		}
	}
	return out
}

// curvePoints bounds a loss curve.
const curvePoints = 200

// thin returns at most n points of a curve, each the mean of the points since the
// one before.
func thin(points []lm.Point, n int) []lm.Point {
	out := make([]lm.Point, 0, min(n, len(points)))
	for i := range min(n, len(points)) {
		span := points[i*len(points)/min(n, len(points)) : (i+1)*len(points)/min(n, len(points))]
		p := lm.Point{Step: span[len(span)-1].Step}
		for _, q := range span {
			p.Loss += q.Loss / float64(len(span))
		}
		out = append(out, p)
	}
	return out
}
