package sqlstore

// Forgetting very many UUIDs at once would keep other changes waiting: deleting
// takes as long as adding did. So one change forgets a bounded number, and the
// batches after it a few each, more than they add.
const (
	forgetNow   = 2000
	forgetMore  = 2 * maxBatch
	forgetUUIDs = "DELETE FROM uuids WHERE id IN (SELECT id FROM uuids WHERE until_ms < ? ORDER BY until_ms LIMIT ?)"
)

// lateUUIDs are those that lie before a time, in milliseconds, if there are
// more.
type lateUUIDs struct {
	before int64
	more   bool
}

func (b *batchState) forgetMore() error {
	if !b.late.more {
		return nil
	}
	n, err := b.s.exec(b.ctx, forgetUUIDs, b.late.before, forgetMore)
	b.late.more = n == forgetMore
	return err
}
