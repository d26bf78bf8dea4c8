package engine_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
)

// said is a verdict of a validator.
type said struct {
	validator string
	stake     uint64
	outcome   string
}

const (
	yes   = contract.VerdictAccepted
	no    = contract.VerdictRejected
	maybe = contract.VerdictUndecided
)

func TestStakeDecides(t *testing.T) {
	most := ^uint64(0)
	for name, c := range map[string]struct {
		said []said
		want string
	}{
		"nobody":                      {nil, contract.TaskSubmitted},
		"undecided":                   {[]said{{"v", 9, maybe}}, contract.TaskSubmitted},
		"accepted":                    {[]said{{"v", 1, yes}}, contract.TaskAccepted},
		"rejected":                    {[]said{{"v", 1, no}}, contract.TaskRejected},
		"more stake against":          {[]said{{"v", 5, yes}, {"w", 6, no}}, contract.TaskRejected},
		"more stake for, fewer heads": {[]said{{"v", 5, yes}, {"w", 2, no}, {"x", 2, no}}, contract.TaskAccepted},
		"as much":                     {[]said{{"v", 5, yes}, {"w", 3, no}, {"x", 2, no}}, contract.TaskSubmitted},
		"undecided has no weight":     {[]said{{"v", 5, no}, {"w", 90, maybe}}, contract.TaskRejected},
		"without stake":               {[]said{{"v", 0, yes}}, contract.TaskSubmitted},
		"stakes beyond 64 bits":       {[]said{{"v", most, yes}, {"w", most, yes}, {"x", most - 1, no}}, contract.TaskAccepted},
		"the newest word counts":      {[]said{{"v", 5, yes}, {"v", 5, no}}, contract.TaskRejected},
		"there and back":              {[]said{{"v", 5, yes}, {"v", 5, no}, {"v", 4, yes}}, contract.TaskAccepted},
		"its newest stake, too":       {[]said{{"v", 9, yes}, {"w", 5, no}, {"v", 1, yes}}, contract.TaskRejected},
		"withdrawn":                   {[]said{{"v", 5, yes}, {"v", 5, maybe}}, contract.TaskSubmitted},
		"of its own work":             {[]said{{"alice", 9, yes}}, contract.TaskSubmitted},
		"of its owner's work":         {[]said{{"vali/alice", 9, yes}}, contract.TaskSubmitted},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, 1)
			r := d.lease("alice", 1)
			d.pass(1)
			d.must(d.submit("alice", r))
			for _, s := range c.said {
				d.pass(1)
				d.must(d.judge(s.validator, s.stake, r, s.outcome))
			}
			d.in(r.Task, c.want)
		})
	}
}

// FS-2, FS-16: scores were overwritten, and a zero could not be reported.
func TestHistoryOfVerdicts(t *testing.T) {
	d := newDesk(t, 1)
	r := d.lease("alice", 1)
	d.pass(1)
	d.must(d.submit("alice", r))
	d.must(d.judge("v", 5, r, yes))
	d.pass(1)
	d.must(d.judge("v", 6, r, no)) // pays "0"
	before := d.state()
	d.must(d.judge("v", 6, r, no))
	same(t, "state after the same verdict again", d.state(), before)
	d.view(func(v engine.View) error {
		all, err := v.Verdicts(r.Task, "", 0, 10)
		if len(all) != 2 || all[0].Outcome != yes || all[1].Outcome != no || all[1].Pay != "0" || all[1].Stake != 6 {
			t.Errorf("history is %+v", all)
		}
		if _, err := v.Statement(all[1].Statement); err != nil {
			t.Errorf("the signed statement of a verdict: %v", err)
		}
		return err
	})
}

func TestVerdictsThatMoveNothing(t *testing.T) {
	d := newDesk(t, 2)
	r := d.lease("alice", 1)
	open := d.lease("bob", 1)
	d.pass(1)
	d.must(d.submit("alice", r))
	good := contract.Verdict{Task: r.Task, Generation: 1, Hotkey: r.Hotkey, Manifest: result(r, 0).Manifest, Outcome: yes, Pay: "1"}
	change := func(f func(*contract.Verdict)) contract.Verdict {
		v := good
		f(&v)
		return v
	}
	for name, v := range map[string]contract.Verdict{
		"no such task":       change(func(v *contract.Verdict) { v.Task = contract.TaskID("other", 0) }),
		"no such generation": change(func(v *contract.Verdict) { v.Generation = 2 }),
		"another's lease":    change(func(v *contract.Verdict) { v.Hotkey = open.Hotkey }),
		"another result":     change(func(v *contract.Verdict) { v.Manifest = canon.Sum(nil) }),
		"no result yet":      {Task: open.Task, Generation: 1, Hotkey: open.Hotkey, Manifest: good.Manifest, Outcome: yes, Pay: "1"},
	} {
		who := d.by("v")
		who.Stake = 10
		d.must(d.score(who, v))
		if task := d.task(r.Task); task.State != contract.TaskSubmitted {
			t.Fatalf("%s: the task is %s", name, task.State)
		}
		d.in(open.Task, contract.TaskLeased)
	}
	who := d.by("v")
	who.Stake = 10
	d.must(d.score(who, change(func(v *contract.Verdict) { v.Task = contract.TaskID("other", 0) }), good))
	d.in(r.Task, contract.TaskAccepted) // heard in spite of the one before it
}

func TestVerdictBeforeTheResult(t *testing.T) {
	d := newDesk(t, 1)
	r := d.lease("alice", 1)
	d.pass(1)
	d.must(d.judge("v", 5, r, yes)) // the claim is on chain, the server was not told
	d.in(r.Task, contract.TaskLeased)
	d.must(d.submit("alice", r))
	d.in(r.Task, contract.TaskAccepted)
}

// shown are the verdicts that anybody can see, by validator and outcome, and
// what is counted of them.
func (d *desk) shown() string {
	d.Helper()
	var text strings.Builder
	d.view(func(v engine.View) error {
		all, err := v.Verdicts("", "", 0, 100)
		d.must(err)
		for _, o := range all {
			newest, err := v.NewestVerdicts(o.Task, o.Generation)
			d.must(err)
			fmt.Fprintf(&text, "%d %s with %d, one of %d\n", o.Seq, o.Outcome, o.Stake, len(newest))
		}
		standings, err := v.Standings()
		var accepted, rejected int64
		for _, s := range standings {
			accepted, rejected = accepted+s.Accepted, rejected+s.Rejected
		}
		fmt.Fprintf(&text, "accepted %d, rejected %d\n", accepted, rejected)
		return err
	})
	return text.String()
}

// Who may publish verdicts could name every hotkey for an open lease: the
// holder's must look like all others.
func TestVerdictsTellNoHolder(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*desk, contract.Receipt)
		want string
	}{
		"submitted": {func(d *desk, r contract.Receipt) { d.must(d.submit("alice", r)) }, contract.TaskAccepted},
		"released":  {func(d *desk, r contract.Receipt) { d.must(d.release("alice", r, "")) }, contract.TaskAvailable},
		"expired":   {func(d *desk, _ contract.Receipt) { d.pass(deadline) }, contract.TaskAvailable},
		"expired and submitted late": {func(d *desk, r contract.Receipt) {
			d.pass(deadline)
			d.must(d.submit("alice", r))
		}, contract.TaskAccepted},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, 2)
			done, r := d.lease("carol", 1), d.lease("alice", 1)
			d.pass(1)
			d.must(d.submit("carol", done))
			before, shown := d.state(), d.shown()
			for _, hotkey := range []string{"bob", "alice"} {
				named := r
				named.Hotkey = enginetest.Address(hotkey)
				d.must(d.judge("v", 4, named, no))
				d.must(d.judge("v", 5, named, yes)) // the newest word counts
				same(t, "state after one on "+hotkey, d.state(), before)
				same(t, "what is shown after one on "+hotkey, d.shown(), shown)
			}
			// The other verdicts of its request are heard at once, without a gap.
			who := d.by("w")
			who.Stake = 2
			of := func(r contract.Receipt, outcome string) contract.Verdict {
				return contract.Verdict{Task: r.Task, Generation: 1, Hotkey: r.Hotkey, Manifest: result(r, 0).Manifest, Outcome: outcome, Pay: "0"}
			}
			d.must(d.score(who, of(r, no), of(done, yes)))
			d.in(done.Task, contract.TaskAccepted)
			same(t, "what is shown of the others", d.shown(), "1 accepted with 2, one of 1\naccepted 1, rejected 0\n")
			c.end(d, r)
			d.in(r.Task, c.want)
			same(t, "what is shown in the end", d.shown(), "1 accepted with 2, one of 1\n2 accepted with 5, one of 2\n"+
				"3 rejected with 2, one of 2\naccepted 2, rejected 1\n")
		})
	}
}

// A server that lags behind the one that heard a verdict can be the one to end
// the lease: the log must hold all the same, as newDesk checks.
func TestEarlyVerdictOfALaterBlock(t *testing.T) {
	d := newDesk(t, 1)
	r := d.lease("alice", 1)
	d.pass(9)
	d.must(d.judge("v", 5, r, yes))
	d.head -= 5
	d.must(d.submit("alice", r))
	d.in(r.Task, contract.TaskAccepted)
}

func TestVerdictOfUnfinishedWeights(t *testing.T) {
	d := newDesk(t, 1)
	r := d.lease("alice", 1)
	d.pass(1)
	d.must(d.submit("alice", r))
	before := d.state()
	who := d.by("v")
	req := contract.ScoreRequest{Op: contract.OpScore, WeightsBlock: d.head + 1, Verdicts: []contract.Verdict{{Task: r.Task, Generation: 1, Hotkey: r.Hotkey}}}
	d.refused(d.Score(d.Context(), who, req, contract.Statement{SHA256: canon.Sum(nil)}), engine.ErrAhead, before)
}

func TestRejectedTaskIsIssuedAgainAfterItsDeadline(t *testing.T) {
	d := newDesk(t, 1)
	r := d.lease("alice", 1)
	d.pass(1)
	d.must(d.submit("alice", r))
	d.must(d.judge("v", 5, r, no))
	d.pass(deadline - 1)
	d.in(r.Task, contract.TaskRejected)
	d.pass(1)
	d.in(r.Task, contract.TaskAvailable)
	next := d.lease("bob", 1)
	d.pass(1)
	d.must(d.judge("v", 5, r, yes)) // history by now
	d.in(r.Task, contract.TaskLeased)
	d.must(d.submit("bob", next))
	d.must(d.judge("v", 5, next, yes))
	task := d.in(r.Task, contract.TaskAccepted)
	same(t, "due block", task.DueBlock, 0)
	d.pass(10 * deadline)
	d.in(r.Task, contract.TaskAccepted)
}

// What is finished is not done again: a result that is accepted after the server
// gave up waiting counts, as long as nobody else has the task.
func TestAcceptedAfterTheServerGaveUp(t *testing.T) {
	d := newDesk(t, 1)
	r := d.lease("alice", 1)
	d.pass(1)
	d.must(d.submit("alice", r))
	d.pass(deadline + confirm)
	d.in(r.Task, contract.TaskAvailable)
	d.must(d.judge("v", 5, r, no))
	d.in(r.Task, contract.TaskAvailable)
	d.must(d.judge("v", 5, r, yes))
	same(t, "attempts", d.in(r.Task, contract.TaskAccepted).Attempts, 0)
}

// FS-15: a score was signed without its value. What is kept is the statement
// with the signature over all of it.
func TestStatementIsKept(t *testing.T) {
	d := newDesk(t, 1)
	r := d.lease("alice", 1)
	v := contract.Verdict{Task: r.Task, Generation: 1, Hotkey: r.Hotkey, Manifest: canon.Sum(nil), Outcome: no, Pay: "0"}
	req := contract.ScoreRequest{Op: contract.OpScore, WeightsBlock: d.head, Verdicts: []contract.Verdict{v}}
	body, err := canon.Marshal(req)
	d.must(err)
	want := contract.Statement{SHA256: contract.StatementID(enginetest.Address("v"), body), Validator: enginetest.Address("v"), SignedFor: "server",
		UUID: "u", Timestamp: 5, Signature: strings.Repeat("a", 128), Body: body}
	d.must(d.Score(d.Context(), d.by("v"), req, want))
	d.view(func(v engine.View) error {
		got, err := v.Statement(want.SHA256)
		same(t, "statement", got, want)
		return err
	})
}

func TestProofsAreKeptOnce(t *testing.T) {
	d := newDesk(t, 1)
	proof := json.RawMessage(`{"leaf":"<script>"}`)
	for _, name := range []string{"v", "w"} {
		d.must(d.Proof(d.Context(), d.by(name), canon.Sum(proof), contract.ProofRequest{Op: contract.OpProof, Proof: proof}))
	}
	d.view(func(v engine.View) error {
		proofs, err := v.Proofs(0, 10, 1<<20)
		same(t, "proofs", proofs, []contract.ProofView{{Seq: 1, Sender: enginetest.Address("v"), SHA256: canon.Sum(proof), Proof: proof}})
		return err
	})
}
