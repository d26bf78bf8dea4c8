package storetest

import (
	"encoding/json"
	"fmt"
	"time"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
	"finest/roles/taskserver/engine"
)

// someEntry follows entry seq-1 of its kind.
func someEntry(seq int64) books.Entry {
	previous := sum0
	if seq > 1 {
		previous = someEntry(seq - 1).Hash
	}
	return books.Entry{Seq: seq, Op: books.OpLease, Block: uint64(10 * seq), Actor: ann, Task: contract.TaskID(main, 0), Generation: seq,
		From: contract.TaskAvailable, To: contract.TaskLeased, Detail: json.RawMessage(`{"reason":"<é>\u0000"}`),
		Previous: previous, Hash: fmt.Sprintf("%064x", seq)}
}

func auditAppends(b *bench) {
	b.want("head of nothing", see(b, engine.View.AuditHead), books.Entry{})
	b.change(func(tx engine.Tx) error {
		for seq := int64(1); seq <= 3; seq++ {
			if err := tx.AddAudit(someEntry(seq)); err != nil {
				return err
			}
			if head, err := tx.AuditHead(); err != nil || head.Seq != seq {
				return fmt.Errorf("head is %d after entry %d: %w", head.Seq, seq, err)
			}
		}
		return nil
	})
	undone := b.Change(b.Context(), func(tx engine.Tx) error { return all(tx.AddAudit(someEntry(4)), errTest) })
	b.wantErr("entry of a failed change", undone, errTest)
	b.want("head", see(b, engine.View.AuditHead), someEntry(3))
	for _, seq := range []int64{5, 3, 1} {
		if err := b.Change(b.Context(), func(tx engine.Tx) error { return tx.AddAudit(someEntry(seq)) }); err == nil {
			b.Errorf("entry %d was added after entry 3", seq)
		}
	}
	b.change(func(tx engine.Tx) error { return tx.AddAudit(someEntry(4)) })
	list := func(since int64, limit int) []books.Entry {
		return see(b, func(v engine.View) ([]books.Entry, error) { return v.Audit(since, limit) })
	}
	b.want("audit", list(0, 10), []books.Entry{someEntry(1), someEntry(2), someEntry(3), someEntry(4)})
	b.want("a page", list(1, 2), []books.Entry{someEntry(2), someEntry(3)})
	b.want("after the last", len(list(4, 2)), 0)
}

func uuidsOnce(b *bench) {
	const uuid = "11111111-2222-4333-8444-555555555555"
	until := time.UnixMilli(1_700_000_000_000)
	use := func(signer string) error {
		return b.Change(b.Context(), func(tx engine.Tx) error { return tx.UseUUID(signer, uuid, until) })
	}
	undone := b.Change(b.Context(), func(tx engine.Tx) error { return all(tx.UseUUID(ann, uuid, until), errTest) })
	b.wantErr("use in a failed change", undone, errTest)
	b.must(use(ann))
	b.wantErr("again", use(ann), engine.ErrReplayed)
	b.must(use(ben))
	b.change(func(tx engine.Tx) error { return tx.ForgetUUIDs(until) })
	b.wantErr("at its last moment", use(ann), engine.ErrReplayed)
	if b.traits.Durable {
		b.reopen()
		b.wantErr("after a restart", use(ann), engine.ErrReplayed)
	}
	b.change(func(tx engine.Tx) error { return tx.ForgetUUIDs(until.Add(time.Millisecond)) })
	b.must(use(ann))
}

func settingsByName(b *bench) {
	b.want("one that is not there", setting(b, "a"), "")
	b.change(func(tx engine.Tx) error {
		return all(tx.PutSetting("a", "1"), tx.PutSetting("b", "2"), tx.PutSetting("a", "é"))
	})
	b.want("a", setting(b, "a"), "é")
	b.want("b", setting(b, "b"), "2")
	b.change(func(tx engine.Tx) error { return tx.PutSetting("a", "") })
	b.want("a without text", setting(b, "a"), "")
}
