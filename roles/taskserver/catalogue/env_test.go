package catalogue_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"finest/internal/contract"
	"finest/internal/polite"
	"finest/roles/taskserver/catalogue"
	"finest/roles/taskserver/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// record is a WARC record with a block of n bytes.
func record(id, n int) string {
	return fmt.Sprintf("WARC/1.0\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:x:%d>\r\nWARC-Date: 2024-03-01T00:00:00Z\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n",
		id, n, strings.Repeat("x", n))
}

// members gzips each text as a member of its own.
func members(t testing.TB, texts ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, text := range texts {
		z := gzip.NewWriter(&out)
		_, err := z.Write([]byte(text))
		check(t, err)
		check(t, z.Close())
	}
	return out.Bytes()
}

func writeFile(t testing.TB, path string, content []byte) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(t, os.WriteFile(path, content, 0o644))
}

// site is a loopback server of a crawl's files that may fail.
type site struct {
	base polite.Base

	mu     sync.Mutex
	files  map[string][]byte
	faults map[string]http.HandlerFunc // by path; "" is for all
	asked  map[string]int              // requests by path
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{files: make(map[string][]byte), faults: make(map[string]http.HandlerFunc), asked: make(map[string]int)}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	base, err := polite.OpenBase(server.URL+"/root", newClient(t))
	check(t, err)
	s.base = base
	return s
}

// newClient returns a client that does not wait.
func newClient(t testing.TB) *polite.Client {
	t.Helper()
	c := polite.NewClient("finest/test")
	c.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	c.Transport = transport
	return c
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/root/")
	s.mu.Lock()
	s.asked[path]++
	content, ok := s.files[path]
	fault := s.faults[path]
	if fault == nil {
		fault = s.faults[""]
	}
	s.mu.Unlock()
	switch {
	case fault != nil:
		fault(w, r)
	case !ok:
		http.NotFound(w, r)
	default:
		http.ServeContent(w, r, "", time.Unix(1e9, 0), bytes.NewReader(content))
	}
}

func (s *site) put(path string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = content
}

func (s *site) remove(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, path)
}

// fail answers requests for a path, or with "" for all, by h; nil ends that.
func (s *site) fail(path string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[path] = h
}

// requests returns how often a path was asked for; all together with "".
func (s *site) requests(path string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, times := range s.asked {
		if path == "" || p == path {
			n += times
		}
	}
	return n
}

func (s *site) mostRequests() (most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, times := range s.asked {
		most = max(most, times)
	}
	return most
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

// desk keeps tasks and open excuses as a store does, and takes the Surveyor's
// decisions.
type desk struct {
	byPoint, byID []string
	retired       bool

	mu     sync.Mutex
	tasks  map[string]engine.Task
	leases []engine.Lease
	err    error // of every decision

	decisions []string
	blocks    []uint64
}

// view answers what a Surveyor asks; other questions panic.
type view struct {
	engine.View
	d *desk
}

func (d *desk) View(_ context.Context, f func(engine.View) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return f(view{d: d})
}

func (v view) TaskCounts() ([]engine.TaskCount, error) {
	var counts []engine.TaskCount
	for _, t := range v.d.tasks {
		counts = append(counts, engine.TaskCount{Crawl: t.Crawl, State: t.State, Ready: t.Ready, Tasks: 1})
	}
	return counts, nil
}

func (v view) Crawls() ([]engine.Crawl, error) {
	c, err := v.Crawl(crawl)
	return []engine.Crawl{c}, err
}

func (v view) Crawl(name string) (engine.Crawl, error) {
	if name != crawl {
		return engine.Crawl{}, engine.ErrNotFound
	}
	return engine.Crawl{Name: crawl, Retired: v.d.retired}, nil
}

// pick returns the tasks that keep chooses of those whose ids are order.
func (v view) pick(order []string, keep func(engine.Task) bool, limit int) (tasks []engine.Task) {
	for _, id := range order {
		if t := v.d.tasks[id]; len(tasks) < limit && keep(t) {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

func (v view) Unready(point int64, limit int) ([]engine.Task, error) {
	return v.pick(v.d.byPoint, func(t engine.Task) bool {
		return t.State == contract.TaskAvailable && !t.Ready && t.Point >= point
	}, limit), nil
}

func (v view) Tasks(crawl, state, after string, limit int) ([]engine.Task, error) {
	return v.pick(v.d.byID, func(t engine.Task) bool {
		return t.ID > after && (crawl == "" || t.Crawl == crawl) && (state == "" || t.State == state)
	}, limit), nil
}

func (v view) Excuses(limit int) (open []engine.Lease, _ error) {
	for _, lease := range v.d.leases {
		if lease.Excused == engine.ExcusePending && len(open) < limit {
			open = append(open, lease)
		}
	}
	return open, nil
}

func (d *desk) Surveyed(_ context.Context, block uint64, id string, files []contract.InputFile, bad string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return d.err
	}
	task := d.tasks[id]
	task.Files = files
	if task.State, task.Evidence = contract.TaskAvailable, bad; bad != "" {
		task.State = contract.TaskQuarantined
	}
	task.Ready = bad == ""
	d.tasks[id] = task
	d.blocks = append(d.blocks, block)
	return nil
}

func (d *desk) Excuse(_ context.Context, block uint64, task string, generation int64, confirmed bool, evidence string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return d.err
	}
	for i := range d.leases {
		lease := &d.leases[i]
		if lease.Receipt.Task == task && lease.Receipt.Generation == generation {
			if lease.Excused = engine.ExcuseRefuted; confirmed {
				lease.Excused = engine.ExcuseConfirmed
			}
		}
	}
	d.decisions = append(d.decisions, fmt.Sprintf("%s/%d %t %s", task, generation, confirmed, evidence))
	d.blocks = append(d.blocks, block)
	return nil
}

func (d *desk) task(id string) engine.Task {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tasks[id]
}

// lease takes a ready task; it is the last of them by id.
func (d *desk) lease() (id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, t := range d.tasks {
		if t.State == contract.TaskAvailable && t.Ready && name > id {
			id = name
		}
	}
	t := d.tasks[id]
	t.State = contract.TaskLeased
	d.tasks[id] = t
	return id
}

// count counts tasks that are ready or not.
func (d *desk) count(state string, ready bool) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.tasks {
		if t.State == state && t.Ready == ready {
			n++
		}
	}
	return n
}

const crawl = "CC-TEST-2024-10"

// survey is a crawl at a site, its tasks at a desk, and a Surveyor between.
type survey struct {
	testing.TB
	*catalogue.Surveyor
	site  *site
	desk  *desk
	now   time.Time
	block uint64
	chain error
	ahead int
}

// newSurvey has a crawl of good files in tasks of perTask files each.
func newSurvey(t testing.TB, files, perTask, ahead int) *survey {
	t.Helper()
	s := &survey{TB: t, site: newSite(t), now: time.Unix(1e9, 0), block: 1000, ahead: ahead}
	var kinds [][]byte
	for i := range 16 {
		kinds = append(kinds, members(t, record(i, i), record(i, 2*i), record(i, 3)))
	}
	var list []contract.InputFile
	for i := range files {
		s.site.put(path(i), kinds[i%len(kinds)])
		list = append(list, contract.InputFile{Path: path(i)})
	}
	s.desk = newDesk(t, list, perTask)
	s.restart()
	return s
}

func newDesk(t testing.TB, list []contract.InputFile, perTask int) *desk {
	t.Helper()
	c, err := catalogue.New(list)
	check(t, err)
	_, tasks, err := catalogue.Tasks(crawl, c, perTask)
	check(t, err)
	d := &desk{tasks: make(map[string]engine.Task)}
	for _, task := range tasks {
		d.tasks[task.ID] = task
		d.byID = append(d.byID, task.ID)
	}
	d.byPoint = slices.Clone(d.byID)
	slices.SortFunc(d.byPoint, func(a, b string) int { return cmp.Compare(d.tasks[a].Point, d.tasks[b].Point) })
	return d
}

func path(i int) string { return fmt.Sprintf("crawl-data/%s/warc/%05d.warc.gz", crawl, i) }

// restart forgets what a process knows.
func (s *survey) restart() {
	s.Helper()
	surveyor, err := catalogue.NewSurveyor(catalogue.SurveyOptions{
		Tables: s.desk, Decider: s.desk, Base: s.site.base, Ahead: s.ahead, Log: zerolog.Nop(),
		Now:   func() time.Time { return s.now },
		Block: func(context.Context) (uint64, error) { return s.block, s.chain },
	})
	check(s, err)
	s.Surveyor = surveyor
}

// round works until there is nothing more to do now.
func (s *survey) round() (all catalogue.Report) {
	s.Helper()
	for range 1000 {
		r, err := s.Round(s.Context())
		check(s, err)
		all.Surveyed += r.Surveyed
		all.Quarantined += r.Quarantined
		all.Confirmed += r.Confirmed
		all.Refuted += r.Refuted
		all.Undecided += r.Undecided
		if all.Wait = r.Wait; r.Wait > 0 {
			return all
		}
	}
	s.Fatal("rounds without end")
	return all
}

// later lets time pass.
func (s *survey) later(d time.Duration) { s.now = s.now.Add(d) }
