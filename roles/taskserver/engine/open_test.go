package engine_test

import (
	"encoding/json"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver/books"
	"finest/roles/taskserver/engine"
)

// last returns the newest entry of the audit log.
func (d *desk) last() (e books.Entry) {
	d.Helper()
	d.view(func(v engine.View) (err error) {
		e, err = v.AuditHead()
		return err
	})
	return e
}

// Whoever knows all of a renewal but its UUID cannot tell its entry by its hash.
func TestRenewalsHashDependsOnItsUUID(t *testing.T) {
	renewed := func(uuid string) (before, after books.Entry) {
		d := newDesk(t, 1)
		r := d.lease("alice", 1)
		d.pass(10)
		before = d.last()
		who := d.by("alice")
		who.UUID = uuid
		_, err := d.Renew(d.Context(), who, contract.RenewRequest{Op: contract.OpRenew, Task: r.Task, Generation: 1})
		d.must(err)
		return before, d.last()
	}
	const uuid = "0f6d2d0e-1c7b-4c55-9d2a-6e1f8f0f2b1a"
	before, first := renewed(uuid)
	sameBefore, again := renewed(uuid)
	_, other := renewed("1" + uuid[1:])
	same(t, "entry before", sameBefore, before)
	same(t, "entry of the same request", again, first)
	same(t, "operation", other.Op, books.OpRenew)
	if other.Hash == first.Hash {
		t.Errorf("the entries of two UUIDs have the hash %s", first.Hash)
	}
}

// An entry about an excuse tells the deadline of whoever holds the task by now,
// so it has the hash of their receipt.
func TestExcuseNamesTheReceiptOfAnOpenLease(t *testing.T) {
	for name, held := range map[string]bool{"held": true, "free": false} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, 1)
			r := d.lease("alice", 1)
			d.must(d.release("alice", r, r.Files[0].Path))
			want := ""
			if held {
				raw, err := canon.Marshal(d.lease("bob", 1))
				d.must(err)
				want = canon.Sum(raw)
			}
			d.must(d.Excuse(d.Context(), d.head, r.Task, 1, false, "it is there"))
			var detail books.Excuse
			d.must(json.Unmarshal(d.last().Detail, &detail))
			same(t, "receipt", detail.Receipt, want)
		})
	}
}
