package storetest

import (
	"encoding/json"
	"fmt"
	"slices"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

func someSubmission(number int, generation int64, hotkey string, block uint64) contract.SubmissionView {
	return contract.SubmissionView{Task: contract.TaskID(main, number), Generation: generation, Hotkey: hotkey,
		Claim: hotkey + "/data@" + sum0[:40], Manifest: sum1, Block: block, Bytes: int64(100 * block)}
}

// submit adds submissions with their leases.
func submit(tx engine.Tx, all ...contract.SubmissionView) error {
	for _, s := range all {
		l := someLease(s.Task, s.Generation, s.Hotkey, 1)
		l.State = contract.LeaseSubmitted
		if err := tx.PutLease(l); err != nil {
			return err
		}
		if err := tx.AddSubmission(s); err != nil {
			return err
		}
	}
	return nil
}

func submissionsNumbered(b *bench) {
	first, second, third := someSubmission(1, 1, ann, 10), someSubmission(0, 1, ben, 11), someSubmission(1, 2, ben, 12)
	b.change(func(tx engine.Tx) error { return all(fill(tx, main, 2), submit(tx, first)) })
	b.change(func(tx engine.Tx) error { return submit(tx, second, third) })
	first.Seq, second.Seq, third.Seq = 1, 2, 3
	list := func(task string, since int64, limit int) []contract.SubmissionView {
		return see(b, func(v engine.View) ([]contract.SubmissionView, error) { return v.Submissions(task, since, limit) })
	}
	b.want("all", list("", 0, 10), []contract.SubmissionView{first, second, third})
	b.want("after the first", list("", 1, 1), []contract.SubmissionView{second})
	b.want("of one task", list(first.Task, 0, 10), []contract.SubmissionView{first, third})
	b.want("of one task after the first", list(first.Task, 1, 10), []contract.SubmissionView{third})
	b.want("after the last", len(list("", 3, 10)), 0)
	b.want("one", see(b, func(v engine.View) (contract.SubmissionView, error) { return v.Submission(first.Task, 2) }), third)
	b.view(func(v engine.View) error {
		_, err := v.Submission(first.Task, 3)
		b.wantErr("of an unknown lease", err, engine.ErrNotFound)
		return nil
	})
	b.wantErr("a second result", b.Change(b.Context(), func(tx engine.Tx) error { return tx.AddSubmission(someSubmission(1, 2, ben, 13)) }), engine.ErrConflict)
	b.want("after a second result was refused", len(list("", 0, 10)), 3)
}

func someVerdict(validator string, number int, generation int64, outcome string, block uint64) engine.Verdict {
	return engine.Verdict{Stake: 1 << 60, VerdictView: contract.VerdictView{Validator: validator, WeightsBlock: block, Statement: sum0,
		Verdict: contract.Verdict{Task: contract.TaskID(main, number), Generation: generation, Hotkey: ann, Manifest: sum1, Outcome: outcome,
			Reason: "a 'reason'", Pay: "12.5"}}}
}

// publish adds verdicts and returns which were new.
func publish(b *bench, verdicts ...engine.Verdict) (added []bool) {
	b.Helper()
	b.change(func(tx engine.Tx) error {
		added = nil
		for _, v := range verdicts {
			ok, err := tx.AddVerdict(v)
			if err != nil {
				return err
			}
			added = append(added, ok)
		}
		return nil
	})
	return added
}

func verdictsHistory(b *bench) {
	first := someVerdict(ben, 0, 1, contract.VerdictAccepted, 20)
	b.want("first", publish(b, first), []bool{true})
	again := first
	again.Stake, again.Seq = 5, 77
	b.want("the same with another stake", publish(b, again), []bool{false})

	all := []engine.Verdict{first}
	for _, change := range []func(*engine.Verdict){
		func(v *engine.Verdict) { v.Task = contract.TaskID(main, 1) },
		func(v *engine.Verdict) { v.Generation = 2 },
		func(v *engine.Verdict) { v.Hotkey = cleo },
		func(v *engine.Verdict) { v.Manifest = sum0 },
		func(v *engine.Verdict) { v.Outcome = contract.VerdictRejected },
		func(v *engine.Verdict) { v.Reason = "" },
		func(v *engine.Verdict) { v.Pay = "0" },
		func(v *engine.Verdict) { v.Validator = cleo },
		func(v *engine.Verdict) { v.WeightsBlock = 21 },
		func(v *engine.Verdict) { v.Statement = sum1 },
	} {
		v := first
		change(&v)
		b.want("one that differs", publish(b, v, v), []bool{true, false})
		all = append(all, v)
	}
	for i := range all {
		all[i].Seq = int64(i + 1)
	}
	list := func(task, hotkey string, since int64, limit int) []engine.Verdict {
		return see(b, func(v engine.View) ([]engine.Verdict, error) { return v.Verdicts(task, hotkey, since, limit) })
	}
	b.want("all", list("", "", 0, 100), all)
	b.want("a page", list("", "", 3, 2), all[3:5])
	b.want("of a task", list(contract.TaskID(main, 1), "", 0, 100), all[1:2])
	b.want("of a hotkey", list("", cleo, 0, 100), all[3:4])
	b.want("of a task and a hotkey", len(list(contract.TaskID(main, 1), cleo, 0, 100)), 0)
	b.want("of a task after one", list(first.Task, "", 10, 100), all[10:])
}

func verdictsNewest(b *bench) {
	publish(b, someVerdict(ben, 0, 1, contract.VerdictAccepted, 20), someVerdict(cleo, 0, 1, contract.VerdictAccepted, 20),
		someVerdict(ben, 0, 1, contract.VerdictRejected, 25), someVerdict(ben, 0, 2, contract.VerdictUndecided, 26),
		someVerdict(ben, 1, 1, contract.VerdictUndecided, 27))
	got := see(b, func(v engine.View) ([]engine.Verdict, error) { return v.NewestVerdicts(contract.TaskID(main, 0), 1) })
	slices.SortFunc(got, func(x, y engine.Verdict) int { return int(x.Seq - y.Seq) })
	var text []string
	for _, v := range got {
		text = append(text, fmt.Sprintf("%s %s %d", v.Validator[:1], v.Outcome, v.Seq))
	}
	b.want("newest", text, []string{"C accepted 2", "B rejected 3"})
	none := see(b, func(v engine.View) ([]engine.Verdict, error) { return v.NewestVerdicts(contract.TaskID(main, 1), 9) })
	b.want("of a lease without", len(none), 0)
}

func earlyHidden(b *bench) {
	b.change(func(tx engine.Tx) error { return fill(tx, main, 2) })
	before := see(b, Dump)
	old, second := someVerdict(ben, 0, 1, contract.VerdictAccepted, 20), someVerdict(ann, 0, 1, contract.VerdictAccepted, 20)
	first := old
	first.Hotkey, first.Manifest, first.Outcome, first.Reason, first.Pay = cleo, sum0, contract.VerdictRejected, "", "0"
	first.WeightsBlock, first.Statement, first.Stake = 21, sum1, 7
	other, later := someVerdict(ben, 1, 1, contract.VerdictAccepted, 20), someVerdict(ben, 0, 2, contract.VerdictAccepted, 20)
	b.change(func(tx engine.Tx) error {
		return all(tx.PutEarly(old), tx.PutEarly(second), tx.PutEarly(other), tx.PutEarly(later), tx.PutEarly(first))
	})
	b.want("what is shown", see(b, Dump), before)
	if b.traits.Durable {
		b.reopen()
	}
	take := func(number int, generation int64, end error) (taken []engine.Verdict) {
		b.Helper()
		b.wantErr("take", b.Change(b.Context(), func(tx engine.Tx) (err error) {
			taken, err = tx.TakeEarly(contract.TaskID(main, number), generation)
			return all(err, end)
		}), end)
		return taken
	}
	b.want("of a lease", take(0, 1, errTest), []engine.Verdict{second, first})
	b.want("again, as the change failed", take(0, 1, nil), []engine.Verdict{second, first})
	b.want("what is left", len(take(0, 1, nil)), 0)
	b.want("of another lease of the task", take(0, 2, nil), []engine.Verdict{later})
	b.want("of another task", take(1, 1, nil), []engine.Verdict{other})
}

func standingsCount(b *bench) {
	b.change(func(tx engine.Tx) error {
		return all(fill(tx, main, 4), submit(tx, someSubmission(0, 1, ann, 10), someSubmission(1, 1, ann, 20), someSubmission(2, 1, ben, 30)))
	})
	of := func(v engine.Verdict, hotkey string) engine.Verdict {
		v.Hotkey = hotkey
		return v
	}
	publish(b,
		of(someVerdict(cleo, 0, 1, contract.VerdictRejected, 40), ann), of(someVerdict(cleo, 0, 1, contract.VerdictAccepted, 41), ann),
		of(someVerdict(ben, 0, 1, contract.VerdictAccepted, 40), ann), of(someVerdict(cleo, 1, 1, contract.VerdictUndecided, 40), ann),
		of(someVerdict(cleo, 2, 1, contract.VerdictAccepted, 40), ben), of(someVerdict(ben, 2, 1, contract.VerdictAccepted, 40), ben),
		of(someVerdict(cleo, 3, 1, contract.VerdictRejected, 40), cleo))
	b.want("standings", see(b, engine.View.Standings), []contract.Standing{
		{Hotkey: ann, Submitted: 2, Bytes: 3000, Accepted: 2, Undecided: 1, LastBlock: 20},
		{Hotkey: ben, Submitted: 1, Bytes: 3000, Accepted: 2, LastBlock: 30},
		{Hotkey: cleo, Rejected: 1},
	})
}

func statementsOnce(b *bench) {
	first := contract.Statement{SHA256: sum0, Validator: ann, SignedFor: ben, UUID: "u", Timestamp: 1 << 41, Signature: "0x00",
		Body: json.RawMessage(`{"a": "<é>"}`)}
	other := first
	other.Validator = cleo
	b.change(func(tx engine.Tx) error { return all(tx.AddStatement(first), tx.AddStatement(other)) })
	b.want("statement", see(b, func(v engine.View) (contract.Statement, error) { return v.Statement(sum0) }), first)
	b.view(func(v engine.View) error {
		_, err := v.Statement(sum1)
		b.wantErr("unknown statement", err, engine.ErrNotFound)
		return nil
	})
}

func proofsPaged(b *bench) {
	var added []bool
	b.change(func(tx engine.Tx) error {
		added = nil
		for i := range 4 {
			for range 2 {
				ok, err := tx.AddProof(ann, fmt.Sprintf("%064d", i), fmt.Appendf(nil, `{"é":%d}`, i)) // 8 bytes
				if err != nil {
					return err
				}
				added = append(added, ok)
			}
		}
		return nil
	})
	b.want("added", added, []bool{true, false, true, false, true, false, true, false})
	for _, c := range []struct {
		since        int64
		limit, bytes int
		want         string
	}{{0, 3, 100, "123"}, {0, 10, 32, "1234"}, {0, 10, 31, "123"}, {0, 10, 8, "1"}, {0, 10, 1, "1"}, {1, 2, 100, "23"}, {2, 10, 15, "3"}, {4, 10, 99, ""}} {
		got := ""
		for _, p := range see(b, func(v engine.View) ([]contract.ProofView, error) { return v.Proofs(c.since, c.limit, c.bytes) }) {
			b.want("proof", fmt.Sprint(p.Sender, p.SHA256, string(p.Proof)), fmt.Sprintf(`%s%064d{"é":%d}`, ann, p.Seq-1, p.Seq-1))
			got += fmt.Sprint(p.Seq)
		}
		b.want(fmt.Sprintf("%+v", c), got, c.want)
	}
}
