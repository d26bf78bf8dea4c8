package catalogue

import (
	"fmt"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

// Defaults and limits of a division into tasks.
const (
	DefaultFilesPerTask = 4
	MaxFilesPerTask     = contract.MaxInputs // what a receipt may name
	maxTasks            = 1_000_000          // ids have six digits
)

// Tasks divides a catalogue into tasks of filesPerTask files, in its order. A
// task is ready if the sizes of all its files are known.
func Tasks(crawl string, c Catalogue, filesPerTask int) (engine.Crawl, []engine.Task, error) {
	count := 0
	if filesPerTask > 0 {
		count = (len(c.Files) + filesPerTask - 1) / filesPerTask
	}
	err := checkDivision(crawl, c, filesPerTask, count)
	if err != nil {
		return engine.Crawl{}, nil, fmt.Errorf("divide crawl %.80q: %w", crawl, err)
	}
	tasks := make([]engine.Task, count)
	for number := range tasks {
		id := contract.TaskID(crawl, number)
		first := number * filesPerTask
		last := min(first+filesPerTask, len(c.Files))
		tasks[number] = engine.Task{
			ID: id, Crawl: crawl, CatalogueSHA256: c.SHA256, Files: c.Files[first:last:last], Point: engine.TaskPoint(id),
			State: contract.TaskAvailable, Ready: allKnown(c.Files[first:last]),
		}
	}
	return engine.Crawl{
		Name: crawl, CatalogueSHA256: c.SHA256, FilesPerTask: filesPerTask, Files: len(c.Files), Tasks: count,
	}, tasks, nil
}

func checkDivision(crawl string, c Catalogue, filesPerTask, count int) error {
	switch {
	case !contract.ValidCrawl(crawl):
		return fmt.Errorf("%w: not a name of letters, digits, '.', '_' and '-'", contract.ErrInvalid)
	case filesPerTask < 1 || filesPerTask > MaxFilesPerTask:
		return fmt.Errorf("%w: %d files per task, not 1 to %d", contract.ErrInvalid, filesPerTask, MaxFilesPerTask)
	case count > maxTasks:
		return fmt.Errorf("%w: %d tasks; ids have room for %d", contract.ErrInvalid, count, maxTasks)
	}
	checked, err := New(c.Files)
	if err == nil && checked.SHA256 != c.SHA256 {
		err = fmt.Errorf("%w: the catalogue is not the one its hash is of", contract.ErrInvalid)
	}
	return err
}

// allKnown reports whether the sizes of all files are known.
func allKnown(files []contract.InputFile) bool {
	for _, f := range files {
		if f.Bytes <= 0 {
			return false
		}
	}
	return true
}
