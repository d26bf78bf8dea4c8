package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"finest/roles/taskserver/engine"
)

var errTest = errors.New("the change wants no more")

func changeWhole(b *bench) {
	err := b.Change(b.Context(), func(tx engine.Tx) error {
		return all(fill(tx, main, 3), tx.PutSetting("name", "text"), errTest)
	})
	b.wantErr("the change", err, errTest)
	b.want("counts", len(see(b, engine.View.TaskCounts)), 0)
	b.want("crawls", len(see(b, engine.View.Crawls)), 0)
	b.want("setting", setting(b, "name"), "")
	b.change(func(tx engine.Tx) error { return fill(tx, main, 3) })
	b.want("counts after another", see(b, engine.View.TaskCounts), []engine.TaskCount{{Crawl: main, State: "available", Ready: true, Tasks: 3}})
}

func changeSeesItself(b *bench) {
	b.change(func(tx engine.Tx) error {
		if err := fill(tx, main, 2); err != nil {
			return err
		}
		k, err := tx.Draw(50)
		if err != nil || numbers([]engine.Task{k}) != "1" {
			return fmt.Errorf("drew %s: %w", k.ID, err)
		}
		k.State = "leased"
		if err := tx.PutTask(k); err != nil {
			return err
		}
		counts, err := tx.TaskCounts()
		if err != nil || len(counts) != 2 {
			return fmt.Errorf("counts %v: %w", counts, err)
		}
		k, err = tx.Draw(50)
		if err != nil || numbers([]engine.Task{k}) != "0" {
			return fmt.Errorf("drew %s: %w", k.ID, err)
		}
		return nil
	})
}

func changePanics(b *bench) {
	err := b.Change(b.Context(), func(tx engine.Tx) error {
		if err := tx.PutSetting("name", "text"); err != nil {
			return err
		}
		panic("of a test")
	})
	if err == nil || !strings.Contains(err.Error(), "of a test") {
		b.Fatalf("got error %v", err)
	}
	b.want("setting", setting(b, "name"), "")
	b.change(func(tx engine.Tx) error { return tx.PutSetting("name", "other") })
	b.want("setting", setting(b, "name"), "other")
}

func cancelledChange(b *bench) {
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	b.wantErr("the change", b.Change(ctx, func(tx engine.Tx) error { return tx.PutSetting("name", "text") }), context.Canceled)
	b.wantErr("a view", b.View(ctx, func(engine.View) error { return nil }), context.Canceled)
	b.want("setting", setting(b, "name"), "")
}

// increment adds one to a number that is kept as a setting.
func increment(name string) func(engine.Tx) error {
	return func(tx engine.Tx) error {
		text, err := tx.Setting(name)
		if err != nil {
			return err
		}
		n, _ := strconv.Atoi(text) // 0 before the first
		return tx.PutSetting(name, strconv.Itoa(n+1))
	}
}

// concurrently calls f in n goroutines and returns what went wrong.
func concurrently(n int, f func(i int) error) error {
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { errs[i] = f(i) })
	}
	group.Wait()
	return errors.Join(errs...)
}

func changesSerial(b *bench) {
	b.must(concurrently(8, func(int) error {
		for range 20 {
			if err := b.Change(b.Context(), increment("n")); err != nil {
				return err
			}
		}
		return nil
	}))
	b.want("number", setting(b, "n"), "160")
}

func replicasSerial(b *bench) {
	other := b.traits.Open(b.T, b.dir)
	defer func() { b.must(other.Close()) }()
	stores := []engine.Store{b.Store, other}
	b.must(concurrently(6, func(i int) error {
		for range 10 {
			if err := stores[i%2].Change(b.Context(), increment("n")); err != nil {
				return err
			}
		}
		return nil
	}))
	b.want("number", setting(b, "n"), "60")
}

func failuresAlone(b *bench) {
	var odd sync.Map
	b.must(concurrently(16, func(i int) error {
		for range 5 {
			err := b.Change(b.Context(), func(tx engine.Tx) error {
				if err := increment("n")(tx); err != nil {
					return err
				}
				if i%2 == 1 {
					return all(tx.PutSetting(fmt.Sprint("odd", i), "there"), errTest)
				}
				return nil
			})
			if i%2 == 1 {
				odd.Store(i, true)
				if !errors.Is(err, errTest) {
					return fmt.Errorf("a change that fails: %w", err)
				}
			} else if err != nil {
				return err
			}
		}
		return nil
	}))
	b.want("number", setting(b, "n"), "40")
	for i := range odd.Range {
		b.want("what a failed change wrote", setting(b, fmt.Sprint("odd", i)), "")
	}
}

func viewConsistent(b *bench) {
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		defer close(done)
		for range 50 {
			err := b.Change(b.Context(), func(tx engine.Tx) error { return all(increment("a")(tx), increment("b")(tx)) })
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
	defer group.Wait()
	for {
		b.view(func(v engine.View) error {
			first, err := v.Setting("a")
			if err != nil {
				return err
			}
			second, err := v.Setting("b")
			if err == nil && first != second {
				err = fmt.Errorf("a is %s while b is %s", first, second)
			}
			return err
		})
		select {
		case <-done:
			b.want("a", setting(b, "a"), "50")
			return
		default:
		}
	}
}

func viewError(b *bench) {
	b.wantErr("the view", b.View(b.Context(), func(engine.View) error { return errTest }), errTest)
}

func closedRefuses(b *bench) {
	b.must(b.Ping(b.Context()))
	b.must(b.Close())
	b.must(b.Close())
	if err := b.Change(b.Context(), func(tx engine.Tx) error { return tx.PutSetting("name", "text") }); err == nil {
		b.Error("a closed store made a change")
	}
	if err := b.View(b.Context(), func(v engine.View) error { return nil }); err == nil {
		b.Error("a closed store was read")
	}
	b.Store = b.traits.Open(b.T, b.dir)
	b.want("setting", setting(b, "name"), "")
}

func setting(b *bench, name string) string {
	b.Helper()
	return see(b, func(v engine.View) (string, error) { return v.Setting(name) })
}
