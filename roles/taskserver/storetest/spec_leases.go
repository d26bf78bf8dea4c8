package storetest

import (
	"fmt"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

func leasesInOrder(b *bench) {
	id := contract.TaskID(main, 0)
	second, tenth := someLease(id, 2, ann, 1), someLease(id, 10, ben, 1)
	second.State = contract.LeaseExpired
	b.change(func(tx engine.Tx) error { return all(fill(tx, main, 2), tx.PutLease(tenth), tx.PutLease(second)) })
	leases := func() []engine.Lease {
		return see(b, func(v engine.View) ([]engine.Lease, error) { return v.Leases(id) })
	}
	b.want("leases", leases(), []engine.Lease{second, tenth})

	tenth.Coldkey, tenth.Slot, tenth.State, tenth.RenewedBlock, tenth.EndedBlock = ann, 3, contract.LeaseReleased, 11, 12
	tenth.HotkeyStrikes, tenth.ColdkeyStrikes = -1, 1
	tenth.Reason, tenth.Excuse, tenth.Excused = "‘no’ \"file\"\n", "<a>.warc.gz", engine.ExcusePending
	tenth.Receipt.Signature, tenth.Receipt.Hotkey = sum1, cleo
	b.change(func(tx engine.Tx) error { return tx.PutLease(tenth) })
	b.want("after one was replaced", leases(), []engine.Lease{second, tenth})
	b.want("that one", see(b, func(v engine.View) (engine.Lease, error) { return v.Lease(id, 10) }), tenth)
	b.view(func(v engine.View) error {
		_, err := v.Lease(id, 3)
		b.wantErr("unknown generation", err, engine.ErrNotFound)
		_, err = v.Lease(contract.TaskID(main, 1), 2)
		b.wantErr("generation of another task", err, engine.ErrNotFound)
		return nil
	})
}

func slotsLive(b *bench) {
	first, second := someLease(contract.TaskID(main, 0), 1, ann, 1), someLease(contract.TaskID(main, 1), 1, ann, 2)
	b.change(func(tx engine.Tx) error { return all(fill(tx, main, 3), tx.PutLease(first), tx.PutLease(second)) })
	b.want("lease of slot 2", see(b, func(v engine.View) (engine.Lease, error) { return v.SlotLease(ann, 2) }), second)
	empty := func(what, hotkey string, slot int) {
		b.Helper()
		b.view(func(v engine.View) error {
			_, err := v.SlotLease(hotkey, slot)
			b.wantErr(what, err, engine.ErrNotFound)
			return nil
		})
	}
	empty("slot 3", ann, 3)
	empty("slot of another hotkey", ben, 1)
	taken := someLease(contract.TaskID(main, 2), 1, ann, 1)
	b.wantErr("a second lease of slot 1", b.Change(b.Context(), func(tx engine.Tx) error { return tx.PutLease(taken) }), engine.ErrConflict)
	again := someLease(second.Receipt.Task, second.Receipt.Generation+1, ben, 7)
	b.wantErr("a second live lease of a task", b.Change(b.Context(), func(tx engine.Tx) error { return tx.PutLease(again) }), engine.ErrConflict)
	b.wantErr("a lease of no task", b.Change(b.Context(), func(tx engine.Tx) error {
		return tx.PutLease(someLease(contract.TaskID(main, 9), 1, ann, 9))
	}), engine.ErrNotFound)
	for _, state := range []string{contract.LeaseReleased, contract.LeaseExpired, contract.LeaseSubmitted} {
		first.State = state
		b.change(func(tx engine.Tx) error { return tx.PutLease(first) })
		empty("slot of a lease that is "+state, ann, 1)
		first.State = contract.LeaseLive
		b.change(func(tx engine.Tx) error { return tx.PutLease(first) })
	}
	first.State = contract.LeaseReleased
	next := someLease(contract.TaskID(main, 2), 1, ann, 1)
	b.change(func(tx engine.Tx) error { return all(tx.PutLease(first), tx.PutLease(next)) })
	b.want("slot used again", see(b, func(v engine.View) (engine.Lease, error) { return v.SlotLease(ann, 1) }), next)
}

func liveCounted(b *bench) {
	var leases []engine.Lease
	for i, hotkey := range []string{ann, ann, ben, ann} {
		l := someLease(contract.TaskID(main, i), 1, hotkey, i+1)
		if i == 3 {
			l.Coldkey = ann
		}
		leases = append(leases, l)
	}
	counts := func(hotkey, coldkey string) string {
		return see(b, func(v engine.View) (string, error) {
			hot, cold, err := v.LiveLeases(hotkey, coldkey)
			return fmt.Sprint(hot, " ", cold), err
		})
	}
	b.change(func(tx engine.Tx) error {
		writes := []error{fill(tx, main, 4)}
		for _, l := range leases {
			writes = append(writes, tx.PutLease(l))
		}
		return all(writes...)
	})
	b.want("of one who holds three, one of them with another coldkey", counts(ann, cleo), "3 3")
	b.want("of one who holds one", counts(ben, ann), "1 1")
	b.want("of nobody", counts(cleo, ben), "0 0")
	leases[0].State = contract.LeaseExpired
	b.change(func(tx engine.Tx) error { return all(tx.PutLease(leases[0]), tx.PutLease(leases[0])) })
	b.want("after one expired", counts(ann, cleo), "2 2")
}

func excusesOldestFirst(b *bench) {
	b.change(func(tx engine.Tx) error {
		writes := []error{fill(tx, main, 5)}
		for i, c := range []struct {
			ended   uint64
			excused string
		}{{30, engine.ExcusePending}, {20, engine.ExcusePending}, {10, engine.ExcuseConfirmed}, {5, engine.ExcuseNone}, {20, engine.ExcusePending}} {
			l := someLease(contract.TaskID(main, i), 1, ann, 1)
			l.State, l.EndedBlock, l.Excuse, l.Excused = contract.LeaseReleased, c.ended, "a", c.excused
			writes = append(writes, tx.PutLease(l))
		}
		return all(writes...)
	})
	order := func(limit int) (out string) {
		for _, l := range see(b, func(v engine.View) ([]engine.Lease, error) { return v.Excuses(limit) }) {
			out += l.Receipt.Task[len(l.Receipt.Task)-1:]
		}
		return out
	}
	b.want("excuses", order(10), "140")
	b.want("the first two", order(2), "14")
	decided := someLease(contract.TaskID(main, 1), 1, ann, 1)
	decided.State, decided.EndedBlock, decided.Excuse, decided.Excused = contract.LeaseReleased, 20, "a", engine.ExcuseRefuted
	b.change(func(tx engine.Tx) error { return tx.PutLease(decided) })
	b.want("after one was decided", order(10), "40")
}

func recordsByHolder(b *bench) {
	hot := engine.Record{Holder: engine.Holder{Kind: engine.HolderHotkey, Address: ann}, Strikes: 3, StruckBlock: 7, Unjudged: 11, Accepted: 13}
	cold := engine.Record{Holder: engine.Holder{Kind: engine.HolderColdkey, Address: ann}, Ban: "sells 'data'"}
	last := engine.Record{Holder: engine.Holder{Kind: engine.HolderHotkey, Address: ben}, Ban: "no"}
	b.change(func(tx engine.Tx) error { return all(tx.PutRecord(last), tx.PutRecord(hot), tx.PutRecord(cold)) })
	of := func(h engine.Holder) engine.Record {
		return see(b, func(v engine.View) (engine.Record, error) { return v.Record(h) })
	}
	b.want("hotkey", of(hot.Holder), hot)
	b.want("coldkey of the same address", of(cold.Holder), cold)
	unknown := of(engine.Holder{Kind: engine.HolderColdkey, Address: ben})
	unknown.Holder = engine.Holder{}
	b.want("one that is not known", unknown, engine.Record{})
	b.want("bans", see(b, engine.View.Bans), []engine.Record{cold, last})
	cold.Ban, hot.Strikes, hot.StruckBlock, hot.Unjudged, hot.Accepted, hot.Ban = "", 0, 9, 5, 6, "yes"
	b.change(func(tx engine.Tx) error { return all(tx.PutRecord(hot), tx.PutRecord(cold)) })
	b.want("bans after changes", see(b, engine.View.Bans), []engine.Record{hot, last})
	b.want("hotkey after a change", of(hot.Holder), hot)
}
