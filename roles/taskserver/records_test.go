package taskserver_test

import (
	"encoding/json"
	"strings"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver"
	"finest/roles/taskserver/client"
)

func verdictOn(r contract.Receipt, outcome, pay string) contract.Verdict {
	return contract.Verdict{Task: r.Task, Generation: r.Generation, Hotkey: r.Hotkey, Manifest: sumA, Outcome: outcome, Pay: pay}
}

func TestScore(t *testing.T) {
	e := newEnv(t, 2)
	ctx := t.Context()
	r := e.submitted("//Miner")
	validator := e.client("//Validator")

	good := verdictOn(r, contract.VerdictAccepted, "2001.5")
	wantProblem(t, "score by a miner", e.client("//Miner").Score(ctx, []contract.Verdict{good}, 1), contract.ProblemNoPermit)
	for name, change := range map[string]func(*contract.Verdict){
		"pay below zero":      func(v *contract.Verdict) { v.Pay = "-1" },
		"pay not a number":    func(v *contract.Verdict) { v.Pay = "NaN" },
		"no pay":              func(v *contract.Verdict) { v.Pay = "" },
		"unknown outcome":     func(v *contract.Verdict) { v.Outcome = "great" },
		"reason without end":  func(v *contract.Verdict) { v.Reason = strings.Repeat("x", contract.MaxReason+1) },
		"hotkey not a hotkey": func(v *contract.Verdict) { v.Hotkey = "<script>" },
	} {
		bad := good
		change(&bad)
		wantProblem(t, name, validator.Score(ctx, []contract.Verdict{good, bad}, 1), contract.ProblemMalformed)
	}
	unknown := good
	unknown.Generation = 2

	zero := verdictOn(r, contract.VerdictUndecided, "0")
	check(t, validator.Score(ctx, []contract.Verdict{zero}, firstHead))
	ahead := validator.Score(ctx, []contract.Verdict{unknown, good}, firstHead+3)
	wantProblem(t, "weights that are not final", ahead, contract.ProblemAhead)
	equal(t, "wait for weights", client.RetryAfter(ahead), taskserver.DefaultBlockTime)

	shown := func(want ...contract.Verdict) {
		t.Helper()
		view, err := validator.Task(ctx, r.Task)
		check(t, err)
		equal(t, "submissions shown", len(view.Submissions), 1)
		equal(t, "verdicts shown", len(view.Verdicts), len(want))
		for i, v := range view.Verdicts {
			equal(t, "verdict", v.Verdict, want[i])
			equal(t, "validator", v.Validator, key(t, "//Validator").Address())
		}
	}
	shown(zero)
	e.mine(2)
	for range 2 { // the same again adds nothing
		check(t, validator.Score(ctx, []contract.Verdict{unknown, good}, firstHead+3))
	}
	check(t, validator.Score(ctx, nil, firstHead+3))
	shown(zero, good)
	equal(t, "state", e.state(r.Task), contract.TaskAccepted)

	standings, err := validator.Leaderboard(ctx)
	check(t, err)
	equal(t, "standings", len(standings), 1)
	equal(t, "standing", standings[0], contract.Standing{Hotkey: r.Hotkey, Submitted: 1, Bytes: r.Bytes(), Accepted: 1, LastBlock: r.Block + 1})
}

func TestManyVerdicts(t *testing.T) {
	e := newEnv(t, 1)
	r := e.lease("//Miner")
	many := make([]contract.Verdict, contract.MaxVerdicts+1)
	for i := range many {
		many[i] = verdictOn(r, contract.VerdictRejected, "0")
		many[i].Reason = strings.Repeat("é", contract.MaxReason/2)
	}
	check(t, e.client("//Validator").Score(t.Context(), many, firstHead))
}

func TestProofs(t *testing.T) {
	e := newEnv(t, 1)
	ctx := t.Context()
	validator := e.client("//Validator")
	proof := json.RawMessage(`{"task":"<t>", "leaf":["é", 1]}`)
	wantProblem(t, "proof of a miner", e.client("//Miner").SendProof(ctx, proof), contract.ProblemNoPermit)
	wantProblem(t, "not an object", validator.SendProof(ctx, json.RawMessage(`[1]`)), contract.ProblemMalformed)
	large := json.RawMessage(`{"text":"` + strings.Repeat("x", contract.MaxProof) + `"}`)
	wantProblem(t, "too large", validator.SendProof(ctx, large), contract.ProblemMalformed)
	for range 2 {
		check(t, validator.SendProof(ctx, proof))
	}
	page, next, err := e.client("//Miner").Proofs(ctx, 0)
	check(t, err)
	equal(t, "proofs", len(page), 1)
	want, err := canon.Canonicalize(proof)
	check(t, err)
	equal(t, "sender", page[0].Sender, key(t, "//Validator").Address())
	equal(t, "hash", page[0].SHA256, canon.Sum(want))
	got, err := canon.Canonicalize(page[0].Proof)
	check(t, err)
	equal(t, "proof", string(got), string(want))
	page, _, err = e.client("//Miner").Proofs(ctx, next)
	check(t, err)
	equal(t, "proofs after the last", len(page), 0)
}
