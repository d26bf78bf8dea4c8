package catalogue_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/internal/polite"
	"finest/roles/taskserver/engine"
)

func TestWholeCrawlAtOnce(t *testing.T) {
	s := newSurvey(t, 1203, 2, 1)
	s.site.remove(path(0)) // the first that is asked for
	s.site.put(path(700), members(t, record(1, 1)+record(2, 2)))
	s.site.fail(path(900), status(http.StatusServiceUnavailable))
	var last, total int
	progress := func(done, of int) {
		if done < last {
			t.Errorf("progress went from %d to %d", last, done)
		}
		last, total = done, of
	}
	_, err := s.Whole(t.Context(), crawl, progress)
	if !errors.Is(err, polite.ErrUnavailable) {
		t.Fatalf("got error %v", err)
	}
	equal(t, "done at the failure", last, 449)
	equal(t, "total", total, 602)

	s.site.fail(path(900), nil)
	s.restart()
	last = 0
	report, err := s.Whole(t.Context(), crawl, progress)
	check(t, err)
	equal(t, "surveyed", report.Surveyed, 602-449-1)
	equal(t, "quarantined", report.Quarantined, 1)
	equal(t, "progress", last, total)
	equal(t, "ready", s.desk.count(contract.TaskAvailable, true), 600)
	equal(t, "requests for the second file", s.site.requests(path(2)), 1)
}

func TestWholeCrawlAtAWrongBase(t *testing.T) {
	for _, files := range []int{10, 1000} {
		s := newSurvey(t, files, 1, 1)
		s.site.fail("", http.NotFound)
		_, err := s.Whole(t.Context(), crawl, nil)
		if !errors.Is(err, polite.ErrUnavailable) || !strings.Contains(err.Error(), s.site.base.String()) {
			t.Errorf("got error %v", err)
		}
		equal(t, "quarantined", s.desk.count(contract.TaskQuarantined, false), 0)
		if asked := s.site.requests(""); asked > 100 {
			t.Errorf("%d requests", asked)
		}
	}
}

func TestWholeCrawlThatIsNotThere(t *testing.T) {
	s := newSurvey(t, 10, 1, 1)
	if _, err := s.Whole(t.Context(), "OTHER", nil); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("unknown crawl: got error %v", err)
	}
	s.desk.retired = true
	_, err := s.Whole(t.Context(), crawl, nil)
	check(t, err)
	equal(t, "requests for a retired crawl", s.site.requests(""), 0)
}
