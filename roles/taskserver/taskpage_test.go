package taskserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver"
	"finest/roles/taskserver/catalogue"
	"finest/roles/taskserver/engine"
)

// countingStore counts the files of the tasks that views read in pages.
type countingStore struct {
	engine.Store
	files int
}

type countingView struct {
	engine.View
	store *countingStore
}

func (s *countingStore) View(ctx context.Context, f func(engine.View) error) error {
	return s.Store.View(ctx, func(v engine.View) error { return f(countingView{v, s}) })
}

func (v countingView) Tasks(crawl, state, after string, limit int) ([]engine.Task, error) {
	tasks, err := v.View.Tasks(crawl, state, after, limit)
	for _, t := range tasks {
		v.store.files += len(t.Files)
	}
	return tasks, err
}

// TestPagesOfTasksAreBoundedByFiles: however many files tasks have, a page ends
// with the task that brings it to 10,000, no more are read for it, and the pages
// together are all tasks, each once and in order.
func TestPagesOfTasksAreBoundedByFiles(t *testing.T) {
	const maxFiles, small, large = 10_000, "CC-A-2024-10", "CC-B-2024-10"
	var store *countingStore
	e := newEnv(t, 0, func(o *taskserver.Options) {
		store = &countingStore{Store: o.Store}
		o.Store = store
	})
	var ids []string
	for _, c := range []struct {
		name            string
		files, filesOne int
	}{{small, 120, 4}, {large, 25*contract.MaxInputs - 1000, contract.MaxInputs}} {
		list, err := catalogue.New(files(c.files))
		check(t, err)
		crawl, tasks, err := catalogue.Tasks(c.name, list, c.filesOne)
		check(t, err)
		_, err = e.server.Engine().Import(t.Context(), firstHead, crawl, tasks)
		check(t, err)
		for _, k := range tasks {
			ids = append(ids, k.ID)
		}
	}
	for query, want := range map[string]struct {
		pages []int // tasks of each
		of    string
	}{
		"limit=500":                       {[]int{40, 10, 5}, ""}, // 30 × 4 + 10 × 1,024 files, and so on
		"limit=500&state=available":       {[]int{40, 10, 5}, ""},
		"limit=7":                         {[]int{7, 7, 7, 7, 7, 7, 7, 6}, ""},
		"limit=500&crawl=" + large:        {[]int{10, 10, 5}, large},
		"limit=10&crawl=" + large:         {[]int{10, 10, 5}, large},
		"limit=25&crawl=" + small:         {[]int{25, 5}, small},
		"limit=30&crawl=" + small:         {[]int{30, 0}, small}, // full: whether there are more is not known
		"limit=500&state=leased":          {[]int{0}, "none"},
		"limit=500&crawl=CC-NONE-2024-10": {[]int{0}, "none"},
	} {
		t.Run(query, func(t *testing.T) {
			var pages []int
			var got []string
			for after, more := "", true; more && len(pages) < 20; more = after != "" {
				store.files = 0
				status, body := e.get("/v1/tasks?" + query + "&after=" + after)
				equal(t, "status", status, http.StatusOK)
				var list contract.TaskList
				check(t, json.Unmarshal([]byte(body), &list))
				read := 0
				for _, k := range list.Tasks {
					got = append(got, k.Task)
					read += len(k.Files)
				}
				if read >= maxFiles+contract.MaxInputs || store.files != read {
					t.Errorf("page %d names %d files of %d that were read", len(pages), read, store.files)
				}
				pages = append(pages, len(list.Tasks))
				after = list.Next
			}
			equal(t, "tasks of each page", fmt.Sprint(pages), fmt.Sprint(want.pages))
			all := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !strings.HasPrefix(id, want.of) })
			equal(t, "tasks", strings.Join(got, " "), strings.Join(all, " "))
		})
	}
}
