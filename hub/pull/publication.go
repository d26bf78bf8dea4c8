package pull

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"finest/hub"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/internal/durable"
)

// Limits of what a publication may hold beside its data.
const (
	maxManifestBytes = 64 << 20
	maxCardBytes     = 1 << 20
	cardPath         = "README.md"
)

// DefaultMaxBytes is what Options.MaxBytes is unless it is set.
const DefaultMaxBytes = 1 << 40

// Options say how much of a publication is pulled.
type Options struct {
	// Task is the only one to pull; "" is all of the claim log.
	Task string
	// MaxBytes bounds what lies in the folder after it; 0 is DefaultMaxBytes.
	MaxBytes int64
	// Progress is told of files and bytes that are there; may be nil.
	Progress func(Progress)
}

// Progress is how far a pull has come.
type Progress struct {
	// Task is being pulled, the Done-th of Tasks, from 0.
	Task        string
	Done, Tasks int
	// Path is being pulled; Have of its Bytes are there.
	Path        string
	Have, Bytes int64
}

// Report is what a pull did.
type Report struct {
	Repo   string `json:"repo"`
	Commit string `json:"commit"`
	Tasks  int    `json:"tasks"`
	// Files and Bytes are in the folder now, Fetched of them came from the hub.
	Files        int   `json:"files"`
	Bytes        int64 `json:"bytes"`
	FetchedFiles int   `json:"fetched_files"`
	FetchedBytes int64 `json:"fetched_bytes"`
}

// Publication brings a publication into dir: claim log, card, and the manifest
// and all files of each task, at the paths they have in the repository. ref is
// resolved to a commit once. Manifests are held against the hashes in the log,
// files against those in their manifest; that the log is the one claimed on
// chain, and that a manifest is signed, is not looked at.
//
// What is there with the right size and hash is not fetched again, and what was
// cut off is gone on with. After an error everything under its final name is
// whole and right.
func Publication(ctx context.Context, h hub.Hub, ref hub.Ref, dir string, o Options) (Report, error) {
	p := puller{ctx: ctx, hub: h, dir: dir, o: o, report: Report{Repo: ref.Repo}}
	if p.o.MaxBytes == 0 {
		p.o.MaxBytes = DefaultMaxBytes
	}
	if p.o.Progress == nil {
		p.o.Progress = func(Progress) {}
	}
	if err := p.pull(ref); err != nil {
		return p.report, fmt.Errorf("pull %s: %w", ref, err)
	}
	return p.report, nil
}

type puller struct {
	ctx      context.Context
	hub      hub.Hub
	ref      hub.Ref // by commit
	dir      string
	o        Options
	report   Report
	progress Progress
}

// task is what the claim log says of one: the manifests of its generations.
type task struct {
	name      string
	manifests []string
}

func (p *puller) pull(ref hub.Ref) error {
	sha, err := p.hub.Head(p.ctx, ref)
	if err == nil && sha == "" {
		err = fmt.Errorf("the repository has no commit: %w", hub.ErrNotFound)
	}
	if err != nil {
		return err
	}
	p.ref, p.report.Commit = hub.Ref{Repo: ref.Repo, Revision: sha}, sha
	log, err := p.small(contract.LogPath, contract.MaxLogBytes)
	if err != nil {
		return err
	}
	lines, err := contract.ParseLog(log)
	if err != nil {
		return fmt.Errorf("%w: %w", hub.ErrCorrupt, err)
	}
	tasks := p.tasks(lines)
	if len(tasks) == 0 {
		return fmt.Errorf("its claim log names no task %s: %w", p.o.Task, hub.ErrNotFound)
	}
	if err := p.keep(contract.LogPath, log); err != nil {
		return err
	}
	if err := p.card(); err != nil {
		return err
	}
	p.progress.Tasks = len(tasks)
	for i, t := range tasks {
		p.progress.Task, p.progress.Done = t.name, i
		if err := p.task(t); err != nil {
			return fmt.Errorf("task %s: %w", t.name, err)
		}
		p.report.Tasks++
	}
	return nil
}

// tasks returns the tasks to pull, in the order of the log. Within a log the
// first line of a task's generation binds.
func (p *puller) tasks(lines []contract.LogLine) []*task {
	type generation struct {
		task   string
		number int64
	}
	var tasks []*task
	byName, bound := map[string]*task{}, map[generation]bool{}
	for _, line := range lines {
		id := generation{line.Task, line.Generation}
		if bound[id] || p.o.Task != "" && line.Task != p.o.Task {
			continue
		}
		bound[id] = true
		t := byName[line.Task]
		if t == nil {
			t = &task{name: line.Task}
			byName[line.Task], tasks = t, append(tasks, t)
		}
		t.manifests = append(t.manifests, line.Manifest)
	}
	return tasks
}

// card keeps the dataset card, if there is one.
func (p *puller) card() error {
	card, err := p.small(cardPath, maxCardBytes)
	if errors.Is(err, hub.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return p.keep(cardPath, card)
}

func (p *puller) task(t *task) error {
	path := contract.ManifestPath(t.name)
	raw, err := p.small(path, maxManifestBytes)
	if err != nil {
		return err
	}
	m, err := readManifest(raw, t)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	// Last comes the manifest, so that a folder with a task's manifest has all of
	// the task.
	if _, err := verify(p.ctx, p.local(path), hub.File{SHA256: canon.Sum(raw)}); errors.Is(err, hub.ErrCorrupt) {
		if err := discard(p.local(path)); err != nil {
			return err
		}
	}
	for _, f := range m.Files {
		if err := p.file(hub.File{Path: f.Path, Size: f.Bytes, SHA256: f.SHA256}); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	return p.keep(path, raw)
}

// readManifest returns the manifest of one of a task's generations.
func readManifest(raw []byte, t *task) (m contract.Manifest, err error) {
	sum := canon.Sum(raw)
	for _, want := range t.manifests {
		if sum != want {
			continue
		}
		if err = canon.Unmarshal(raw, &m); err == nil {
			err = m.Validate()
		}
		if err == nil && m.Task != t.name {
			err = fmt.Errorf("is of task %s", m.Task)
		}
		if err != nil {
			err = fmt.Errorf("%w: %w", hub.ErrCorrupt, err)
		}
		return m, err
	}
	return m, fmt.Errorf("SHA-256 is %s, which the claim log does not name: %w", sum, hub.ErrCorrupt)
}

// small returns a file of at most most bytes.
func (p *puller) small(path string, most int64) ([]byte, error) {
	raw, err := hub.ReadFile(p.ctx, p.hub, p.ref, path, min(most, p.o.MaxBytes-p.report.Bytes))
	if err == nil {
		p.report.FetchedFiles++
		p.report.FetchedBytes += int64(len(raw))
	}
	return raw, err
}

// keep writes a file that is at hand.
func (p *puller) keep(path string, content []byte) error {
	if err := p.charge(int64(len(content))); err != nil {
		return err
	}
	if err := durable.WriteBytes(p.local(path), 0o644, content); err != nil {
		return local(err)
	}
	return nil
}

// charge counts a file of so many bytes, unless that is too much.
func (p *puller) charge(bytes int64) error {
	if bytes > p.o.MaxBytes-p.report.Bytes {
		return fmt.Errorf("%d bytes beside the %d before it are more than the %d allowed: %w", bytes, p.report.Bytes, p.o.MaxBytes, hub.ErrTooLarge)
	}
	p.report.Files++
	p.report.Bytes += bytes
	return nil
}

func (p *puller) local(path string) string { return filepath.Join(p.dir, filepath.FromSlash(path)) }

// file brings one file of a manifest.
func (p *puller) file(f hub.File) error {
	if err := p.charge(f.Size); err != nil {
		return err
	}
	path := p.local(f.Path)
	p.progress.Path, p.progress.Have, p.progress.Bytes = f.Path, 0, f.Size
	switch size, err := verify(p.ctx, path, f); {
	case err == nil && size == f.Size:
		p.tell(f.Size)
		return nil
	case err != nil && !errors.Is(err, hub.ErrCorrupt):
		return err
	}
	p.tell(0)
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return local(err)
	}
	if err := discard(path); err != nil {
		return err
	}
	first := int64(-1)
	err := download(p.ctx, p.hub, p.ref, f, path+partSuffix, func(have int64) {
		if first < 0 {
			first = have
		}
		p.tell(have)
	})
	if err != nil {
		return err
	}
	p.report.FetchedFiles++
	p.report.FetchedBytes += f.Size - first
	return p.place(path)
}

func (p *puller) tell(have int64) {
	p.progress.Have = have
	p.o.Progress(p.progress)
}

// discard removes a file that is not what it should be.
func discard(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return local(err)
	}
	return nil
}

// place gives a whole file its name, durably.
func (p *puller) place(path string) error {
	f, err := os.Open(path + partSuffix)
	if err != nil {
		return local(err)
	}
	err = errors.Join(f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(path+partSuffix, path)
	}
	if err == nil {
		err = durable.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return local(err)
	}
	return nil
}
