package taskserver

import (
	"context"
	"fmt"

	"finest/internal/contract"
)

// Defaults and limits of a division into tasks.
const (
	DefaultFilesPerTask = 4
	MaxFilesPerTask     = contract.MaxInputs // what a receipt may name
	maxTasks            = 1_000_000          // ids have six digits
)

// Imported says what an import did.
type Imported struct {
	Tasks int // in the crawl
	Added int // by this import; 0 if the crawl was there already
	Bytes int64
}

// Import divides a catalogue into tasks of filesPerTask files, in its order,
// and adds them to the store: all or none. Importing the same again changes
// nothing; another catalogue under the same name is ErrConflict.
func Import(ctx context.Context, store Store, crawl string, files []contract.InputFile, catalogueSHA256 string, filesPerTask int) (Imported, error) {
	if !contract.ValidCrawl(crawl) {
		return Imported{}, fmt.Errorf("import crawl %.80q: %w: not a name of letters, digits, '.', '_' and '-'", crawl, contract.ErrInvalid)
	}
	if filesPerTask < 1 || filesPerTask > MaxFilesPerTask {
		return Imported{}, fmt.Errorf("import crawl %s: %w: %d files per task, not 1 to %d", crawl, contract.ErrInvalid, filesPerTask, MaxFilesPerTask)
	}
	if err := checkFiles(files); err != nil {
		return Imported{}, fmt.Errorf("import crawl %s: %w", crawl, err)
	}
	count := (len(files) + filesPerTask - 1) / filesPerTask
	if count > maxTasks {
		return Imported{}, fmt.Errorf("import crawl %s: %w: %d tasks; ids have room for %d", crawl, contract.ErrInvalid, count, maxTasks)
	}
	report := Imported{Tasks: count}
	tasks := make([]NewTask, 0, count)
	for number := range count {
		id := contract.TaskID(crawl, number)
		first := number * filesPerTask
		task := NewTask{ID: id, Files: files[first:min(first+filesPerTask, len(files))], Point: taskPoint(id)}
		tasks = append(tasks, task)
		for _, f := range task.Files {
			report.Bytes += f.Bytes
		}
	}
	added, err := store.AddCrawl(ctx, Crawl{Name: crawl, CatalogueSHA256: catalogueSHA256, FilesPerTask: filesPerTask}, tasks)
	if err != nil {
		return Imported{}, fmt.Errorf("import crawl %s: %w", crawl, err)
	}
	report.Added = added
	return report, nil
}

// checkFiles refuses what no receipt may name.
func checkFiles(files []contract.InputFile) error {
	if len(files) == 0 {
		return fmt.Errorf("%w: the catalogue is empty", contract.ErrInvalid)
	}
	seen := make(map[string]bool, len(files))
	for _, f := range files {
		switch {
		case !contract.ValidPath(f.Path):
			return fmt.Errorf("%w: path %.120q is not a plain relative path", contract.ErrInvalid, f.Path)
		case f.Bytes <= 0:
			return fmt.Errorf("%w: size of %.120q is not known", contract.ErrInvalid, f.Path)
		case f.Bytes > maxFileBytes:
			return fmt.Errorf("%w: %.120q has %d bytes; %d are allowed", contract.ErrInvalid, f.Path, f.Bytes, int64(maxFileBytes))
		case seen[f.Path]:
			return fmt.Errorf("%w: %.120q is listed twice", contract.ErrInvalid, f.Path)
		}
		seen[f.Path] = true
	}
	return nil
}
