package enginetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

// tolerated passes over refusals of the server's own operations, which come by
// chance.
func (w *world) tolerated(err error) error {
	if err != nil && !errors.Is(err, engine.ErrState) && !errors.Is(err, engine.ErrNotFound) && !errors.Is(err, engine.ErrConflict) {
		return err
	}
	_, err = w.observe()
	return err
}

func (w *world) excuse(r *random) error {
	var waiting []engine.Lease
	if err := w.store.View(w.ctx, func(v engine.View) (err error) {
		waiting, err = v.Excuses(20)
		return err
	}); err != nil {
		return err
	}
	l, ok := pick(r, waiting)
	if !ok {
		return nil
	}
	return w.tolerated(w.engine.Excuse(w.ctx, w.head, l.Receipt.Task, l.Receipt.Generation, r.chance(50), "asked for "+l.Excuse))
}

func (w *world) survey(r *random) error {
	var unready []engine.Task
	if err := w.store.View(w.ctx, func(v engine.View) (err error) {
		unready, err = v.Unready(r.Int64(), 20)
		return err
	}); err != nil {
		return err
	}
	t, ok := pick(r, unready)
	if !ok {
		return nil
	}
	if r.chance(20) {
		return w.tolerated(w.engine.Surveyed(w.ctx, w.head, t.ID, nil, "one gzip member holds several records"))
	}
	for i := range t.Files {
		t.Files[i].Bytes = 1 + r.Int64N(1<<30)
	}
	return w.tolerated(w.engine.Surveyed(w.ctx, w.head, t.ID, t.Files, ""))
}

func (w *world) requeue(r *random) error {
	state := contract.TaskStates[r.IntN(len(contract.TaskStates))]
	if r.chance(70) {
		state = contract.TaskQuarantined
	}
	var some []engine.Task
	if err := w.store.View(w.ctx, func(v engine.View) (err error) {
		some, err = v.Tasks("", state, contract.TaskID(fmt.Sprintf("crawl-%d", r.IntN(w.crawls)), 0), 10)
		return err
	}); err != nil {
		return err
	}
	t, ok := pick(r, some)
	if !ok {
		return nil
	}
	return w.tolerated(w.engine.Requeue(w.ctx, w.head, t.ID))
}

func (w *world) someHolder(r *random) engine.Holder {
	p, _ := pick(r, w.people.miners)
	if r.chance(50) {
		return engine.Holder{Kind: engine.HolderColdkey, Address: p.coldkey}
	}
	return engine.Holder{Kind: engine.HolderHotkey, Address: p.hotkey}
}

func (w *world) ban(r *random) error {
	return w.tolerated(w.engine.Ban(w.ctx, w.head, w.someHolder(r), "'; DROP TABLE tasks --"))
}

func (w *world) clear(r *random) error {
	h := w.someHolder(r)
	if err := w.store.View(w.ctx, func(v engine.View) error {
		bans, err := v.Bans()
		if one, ok := pick(r, bans); ok && r.chance(80) {
			h = one.Holder
		}
		return err
	}); err != nil {
		return err
	}
	return w.tolerated(w.engine.Clear(w.ctx, w.head, h))
}

// imports adds a crawl when little is left, and one that is there in any case.
// Later ones are larger: each step counts the tasks of all of them.
func (w *world) imports(r *random) error {
	crawl, tasks := Tasks("crawl-0", tasksAtFirst, true)
	if r.chance(50) {
		crawl.CatalogueSHA256 = strings.Repeat("0", 64)
	}
	added, err := w.engine.Import(w.ctx, w.head, crawl, tasks)
	if added != 0 || err != nil && !errors.Is(err, engine.ErrConflict) {
		return fmt.Errorf("imported again, a crawl adds %d tasks: %w", added, err)
	}
	left, err := w.left()
	if err != nil {
		return err
	}
	if left < 10 {
		if err := w.load((50+r.IntN(200))*(1+w.crawls/20), r.chance(70)); err != nil {
			return err
		}
	}
	_, err = w.observe()
	return err
}

// left counts the tasks that may be leased.
func (w *world) left() (tasks int64, err error) {
	err = w.store.View(w.ctx, func(v engine.View) error {
		counts, err := engine.Leasable(v)
		for _, c := range counts {
			if c.State == contract.TaskAvailable && c.Ready {
				tasks += c.Tasks
			}
		}
		return err
	})
	return tasks, err
}

// retire ends a crawl, but not those that were there from the start.
func (w *world) retire(r *random) error {
	name := fmt.Sprintf("crawl-%d", 2+r.IntN(w.crawls))
	return w.tolerated(w.engine.Retire(w.ctx, w.head, name))
}

// jump sets the clock forward or back; UUIDs whose time is over are forgotten.
func (w *world) jump(r *random) error {
	w.clock = w.clock.Add(time.Duration(r.IntN(7200)-3000) * time.Second)
	if err := w.store.Change(w.ctx, func(tx engine.Tx) error { return tx.ForgetUUIDs(w.clock) }); err != nil {
		return err
	}
	var left []replay
	for _, s := range w.sent {
		if !s.until.Before(w.clock) {
			left = append(left, s)
		}
	}
	w.sent = left
	news, err := w.observe()
	if err == nil && len(news) > 0 {
		err = fmt.Errorf("a clock moved %d tasks", len(news))
	}
	return err
}
