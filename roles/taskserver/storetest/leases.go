package storetest

import (
	"errors"
	"sync"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver"
)

func grantOnce(t *testing.T, e *env) {
	ctx := t.Context()
	addTasks(t, e, 3)
	key := grant(t, e, 0, 1, alice, 1, 10)
	equal(t, "task", taskState(t, e, 0), "leased 1")
	equal(t, "lease", leaseState(t, e, key), contract.LeaseLive)

	held, err := e.Held(ctx, alice, 1)
	check(t, err)
	equal(t, "slot", held.Slot, 1)
	want := lease(0, 1, alice, 1, 10).Receipt
	equal(t, "receipt", held.Receipt.Task+held.Receipt.Signature, want.Task+want.Signature)
	_, err = e.Held(ctx, alice, 2)
	wantError(t, "other slot", err, taskserver.ErrNotFound)
	_, err = e.Held(ctx, bob, 1)
	wantError(t, "other hotkey", err, taskserver.ErrNotFound)

	for _, c := range []struct {
		name  string
		lease taskserver.Lease
	}{
		{"the same again", lease(0, 1, alice, 1, 10)},
		{"next generation of a leased task", lease(0, 2, bob, 1, 10)},
		{"taken slot", lease(1, 1, alice, 1, 10)},
		{"generation too high", lease(1, 2, bob, 1, 10)},
		{"generation too low", lease(1, 0, bob, 1, 10)},
		{"unknown task", lease(7, 1, bob, 1, 10)},
	} {
		wantError(t, c.name, e.Grant(ctx, c.lease), taskserver.ErrConflict)
	}
	equal(t, "task after the refusals", taskState(t, e, 1), "available 0")
	grant(t, e, 1, 1, alice, 2, 10)
}

func grantConcurrently(t *testing.T, e *env) {
	ctx := t.Context()
	addTasks(t, e, 1)
	const callers = 8
	errs := make([]error, callers)
	var wait sync.WaitGroup
	for i := range callers {
		wait.Go(func() { errs[i] = e.Grant(ctx, lease(0, 1, alice, i+1, 10)) })
	}
	wait.Wait()
	granted := 0
	for _, err := range errs {
		if err == nil {
			granted++
		} else if !errors.Is(err, taskserver.ErrConflict) {
			t.Errorf("grant: %v", err)
		}
	}
	equal(t, "leases granted", granted, 1)
}

func expireAfterDeadline(t *testing.T, e *env) {
	ctx := t.Context()
	addTasks(t, e, 3)
	early := grant(t, e, 0, 1, alice, 1, 10)
	late := grant(t, e, 1, 1, alice, 2, 50)
	submitted := grant(t, e, 2, 1, alice, 3, 10)
	_, err := e.Submit(ctx, submitted, result(sumA, 20))
	check(t, err)

	ended, err := e.Expire(ctx, 10+deadline)
	check(t, err)
	equal(t, "ended at the deadline", ended, 0)
	ended, err = e.Expire(ctx, 10+deadline+1)
	check(t, err)
	equal(t, "ended after the deadline", ended, 1)
	equal(t, "early lease", leaseState(t, e, early), contract.LeaseExpired)
	equal(t, "early task", taskState(t, e, 0), "available 1")
	equal(t, "late lease", leaseState(t, e, late), contract.LeaseLive)
	equal(t, "late task", taskState(t, e, 1), "leased 1")
	equal(t, "submitted task", taskState(t, e, 2), "submitted 1")
	_, err = e.Held(ctx, alice, 1)
	wantError(t, "slot of the expired lease", err, taskserver.ErrNotFound)
	grant(t, e, 0, 2, bob, 1, 200)
}

func renewLive(t *testing.T, e *env) {
	ctx := t.Context()
	addTasks(t, e, 1)
	key := grant(t, e, 0, 1, alice, 1, 10)
	l, err := e.Renew(ctx, key, 15)
	check(t, err)
	equal(t, "renewed", l, taskserver.LeaseState{LeaseKey: key, Slot: 1, State: contract.LeaseLive, Block: 10, DeadlineBlock: 10 + deadline})

	stranger := key
	stranger.Hotkey = bob
	_, err = e.Renew(ctx, stranger, 15)
	wantError(t, "stranger", err, taskserver.ErrNotHolder)
	unknown := key
	unknown.Generation = 2
	_, err = e.Renew(ctx, unknown, 15)
	wantError(t, "unknown generation", err, taskserver.ErrNotFound)
	_, err = e.Expire(ctx, 1000)
	check(t, err)
	_, err = e.Renew(ctx, key, 1000)
	wantError(t, "expired", err, taskserver.ErrFenced)
}

func releaseRepeatable(t *testing.T, e *env) {
	ctx := t.Context()
	addTasks(t, e, 2)
	key := grant(t, e, 0, 1, alice, 1, 10)
	stranger := key
	stranger.Hotkey = bob
	_, err := e.Release(ctx, stranger, "", 15)
	wantError(t, "stranger", err, taskserver.ErrNotHolder)

	for range 2 {
		l, err := e.Release(ctx, key, "disk is full", 15)
		check(t, err)
		equal(t, "lease", l.State, contract.LeaseReleased)
		equal(t, "task", taskState(t, e, 0), "available 1")
	}
	grant(t, e, 0, 2, bob, 1, 16)
	_, err = e.Release(ctx, key, "disk is full", 17)
	check(t, err)
	equal(t, "task of the next holder", taskState(t, e, 0), "leased 2")
	_, err = e.Submit(ctx, key, result(sumA, 18))
	wantError(t, "submit after release", err, taskserver.ErrFenced)
	_, err = e.Renew(ctx, key, 18)
	wantError(t, "renew after release", err, taskserver.ErrFenced)

	done := grant(t, e, 1, 1, alice, 1, 10)
	_, err = e.Submit(ctx, done, result(sumA, 20))
	check(t, err)
	_, err = e.Release(ctx, done, "", 21)
	wantError(t, "release after submit", err, taskserver.ErrFenced)
	equal(t, "submitted task", taskState(t, e, 1), "submitted 1")
}

func submitRepeatable(t *testing.T, e *env) {
	ctx := t.Context()
	addTasks(t, e, 2)
	key := grant(t, e, 0, 1, alice, 1, 10)
	stranger := key
	stranger.Hotkey = bob
	_, err := e.Submit(ctx, stranger, result(sumA, 20))
	wantError(t, "stranger", err, taskserver.ErrNotHolder)

	for range 2 {
		l, err := e.Submit(ctx, key, result(sumA, 20))
		check(t, err)
		equal(t, "lease", l.State, contract.LeaseSubmitted)
	}
	_, err = e.Submit(ctx, key, result(sumB, 20))
	wantError(t, "another result", err, taskserver.ErrSubmitted)
	equal(t, "task", taskState(t, e, 0), "submitted 1")
	grant(t, e, 1, 1, alice, 1, 30) // the slot is free again

	page, err := e.Submissions(ctx, "", 0, 10)
	check(t, err)
	equal(t, "submissions", len(page), 1)
	want := contract.SubmissionView{Seq: page[0].Seq, Task: key.Task, Generation: 1, Hotkey: alice,
		Claim: result(sumA, 20).Claim, Manifest: sumA, Block: 20, Bytes: 1500}
	equal(t, "submission", page[0], want)
	for _, c := range []struct {
		task  string
		since int64
		want  int
	}{{key.Task, 0, 1}, {contract.TaskID(crawl, 1), 0, 0}, {"", page[0].Seq, 0}} {
		page, err := e.Submissions(ctx, c.task, c.since, 10)
		check(t, err)
		equal(t, "submissions chosen", len(page), c.want)
	}
}

func submitLate(t *testing.T, e *env) {
	ctx := t.Context()
	addTasks(t, e, 2)
	first := grant(t, e, 0, 1, alice, 1, 10)
	second := grant(t, e, 1, 1, alice, 2, 10)
	_, err := e.Expire(ctx, 1000)
	check(t, err)
	_, err = e.Submit(ctx, first, result(sumA, 20))
	check(t, err)
	equal(t, "task not issued again", taskState(t, e, 0), "submitted 1")

	grant(t, e, 1, 2, bob, 1, 1000)
	_, err = e.Submit(ctx, second, result(sumA, 20))
	wantError(t, "task issued again", err, taskserver.ErrFenced)
	equal(t, "task issued again", taskState(t, e, 1), "leased 2")
	_, err = e.Expire(ctx, 2000)
	check(t, err)
	_, err = e.Submit(ctx, second, result(sumA, 20))
	wantError(t, "task issued again and expired", err, taskserver.ErrFenced)
}
