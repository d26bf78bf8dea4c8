package sqlstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"finest/chain"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
	"finest/roles/taskserver/memstore"
	"finest/roles/taskserver/storetest"
)

// operation is something a client, the server or its operator does.
type operation struct {
	name string
	// signed says that it is a request with a UUID.
	signed bool
	// do returns what was answered.
	do func(ctx context.Context, e *engine.Engine, uuid string) (string, error)
	// answer is what is answered at first.
	answer string
}

// script is what happens on a server, with all that is drawn and answered known
// beforehand, and what its store shows in the end.
type script struct {
	operations []operation
	final      string

	t      testing.TB
	engine *engine.Engine
}

func newEngine(t testing.TB, s engine.Store) *engine.Engine {
	t.Helper()
	e, err := engine.New(s, enginetest.Rules(), enginetest.Sign)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

const scriptCrawl = "CC-TEST-2024-10"

var (
	miner1, miner2, validator1, validator2 = enginetest.Address("miner 1"), enginetest.Address("miner 2"),
		enginetest.Address("validator 1"), enginetest.Address("validator 2")
	owner = enginetest.Address("owner")
)

// newScript finds out in memory what happens.
func newScript(t testing.TB) script {
	t.Helper()
	store := memstore.New()
	s := script{t: t, engine: newEngine(t, store)}
	s.write()
	err := store.View(t.Context(), func(v engine.View) (err error) {
		s.final, err = storetest.Dump(v)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *script) write() {
	crawl, tasks := enginetest.Tasks(scriptCrawl, 5, false)
	s.server("import", func(ctx context.Context, e *engine.Engine) error {
		_, err := e.Import(ctx, 1, crawl, tasks)
		return err
	})
	for i, k := range tasks {
		files := []contract.InputFile{{Path: k.Files[0].Path, Bytes: 100}, {Path: k.Files[1].Path, Bytes: 200}}
		bad := ""
		if i == 4 {
			bad = "the file is one member"
		}
		s.server("survey", func(ctx context.Context, e *engine.Engine) error { return e.Surveyed(ctx, 2, k.ID, files, bad) })
	}
	first := s.lease(10, miner1, 1)
	second := s.lease(11, miner1, 2)
	third := s.lease(12, miner2, 1)
	s.lease(12, miner1, 1) // the same again
	s.lease(13, miner2, contract.MaxSlot)
	s.renew(14, first)
	s.score(15, validator1, 4, second, contract.VerdictRejected) // early
	s.score(16, validator2, 4, first, contract.VerdictUndecided)
	s.submit(20, first)
	s.submit(21, first) // again
	s.release(22, second, "")
	s.release(23, third, third.Files[1].Path)
	s.score(30, validator1, 5, first, contract.VerdictRejected)
	s.score(31, validator2, 9, first, contract.VerdictAccepted)
	s.proof(32, validator2)
	s.server("excuse", func(ctx context.Context, e *engine.Engine) error {
		return e.Excuse(ctx, 33, third.Task, third.Generation, true, "it is missing")
	})
	fourth := s.lease(40, miner2, 1)
	for head := uint64(120); head <= 260; head += 70 { // passes deadlines
		s.server("advance", func(ctx context.Context, e *engine.Engine) error {
			_, err := e.Advance(ctx, head)
			return err
		})
	}
	s.submit(261, fourth) // too late for its block, or not: as the engine says
	s.server("requeue", func(ctx context.Context, e *engine.Engine) error { return e.Requeue(ctx, 262, tasks[4].ID) })
	holder := engine.Holder{Kind: engine.HolderHotkey, Address: miner2}
	s.server("ban", func(ctx context.Context, e *engine.Engine) error { return e.Ban(ctx, 263, holder, "why") })
	s.lease(264, miner2, 1)
	s.server("clear", func(ctx context.Context, e *engine.Engine) error { return e.Clear(ctx, 265, holder) })
	s.server("retire", func(ctx context.Context, e *engine.Engine) error { return e.Retire(ctx, 266, scriptCrawl) })
	s.lease(267, miner2, 1)
}

// add adds an operation and lets it happen.
func (s *script) add(o operation) {
	s.t.Helper()
	var err error
	if o.answer, err = o.do(s.t.Context(), s.engine, uuidOf(len(s.operations), 0)); err != nil {
		s.t.Fatalf("%s: %v", o.name, err)
	}
	s.operations = append(s.operations, o)
}

// uuidOf numbers the requests for an operation.
func uuidOf(operation, try int) string {
	return fmt.Sprintf("00000000-0000-4000-8000-%06d%06d", operation, try)
}

func (s *script) server(name string, do func(context.Context, *engine.Engine) error) {
	s.t.Helper()
	s.add(operation{name: name, do: func(ctx context.Context, e *engine.Engine, _ string) (string, error) { return "done", do(ctx, e) }})
}

// request adds a signed request; a refusal is an answer, too.
func (s *script) request(name string, block uint64, who string, stake uint64, do func(context.Context, *engine.Engine, engine.Request) (any, error)) {
	s.t.Helper()
	s.add(operation{name: name, signed: true, do: func(ctx context.Context, e *engine.Engine, uuid string) (string, error) {
		answer, err := do(ctx, e, engine.Request{
			Head: chain.Block{Number: block, Hash: enginetest.BlockHash(block)}, Hotkey: who, Coldkey: owner, Key: chain.PublicKey{who[1]},
			Permit: true, Stake: stake, UUID: uuid, Until: time.UnixMilli(1_700_000_000_000),
		})
		if err != nil && (errors.Is(err, engine.ErrReplayed) || errors.Is(err, engine.ErrUnavailable)) {
			return "", err
		}
		return fmt.Sprintf("%+v, error %v", answer, err), nil
	}})
}

func (s *script) lease(block uint64, who string, slot int) (r contract.Receipt) {
	s.t.Helper()
	s.request("lease", block, who, 0, func(ctx context.Context, e *engine.Engine, q engine.Request) (any, error) {
		var err error
		r, _, err = e.Lease(ctx, q, contract.LeaseRequest{Op: contract.OpLease, Slot: slot, Recipe: "fineweb"})
		return r, err
	})
	return r
}

func (s *script) renew(block uint64, r contract.Receipt) {
	s.t.Helper()
	s.request("renew", block, r.Hotkey, 0, func(ctx context.Context, e *engine.Engine, q engine.Request) (any, error) {
		return e.Renew(ctx, q, contract.RenewRequest{Op: contract.OpRenew, Task: r.Task, Generation: r.Generation})
	})
}

func (s *script) release(block uint64, r contract.Receipt, missing string) {
	s.t.Helper()
	s.request("release", block, r.Hotkey, 0, func(ctx context.Context, e *engine.Engine, q engine.Request) (any, error) {
		return e.Release(ctx, q, contract.ReleaseRequest{Op: contract.OpRelease, Task: r.Task, Generation: r.Generation, Missing: missing})
	})
}

func (s *script) submit(block uint64, r contract.Receipt) {
	s.t.Helper()
	s.request("submit", block, r.Hotkey, 0, func(ctx context.Context, e *engine.Engine, q engine.Request) (any, error) {
		return e.Submit(ctx, q, contract.SubmitRequest{Op: contract.OpSubmit, Task: r.Task, Generation: r.Generation,
			Claim: "someone/data@" + fmt.Sprintf("%040x", 7), Manifest: fmt.Sprintf("%064x", 8), Block: r.Block + 5})
	})
}

func (s *script) score(block uint64, who string, stake uint64, r contract.Receipt, outcome string) {
	s.t.Helper()
	req := contract.ScoreRequest{Op: contract.OpScore, WeightsBlock: block - 1, Verdicts: []contract.Verdict{{
		Task: r.Task, Generation: r.Generation, Hotkey: r.Hotkey, Manifest: fmt.Sprintf("%064x", 8), Outcome: outcome, Pay: "1"}}}
	body, err := canon.Marshal(req)
	if err != nil {
		s.t.Fatal(err)
	}
	statement := contract.Statement{SHA256: contract.StatementID(who, body), Validator: who, Body: body}
	s.request("score", block, who, stake, func(ctx context.Context, e *engine.Engine, q engine.Request) (any, error) {
		return nil, e.Score(ctx, q, req, statement)
	})
}

func (s *script) proof(block uint64, who string) {
	s.t.Helper()
	proof := json.RawMessage(`{"a":1}`)
	s.request("proof", block, who, 1, func(ctx context.Context, e *engine.Engine, q engine.Request) (any, error) {
		return nil, e.Proof(ctx, q, canon.Sum(proof), contract.ProofRequest{Op: contract.OpProof, Proof: proof})
	})
}
