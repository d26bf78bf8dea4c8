package storetest

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

// Dump writes down all that a view shows, of up to a thousand rows a table. Two
// stores with the same rows have the same Dump.
func Dump(v engine.View) (string, error) {
	var d dumper
	d.add("crawls")(v.Crawls())
	d.add("counts")(v.TaskCounts())
	tasks, err := v.Tasks("", "", "", 1000)
	d.add("tasks")(tasks, err)
	for _, state := range contract.TaskStates {
		d.add("tasks " + state)(v.Tasks("", state, "", 1000))
		d.add("tasks of one crawl " + state)(v.Tasks(main, state, "", 1000))
	}
	for _, point := range []int64{0, 150, 300, 1 << 62} {
		k, err := v.Draw(point)
		d.add("drawn")(k.ID, absent(err))
		d.add("unready")(v.Unready(point, 1000))
	}
	d.add("due")(v.Due(1<<40, engine.Due{}, 1000))
	d.add("excuses")(v.Excuses(1000))
	keys := map[string]bool{ann: true, ben: true}
	for _, k := range tasks {
		leases, err := v.Leases(k.ID)
		d.add("leases")(leases, err)
		for _, l := range leases {
			keys[l.Receipt.Hotkey], keys[l.Coldkey] = true, true
			d.add("newest verdicts")(v.NewestVerdicts(k.ID, l.Receipt.Generation))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		for slot := range 5 {
			l, err := v.SlotLease(key, slot)
			d.add("slot")(l, absent(err))
		}
		hot, cold, err := v.LiveLeases(key, key)
		d.add("live leases")([]int{hot, cold}, err)
		for _, kind := range []string{engine.HolderHotkey, engine.HolderColdkey} {
			r, err := v.Record(engine.Holder{Kind: kind, Address: key})
			r.Holder = engine.Holder{}
			d.add("record")(r, err)
		}
	}
	d.add("bans")(v.Bans())
	for _, kind := range []string{engine.HolderHotkey, engine.HolderColdkey} {
		d.add("records")(v.Records(kind, "", 1000))
	}
	d.add("submissions")(v.Submissions("", 0, 1000))
	verdicts, err := v.Verdicts("", "", 0, 1000)
	d.add("verdicts")(verdicts, err)
	for _, o := range verdicts {
		s, err := v.Statement(o.Statement)
		d.add("statement")(s, absent(err))
	}
	d.add("verdict keys")(v.VerdictKeys(0, 1000))
	d.add("statements")(v.Statements("", 1000, 1<<30))
	d.add("standings")(v.Standings())
	d.add("proofs")(v.Proofs(0, 1000, 1<<30))
	d.add("audit")(v.Audit(0, 1000))
	d.add("audit head")(v.AuditHead())
	for _, name := range settings {
		d.add("setting")(v.Setting(name))
	}
	return d.text.String(), errors.Join(d.errs...)
}

var settings = []string{"a", "b", "n"}

type dumper struct {
	text strings.Builder
	errs []error
}

// add returns what takes a value with its error, so that a call can be its
// argument.
func (d *dumper) add(what string) func(any, error) {
	return func(value any, err error) {
		text := fmt.Sprintf("%+v", value)
		if text == "[]" {
			text = "none" // nil or empty
		}
		fmt.Fprintf(&d.text, "%s: %s\n", what, text)
		d.errs = append(d.errs, err)
	}
}

func absent(err error) error {
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	return err
}

// furnish puts rows into every table.
func furnish(tx engine.Tx) error {
	leased := someTask(main, 1)
	leased.State, leased.Generation, leased.DueBlock = contract.TaskLeased, 1, 130
	excused := someLease(contract.TaskID(main, 2), 1, ben, 2)
	excused.State, excused.Excuse, excused.Excused = contract.LeaseReleased, "a", engine.ExcusePending
	unready := someTask("ZZ-OTHER", 3)
	unready.Ready = false
	_, errProof := tx.AddProof(ann, sum0, []byte(`{"a":"<é>"}`))
	errs := []error{errProof,
		fill(tx, main, 3), fill(tx, "ZZ-OTHER", 2), put(tx, leased), put(tx, unready),
		tx.PutLease(someLease(leased.ID, 1, ann, 1)), tx.PutLease(excused),
		tx.PutRecord(engine.Record{Holder: engine.Holder{Kind: engine.HolderHotkey, Address: ben}, Strikes: 1, StruckBlock: 4, Ban: "why"}),
		submit(tx, someSubmission(0, 1, cleo, 9)),
		tx.AddStatement(contract.Statement{SHA256: sum0, Validator: ben, Body: []byte(`{"op":"score"}`)}),
		tx.AddAudit(someEntry(1)), tx.AddAudit(someEntry(2)),
		tx.UseUUID(ann, "uuid", time.UnixMilli(1_700_000_000_000)),
		tx.PutSetting("a", "text"),
	}
	for _, v := range []engine.Verdict{someVerdict(ben, 0, 1, contract.VerdictAccepted, 20), someVerdict(ben, 0, 1, contract.VerdictRejected, 21)} {
		_, err := tx.AddVerdict(v)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func survivesReopening(b *bench) {
	b.change(furnish)
	before := see(b, Dump)
	b.reopen()
	b.want("everything", see(b, Dump), before)
	b.wantErr("a request that was used", b.Change(b.Context(), func(tx engine.Tx) error {
		return tx.UseUUID(ann, "uuid", time.UnixMilli(1_700_000_000_000))
	}), engine.ErrReplayed)
	b.change(func(tx engine.Tx) error { return submit(tx, someSubmission(2, 2, ann, 30)) })
	all := see(b, func(v engine.View) ([]contract.SubmissionView, error) { return v.Submissions("", 1, 10) })
	b.want("number of the next submission", all[0].Seq, 2)
}

func backupWhole(b *bench) {
	b.change(furnish)
	dir := filepath.Join(b.TempDir(), "there")
	path := filepath.Join(dir, "a ?&#%41.db")
	before := see(b, Dump)
	b.must(b.Backup(b.Context(), path))
	b.wantErr("another to the same place", b.Backup(b.Context(), path), os.ErrExist)
	entries, err := os.ReadDir(dir)
	b.must(err)
	b.want("files", len(entries), 1)
	b.change(func(tx engine.Tx) error { return tx.PutSetting("a", "later") })

	backup := b.traits.OpenBackup(b.T, path)
	defer func() { b.must(backup.Close()) }()
	var text string
	b.must(backup.View(b.Context(), func(v engine.View) (err error) {
		text, err = Dump(v)
		return err
	}))
	b.want("backup", text, before)
	b.wantErr("a request that was used before the backup", backup.Change(b.Context(), func(tx engine.Tx) error {
		return tx.UseUUID(ann, "uuid", time.UnixMilli(1_700_000_000_000))
	}), engine.ErrReplayed)
	b.Run("while changes go on", func(t *testing.T) { backupServing(&bench{T: t, Store: b.Store, traits: b.traits, dir: dir}) })
}

// backupServing backs up while both of two numbers grow by changes.
func backupServing(b *bench) {
	var group sync.WaitGroup
	defer group.Wait()
	var stop atomic.Bool
	defer stop.Store(true)
	group.Go(func() {
		for !stop.Load() {
			if err := b.Change(b.Context(), func(tx engine.Tx) error { return all(increment("n")(tx), increment("b")(tx)) }); err != nil {
				b.Error(err)
				return
			}
		}
	})
	for i := range 3 {
		path := filepath.Join(b.dir, fmt.Sprint(i))
		b.must(b.Backup(b.Context(), path))
		backup := b.traits.OpenBackup(b.T, path)
		b.must(backup.View(b.Context(), func(v engine.View) error {
			x, err := v.Setting("n")
			y, err2 := v.Setting("b")
			if x != y {
				b.Errorf("backup %d has numbers of different changes: %s and %s", i, x, y)
			}
			return errors.Join(err, err2)
		}))
		b.must(backup.Close())
	}
}
