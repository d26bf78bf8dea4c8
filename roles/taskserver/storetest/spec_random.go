package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pgregory.net/rapid"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/memstore"
)

// randomChanges makes the same random changes in the store under test and in
// memory, and compares all that both show.
func randomChanges(b *bench) {
	round, failed := 0, false
	rapid.Check(b.T, func(rt *rapid.T) {
		if round++; b.traits.Rounds > 0 && round > b.traits.Rounds && !failed {
			return // a failure goes on, to be shrunk
		}
		defer func() { failed = failed || rt.Failed() }()
		s, m := b.traits.Open(b.T, fmt.Sprintf("%s/%d", b.dir, round)), memstore.New()
		defer func() { b.must(s.Close()) }()
		for range rapid.IntRange(1, 6).Draw(rt, "changes") {
			writes := rapid.SliceOfN(rapid.Custom(randomWrite), 1, 12).Draw(rt, "writes")
			fails := rapid.IntRange(0, 4).Draw(rt, "fails") == 0
			change := func(s engine.Store) (said []string, err error) {
				err = s.Change(context.Background(), func(tx engine.Tx) error {
					said = nil
					for _, w := range writes {
						text, err := w.do(tx)
						if err != nil {
							return fmt.Errorf("%s: %w", w.name, err)
						}
						said = append(said, text)
					}
					if fails {
						return errTest
					}
					return nil
				})
				return said, err
			}
			said, err := change(s)
			wanted, wantErr := change(m)
			if fmt.Sprint(said) != fmt.Sprint(wanted) || !alike(err, wantErr) {
				rt.Fatalf("a change said %v, error %v; in memory %v, error %v", said, err, wanted, wantErr)
			}
			compareStates(rt, s, m)
		}
	})
}

// alike says whether two stores failed for the same reason.
func alike(a, b error) bool {
	for _, kind := range []error{errTest, engine.ErrNotFound, engine.ErrConflict, engine.ErrReplayed} {
		if errors.Is(a, kind) != errors.Is(b, kind) {
			return false
		}
	}
	return (a == nil) == (b == nil)
}

func compareStates(rt *rapid.T, a, b engine.Store) {
	var texts [2]string
	for i, s := range []engine.Store{a, b} {
		err := s.View(context.Background(), func(v engine.View) (err error) {
			texts[i], err = Dump(v)
			return err
		})
		if err != nil {
			rt.Fatal(err)
		}
	}
	if texts[0] != texts[1] {
		rt.Fatalf("the store shows\n%s\nmemory\n%s", texts[0], texts[1])
	}
}

// write is a random write and what it says.
type write struct {
	name string
	do   func(engine.Tx) (string, error)
}

func silent(name string, do func(engine.Tx) error) write {
	return write{name, func(tx engine.Tx) (string, error) { return "", do(tx) }}
}

func randomWrite(rt *rapid.T) write {
	number := rapid.IntRange(0, 5).Draw(rt, "task")
	generation := rapid.Int64Range(1, 4).Draw(rt, "generation")
	block := rapid.Uint64Range(0, 50).Draw(rt, "block")
	hotkey := rapid.SampledFrom([]string{ann, ben, cleo}).Draw(rt, "hotkey")
	crawl := rapid.SampledFrom([]string{main, "ZZ-OTHER"}).Draw(rt, "crawl")
	switch rapid.SampledFrom([]string{"task", "task", "lease", "lease", "crawl", "record", "submission", "verdict", "early", "taken", "proof", "audit", "uuid", "setting"}).Draw(rt, "write") {
	case "crawl":
		c := someCrawl(crawl)
		c.Retired = block%2 == 0
		return silent("crawl", func(tx engine.Tx) error { return tx.PutCrawl(c) })
	case "task":
		k := someTask(crawl, number)
		k.State = rapid.SampledFrom(contract.TaskStates[:]).Draw(rt, "state")
		k.Ready, k.DueBlock, k.Point = rapid.Bool().Draw(rt, "ready"), block, rapid.SampledFrom([]int64{0, 100, 200, 1 << 62}).Draw(rt, "point")
		return silent("task", func(tx engine.Tx) error {
			if block%3 == 0 {
				return tx.AddTasks([]engine.Task{k, someTask(crawl, 6)})
			}
			return put(tx, k)
		})
	case "lease":
		l := randomLease(rt, number, generation, hotkey, block)
		return silent("lease", func(tx engine.Tx) error { return putLease(tx, l) })
	case "record":
		r := engine.Record{Holder: engine.Holder{Kind: engine.HolderHotkey, Address: hotkey}, Strikes: number, StruckBlock: block,
			Unjudged: number + 1, Accepted: number + 2}
		if number == 0 {
			r.Ban = "why"
		}
		return silent("record", func(tx engine.Tx) error { return tx.PutRecord(r) })
	case "submission":
		return silent("submission", func(tx engine.Tx) error {
			task := contract.TaskID(main, number)
			if _, err := tx.Lease(task, generation); err != nil {
				return err
			}
			return tx.AddSubmission(someSubmission(number, generation, hotkey, block))
		})
	case "verdict":
		v := someVerdict(hotkey, number, generation, rapid.SampledFrom([]string{contract.VerdictAccepted, contract.VerdictRejected}).Draw(rt, "outcome"), block%3)
		return write{"verdict", func(tx engine.Tx) (string, error) {
			added, err := tx.AddVerdict(v)
			return fmt.Sprint(added), err
		}}
	case "early":
		v := someVerdict(hotkey, number, generation, contract.VerdictAccepted, block)
		return silent("early", func(tx engine.Tx) error { return tx.PutEarly(v) })
	case "taken":
		return write{"taken", func(tx engine.Tx) (string, error) {
			said, err := tx.TakeEarly(contract.TaskID(main, number), generation)
			return fmt.Sprintf("%+v", said), err
		}}
	case "proof":
		return write{"proof", func(tx engine.Tx) (string, error) {
			added, err := tx.AddProof(hotkey, fmt.Sprintf("%064d", number), fmt.Appendf(nil, `{"block":%d}`, block))
			return fmt.Sprint(added), err
		}}
	case "audit":
		return silent("audit", func(tx engine.Tx) error {
			head, err := tx.AuditHead()
			return errors.Join(err, tx.AddAudit(someEntry(head.Seq+1)))
		})
	case "uuid":
		return silent("uuid", func(tx engine.Tx) error { return tx.UseUUID(hotkey, fmt.Sprint(block), time.UnixMilli(int64(block))) })
	}
	name := rapid.SampledFrom(settings).Draw(rt, "name")
	return silent("setting", func(tx engine.Tx) error { return tx.PutSetting(name, fmt.Sprint(block)) })
}

func randomLease(rt *rapid.T, number int, generation int64, hotkey string, block uint64) engine.Lease {
	l := someLease(contract.TaskID(main, number), generation, hotkey, number%5)
	l.State = rapid.SampledFrom([]string{contract.LeaseLive, contract.LeaseReleased, contract.LeaseExpired}).Draw(rt, "lease state")
	l.Coldkey = rapid.SampledFrom([]string{ann, cleo}).Draw(rt, "coldkey")
	l.EndedBlock, l.Excused = block, rapid.SampledFrom([]string{"", engine.ExcusePending, engine.ExcuseRefuted}).Draw(rt, "excused")
	return l
}

// putLease puts a lease as an engine would: not live beside another live one of
// its task.
func putLease(tx engine.Tx, l engine.Lease) error {
	others, err := tx.Leases(l.Receipt.Task)
	if err != nil {
		return err
	}
	for _, o := range others {
		if l.State == contract.LeaseLive && o.State == contract.LeaseLive && o.Receipt.Generation != l.Receipt.Generation {
			return errTest
		}
	}
	return tx.PutLease(l)
}
