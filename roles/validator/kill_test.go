package validator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"finest/chain"
	"finest/chain/devchain/devchaintest"
	"finest/eval"
	"finest/eval/audit"
	"finest/hub"
	"finest/internal/contract"
	"finest/roles/validator"
)

// killed is what the world panics with when it kills the validator.
type killed struct{ step string }

// How a step is killed.
const (
	before = iota // without effect
	after         // with its effect, but nobody learns of it
	torn          // half-way, for what is written to disk
	sent          // while an extrinsic waits for its block
	ways
)

// journalStep is how the names of steps on the journal begin.
const journalStep = "journal "

// fault counts the steps that a validator takes outside of itself and kills it
// at one of them; at 0 it kills nobody.
type fault struct {
	steps, at, way int
	names          []string
}

func (f *fault) step(name string, op func()) {
	f.steps++
	f.names = append(f.names, name)
	hit := f.steps == f.at
	if hit && f.way != after && f.way != sent {
		panic(killed{name})
	}
	op()
	if hit {
		panic(killed{name})
	}
}

// killWorld is a world with one honest miner and one cheat, whose seeds are
// final.
func killWorld(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	anna, bert := w.Miner("//Anna"), w.Miner("//Bert")
	start := w.Final().Number
	anna.Honest()
	w.AwaitFinal(w.Protocol.SeedBlock(workOf(tamper)(w, bert)))
	w.change = append(w.change, func(o *validator.Options) { o.StartBlock, o.EveryBlocks = &start, 1000 })
	return w
}

// clone returns the same world for another life.
func (w *world) clone(t testing.TB) *world {
	t.Helper()
	return &world{
		World: w.Clone(t), t: t, board: &board{verdicts: map[string]contract.Verdict{}}, dataDir: t.TempDir(),
		key: w.key, change: slices.Clone(w.change),
	}
}

// live runs a validator until nothing is left to do, or until it is killed.
func (w *world) live(f *fault) (round validator.Round, dead string) {
	w.t.Helper()
	o := w.options()
	client := devchaintest.Eager(w.Node, devchaintest.Dial(w.t, w.Endpoint))
	o.Chain, o.Hub, o.Board = &killChain{client, w, f}, &killHub{w.Hub, f}, &killBoard{w.board, f}
	o.Crawl = &killCrawl{w.WARC, f}
	v, err := validator.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	v.WrapJournal(func(path string, j validator.Journal) validator.Journal { return &killJournal{j, path, w.t, f} })
	// As the operating system does for a process that is killed.
	defer func() { _ = v.Close() }()
	defer func() {
		if r := recover(); r != nil {
			k, ok := r.(killed)
			if !ok {
				panic(r)
			}
			dead = k.step
		}
	}()
	for range 100 {
		if round, err = v.Once(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		if round.WeightsBlock > 0 && len(w.board.verdicts) == 2 {
			break
		}
		w.Blocks(1)
	}
	return round, ""
}

// result is what must not depend on kills.
type result struct {
	standings map[string]string
	verdicts  map[string]contract.Verdict
	proofs    int
}

func (w *world) result(r validator.Round) result {
	out := result{standings: map[string]string{}, verdicts: w.board.verdicts, proofs: len(w.board.proofs)}
	for _, s := range r.Submissions {
		out.standings[s.Hotkey] = fmt.Sprintf("%s %t %d %d %q %v %d", s.Outcome, s.Settled, s.Block, s.Work, s.Reason, s.Pay, s.Weight)
	}
	return out
}

// TestKilledAtEveryStep kills validators at every call of chain, hub, crawl and
// board and at every entry of the journal; another one on the same folder comes
// to the same verdicts, and weights are set once.
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	w := killWorld(t)
	count := &fault{}
	calm := w.clone(t)
	round, _ := calm.live(count)
	want := calm.result(round)
	if len(calm.settings()) != 1 || want.proofs != 1 || len(want.verdicts) != 2 {
		t.Fatalf("weights in blocks %v, result %+v", calm.settings(), want)
	}
	stride := 1
	if testing.Short() {
		stride = 11
	}
	t.Logf("%d steps", count.steps)
	for at := 1; at <= count.steps; at += stride {
		for way := range ways {
			if way == torn && !strings.HasPrefix(count.names[at-1], journalStep) || way == sent && count.names[at-1] != setWeights {
				continue
			}
			t.Run(strconv.Itoa(at)+"/"+strconv.Itoa(way), func(t *testing.T) {
				t.Parallel()
				w := w.clone(t)
				_, dead := w.live(&fault{at: at, way: way})
				if dead == "" {
					t.Fatal("nobody was killed")
				}
				round, _ := w.live(&fault{})
				if got := w.settings(); len(got) != 1 || round.WeightsBlock != got[0] {
					t.Errorf("killed at %s: weights are set in blocks %v, the round says %d (%s)", dead, got, round.WeightsBlock, round.WeightsReason)
				}
				got := w.result(round)
				if !maps.Equal(got.standings, want.standings) || !maps.Equal(got.verdicts, want.verdicts) || got.proofs != want.proofs {
					t.Errorf("killed at %s: %+v, want %+v", dead, got, want)
				}
			})
		}
	}
}

// TestSnapshotKeepsTheState: what a snapshot holds is what the journal held.
func TestSnapshotKeepsTheState(t *testing.T) {
	t.Parallel()
	w := killWorld(t)
	before := w.once()
	if err := w.open.CompactNow(); err != nil {
		t.Fatal(err)
	}
	w.restart()
	round := w.once()
	if got, want := w.result(round), w.result(before); !maps.Equal(got.standings, want.standings) || round.WeightsBlock != before.WeightsBlock {
		t.Errorf("after the snapshot %+v, before %+v", got, want)
	}
	for _, s := range round.Submissions {
		if s.Outcome == eval.Undecided {
			t.Errorf("standing %+v", s)
		}
	}
}

type killChain struct {
	chain.Client
	w *world
	*fault
}

func (c *killChain) Finalized(ctx context.Context) (b chain.Block, err error) {
	c.step("finalized", func() { b, err = c.Client.Finalized(ctx) })
	return b, err
}

func (c *killChain) Head(ctx context.Context) (b chain.Block, err error) {
	c.step("head", func() { b, err = c.Client.Head(ctx) })
	return b, err
}

func (c *killChain) BlockAt(ctx context.Context, number uint64) (b chain.Block, err error) {
	c.step("block at", func() { b, err = c.Client.BlockAt(ctx, number) })
	return b, err
}

func (c *killChain) CommitmentEvents(ctx context.Context, netuid uint16, at chain.Block) (cs []chain.Commitment, err error) {
	c.step("events", func() { cs, err = c.Client.CommitmentEvents(ctx, netuid, at) })
	return cs, err
}

func (c *killChain) Neurons(ctx context.Context, netuid uint16, at chain.Block) (ns []chain.Neuron, err error) {
	c.step("neurons", func() { ns, err = c.Client.Neurons(ctx, netuid, at) })
	return ns, err
}

func (c *killChain) SetWeights(ctx context.Context, by chain.Signer, netuid uint16, ws []chain.Weight, key uint64) (in chain.Inclusion, err error) {
	write := func(ctx context.Context) { in, err = c.Client.SetWeights(ctx, by, netuid, ws, key) }
	if c.way == sent && c.steps+1 == c.at {
		c.step(setWeights, func() { c.w.Send(write) })
	} else {
		c.step(setWeights, func() { write(ctx) })
	}
	return in, err
}

// setWeights is the step that weights are sent in.
const setWeights = "set weights"

type killHub struct {
	hub.Hub
	*fault
}

func (h *killHub) Stat(ctx context.Context, ref hub.Ref, path string) (f hub.File, err error) {
	h.step("stat "+path, func() { f, err = h.Hub.Stat(ctx, ref, path) })
	return f, err
}

func (h *killHub) Open(ctx context.Context, ref hub.Ref, path string, offset, length int64) (r io.ReadCloser, err error) {
	h.step("open "+path, func() { r, err = h.Hub.Open(ctx, ref, path, offset, length) })
	return r, err
}

type killCrawl struct {
	audit.Ranges
	*fault
}

func (c *killCrawl) ReadRange(ctx context.Context, path string, offset, length int64) (b []byte, size int64, err error) {
	c.step("range of "+path, func() { b, size, err = c.Ranges.ReadRange(ctx, path, offset, length) })
	return b, size, err
}

type killBoard struct {
	*board
	*fault
}

func (b *killBoard) Score(ctx context.Context, verdicts []contract.Verdict, weightsBlock uint64) (err error) {
	b.step("score", func() { err = b.board.Score(ctx, verdicts, weightsBlock) })
	return err
}

func (b *killBoard) SendProof(ctx context.Context, proof json.RawMessage) (err error) {
	b.step("send proof", func() { err = b.board.SendProof(ctx, proof) })
	return err
}

func (b *killBoard) Proofs(ctx context.Context, since int64) (ps []contract.ProofView, next int64, err error) {
	b.step("proofs", func() { ps, next, err = b.board.Proofs(ctx, since) })
	return ps, next, err
}

type killJournal struct {
	validator.Journal
	path string
	t    testing.TB
	*fault
}

func (j *killJournal) Append(entry []byte) (err error) {
	if j.steps+1 == j.at && j.way == torn {
		file, err := os.OpenFile(j.path, os.O_WRONLY|os.O_APPEND, 0)
		if err == nil {
			_, err = file.WriteString("00000000 " + string(entry[:len(entry)/2]))
			err = errors.Join(err, file.Close())
		}
		if err != nil {
			j.t.Fatal(err)
		}
	}
	j.step(journalStep+string(entry[:min(20, len(entry))]), func() { err = j.Journal.Append(entry) })
	return err
}
