package miner_test

import (
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"finest/hub/devhub"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/miner"
)

func (w *world) totals() miner.Totals {
	w.t.Helper()
	head := w.head(repo)
	sums, err := miner.ParseTotals(head.files["totals.json"])
	if err != nil {
		w.t.Fatal(err)
	}
	if want := canon.Sum(head.files[contract.LogPath]); sums.Log != want {
		w.t.Errorf("totals are of log %s, want %s", sums.Log, want)
	}
	return sums
}

// Sums go on from those of the last claim, wherever the miner's folder is.
func TestTotals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submitsTask(0)
	if err := os.RemoveAll(w.dataDir); err != nil {
		t.Fatal(err)
	}
	w.submitsTask(1)
	got := w.totals()
	got.Log = ""
	want := miner.Totals{
		Tasks: 2, WARCFiles: 4, WARCBytes: 6000, Pages: 20, Languages: map[string]int64{"en": 4},
		Crawls: map[string]miner.Amount{crawl: {Tasks: 2, Documents: 4, Tokens: 14, TextBytes: 80}},
		Counts: []contract.Count{{Outcome: "extract", Reason: "empty", Rows: 6}, {Outcome: contract.OutcomeKept, Rows: 4}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("totals %+v, want %+v", got, want)
	}
	if card := string(w.head(repo).files["README.md"]); !strings.Contains(card, "| "+crawl+" | 2 | 4 | 14 | 80 B |") || strings.Contains(card, "leave out") {
		t.Errorf("card %s", card)
	}
}

// Sums that are lost, or none, begin anew, and the card says so; a hub that is
// away is waited for.
func TestTotalsLost(t *testing.T) {
	t.Parallel()
	sums := devhub.Match{Path: "/totals.json$"}
	for name, tt := range map[string]struct {
		fail func(*devhub.Faults)
		kept bool
	}{
		"gone": {fail: func(f *devhub.Faults) {
			f.Reply(sums, -1, 404, map[string][]string{"X-Error-Code": {"EntryNotFound"}}, "")
		}},
		"no JSON": {fail: func(f *devhub.Faults) { f.Rewrite(sums, -1, answer("{")) }},
		"another log's": {fail: func(f *devhub.Faults) {
			f.Rewrite(sums, -1, answer(`{"counts":[],"crawls":{},"languages":{},"log":"x","pages":0,"tasks":9,"warc_bytes":0,"warc_files":0}`))
		}},
		"away": {fail: func(f *devhub.Faults) { f.Reply(sums, 9, 503, nil, "") }, kept: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.submitsTask(0)
			tt.fail(w.hub.Server.Faults())
			w.submitsTask(1)
			w.hub.Server.Faults().Clear()
			want := int64(1)
			if tt.kept {
				want = 2
			}
			if got := w.totals(); got.Tasks != want || got.Pages != 10*want {
				t.Errorf("totals %+v", got)
			}
			if card := string(w.head(repo).files["README.md"]); strings.Contains(card, "leave out 1 of 2 tasks") == tt.kept {
				t.Errorf("card %s", card)
			}
		})
	}
}

// answer has a body of this text and its size.
func answer(text string) func(http.Header, []byte) (int, http.Header, []byte) {
	return func(h http.Header, _ []byte) (int, http.Header, []byte) { return 0, h, []byte(text) }
}

// A task that is done once more is counted once.
func TestTaskDoneAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submitsTask(0)
	w.tasks = 2
	w.tamperReceipt = func(r *contract.Receipt) {
		if r.Task == contract.TaskID(crawl, 1) {
			r.Task, r.Generation = contract.TaskID(crawl, 0), 4
		}
	}
	if out, err := w.once(); err != nil || out.Status != miner.Submitted {
		t.Fatalf("outcome %+v, error %v", out, err)
	}
	if got := w.totals(); got.Tasks != 1 || got.Pages != 10 || strings.Count(string(w.head(repo).files[contract.LogPath]), "\n") != 2 {
		t.Errorf("totals %+v", got)
	}
}

func TestParseTotals(t *testing.T) {
	t.Parallel()
	good := miner.Totals{}.With(contract.Manifest{Dump: "CC-A", Counts: []contract.Count{{Outcome: "kept", Rows: 1}}}, miner.Summary{Languages: map[string]int64{"en": 1}})
	for name, change := range map[string]func(*miner.Totals){
		"tasks":     func(s *miner.Totals) { s.Tasks = -1 },
		"overflow":  func(s *miner.Totals) { s.WARCBytes = 1<<53 - 1 },
		"crawl":     func(s *miner.Totals) { s.Crawls["../x"] = miner.Amount{} },
		"documents": func(s *miner.Totals) { s.Crawls["CC-A"] = miner.Amount{Documents: -1} },
		"language":  func(s *miner.Totals) { s.Languages["en"] = -1 },
		"count":     func(s *miner.Totals) { s.Counts[0].Rows = -1 },
		"many counts": func(s *miner.Totals) {
			s.Counts = slices.Repeat(s.Counts, 1001)
		},
		"many languages": func(s *miner.Totals) {
			for i := range 1001 {
				s.Languages[strconv.Itoa(i)] = 1
			}
		},
		"": func(*miner.Totals) {},
	} {
		sums := good.With(contract.Manifest{Dump: "CC-A"}, miner.Summary{})
		change(&sums)
		raw, err := canon.Marshal(sums)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := miner.ParseTotals(raw); (err == nil) != (name == "") || err == nil && !reflect.DeepEqual(got, sums) {
			t.Errorf("%s: %+v, error %v", name, got, err)
		}
	}
}

func FuzzParseTotals(f *testing.F) {
	f.Add([]byte(`{"counts":[{"outcome":"kept","reason":"","rows":1}],"crawls":{"CC-A":{"documents":1,"tasks":1,"text_bytes":1,"tokens":1}},"languages":{"en":1},"log":"","pages":1,"tasks":1,"warc_bytes":1,"warc_files":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		sums, err := miner.ParseTotals(raw)
		if err != nil {
			return
		}
		// A card can be made of whatever is taken.
		m := manifestOf(t, "CC-A-000001", 1)
		if _, err := miner.Card("owner/data", logOf(m.Task), sums.With(m, miner.Summary{}), m); err != nil {
			t.Fatal(err)
		}
	})
}
