package enginetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
	"finest/roles/taskserver/engine"
)

// observe reads what the log says anew and checks that all of it is legal, that
// no task has two live leases, and that the tables count as the log does.
func (w *world) observe() (news []books.Entry, err error) {
	var counts []engine.TaskCount
	err = w.store.View(w.ctx, func(v engine.View) (err error) {
		for {
			page, err := v.Audit(w.books.Head().Seq+int64(len(news)), 1000)
			if err != nil {
				return err
			}
			if news = append(news, page...); len(page) == 0 {
				break
			}
		}
		counts, err = v.TaskCounts()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the store: %w", err)
	}
	for _, e := range news {
		if err := w.books.Apply(e); err != nil {
			return nil, err
		}
		if err := w.fenced(e); err != nil {
			return nil, err
		}
		if err := w.secret(e); err != nil {
			return nil, err
		}
		w.seen[e.Op+":"+e.From+">"+e.To]++
	}
	return news, w.conserved(counts)
}

// fenced checks that a task is granted once at a time. It relies on the blocks
// alone, not on what the books make of them.
func (w *world) fenced(e books.Entry) error {
	last := w.newest[e.Task]
	switch e.Op {
	case books.OpRelease:
		last.released = true
	case books.OpLease:
		if e.Generation != last.generation+1 {
			return fmt.Errorf("task %s has generation %d after %d", e.Task, e.Generation, last.generation)
		}
		if last.generation > 0 && !last.released && e.Block <= last.deadline {
			return fmt.Errorf("task %s is leased at block %d, but its lease lasts to block %d", e.Task, e.Block, last.deadline)
		}
		last = fence{generation: e.Generation, deadline: e.Block + Rules().DeadlineBlocks}
	default:
		return nil
	}
	w.newest[e.Task] = last
	return nil
}

// secret checks that no verdict tells who holds an open lease.
func (w *world) secret(e books.Entry) error {
	if e.Op != books.OpVerdict {
		return nil
	}
	var v books.Verdict
	if err := json.Unmarshal(e.Detail, &v); err != nil {
		return err
	}
	return w.store.View(w.ctx, func(view engine.View) error {
		l, err := view.Lease(v.Task, v.Generation)
		if err == nil && l.State == contract.LeaseLive {
			err = fmt.Errorf("a verdict on live lease %d of task %s is published", v.Generation, v.Task)
		}
		return err
	})
}

// conserved compares the counts of the tables with those of the log, whose sum
// is the number of imported tasks.
func (w *world) conserved(counts []engine.TaskCount) error {
	have := make(map[books.Count]int64)
	for _, c := range counts {
		have[books.Count{Crawl: c.Crawl, State: c.State}] += c.Tasks
	}
	for _, want := range w.books.Counts() {
		k := books.Count{Crawl: want.Crawl, State: want.State}
		if have[k] != want.Tasks {
			return fmt.Errorf("%d tasks of %s are %s, not %d", have[k], k.Crawl, k.State, want.Tasks)
		}
		delete(have, k)
	}
	if len(have) > 0 {
		return fmt.Errorf("tasks that the log does not know: %v", have)
	}
	return nil
}

// attempt is a signed request.
type attempt struct {
	who engine.Request
	// run sends it and returns what must be the same when it is repeated.
	run func(engine.Request) (any, error)
}

// try sends a request, perhaps to a process that dies, perhaps again. It returns
// its answer; an error is something that must not be.
func (w *world) try(r *random, a attempt) (answered bool, err error) {
	if r.chance(3) {
		if err := w.crash(mode(1+r.IntN(int(nothing)-1)), a); err != nil {
			return false, err
		}
		a.who.UUID = w.request(person{}).UUID
	}
	answer, err := a.run(a.who)
	refused := err
	if refused != nil && !refusal(refused) {
		return false, fmt.Errorf("neither granted nor refused: %w", refused)
	}
	news, err := w.observe()
	if err != nil {
		return false, err
	}
	w.sent = keep(w.sent, replay{a.who.Until, func() error { _, err := a.run(a.who); return err }})
	if refused != nil {
		w.seen["refused:"+class(refused)]++
		if n := actedBy(news, a.who.Hotkey); n > 0 {
			return false, fmt.Errorf("refused, but it made %d entries: %w", n, refused)
		}
		return false, nil
	}
	if r.chance(10) {
		return true, w.repeat(a, answer)
	}
	return true, nil
}

// repeat sends a granted request once more, with its own UUID: the answer must
// be the same, and nothing may change.
func (w *world) repeat(a attempt, answer any) error {
	a.who.UUID = w.request(person{}).UUID
	again, err := a.run(a.who)
	if err != nil {
		return fmt.Errorf("repeated, it is refused: %w", err)
	}
	news, err := w.observe()
	if err != nil {
		return err
	}
	// An early verdict can reject a late result, which is due at once.
	news = slices.DeleteFunc(news, func(e books.Entry) bool { return e.Op == books.OpReissue })
	if len(news) > 0 || !reflect.DeepEqual(answer, again) {
		return fmt.Errorf("repeated, it makes %d entries and answers %+v, not %+v", len(news), again, answer)
	}
	return nil
}

// crash sends a request to a process that dies. If it had an effect the next
// attempt must find it done.
func (w *world) crash(m mode, a attempt) error {
	w.store.next = m
	_, err := a.run(a.who)
	w.store.next = whole
	if m == twice {
		if err != nil && !refusal(err) && !errors.Is(err, errCrash) {
			return fmt.Errorf("in a store that tries again: %w", err)
		}
	} else if err != nil && !refusal(err) && !errors.Is(err, errCrash) {
		return fmt.Errorf("in a process that dies: %w", err)
	}
	news, err := w.observe()
	if err != nil {
		return err
	}
	acted := actedBy(news, a.who.Hotkey)
	if acted > 0 && m != lost && m != twice {
		return fmt.Errorf("a process died before its change was made, but there are %d entries of it", acted)
	}
	// A new process has nothing but the store.
	if w.engine, err = engine.New(w.store, Rules(), Sign); err != nil || acted == 0 {
		return err
	}
	a.who.UUID = w.request(person{}).UUID
	if _, err := a.run(a.who); err != nil {
		return fmt.Errorf("its answer was lost, and tried again it is refused: %w", err)
	}
	if news, err = w.observe(); err != nil {
		return err
	}
	if acted = actedBy(news, a.who.Hotkey); acted > 0 {
		return fmt.Errorf("its answer was lost, and tried again it makes %d entries", acted)
	}
	return nil
}

func actedBy(entries []books.Entry, actor string) (n int) {
	for _, e := range entries {
		if e.Actor == actor {
			n++
		}
	}
	return n
}

var refusals = []error{
	engine.ErrNotFound, engine.ErrReplayed, engine.ErrNoTask, engine.ErrNotHolder, engine.ErrFenced, engine.ErrSubmitted,
	engine.ErrRecipe, engine.ErrBanned, engine.ErrAhead, contract.ErrInvalid,
}

func refusal(err error) bool { return class(err) != "" }

// class names a refusal.
func class(err error) string {
	var quota *engine.QuotaError
	if errors.As(err, &quota) {
		return "quota"
	}
	for _, r := range refusals {
		if errors.Is(err, r) {
			return strings.ReplaceAll(r.Error(), " ", "-")
		}
	}
	return ""
}

// keep appends to the newest 256.
func keep[T any](list []T, one T) []T {
	const most = 256
	if len(list) >= 2*most {
		list = append([]T(nil), list[len(list)-most:]...)
	}
	return append(list, one)
}
