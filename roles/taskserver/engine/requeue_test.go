package engine_test

import (
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

// ofSize are the files of a task, all of one size.
func (d *desk) ofSize(id string, bytes int64) (files []contract.InputFile) {
	d.Helper()
	for _, f := range d.task(id).Files {
		files = append(files, contract.InputFile{Path: f.Path, Bytes: bytes})
	}
	return files
}

// measure surveys a task whose files have this size.
func (d *desk) measure(id string, bytes int64) {
	d.Helper()
	d.must(d.Surveyed(d.Context(), d.head, id, d.ofSize(id, bytes), ""))
}

// wear has leases of the only task lead to nothing until it is quarantined.
func (d *desk) wear(id string) {
	d.Helper()
	for range rules().MaxAttempts {
		r := d.lease("alice", 1)
		same(d.T, "task", r.Task, id)
		d.must(d.release("alice", r, ""))
		d.pass(deadline)
		d.must(d.Clear(d.Context(), d.head, holder(engine.HolderHotkey, "alice")))
		d.must(d.Clear(d.Context(), d.head, holder(engine.HolderColdkey, "alice")))
	}
	d.in(id, contract.TaskQuarantined)
}

// TestRequeueSurveysAnew: a file that changed its size since it was surveyed
// makes every lease fail. Requeued with the old size its task would fail again.
func TestRequeueSurveysAnew(t *testing.T) {
	for name, sized := range map[string]bool{"imported with sizes": true, "surveyed": false} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, 1)
			d.must(d.Retire(d.Context(), d.head, crawl)) // nothing else can be leased
			d.load("other", 1, sized)
			id := contract.TaskID("other", 0)
			if !sized {
				d.measure(id, 5)
			}
			for size := int64(100); size <= 102; size++ { // again and again
				d.wear(id)
				d.must(d.Requeue(d.Context(), d.head, id))
				task := d.in(id, contract.TaskAvailable)
				same(t, "ready", task.Ready, false)
				same(t, "files", task.Files, d.ofSize(id, 0))
				_, _, err := d.Lease(d.Context(), d.by("bob"), ask(1))
				d.refused(err, engine.ErrNoTask, d.state())
				if r := check(t, d.store); !r.OK() {
					t.Fatal(r.Faults)
				}
				d.measure(id, size)
				same(t, "files of the next lease", d.task(id).Files, d.ofSize(id, size))
			}
			d.wear(id)
		})
	}
}

// TestRequeueOfUnknownSizes: what nobody knows is not forgotten.
func TestRequeueOfUnknownSizes(t *testing.T) {
	d := newDesk(t, 1)
	d.load("other", 1, false)
	id := contract.TaskID("other", 0)
	for range 2 {
		d.must(d.Surveyed(d.Context(), d.head, id, nil, "there is no such file"))
		d.must(d.Requeue(d.Context(), d.head, id))
		same(t, "ready", d.in(id, contract.TaskAvailable).Ready, false)
	}
}

// TestCheckOfForgottenSizes: what a requeued task forgot still proves what was
// imported.
func TestCheckOfForgottenSizes(t *testing.T) {
	d := newDesk(t, 1)
	id := contract.TaskID(crawl, 0)
	d.wear(id)
	d.must(d.Requeue(d.Context(), d.head, id))
	damaged := func(when string, how func(*engine.Task), want string) {
		t.Helper()
		defer d.damage(id, how)()
		for _, f := range check(t, d.store).Faults {
			if strings.Contains(f.String(), want) {
				return
			}
		}
		t.Errorf("%s: %v", when, check(t, d.store).Faults)
	}
	known := d.ofSize(id, 1000)
	damaged("sizes are back", func(k *engine.Task) { k.Files, k.Ready = known, true }, "task "+id+": its files are not those it was imported with")
	damaged("another path", func(k *engine.Task) { k.Files = d.ofSize(id, 0); k.Files[0].Path = "x" }, "task "+id+": its files are not those it was imported with")
	d.measure(id, 5)
	damaged("sizes of the import", func(k *engine.Task) { k.Files = known }, "task "+id+": its files are not those of the survey")
}

// TestRequeueOfFreshTask: a task that no lease failed on is surveyed anew, too:
// its operator knows why.
func TestRequeueOfFreshTask(t *testing.T) {
	d := newDesk(t, 1)
	id := contract.TaskID(crawl, 0)
	d.must(d.Requeue(d.Context(), d.head, id))
	task := d.in(id, contract.TaskAvailable)
	same(t, "ready", task.Ready, false)
	same(t, "files", task.Files, d.ofSize(id, 0))
	before := d.state()
	d.must(d.Requeue(d.Context(), d.head, id))
	same(t, "state after doing it again", d.state(), before)
}

// TestRequeueOfResultThatWaits: a result without a verdict can be accepted as long
// as nobody else has its task, whose files keep their sizes for that. Once it is
// rejected they are surveyed anew.
func TestRequeueOfResultThatWaits(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(d *desk, r contract.Receipt)
		keeps bool
	}{
		"submitted":           {func(d *desk, _ contract.Receipt) { d.pass(deadline) }, true},
		"never confirmed":     {func(d *desk, _ contract.Receipt) { d.pass(deadline + confirm) }, true},
		"accepted, withdrawn": {func(d *desk, r contract.Receipt) { d.said(r, yes, maybe); d.pass(deadline + confirm) }, true},
		"rejected":            {func(d *desk, r contract.Receipt) { d.said(r, no); d.pass(deadline) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, 1)
			r := d.lease("alice", 1)
			known := d.task(r.Task)
			d.pass(1)
			d.must(d.submit("alice", r))
			c.do(d, r)
			for range 2 { // doing it again changes nothing
				d.must(d.Requeue(d.Context(), d.head, r.Task))
				task := d.in(r.Task, contract.TaskAvailable)
				same(t, "ready and attempts", [2]any{task.Ready, task.Attempts}, [2]any{c.keeps, 0})
				if r := check(t, d.store); !r.OK() {
					t.Fatal(r.Faults)
				}
			}
			d.said(r, yes)
			want := known.Bytes()
			if !c.keeps {
				want = 0
			}
			same(t, "bytes of the accepted task", d.in(r.Task, contract.TaskAccepted).Bytes(), want)
		})
	}
}
