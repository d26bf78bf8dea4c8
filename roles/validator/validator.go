// Package validator follows the claims on chain, checks them against the crawl
// itself, and sets weights from quality, work and elapsed time. Everything it
// knows is on disk before it acts on it, so it goes on after a kill where it
// was.
package validator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"finest/chain"
	"finest/eval"
	"finest/eval/audit"
	"finest/hub"
	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/shard/guard"
	"finest/roles/submission"
)

// Board is what a validator shares with others: verdicts and fraud proofs. The
// task server's client is one.
type Board interface {
	// Score publishes verdicts after the weights of weightsBlock.
	Score(ctx context.Context, verdicts []contract.Verdict, weightsBlock uint64) error
	// SendProof publishes a fraud proof.
	SendProof(ctx context.Context, proof json.RawMessage) error
	// Proofs returns the proofs that arrived after since, and what to pass as
	// since the next time.
	Proofs(ctx context.Context, since int64) (proofs []contract.ProofView, next int64, err error)
}

// Options describe a validator.
type Options struct {
	Chain  chain.Client
	Hub    hub.Hub
	Board  Board // nil: nothing is shared
	Signer chain.Signer
	Netuid uint16
	// Crawl is where byte ranges of the WARC files come from.
	Crawl audit.Ranges
	// Runner makes the runner of a recipe.
	Runner   func(contract.Recipe) (*pipeline.Runner, error)
	Protocol eval.Protocol
	// Servers are the task-server keys; without any, the subnet owner's hotkey.
	Servers []audit.ServerKey
	// DataDir holds the state. Only one validator may use it at a time.
	DataDir string
	// CacheBytes is how much of publications may be kept there; 0 is
	// submission.DefaultCacheBytes.
	CacheBytes int64
	// Guard reads strangers' Parquet in a process of its own first; nil spares
	// that.
	Guard *guard.Guard
	// Quality judges other recipes than the reference; with nil they wait.
	Quality *Quality
	// StartBlock is the first block whose claims are read by a new validator.
	// Nil starts at the newest final block: what was claimed before is left out
	// of the scores, as nobody can tell any more when.
	StartBlock *uint64
	// EveryBlocks is the least number of blocks between two settings of weights.
	EveryBlocks uint64
	// Burn gives what was not earned to the subnet owner's uid.
	Burn bool
	Log  zerolog.Logger
	// Metrics are told what happens; nil spares that.
	Metrics *Metrics
	// Progress is called before each submission is checked.
	Progress func(done, total int)
	// Sleep waits before a chain that cannot be reached is asked again; nil is
	// real time.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Validator is one validator at work. It is not safe for concurrent use.
type Validator struct {
	o        Options
	store    *store
	resolver *submission.Resolver

	// What follows is of this run alone; a restart only makes it ask earlier.
	logs      attempts
	board     backoff
	inbox     inbox
	comparing comparing
	retryAt   uint64 // first block that accepts weights, as the chain said
	told      string // why no weights were set, as it was logged last
}

// New opens the state in o.DataDir.
func New(o Options) (*Validator, error) {
	if err := o.Protocol.Validate(); err != nil {
		return nil, err
	}
	st, err := openStore(o.DataDir)
	if err != nil {
		return nil, err
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	o.Crawl = counted{o.Crawl, o.Metrics.crawlBytes}
	v := &Validator{o: o, store: st, logs: make(attempts), comparing: comparing{tries: make(map[string]backoff)}}
	v.resolver = &submission.Resolver{
		Chain: o.Chain, Hub: o.Hub, Netuid: o.Netuid, Crawl: o.Crawl, Protocol: o.Protocol, Servers: o.Servers,
		CacheDir: filepath.Join(o.DataDir, "cache"), CacheBytes: o.CacheBytes, Guard: o.Guard,
		Scanner: func(r contract.Recipe) (audit.Scanner, error) { return o.Runner(r) },
		Judged:  v.judgedCheck,
	}
	return v, nil
}

// Close releases the state.
func (v *Validator) Close() error { return errors.Join(v.resolver.Close(), v.store.close()) }

// Once catches up to the newest final block, checks what can be checked, sets
// weights if they are due, and publishes the verdicts that led to them. If then a
// recipe is to be compared with the reference it does that, too: the next round
// counts with what comes of it.
func (v *Validator) Once(ctx context.Context) (Round, error) { return v.round(ctx, true) }

// round is Once, which waits for a comparison only if it is told to.
func (v *Validator) round(ctx context.Context, wait bool) (Round, error) {
	round, err := v.steps(ctx, wait)
	v.o.Metrics.round(v.store.state, round, v.comparing.result != nil, err)
	return round, err
}

// steps are those of a round.
func (v *Validator) steps(ctx context.Context, wait bool) (Round, error) {
	final, err := v.o.Chain.Finalized(ctx)
	if err != nil {
		return Round{}, fmt.Errorf("read the newest final block: %w", err)
	}
	if err := v.recoverWeights(ctx); err != nil {
		return Round{}, err
	}
	if err := v.collect(ctx, final, false); err != nil {
		return Round{}, err
	}
	for _, step := range []func(context.Context, chain.Block) error{v.follow, v.bind, v.check, v.proofs, v.reveal} {
		if err := step(ctx, final); err != nil {
			return Round{}, err
		}
	}
	if err := v.qualify(final); err != nil {
		return Round{}, err
	}
	round, err := v.weigh(ctx, final)
	if err != nil {
		return round, err
	}
	if err := v.publish(ctx, final); err != nil {
		return round, err
	}
	if err := v.begin(ctx, final); err != nil {
		return round, err
	}
	if wait {
		if err := v.collect(ctx, final, true); err != nil {
			return round, err
		}
	}
	return round, v.store.tidy()
}

// retryPause is the time before a chain that cannot be reached is asked again:
// one block of the main network.
const retryPause = 12 * time.Second

// Run repeats Once with every new final block until ctx ends, and compares
// recipes beside it. A chain or hub
// that cannot be reached, and weights that the chain refuses, are logged and
// tried again; a failure of the validator's own disk ends it.
func (v *Validator) Run(ctx context.Context, each func(Round)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer v.abandon()
	defer cancel()
	next := v.store.state.Cursor
	for {
		at, err := v.o.Chain.WaitFinalized(ctx, next)
		if err == nil {
			next = at.Number + 1
			var round Round
			if round, err = v.round(ctx, false); err == nil {
				each(round)
				next = max(next, round.Block+1)
			}
		} else if ctx.Err() == nil {
			v.o.Log.Warn().Err(err).Msg("cannot follow the chain, will try again")
			v.o.Metrics.worked(err)
			err = v.o.Sleep(ctx, retryPause)
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, chain.ErrUnavailable), errors.Is(err, hub.ErrUnavailable), errors.Is(err, chain.ErrUnknownBlock):
			v.o.Log.Warn().Err(err).Msg("round failed, will try again")
		case refused(err):
			v.o.Log.Error().Err(err).Msg("the chain refuses the weights, will try again")
		case err != nil:
			return err
		}
	}
}

// refused reports whether err is the chain's refusal of an extrinsic: somebody
// has to register the hotkey or give it a permit, and the validator goes on
// checking until then.
func refused(err error) bool {
	return slices.ContainsFunc([]error{
		chain.ErrNotRegistered, chain.ErrNoPermit, chain.ErrLowStake, chain.ErrVersionKey, chain.ErrCommitReveal, chain.ErrOutdated, chain.ErrRejected,
	}, func(refusal error) bool { return errors.Is(err, refusal) })
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
