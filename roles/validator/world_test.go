package validator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"finest/chain/devchain/runtime"
	"finest/eval"
	"finest/internal/contract"
	"finest/roles/submission/submissiontest"
	"finest/roles/validator"
)

const netuid = submissiontest.Netuid

// uids of the hotkeys of a world.
const (
	uidServer = iota
	uidValidator
	uidOther
	uidAnna
	uidBert
)

// world is a submissiontest.World with a validator that lives in it.
type world struct {
	*submissiontest.World
	t       testing.TB
	board   *board
	dataDir string
	log     bytes.Buffer
	key     string
	change  []func(*validator.Options)
	open    *validator.Validator
}

func newWorld(t testing.TB, change ...func(*runtime.Subnet)) *world {
	t.Helper()
	return &world{
		World: submissiontest.New(t, change...), t: t, board: &board{verdicts: map[string]contract.Verdict{}},
		dataDir: filepath.Join(t.TempDir(), "state"), key: "//Validator",
	}
}

func (w *world) options() validator.Options {
	start := uint64(0)
	o := validator.Options{
		Chain: w.Chain, Hub: w.Hub, Board: w.board, Signer: submissiontest.Key(w.t, w.key), Netuid: netuid,
		Crawl: w.WARC, Runner: w.Runner, Protocol: w.Protocol, DataDir: w.dataDir,
		StartBlock: &start, EveryBlocks: 4, Log: zerolog.New(&w.log),
		Sleep: func(context.Context, time.Duration) error { return nil },
	}
	for _, c := range w.change {
		c(&o)
	}
	return o
}

// once runs one round of the validator, which is opened the first time and
// after restart.
func (w *world) once() validator.Round {
	w.t.Helper()
	round, err := w.try()
	if err != nil {
		w.t.Fatal(err)
	}
	return round
}

func (w *world) try() (validator.Round, error) {
	w.t.Helper()
	if w.open == nil {
		v, err := validator.New(w.options())
		if err != nil {
			w.t.Fatal(err)
		}
		w.open = v
		w.t.Cleanup(func() { _ = v.Close() })
	}
	return w.open.Once(w.t.Context())
}

func (w *world) restart() {
	w.t.Helper()
	if w.open != nil {
		if err := w.open.Close(); err != nil {
			w.t.Fatal(err)
		}
		w.open = nil
	}
}

// judged waits for the seed of a claim and runs a round.
func (w *world) judged(block uint64) validator.Round {
	w.t.Helper()
	w.AwaitFinal(w.Protocol.SeedBlock(block))
	return w.once()
}

// standing returns the only submission of a hotkey.
func standing(t testing.TB, r validator.Round, m *submissiontest.Miner) validator.Standing {
	t.Helper()
	var found []validator.Standing
	for _, s := range r.Submissions {
		if s.Hotkey == m.Key.Address() {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d submissions of %s in %+v", len(found), m.Key, r)
	}
	return found[0]
}

func want(t testing.TB, s validator.Standing, outcome eval.Outcome, settled bool, reason string) {
	t.Helper()
	if s.Outcome != outcome || s.Settled != settled || !strings.Contains(s.Reason, reason) {
		t.Errorf("submission is %s (settled %t): %q, want %s (settled %t): …%s…", s.Outcome, s.Settled, s.Reason, outcome, settled, reason)
	}
}

// wantWeights wants the round's weights to give each uid its value.
func wantWeights(t testing.TB, r validator.Round, want ...validator.Weight) {
	t.Helper()
	if !slices.Equal(r.Weights, want) {
		t.Errorf("weights are %v (%s), want %v", r.Weights, r.WeightsReason, want)
	}
}

// settings returns the blocks in which the validator's weights were set.
func (w *world) settings() []uint64 {
	w.t.Helper()
	ctx := context.Background()
	head, err := w.Chain.Head(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	var blocks []uint64
	for n := uint64(1); n <= head.Number; n++ {
		at, err := w.Chain.BlockAt(ctx, n)
		if err != nil {
			w.t.Fatal(err)
		}
		neurons, err := w.Chain.Neurons(ctx, netuid, at)
		if err != nil {
			w.t.Fatal(err)
		}
		if neurons[uidValidator].LastUpdate == n {
			blocks = append(blocks, n)
		}
	}
	return blocks
}

// board is a task server as validators see it.
type board struct {
	verdicts map[string]contract.Verdict // newest by submission
	scores   []uint64                    // weights block of each call
	proofs   []contract.ProofView
	sender   string
	err      error
}

func (b *board) Score(_ context.Context, verdicts []contract.Verdict, weightsBlock uint64) error {
	if b.err != nil {
		return b.err
	}
	b.scores = append(b.scores, weightsBlock)
	if err := (contract.ScoreRequest{Op: contract.OpScore, WeightsBlock: weightsBlock, Verdicts: verdicts}).Validate(); err != nil {
		return err
	}
	for _, v := range verdicts {
		b.verdicts[fmt.Sprintf("%s/%s/%d", v.Hotkey, v.Task, v.Generation)] = v
	}
	return nil
}

func (b *board) SendProof(_ context.Context, proof json.RawMessage) error {
	if b.err != nil {
		return b.err
	}
	if err := (contract.ProofRequest{Op: contract.OpProof, Proof: proof}).Validate(); err != nil {
		return err
	}
	if !slices.ContainsFunc(b.proofs, func(p contract.ProofView) bool { return string(p.Proof) == string(proof) }) {
		b.proofs = append(b.proofs, contract.ProofView{Seq: int64(len(b.proofs) + 1), Sender: b.sender, Proof: proof})
	}
	return nil
}

// Proofs answers in pages of two.
func (b *board) Proofs(_ context.Context, since int64) ([]contract.ProofView, int64, error) {
	if b.err != nil {
		return nil, since, b.err
	}
	rest := b.proofs[min(since, int64(len(b.proofs))):]
	rest = rest[:min(2, len(rest))]
	return rest, since + int64(len(rest)), nil
}
