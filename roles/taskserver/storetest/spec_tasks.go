package storetest

import (
	"fmt"
	"math"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

func crawlsByName(b *bench) {
	first, second := someCrawl("A-CRAWL"), someCrawl("B-CRAWL")
	b.change(func(tx engine.Tx) error { return all(tx.PutCrawl(second), tx.PutCrawl(first)) })
	b.want("crawls", see(b, engine.View.Crawls), []engine.Crawl{first, second})
	first.Retired, first.Files, first.Tasks, first.FilesPerTask, first.CatalogueSHA256 = true, 7, 3, 4, sum1
	b.change(func(tx engine.Tx) error { return tx.PutCrawl(first) })
	b.want("crawl that was replaced", see(b, func(v engine.View) (engine.Crawl, error) { return v.Crawl("A-CRAWL") }), first)
	b.view(func(v engine.View) error {
		_, err := v.Crawl("C-CRAWL")
		b.wantErr("unknown crawl", err, engine.ErrNotFound)
		return nil
	})
}

func task(b *bench, number int) engine.Task {
	b.Helper()
	return see(b, func(v engine.View) (engine.Task, error) { return v.Task(contract.TaskID(main, number)) })
}

func tasksOnce(b *bench) {
	b.change(func(tx engine.Tx) error { return fill(tx, main, 2) })
	leased := someTask(main, 1)
	leased.State, leased.Generation = contract.TaskLeased, 1
	b.change(func(tx engine.Tx) error { return tx.PutTask(leased) })
	for what, tasks := range map[string][]engine.Task{
		"a task that is there": {someTask(main, 2), someTask(main, 1)},
		"one task twice":       {someTask(main, 2), someTask(main, 2)},
	} {
		b.wantErr(what, b.Change(b.Context(), func(tx engine.Tx) error { return tx.AddTasks(tasks) }), engine.ErrConflict)
	}
	b.wantErr("a task of no crawl", b.Change(b.Context(), func(tx engine.Tx) error {
		return tx.AddTasks([]engine.Task{someTask("NO-CRAWL", 1)})
	}), engine.ErrNotFound)
	b.change(func(tx engine.Tx) error { return tx.AddTasks([]engine.Task{someTask(main, 2)}) })
	b.want("task that was there", task(b, 1), leased)
	b.want("new task", task(b, 2), someTask(main, 2))
	b.want("counts", fmt.Sprint(see(b, engine.View.TaskCounts)), "[{CC-TEST-2024-10 available true 2} {CC-TEST-2024-10 leased true 1}]")
	b.view(func(v engine.View) error {
		_, err := v.Task(contract.TaskID(main, 3))
		b.wantErr("unknown task", err, engine.ErrNotFound)
		return nil
	})
}

func taskReplaced(b *bench) {
	b.change(func(tx engine.Tx) error { return fill(tx, main, 2) })
	changed := someTask(main, 1)
	changed.Files = []contract.InputFile{{Path: "c.warc.gz", Bytes: 7}}
	changed.State, changed.Ready = contract.TaskQuarantined, false
	changed.Generation, changed.DeadlineBlock, changed.DueBlock, changed.Attempts = 3, 100, 200, 5
	changed.Evidence = "it has “no” 'ranges'; DROP TABLE tasks; --"
	elsewhere := changed
	elsewhere.Crawl, elsewhere.Point = "ZZ-OTHER", 7 // which it keeps
	b.change(func(tx engine.Tx) error { return all(tx.PutCrawl(someCrawl("ZZ-OTHER")), tx.PutTask(elsewhere)) })
	b.want("task", task(b, 1), changed)
	b.wantErr("a task that is not there", b.Change(b.Context(), func(tx engine.Tx) error { return tx.PutTask(someTask(main, 2)) }), engine.ErrNotFound)
	b.want("neighbour", task(b, 0), someTask(main, 0))

	// The catalogue is the crawl's, whatever a task says.
	other := someCrawl(main)
	other.CatalogueSHA256 = sum1
	b.change(func(tx engine.Tx) error { return tx.PutCrawl(other) })
	b.want("catalogue", task(b, 1).CatalogueSHA256, sum1)
}

func taskPages(b *bench) {
	b.change(func(tx engine.Tx) error {
		leased := someTask(main, 3)
		leased.State = contract.TaskLeased
		far := someTask("ZZ-OTHER", 7)
		far.State = contract.TaskLeased
		return all(fill(tx, main, 5), fill(tx, "ZZ-OTHER", 1), fill(tx, "AA-OTHER", 0), put(tx, leased), put(tx, far))
	})
	for _, c := range []struct {
		crawl, state, after string
		limit               int
		want                string
	}{
		{"", "", "", 4, "0123"},
		{"", "", contract.TaskID(main, 3), 4, "407"},
		{"", "", contract.TaskID(main, 3), 2, "40"},
		{main, "", "", 10, "01234"},
		{"ZZ-OTHER", "", "", 10, "07"},
		{"", contract.TaskLeased, "", 10, "37"},
		{"", contract.TaskLeased, "", 1, "3"},
		{"", contract.TaskAvailable, contract.TaskID(main, 1), 10, "240"},
		{"", contract.TaskAvailable, contract.TaskID(main, 1), 2, "24"},
		{main, contract.TaskAvailable, contract.TaskID(main, 1), 10, "24"},
		{main, contract.TaskQuarantined, "", 10, ""},
		{"AA-OTHER", "", "", 10, ""},
		{"NO-CRAWL", contract.TaskLeased, "", 10, ""},
	} {
		got := see(b, func(v engine.View) ([]engine.Task, error) { return v.Tasks(c.crawl, c.state, c.after, c.limit) })
		b.want(fmt.Sprintf("%+v", c), numbers(got), c.want)
	}
}

func countsExact(b *bench) {
	b.change(func(tx engine.Tx) error { return all(fill(tx, main, 4), fill(tx, "ZZ-OTHER", 2)) })
	move := func(number int, state string, ready bool) {
		k := someTask(main, number)
		k.State, k.Ready = state, ready
		b.change(func(tx engine.Tx) error { return all(tx.PutTask(k), tx.PutTask(k)) })
	}
	move(0, contract.TaskLeased, true)
	move(0, contract.TaskSubmitted, true)
	move(1, contract.TaskAvailable, false)
	move(2, contract.TaskQuarantined, false)
	move(3, contract.TaskAvailable, true)
	b.want("counts", fmt.Sprint(see(b, engine.View.TaskCounts)), "[{CC-TEST-2024-10 available false 1} {CC-TEST-2024-10 available true 1} "+
		"{CC-TEST-2024-10 quarantined false 1} {CC-TEST-2024-10 submitted true 1} {ZZ-OTHER available true 2}]")
}

func drawOnRing(b *bench) {
	draw := func(point int64) string {
		b.Helper()
		return numbers([]engine.Task{see(b, func(v engine.View) (engine.Task, error) { return v.Draw(point) })})
	}
	nothing := func(when string) {
		b.Helper()
		b.view(func(v engine.View) error {
			_, err := v.Draw(1)
			b.wantErr(when, err, engine.ErrNotFound)
			return nil
		})
	}
	nothing("draw from nothing")
	b.change(func(tx engine.Tx) error {
		twin := someTask(main, 9) // at the place of task 2
		twin.Point = 200
		return all(fill(tx, main, 3), put(tx, twin))
	})
	for point, want := range map[int64]string{0: "0", 1: "1", 100: "1", 101: "2", 200: "2", 201: "0", math.MaxInt64: "0"} {
		b.want(fmt.Sprint("drawn from ", point), draw(point), want)
	}
	take := func(number int, state string, ready bool) {
		k := task(b, number)
		k.State, k.Ready = state, ready
		b.change(func(tx engine.Tx) error { return tx.PutTask(k) })
	}
	take(2, contract.TaskLeased, true)
	b.want("drawn where a lease is", draw(101), "9")
	take(9, contract.TaskAvailable, false)
	b.want("drawn where one is not ready", draw(101), "0")
	take(0, contract.TaskAccepted, true)
	b.want("drawn round the ring", draw(101), "1")
	take(1, contract.TaskQuarantined, true)
	nothing("draw when none is left")
}

// drawFromCrawls: a crawl that is retired has nothing to draw, whatever its tasks
// say.
func drawFromCrawls(b *bench) {
	const other = "ZZ-OTHER"
	b.change(func(tx engine.Tx) error {
		between := someTask(other, 3)
		between.Point = 150
		return all(fill(tx, main, 3), tx.PutCrawl(someCrawl(other)), put(tx, between))
	})
	retire := func(name string, retired bool) {
		c := someCrawl(name)
		c.Retired = retired
		b.change(func(tx engine.Tx) error { return tx.PutCrawl(c) })
	}
	draw := func(when, want string) {
		b.Helper()
		b.view(func(v engine.View) error {
			k, err := v.Draw(101)
			if want == "" {
				b.wantErr(when, err, engine.ErrNotFound)
				return nil
			}
			b.want(when, numbers([]engine.Task{k}), want)
			return err
		})
	}
	draw("drawn from both", "3")
	retire(other, true)
	draw("drawn with one retired", "2")
	retire(main, true)
	draw("drawn with both retired", "")
	retire(other, false)
	draw("drawn with the first retired", "3")
}

func unreadyByPoint(b *bench) {
	b.change(func(tx engine.Tx) error {
		retired := someCrawl("RETIRED")
		retired.Retired = true
		writes := []error{tx.PutCrawl(someCrawl(main)), tx.PutCrawl(someCrawl("ZZ-OTHER")), tx.PutCrawl(retired)}
		for i, crawl := range []string{main, "ZZ-OTHER", main, "RETIRED", "ZZ-OTHER", main, main} {
			k := someTask(crawl, i)
			k.Ready = i == 5
			if i == 6 {
				k.State = contract.TaskQuarantined
			}
			writes = append(writes, put(tx, k))
		}
		return all(writes...)
	})
	for _, c := range []struct {
		point int64
		limit int
		want  string
	}{{0, 10, "0124"}, {1, 10, "124"}, {0, 3, "012"}, {200, 1, "2"}, {401, 10, ""}} {
		got := see(b, func(v engine.View) ([]engine.Task, error) { return v.Unready(c.point, c.limit) })
		b.want(fmt.Sprintf("%+v", c), numbers(got), c.want)
	}
}

func dueInOrder(b *bench) {
	b.change(func(tx engine.Tx) error {
		writes := []error{tx.PutCrawl(someCrawl(main))}
		for i, due := range []uint64{30, 0, 10, 20, 10} {
			k := someTask(main, i)
			k.DueBlock = due
			writes = append(writes, put(tx, k))
		}
		return all(writes...)
	})
	place := func(block uint64, number int) engine.Due {
		return engine.Due{Block: block, Task: contract.TaskID(main, number)}
	}
	due := []engine.Due{place(10, 2), place(10, 4), place(20, 3), place(30, 0)}
	for _, c := range []struct {
		block    uint64
		after    engine.Due
		limit    int
		from, to int // of due
	}{
		{10, engine.Due{}, 10, 0, 0}, {11, engine.Due{}, 10, 0, 2}, {11, engine.Due{}, 1, 0, 1}, {20, engine.Due{}, 10, 0, 2},
		{21, engine.Due{}, 10, 0, 3}, {1000, engine.Due{}, 10, 0, 4}, {0, engine.Due{}, 10, 0, 0},
		{1000, place(10, 2), 10, 1, 4}, {1000, place(10, 2), 1, 1, 2}, {1000, place(10, 3), 10, 1, 4}, {1000, place(10, 4), 10, 2, 4},
		{1000, place(15, 0), 10, 2, 4}, {1000, place(30, 0), 10, 0, 0}, {11, place(20, 3), 10, 0, 0},
	} {
		got := see(b, func(v engine.View) ([]engine.Due, error) { return v.Due(c.block, c.after, c.limit) })
		b.want(fmt.Sprintf("%+v", c), fmt.Sprint(got), fmt.Sprint(due[c.from:c.to]))
	}
}
