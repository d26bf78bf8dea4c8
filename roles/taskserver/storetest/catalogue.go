package storetest

import (
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver"
)

func crawlOnce(t *testing.T, e *env) {
	ctx := t.Context()
	addTasks(t, e, 3)
	grant(t, e, 1, 1, alice, 1, 10)
	same := taskserver.Crawl{Name: crawl, CatalogueSHA256: sumA, FilesPerTask: 2}
	added, err := e.AddCrawl(ctx, same, newTasks(3))
	check(t, err)
	equal(t, "added again", added, 0)
	equal(t, "leased task", taskState(t, e, 1), "leased 1")

	other := same
	other.CatalogueSHA256 = sumB
	_, err = e.AddCrawl(ctx, other, newTasks(3))
	wantError(t, "another catalogue", err, taskserver.ErrConflict)
	other = same
	other.FilesPerTask = 3
	_, err = e.AddCrawl(ctx, other, newTasks(3))
	wantError(t, "another division", err, taskserver.ErrConflict)

	task, err := e.Task(ctx, contract.TaskID(crawl, 2))
	check(t, err)
	equal(t, "crawl", task.Crawl, crawl)
	equal(t, "catalogue", task.CatalogueSHA256, sumA)
	equal(t, "files", len(task.Files), 2)
	equal(t, "second file", task.Files[1], newTasks(3)[2].Files[1])
	_, err = e.Task(ctx, contract.TaskID(crawl, 3))
	wantError(t, "unknown task", err, taskserver.ErrNotFound)
}

func crawlWhole(t *testing.T, e *env) {
	tasks := newTasks(3)
	tasks[2].ID = tasks[0].ID
	_, err := e.AddCrawl(t.Context(), taskserver.Crawl{Name: crawl, CatalogueSHA256: sumA, FilesPerTask: 2}, tasks)
	if err == nil {
		t.Fatal("two tasks of one id were added")
	}
	addTasks(t, e, 3)
}

func tasksInPages(t *testing.T, e *env) {
	ctx := t.Context()
	addTasks(t, e, 5)
	other := newTasks(1)
	other[0].ID = contract.TaskID("ZZ-OTHER", 0)
	_, err := e.AddCrawl(ctx, taskserver.Crawl{Name: "ZZ-OTHER", CatalogueSHA256: sumB, FilesPerTask: 2}, other)
	check(t, err)
	grant(t, e, 3, 1, alice, 1, 10)

	list := func(crawl, state, after string, limit int) (numbers string) {
		tasks, err := e.Tasks(ctx, crawl, state, after, limit)
		check(t, err)
		for _, task := range tasks {
			numbers += task.ID[len(task.ID)-1:]
		}
		return numbers
	}
	equal(t, "first page", list("", "", "", 4), "0123")
	equal(t, "second page", list("", "", contract.TaskID(crawl, 3), 4), "40")
	equal(t, "of one crawl", list(crawl, "", "", 10), "01234")
	equal(t, "leased", list("", contract.TaskLeased, "", 10), "3")
	equal(t, "available of one crawl", list(crawl, contract.TaskAvailable, contract.TaskID(crawl, 1), 10), "24")

	counts, err := e.TaskCounts(ctx)
	check(t, err)
	equal(t, "available", counts[contract.TaskAvailable], 5)
	equal(t, "leased", counts[contract.TaskLeased], 1)
	equal(t, "submitted", counts[contract.TaskSubmitted], 0)
}

func drawRound(t *testing.T, e *env) {
	ctx := t.Context()
	_, err := e.Draw(ctx, 0)
	wantError(t, "draw from nothing", err, taskserver.ErrNotFound)
	addTasks(t, e, 3) // at points 0, 100 and 200
	draw := func(point int64, want int) {
		t.Helper()
		task, err := e.Draw(ctx, point)
		check(t, err)
		equal(t, "drawn", task.ID, contract.TaskID(crawl, want))
	}
	draw(0, 0)
	draw(1, 1)
	draw(100, 1)
	draw(201, 0)
	draw(1<<63-1, 0)
	grant(t, e, 1, 1, alice, 1, 10)
	draw(1, 2)
	grant(t, e, 2, 1, alice, 2, 10)
	draw(1, 0)
	grant(t, e, 0, 1, alice, 3, 10)
	_, err = e.Draw(ctx, 1)
	wantError(t, "draw when all are leased", err, taskserver.ErrNotFound)
}
