package catalogue_test

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"finest/chain"
	"finest/internal/contract"
	"finest/roles/taskserver/catalogue"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/memstore"
)

const (
	miner   = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
	coldkey = "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y"
)

var fineweb = contract.RecipeRef{Name: "fineweb", Hash: sum}

const sum = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func newEngine(t testing.TB, store engine.Store) *engine.Engine {
	t.Helper()
	e, err := engine.New(store, engine.Rules{
		DeadlineBlocks: 100, ConfirmBlocks: 100, Slots: 4, ColdkeySlots: 8, MaxAttempts: 5,
		Recipes: []contract.RecipeActivation{{RecipeRef: fineweb}},
	}, func(r contract.Receipt) (contract.Receipt, error) {
		r.Server = coldkey
		return r, nil
	})
	check(t, err)
	return e
}

// request is a request of the miner at a block.
func request(block uint64, uuid string) engine.Request {
	return engine.Request{Head: chain.Block{Number: block, Hash: chain.Hash{byte(block)}}, Hotkey: miner, Coldkey: coldkey, UUID: uuid,
		Until: time.Unix(1e9, 0)}
}

// TestFromListToExcuse goes the way of a crawl through the engine: imported
// twice (FS-25), surveyed, leased, given back because of a file that is gone.
func TestFromListToExcuse(t *testing.T) {
	ctx := t.Context()
	s := newSurvey(t, 8, 2, 1)
	s.site.put(path(5), members(t, record(1, 1)+record(2, 2)))
	var list []contract.InputFile
	for i := range 8 {
		list = append(list, contract.InputFile{Path: path(i)})
	}
	c, err := catalogue.New(list)
	check(t, err)
	division, tasks, err := catalogue.Tasks(crawl, c, 2)
	check(t, err)
	store := memstore.New()
	e := newEngine(t, store)
	for _, want := range []int{4, 0} {
		added, err := e.Import(ctx, 1, division, tasks)
		check(t, err)
		equal(t, "added", added, want)
	}
	if _, _, err := e.Lease(ctx, request(2, "a"), contract.LeaseRequest{Op: contract.OpLease, Slot: 1, Recipe: fineweb.Name}); err == nil {
		t.Error("a task whose sizes are not known was leased")
	}

	surveyor, err := catalogue.NewSurveyor(catalogue.SurveyOptions{
		Tables: store, Decider: e, Base: s.site.base, Log: zerolog.Nop(), Block: func(context.Context) (uint64, error) { return 3, nil },
	})
	check(t, err)
	report, err := surveyor.Whole(ctx, crawl, nil)
	check(t, err)
	equal(t, "report", report, catalogue.Report{Surveyed: 3, Quarantined: 1})

	receipt, granted, err := e.Lease(ctx, request(4, "b"), contract.LeaseRequest{Op: contract.OpLease, Slot: 1, Recipe: fineweb.Name})
	check(t, err)
	equal(t, "granted", granted, true)
	gone := receipt.Files[1].Path
	s.site.remove(gone)
	_, err = e.Release(ctx, request(5, "c"), contract.ReleaseRequest{
		Op: contract.OpRelease, Task: receipt.Task, Generation: 1, Reason: "404", Missing: gone,
	})
	check(t, err)
	report, err = surveyor.Round(ctx)
	check(t, err)
	equal(t, "confirmed", report.Confirmed, 1)
	check(t, store.View(ctx, func(v engine.View) error {
		task, err := v.Task(receipt.Task)
		check(t, err)
		equal(t, "state", task.State, contract.TaskQuarantined)
		equal(t, "evidence", task.Evidence, gone+": there is no such file")
		r, err := v.Record(engine.Holder{Kind: engine.HolderHotkey, Address: miner})
		equal(t, "strikes", r.Strikes, 0)
		return err
	}))
}

// TestSurveyGoesOnAfterRetire: tasks of a retired crawl are none that can be
// leased, however many there are.
func TestSurveyGoesOnAfterRetire(t *testing.T) {
	ctx := t.Context()
	s := newSurvey(t, 8, 2, 1)
	store := memstore.New()
	e := newEngine(t, store)
	for name, bytes := range map[string]int64{"retired": 1000, crawl: 0} {
		var list []contract.InputFile
		for i := range 8 {
			list = append(list, contract.InputFile{Path: path(i), Bytes: bytes})
		}
		c, err := catalogue.New(list)
		check(t, err)
		division, tasks, err := catalogue.Tasks(name, c, 2)
		check(t, err)
		_, err = e.Import(ctx, 1, division, tasks)
		check(t, err)
	}
	surveyor, err := catalogue.NewSurveyor(catalogue.SurveyOptions{
		Tables: store, Decider: e, Base: s.site.base, Ahead: 3, Log: zerolog.Nop(), Block: func(context.Context) (uint64, error) { return 3, nil },
	})
	check(t, err)
	for _, want := range []int{0, 3} {
		report, err := surveyor.Round(ctx)
		check(t, err)
		equal(t, "surveyed", report.Surveyed, want)
		check(t, e.Retire(ctx, 2, "retired"))
	}
}
