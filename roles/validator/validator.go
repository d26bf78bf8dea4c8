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

	"github.com/rs/zerolog"

	"finest/chain"
	"finest/eval"
	"finest/eval/audit"
	"finest/hub"
	"finest/internal/contract"
	"finest/pipeline"
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
	// StartBlock is the first block whose claims are read by a new validator.
	// Nil starts at the newest final block: what was claimed before is left out
	// of the scores, as nobody can tell any more when.
	StartBlock *uint64
	// EveryBlocks is the least number of blocks between two settings of weights.
	EveryBlocks uint64
	// Burn gives what was not earned to the subnet owner's uid.
	Burn bool
	Log  zerolog.Logger
	// Progress is called before each submission is checked.
	Progress func(done, total int)
}

// Validator is one validator at work. It is not safe for concurrent use.
type Validator struct {
	o        Options
	store    *store
	resolver *submission.Resolver
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
	return &Validator{o: o, store: st, resolver: &submission.Resolver{
		Chain: o.Chain, Hub: o.Hub, Netuid: o.Netuid, Crawl: o.Crawl, Protocol: o.Protocol, Servers: o.Servers,
		CacheDir: filepath.Join(o.DataDir, "cache"),
		Scanner:  func(r contract.Recipe) (audit.Scanner, error) { return o.Runner(r) },
	}}, nil
}

// Close releases the state.
func (v *Validator) Close() error { return v.store.close() }

// Once catches up to the newest final block, checks what can be checked, sets
// weights if they are due, and publishes the verdicts that led to them.
func (v *Validator) Once(ctx context.Context) (Round, error) {
	final, err := v.o.Chain.Finalized(ctx)
	if err != nil {
		return Round{}, fmt.Errorf("read the newest final block: %w", err)
	}
	steps := []func(context.Context, chain.Block) error{
		v.follow,
		func(ctx context.Context, _ chain.Block) error { return v.bind(ctx) },
		v.check,
		v.proofs,
	}
	for _, step := range steps {
		if err := step(ctx, final); err != nil {
			return Round{}, err
		}
	}
	round, err := v.weigh(ctx)
	if err != nil {
		return round, err
	}
	return round, v.publish(ctx)
}

// Run repeats Once with every new final block until ctx ends. A failure of the
// chain, the hub or the board is logged and tried again with the next block.
func (v *Validator) Run(ctx context.Context, each func(Round)) error {
	for {
		round, err := v.Once(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, chain.ErrUnavailable), errors.Is(err, hub.ErrUnavailable):
			v.o.Log.Warn().Err(err).Msg("round failed, will try again")
		case err != nil:
			return err
		default:
			each(round)
		}
		if _, err := v.o.Chain.WaitFinalized(ctx, v.store.state.Cursor+1); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
