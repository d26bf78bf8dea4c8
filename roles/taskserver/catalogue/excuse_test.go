package catalogue_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

// released is a lease of task that was given back because of a file.
func released(task engine.Task, file string) engine.Lease {
	return engine.Lease{
		Receipt: contract.Receipt{Task: task.ID, Crawl: task.Crawl, Files: task.Files, Generation: 3},
		State:   contract.LeaseReleased, Excuse: file, Excused: engine.ExcusePending,
	}
}

func TestExcuses(t *testing.T) {
	const id = crawl + "-000002"
	for _, tc := range []struct {
		name    string
		file    string
		content []byte // instead of what was leased, unless nil
		fault   http.HandlerFunc
		want    string // "" if it must stay open
	}{
		{name: "the file is there", want: "false " + path(4) + ": it is there with its "},
		{name: "not there", fault: http.NotFound, want: "true " + path(4) + ": there is no such file"},
		{name: "gone", fault: status(http.StatusGone), want: "true " + path(4) + ": there is no such file"},
		{name: "another size", content: members(t, record(1, 1), record(2, 1)), want: "true " + path(4) + ": it has "},
		{name: "one member", content: members(t, record(1, 1)+record(2, 1)), want: "true " + path(4) + ": records share a gzip member"},
		{name: "cut to nothing", content: []byte{}, want: "true " + path(4) + ": it does not begin as a WARC file"},
		{name: "no file of the task", file: path(0), want: "false " + path(0) + ": no file of this task"},
		{name: "unavailable", fault: status(http.StatusServiceUnavailable)},
		{name: "forbidden", fault: status(http.StatusForbidden)},
		{name: "a page in its place", fault: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("<html>"))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSurvey(t, 6, 2, 3)
			s.round()
			if tc.file == "" {
				tc.file = path(4)
			}
			if tc.content != nil {
				s.site.put(path(4), tc.content)
			}
			s.site.fail(path(4), tc.fault)
			s.desk.leases = []engine.Lease{released(s.desk.task(id), tc.file)}
			s.later(time.Hour)
			s.block++
			s.restart()
			s.round()
			want := tc.want
			if want == "" {
				equal(t, "decisions", len(s.desk.decisions), 0)
				s.site.fail(path(4), nil)
				s.later(time.Hour)
				s.round()
				want = "false " + path(4) + ": it is there with its "
			}
			equal(t, "decisions", len(s.desk.decisions), 1)
			if got := s.desk.decisions[0]; !strings.HasPrefix(got, id+"/3 "+want) {
				t.Errorf("decided %q, want %q", got, want)
			}
			equal(t, "block", s.desk.blocks[len(s.desk.blocks)-1], s.block)
			asked := s.site.requests("")
			s.later(time.Hour)
			s.round()
			equal(t, "requests after the decision", s.site.requests(""), asked)
			stats := s.Stats()
			equal(t, "counted", stats.Confirmed+stats.Refuted, 1)
		})
	}
}

// Two missing files, one of them found good before, still have all others to
// show that the crawl is there.
func TestExcusesOfSeveralMissingFiles(t *testing.T) {
	s := newSurvey(t, 20, 1, 20)
	s.round()
	for _, i := range []int{0, 1, 2} {
		s.site.remove(path(i))
		task := s.desk.task(contract.TaskID(crawl, i))
		s.desk.leases = append(s.desk.leases, released(task, path(i)))
	}
	s.later(time.Hour)
	for range 20 {
		s.round()
		s.later(time.Hour)
	}
	equal(t, "confirmed", s.Stats().Confirmed, 3)
}

// Excuses that cannot be decided yet do not hold up others, and are not asked
// for again and again.
func TestExcusesThatWaitHoldUpNothing(t *testing.T) {
	s := newSurvey(t, 60, 1, 60)
	s.round()
	for i := range 60 {
		task := s.desk.task(contract.TaskID(crawl, i))
		s.desk.leases = append(s.desk.leases, released(task, path(i)))
	}
	s.site.fail(path(0), status(http.StatusForbidden))
	s.site.fail(path(30), status(http.StatusForbidden))
	s.later(time.Hour)
	report := s.round()
	equal(t, "refuted", report.Refuted, 58)
	equal(t, "undecided", report.Undecided, 2)
	equal(t, "requests for one that waits", s.site.requests(path(0)), 2)
	s.round()
	equal(t, "requests for it at once", s.site.requests(path(0)), 2)
}
