package taskserver_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/internal/polite"
	"finest/roles/taskserver"
	"finest/roles/taskserver/catalogue"
)

// warc is a file of two records, each a gzip member.
func warc(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	for i := range 2 {
		z := gzip.NewWriter(&out)
		_, err := fmt.Fprintf(z, "WARC/1.0\r\nWARC-Type: warcinfo\r\nWARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-00000000000%d>\r\n"+
			"WARC-Date: 2024-02-20T00:00:00Z\r\nContent-Length: 4\r\n\r\nabcd\r\n\r\n", i)
		check(t, err)
		check(t, z.Close())
	}
	return out.Bytes()
}

// TestSurveyAndExcuse: a task is leased when its file is known; when the file
// goes, giving the task back costs its holder nothing, while a file that is
// there excuses nobody.
func TestSurveyAndExcuse(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.warc.gz", "b.warc.gz"} {
		check(t, os.WriteFile(filepath.Join(dir, name), warc(t), 0o600))
	}
	base, err := polite.OpenBase(dir, nil)
	check(t, err)
	e := newEnv(t, 0, func(o *taskserver.Options) { o.Crawls = base })
	list, err := catalogue.Read(strings.NewReader("a.warc.gz\nb.warc.gz\n"))
	check(t, err)
	c, tasks, err := catalogue.Tasks(crawl, list, 1)
	check(t, err)
	_, err = e.server.Engine().Import(t.Context(), firstHead, c, tasks)
	check(t, err)
	_, err = e.client("//Miner").Lease(t.Context(), 1, "fineweb")
	wantProblem(t, "before the survey", err, contract.ProblemNoTask)

	once := func() catalogue.Report {
		t.Helper()
		e.pass(catalogue.DefaultPoll)
		report, err := e.server.Once(t.Context())
		check(t, err)
		return report.Survey
	}
	equal(t, "tasks surveyed", once().Surveyed, 2)
	r := e.lease("//Miner")
	equal(t, "size", r.Bytes(), int64(len(warc(t))))
	missing := func(uri string, r contract.Receipt) {
		t.Helper()
		check(t, e.client(uri).Release(t.Context(), contract.ReleaseRequest{Task: r.Task, Generation: r.Generation, Missing: r.Files[0].Path}))
	}
	check(t, os.Remove(filepath.Join(dir, r.Files[0].Path)))
	missing("//Miner", r)
	equal(t, "excuses confirmed", once().Confirmed, 1)
	equal(t, "state", e.state(r.Task), contract.TaskQuarantined)
	other := e.lease("//Miner") // at once

	missing("//Miner", other)
	equal(t, "excuses refuted", once().Refuted, 1)
	_, err = e.client("//Miner").Lease(t.Context(), 1, "fineweb")
	wantProblem(t, "after a false excuse", err, contract.ProblemQuota)
	_, metrics := e.get("/metrics")
	for _, want := range []string{`finest_survey_total{result="surveyed"} 2`, `finest_survey_total{result="confirmed"} 1`, `finest_survey_total{result="refuted"} 1`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}
