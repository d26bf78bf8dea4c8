package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"finest/internal/contract"
	"finest/roles/taskserver"
)

func verdict(key taskserver.LeaseKey, outcome, pay string) contract.Verdict {
	return contract.Verdict{Task: key.Task, Generation: key.Generation, Hotkey: key.Hotkey, Manifest: sumA, Outcome: outcome, Reason: "r", Pay: pay}
}

func verdictHistory(t *testing.T, e *env) {
	ctx := t.Context()
	addTasks(t, e, 1)
	key := grant(t, e, 0, 1, alice, 1, 10)
	first, second := verdict(key, contract.VerdictUndecided, "0"), verdict(key, contract.VerdictAccepted, "1500")
	for range 2 { // a repeated request adds nothing
		check(t, e.AddVerdicts(ctx, bob, 30, []contract.Verdict{first}))
	}
	check(t, e.AddVerdicts(ctx, bob, 40, []contract.Verdict{second}))

	for _, c := range []struct {
		block uint64
		want  []contract.Verdict
	}{{29, nil}, {30, []contract.Verdict{first}}, {40, []contract.Verdict{first, second}}} {
		got, err := e.Verdicts(ctx, key.Task, c.block)
		check(t, err)
		equal(t, fmt.Sprintf("verdicts at block %d", c.block), len(got), len(c.want))
		for i, v := range got {
			equal(t, "verdict", v.Verdict, c.want[i])
			equal(t, "validator", v.Validator, bob)
		}
	}
	none, err := e.Verdicts(ctx, contract.TaskID(crawl, 1), 100)
	check(t, err)
	equal(t, "verdicts on another task", len(none), 0)
}

func verdictUnknown(t *testing.T, e *env) {
	ctx := t.Context()
	addTasks(t, e, 1)
	key := grant(t, e, 0, 1, alice, 1, 10)
	good := verdict(key, contract.VerdictAccepted, "1")
	otherHotkey, otherGeneration := good, good
	otherHotkey.Hotkey = bob
	otherGeneration.Generation = 2
	check(t, e.AddVerdicts(ctx, bob, 30, []contract.Verdict{otherHotkey, otherGeneration}))
	got, err := e.Verdicts(ctx, key.Task, 100)
	check(t, err)
	equal(t, "verdicts on unknown leases", len(got), 0)
	check(t, e.AddVerdicts(ctx, bob, 30, []contract.Verdict{otherHotkey, good, otherGeneration}))
	got, err = e.Verdicts(ctx, key.Task, 100)
	check(t, err)
	equal(t, "verdicts", len(got), 1)
	equal(t, "verdict", got[0].Verdict, good)
}

func standings(t *testing.T, e *env) {
	ctx := t.Context()
	addTasks(t, e, 4)
	var keys []taskserver.LeaseKey
	for i, hotkey := range []string{alice, alice, bob} {
		key := grant(t, e, i, 1, hotkey, i+1, 10)
		_, err := e.Submit(ctx, key, result(sumA, uint64(20+i)))
		check(t, err)
		keys = append(keys, key)
	}
	carol := strings.Repeat("C", 48) // claimed on chain, never submitted here
	keys = append(keys, grant(t, e, 3, 1, carol, 1, 10))
	check(t, e.AddVerdicts(ctx, "v1", 30, []contract.Verdict{
		verdict(keys[0], contract.VerdictUndecided, "0"), verdict(keys[1], contract.VerdictRejected, "0"), verdict(keys[3], contract.VerdictRejected, "0")}))
	check(t, e.AddVerdicts(ctx, "v2", 30, []contract.Verdict{verdict(keys[2], contract.VerdictAccepted, "5")}))
	check(t, e.AddVerdicts(ctx, "v1", 40, []contract.Verdict{verdict(keys[0], contract.VerdictAccepted, "7"), verdict(keys[2], contract.VerdictAccepted, "5")}))

	for _, c := range []struct {
		block uint64
		want  []contract.Standing
	}{
		{20, []contract.Standing{
			{Hotkey: alice, Submitted: 2, Bytes: 3000, LastBlock: 21},
			{Hotkey: bob, Submitted: 1, Bytes: 1500, LastBlock: 22}}},
		{30, []contract.Standing{
			{Hotkey: bob, Submitted: 1, Bytes: 1500, Accepted: 1, LastBlock: 22},
			{Hotkey: alice, Submitted: 2, Bytes: 3000, Rejected: 1, Undecided: 1, LastBlock: 21},
			{Hotkey: carol, Rejected: 1}}},
		{40, []contract.Standing{
			{Hotkey: bob, Submitted: 1, Bytes: 1500, Accepted: 2, LastBlock: 22},
			{Hotkey: alice, Submitted: 2, Bytes: 3000, Accepted: 1, Rejected: 1, LastBlock: 21},
			{Hotkey: carol, Rejected: 1}}},
	} {
		got, err := e.Standings(ctx, c.block)
		check(t, err)
		equal(t, fmt.Sprintf("standings at block %d", c.block), fmt.Sprint(got), fmt.Sprint(c.want))
	}
}

func proofsOnce(t *testing.T, e *env) {
	ctx := t.Context()
	proof := json.RawMessage(`{"leaf":"<é>"}`)
	check(t, e.AddProof(ctx, alice, sumA, proof))
	check(t, e.AddProof(ctx, bob, sumA, proof))
	check(t, e.AddProof(ctx, bob, sumB, proof))
	got, err := e.Proofs(ctx, 0, 10, 1<<20)
	check(t, err)
	equal(t, "proofs", len(got), 2)
	equal(t, "sender of the first", got[0].Sender, alice)
	equal(t, "proof", string(got[0].Proof), string(proof))
	rest, err := e.Proofs(ctx, got[0].Seq, 10, 1<<20)
	check(t, err)
	equal(t, "proofs after the first", len(rest), 1)
	equal(t, "second", rest[0].SHA256, sumB)
}

func proofPages(t *testing.T, e *env) {
	ctx := t.Context()
	for i := range 4 {
		proof := fmt.Appendf(nil, `{"n":%d}`, i) // 7 bytes
		check(t, e.AddProof(ctx, alice, fmt.Sprintf("%064d", i), proof))
	}
	for _, c := range []struct{ limit, bytes, want int }{{3, 100, 3}, {10, 28, 4}, {10, 27, 3}, {10, 7, 1}, {10, 1, 1}} {
		got, err := e.Proofs(ctx, 0, c.limit, c.bytes)
		check(t, err)
		equal(t, fmt.Sprintf("proofs of limit %d and %d bytes", c.limit, c.bytes), len(got), c.want)
	}
}

func uuidOnce(t *testing.T, e *env) {
	ctx := t.Context()
	now := time.UnixMilli(1_700_000_000_000)
	until := now.Add(time.Minute)
	const id = "11111111-2222-4333-8444-555555555555"
	check(t, e.UseUUID(ctx, alice, id, until, now))
	wantError(t, "again", e.UseUUID(ctx, alice, id, until, now.Add(time.Second)), taskserver.ErrReplayed)
	check(t, e.UseUUID(ctx, bob, id, until, now))
	e.reopen(t)
	wantError(t, "after a restart", e.UseUUID(ctx, alice, id, until, now.Add(time.Minute)), taskserver.ErrReplayed)
}
