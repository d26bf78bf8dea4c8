package memstore

import (
	"slices"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
	"finest/roles/taskserver/engine"
)

// view reads the tables under the store's lock.
type view struct{ *tables }

func (v view) Crawls() ([]engine.Crawl, error) {
	var all []engine.Crawl
	for _, name := range sortedKeys(v.crawls) {
		all = append(all, v.crawls[name])
	}
	return all, nil
}

func (v view) Crawl(name string) (engine.Crawl, error) { return get(v.crawls, name) }

func (v view) Task(id string) (engine.Task, error) {
	t, err := get(v.tasks, id)
	if err != nil {
		return t, err
	}
	t.Files = slices.Clone(t.Files)
	t.CatalogueSHA256 = v.crawls[t.Crawl].CatalogueSHA256
	return t, nil
}

func (v view) Tasks(crawl, state, after string, limit int) ([]engine.Task, error) {
	ids := &v.byID
	if crawl != "" {
		if ids = v.byCrawl[crawl]; ids == nil {
			return nil, nil
		}
	}
	var page []engine.Task
	for _, id := range ids.from(taskID(after)) {
		if len(page) >= limit {
			break
		}
		if string(id) == after || state != "" && v.tasks[string(id)].State != state {
			continue
		}
		t, err := v.Task(string(id))
		if err != nil {
			return nil, err
		}
		page = append(page, t)
	}
	return page, nil
}

func (v view) TaskCounts() ([]engine.TaskCount, error) {
	var all []engine.TaskCount
	for c, n := range v.counts {
		c.Tasks = n
		all = append(all, c)
	}
	slices.SortFunc(all, compareCounts)
	return all, nil
}

func (v view) Draw(point int64) (engine.Task, error) {
	for _, from := range []int64{point, 0} {
		var firsts []place
		for crawl, ready := range v.ready {
			if keys := ready.from(place{at: uint64(from)}); len(keys) > 0 && !v.crawls[crawl].Retired {
				firsts = append(firsts, keys[0])
			}
		}
		if len(firsts) > 0 {
			return v.Task(slices.MinFunc(firsts, place.compare).id)
		}
	}
	return engine.Task{}, engine.ErrNotFound
}

func (v view) Unready(point int64, limit int) ([]engine.Task, error) {
	var wanted []place
	for _, p := range v.unready.from(place{at: uint64(point)}) {
		if len(wanted) >= limit {
			break
		}
		if !v.crawls[v.tasks[p.id].Crawl].Retired {
			wanted = append(wanted, p)
		}
	}
	return v.places(wanted, limit)
}

func (v view) Due(block uint64, after engine.Due, limit int) ([]engine.Due, error) {
	last := place{after.Block, after.Task}
	var due []engine.Due
	for _, p := range v.due.from(last) {
		if p.at >= block || len(due) >= limit {
			break
		}
		if p != last {
			due = append(due, engine.Due{Block: p.at, Task: p.id})
		}
	}
	return due, nil
}

func (v view) places(places []place, limit int) ([]engine.Task, error) {
	var page []engine.Task
	for _, p := range places[:min(limit, len(places))] {
		t, err := v.Task(p.id)
		if err != nil {
			return nil, err
		}
		page = append(page, t)
	}
	return page, nil
}

func (v view) Lease(task string, generation int64) (engine.Lease, error) {
	leases := v.leases[task]
	at, found := findLease(leases, generation)
	if !found {
		return engine.Lease{}, engine.ErrNotFound
	}
	return cloneLease(leases[at]), nil
}

func (v view) Leases(task string) ([]engine.Lease, error) {
	var all []engine.Lease
	for _, l := range v.leases[task] {
		all = append(all, cloneLease(l))
	}
	return all, nil
}

func (v view) SlotLease(hotkey string, slot int) (engine.Lease, error) {
	k, err := get(v.slots, slotKey{hotkey, slot})
	if err != nil {
		return engine.Lease{}, err
	}
	return v.Lease(k.task, k.generation)
}

func (v view) LiveLeases(hotkey, coldkey string) (hot, cold int, err error) {
	return v.live[engine.Holder{Kind: engine.HolderHotkey, Address: hotkey}],
		v.live[engine.Holder{Kind: engine.HolderColdkey, Address: coldkey}], nil
}

func (v view) Excuses(limit int) ([]engine.Lease, error) {
	var page []engine.Lease
	for _, k := range v.excuses.keys[:min(limit, len(v.excuses.keys))] {
		l, err := v.Lease(k.task, k.generation)
		if err != nil {
			return nil, err
		}
		page = append(page, l)
	}
	return page, nil
}

func (v view) Record(h engine.Holder) (engine.Record, error) { return v.records[h], nil }

func (v view) Bans() ([]engine.Record, error) {
	var all []engine.Record
	for _, r := range v.records {
		if r.Ban != "" {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, compareRecords)
	return all, nil
}

func (v view) Submission(task string, generation int64) (contract.SubmissionView, error) {
	at, err := get(v.results, leaseKey{task, generation})
	if err != nil {
		return contract.SubmissionView{}, err
	}
	return v.submissions[at], nil
}

func (v view) Submissions(task string, since int64, limit int) ([]contract.SubmissionView, error) {
	if task == "" {
		return page(v.submissions, since, limit), nil
	}
	var some []contract.SubmissionView
	for _, at := range v.taskResults[task] {
		if s := v.submissions[at]; s.Seq > since && len(some) < limit {
			some = append(some, s)
		}
	}
	return some, nil
}

func (v view) AuditHead() (books.Entry, error) {
	if len(v.audit) == 0 {
		return books.Entry{}, nil
	}
	return v.audit[len(v.audit)-1], nil
}

func (v view) Audit(since int64, limit int) ([]books.Entry, error) {
	return page(v.audit, since, limit), nil
}

func (v view) Setting(name string) (string, error) { return v.settings[name], nil }
