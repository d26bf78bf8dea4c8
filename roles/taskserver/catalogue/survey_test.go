package catalogue_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"finest/internal/contract"
	"finest/roles/taskserver/catalogue"
	"finest/roles/taskserver/engine"
)

func TestSurveyKeepsTasksReady(t *testing.T) {
	s := newSurvey(t, 60, 2, 20)
	report := s.round()
	equal(t, "surveyed", report.Surveyed, 20)
	equal(t, "ready", s.desk.count(contract.TaskAvailable, true), 20)
	equal(t, "requests", s.site.requests(""), 40)
	equal(t, "wait", report.Wait, catalogue.DefaultPoll)

	for range 3 {
		task := s.desk.task(s.desk.lease())
		for _, f := range task.Files {
			equal(t, "size of "+f.Path, f.Bytes, int64(len(s.site.files[f.Path])))
		}
	}
	s.restart()
	equal(t, "surveyed after leases", s.round().Surveyed, 3)
	s.restart()
	equal(t, "surveyed without leases", s.round().Surveyed, 0)
	for range 20 {
		s.desk.lease()
	}
	equal(t, "surveyed of the rest", s.round().Surveyed, 7)
	equal(t, "requests for any file", s.site.mostRequests(), 1)
	equal(t, "block of the last decision", s.desk.blocks[len(s.desk.blocks)-1], 1000)
	equal(t, "counted since the restart", s.Stats().Surveyed, 7)
}

// CH-6: if the tasks that are ready lay in one piece of the ring, most draws
// would meet its first one, and whoever looks would know it before the block.
func TestSurveySpreadsReadyTasksOverTheRing(t *testing.T) {
	s := newSurvey(t, 2000, 1, 100)
	s.round()
	var points []int64
	for _, task := range s.desk.tasks {
		if task.Ready {
			points = append(points, task.Point)
		}
	}
	slices.Sort(points)
	equal(t, "ready", len(points), 100)
	widest := points[0] + (1<<63 - 1 - points[len(points)-1])
	for i := 1; i < len(points); i++ {
		widest = max(widest, points[i]-points[i-1])
	}
	if share := float64(widest) / (1 << 63); share > 0.03 {
		t.Errorf("%.1f %% of all draws meet one task of 100", 100*share)
	}
}

func TestSurveyTellsFaultsOfFilesFromFaultsOfTheWay(t *testing.T) {
	good := members(t, record(1, 1), record(2, 2))
	for _, tc := range []struct {
		name     string
		content  []byte           // of the file, unless nil
		fault    http.HandlerFunc // unless nil
		evidence string           // "" if the task must stay as it is
	}{
		{name: "not there", evidence: "there is no such file"},
		{name: "gone", fault: status(http.StatusGone), evidence: "there is no such file"},
		{name: "one member for all records", content: members(t, record(1, 1)+record(2, 2)+record(3, 3)), evidence: "share a gzip member"},
		{name: "one member after the first record", content: members(t, record(1, 1), record(2, 2)+record(3, 3)), evidence: "share a gzip member"},
		{name: "one member, long", content: members(t, record(1, 1)+noisy(2, 100<<10)), evidence: "share a gzip member"},
		{name: "empty", content: []byte{}, evidence: "does not begin as a WARC file"},
		{name: "something else", content: []byte(strings.Repeat("PK\x03\x04 not a WARC file ", 9000)), evidence: "does not begin as a WARC file"},
		{name: "gzip of something else", content: members(t, "a,b,c\n"), evidence: "does not begin as a WARC file"},
		{name: "larger than a receipt may say", fault: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 0-8191/2199023255552")
			w.Header().Set("Content-Length", "8192")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(make([]byte, 8192))
		}, evidence: "too large"},

		{name: "unavailable", fault: status(http.StatusServiceUnavailable)},
		{name: "forbidden", fault: status(http.StatusForbidden)},
		{name: "too many requests", fault: status(http.StatusTooManyRequests, "Retry-After", "60")},
		{name: "a page in its place", fault: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("<!DOCTYPE html><title>Log in</title>"))
		}},
		{name: "a cut connection", fault: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		{name: "a server without ranges", fault: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1073741824")
			_, _ = w.Write(good)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSurvey(t, 3, 1, 3)
			s.site.remove(path(1))
			if tc.content != nil {
				s.site.put(path(1), tc.content)
			}
			s.site.fail(path(1), tc.fault)
			// The others are needed to know that the crawl is there.
			for range 3 {
				s.round()
				s.later(time.Hour)
			}
			equal(t, "ready", s.desk.count(contract.TaskAvailable, true), 2)
			task := s.desk.task(crawl + "-000001")
			if tc.evidence == "" {
				equal(t, "state", task.State, contract.TaskAvailable)
				s.site.fail(path(1), nil)
				s.site.put(path(1), good)
				s.later(12 * time.Hour)
				s.round()
				equal(t, "ready once it can be read", s.desk.count(contract.TaskAvailable, true), 3)
				return
			}
			equal(t, "state", task.State, contract.TaskQuarantined)
			if !strings.HasPrefix(task.Evidence, path(1)+": ") || !strings.Contains(task.Evidence, tc.evidence) {
				t.Errorf("evidence %q", task.Evidence)
			}
			asked := s.site.requests(path(1))
			s.later(12 * time.Hour)
			s.round()
			equal(t, "requests after the decision", s.site.requests(path(1)), asked)
		})
	}
}

// noisy is a record that gzip hardly makes smaller.
func noisy(id, n int) string {
	text := make([]byte, n)
	for i, x := 0, uint32(1); i < n; i++ {
		x = x*1664525 + 1013904223
		text[i] = ' ' + byte(x>>24)%95
	}
	return strings.Replace(record(id, n), strings.Repeat("x", n), string(text), 1)
}

// A large second record is no fault, however much of it is read.
func TestSurveyTakesLargeRecords(t *testing.T) {
	large := noisy(2, 4<<20)
	for name, content := range map[string][]byte{
		"gzipped": members(t, record(1, 1), large, record(3, 1)),
		"plain":   []byte(record(1, 1) + large + record(3, 1)),
		"little":  members(t, noisy(1, 100<<10), noisy(2, 100<<10), record(3, 1)),
		"one":     members(t, record(1, 1)),
	} {
		s := newSurvey(t, 1, 1, 1)
		s.site.put(path(0), content)
		equal(t, name+": surveyed", s.round().Surveyed, 1)
		equal(t, name+": size", s.desk.task(crawl + "-000000").Files[0].Bytes, int64(len(content)))
	}
}

// FS-24: one file that cannot be asked for stops nothing else.
func TestSurveyGoesOnWithOtherTasks(t *testing.T) {
	s := newSurvey(t, 40, 2, 20)
	s.site.fail(path(7), status(http.StatusForbidden))
	report := s.round()
	equal(t, "surveyed", report.Surveyed, 19)
	asked := s.site.requests(path(6))

	s.site.fail(path(7), nil)
	s.later(time.Hour)
	equal(t, "surveyed later", s.round().Surveyed, 1)
	equal(t, "requests for the file beside it", s.site.requests(path(6)), asked)
}

func TestSurveyOfAnUnreachableCrawlWaits(t *testing.T) {
	s := newSurvey(t, 100, 1, 100)
	s.site.fail("", status(http.StatusForbidden))
	asked := 0
	for range 24 * 60 {
		s.round()
		s.later(time.Minute)
		asked = s.site.requests("")
	}
	if asked < 3 || asked > 100 {
		t.Errorf("%d requests in a day", asked)
	}
	equal(t, "waiting", s.desk.count(contract.TaskAvailable, false), 100)
	s.site.fail("", nil)
	for range 24 * 60 {
		s.round()
		s.later(time.Minute)
	}
	equal(t, "ready in the end", s.desk.count(contract.TaskAvailable, true), 100)
}

func TestSurveyWaitsAsLongAsItIsAsked(t *testing.T) {
	s := newSurvey(t, 10, 1, 10)
	s.site.fail("", status(http.StatusServiceUnavailable, "Retry-After", "7200"))
	for range 119 {
		s.round()
		s.later(time.Minute)
	}
	equal(t, "requests before", s.site.requests(""), 1)
	s.site.fail("", nil)
	s.later(time.Minute)
	equal(t, "surveyed after", s.round().Surveyed, 10)
}

// The tasks of a whole crawl must not be lost to a mistyped base.
func TestSurveyAtAWrongBaseQuarantinesNothing(t *testing.T) {
	s := newSurvey(t, 50, 1, 50)
	s.site.fail("", http.NotFound)
	for range 100 {
		s.round()
		s.later(time.Hour)
	}
	equal(t, "quarantined", s.desk.count(contract.TaskQuarantined, false), 0)
	if asked := s.site.requests(""); asked > 110 {
		t.Errorf("%d requests in 100 hours", asked)
	}

	// Nor to one that changes later.
	s.site.fail("", nil)
	for range 100 {
		s.round()
		s.later(time.Hour)
	}
	equal(t, "ready", s.desk.count(contract.TaskAvailable, true), 50)
	for range 10 {
		id := s.desk.lease()
		task := s.desk.task(id)
		s.desk.leases = append(s.desk.leases, released(task, task.Files[0].Path))
	}
	s.site.fail("", http.NotFound)
	s.later(time.Hour)
	s.restart()
	s.round()
	equal(t, "excuses decided", len(s.desk.decisions), 0)
}

func TestSurveyLosesNothingOfWhatItLearnt(t *testing.T) {
	failure := errors.New("failure")
	for name, set := range map[string]func(*survey, error){
		"chain": func(s *survey, err error) { s.chain = err },
		"store": func(s *survey, err error) { s.desk.err = err },
	} {
		s := newSurvey(t, 4, 4, 1)
		set(s, failure)
		if _, err := s.Round(t.Context()); !errors.Is(err, failure) {
			t.Errorf("%s: got error %v", name, err)
		}
		set(s, nil)
		s.later(time.Hour)
		equal(t, name+": surveyed", s.round().Surveyed, 1)
		equal(t, name+": requests", s.site.requests(""), 4)
	}
}

// What another replica was first with is no failure.
func TestSurveyBesideAnotherReplica(t *testing.T) {
	s := newSurvey(t, 2, 1, 2)
	s.desk.err = engine.ErrState
	equal(t, "surveyed", s.round().Surveyed, 0)
	s.desk.err = nil
	equal(t, "surveyed by this one", s.round().Surveyed, 2)
}

func TestSurveyOptions(t *testing.T) {
	s := newSurvey(t, 1, 1, 1)
	if _, err := catalogue.NewSurveyor(catalogue.SurveyOptions{Tables: s.desk, Decider: s.desk}); err == nil {
		t.Error("no base: no error")
	}
}
