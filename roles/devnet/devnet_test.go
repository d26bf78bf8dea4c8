package devnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/rs/zerolog"

	"finest/internal/contract"
	"finest/pipeline/warc"
	"finest/roles/taskserver/client"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/sqlstore"
	"finest/roles/taskserver/sqlstore/postgrestest"
)

var (
	nouns = strings.Fields(`harbour mountain teacher letter engine garden market bridge winter painter river journey library
		machine doctor village kitchen forest island station window museum farmer captain orchard lantern blanket village
		compass carriage stranger neighbour painting medicine festival theatre shepherd merchant workshop cathedral notebook
		railway meadow furnace chimney staircase courtyard vineyard glacier quarry lighthouse monastery bakery telescope`)
	adjectives = strings.Fields(`old quiet bright narrow heavy famous gentle strange early distant careful broken wooden crowded
		silent golden frozen hidden modern ancient rusty muddy cheerful lonely curious patient shallow restless`)
	verbs = strings.Fields(`described followed changed carried noticed repaired painted crossed measured remembered abandoned
		discovered collected explained visited protected photographed restored borrowed delivered examined replaced`)
	links = strings.Fields("near behind beside above without before after during beyond across around under")
)

// article writes an English page that passes the filters, different for every
// seed: sentences of random parts, in paragraphs.
func article(seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 1))
	of := func(list []string) string { return list[r.IntN(len(list))] }
	thing := func() string {
		article := []string{"the", "a", "every", "that", "his", "her", "their"}[r.IntN(7)]
		if r.IntN(2) == 0 {
			return article + " " + of(nouns)
		}
		return article + " " + of(adjectives) + " " + of(nouns)
	}
	sentence := func() string {
		s := "The " + of(nouns) + " " + of(verbs) + " " + thing()
		for range 1 + r.IntN(3) {
			switch r.IntN(4) {
			case 0:
				s += " " + of(links) + " " + thing()
			case 1:
				s += ", and " + thing() + " " + of(verbs) + " " + thing()
			case 2:
				s += " that " + thing() + " had " + of(verbs)
			default:
				s += " with " + thing() + " of " + thing()
			}
		}
		return s + ". "
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<!DOCTYPE html><html lang=\"en\"><head><title>About %s</title></head><body><article><h1>About %s</h1>", thing(), thing())
	for range 5 + r.IntN(5) {
		b.WriteString("<p>")
		for range 3 + r.IntN(3) {
			b.WriteString(sentence())
		}
		b.WriteString("</p>")
	}
	b.WriteString("</article></body></html>")
	return b.String()
}

// writeInput writes a WARC file of n articles, every fifth too short to pass.
func writeInput(t *testing.T, n int) string {
	t.Helper()
	var file bytes.Buffer
	for i := range n {
		body := article(uint64(i))
		if i%5 == 4 {
			body = "<html lang=\"en\"><body><p>Nothing to see on this page, and nothing to read either.</p></body></html>"
		}
		block := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n%s", body)
		z := gzip.NewWriter(&file)
		fmt.Fprintf(z, "WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-%012d>\r\nWARC-Date: 2026-01-01T00:00:00Z\r\nWARC-Target-URI: https://site%d.invalid/page\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n", i, i, len(block), block)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "input.warc.gz")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func recordIDs(t *testing.T, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r := warc.NewReader(f, 0, warc.Options{})
	var ids []string
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return ids
		}
		if err != nil || rec.Damage != "" {
			t.Fatalf("%s: record %+v, error %v", path, rec, err)
		}
		ids = append(ids, rec.ID)
	}
}

func TestCutKeepsEveryRecordOnceInPartsOfEqualSize(t *testing.T) {
	input := writeInput(t, 120)
	dir := t.TempDir()
	files, err := cut([]string{input}, dir, []string{"a", "b", "c", "d"})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	var total int64
	for _, f := range files {
		ids = append(ids, recordIDs(t, filepath.Join(dir, f.Path))...)
		total += f.Bytes
	}
	if want := recordIDs(t, input); strings.Join(ids, "\n") != strings.Join(want, "\n") {
		t.Errorf("%d records in the parts, %d in the input, or another order", len(ids), len(want))
	}
	mean := float64(total) / float64(len(files))
	for _, f := range files {
		if off := float64(f.Bytes)/mean - 1; off > 0.05 || off < -0.05 {
			t.Errorf("%s has %d bytes, %.1f %% off the mean", f.Path, f.Bytes, 100*off)
		}
	}
}

func TestCutRefusesTooFewRecords(t *testing.T) {
	if _, err := cut([]string{writeInput(t, 5)}, t.TempDir(), []string{"a", "b", "c"}); err == nil {
		t.Error("5 records were cut into 3 parts")
	}
}

func TestCheatsKeepLedgerAndShardsInStep(t *testing.T) {
	honestly := refined{}
	for i := range int64(40) {
		l := contract.LedgerRow{Offset: 100 * i, Length: 100, ID: fmt.Sprint(i), Outcome: contract.OutcomeKept, KeptFile: contract.NoKeeper, KeptOffset: contract.NoKeeper}
		if i%4 == 3 {
			l.Outcome, l.Reason = "c4", "curly_bracket"
		} else {
			honestly.rows = append(honestly.rows, contract.Row{Text: "some text", ID: l.ID, WARCOffset: l.Offset, WARCLength: 100})
		}
		honestly.ledger = append(honestly.ledger, l)
	}
	for name, cheat := range map[string]func(*refined){"fabricate": fabricate, "withhold": withhold, "tamper": tamper} {
		t.Run(name, func(t *testing.T) {
			r := honestly
			cheat(&r)
			var kept []int64
			for _, l := range r.ledger {
				if l.Outcome == contract.OutcomeKept {
					kept = append(kept, l.Offset)
				}
			}
			if len(kept) != len(r.rows) {
				t.Fatalf("%d kept in the ledger, %d rows", len(kept), len(r.rows))
			}
			changed := len(kept) != len(honestly.rows)
			for i, row := range r.rows {
				if row.WARCOffset != kept[i] {
					t.Errorf("row %d is at %d, the ledger's at %d", i, row.WARCOffset, kept[i])
				}
				changed = changed || row.Text != honestly.rows[i].Text
			}
			if !changed {
				t.Error("nothing was changed")
			}
		})
	}
}

// One scored round, as make demo shows it, with shorter blocks.
func TestRoundPaysTheHonestAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("a round takes several seconds")
	}
	t.Run("SQLite", func(t *testing.T) { playRound(t, "") })
	t.Run("PostgreSQL", func(t *testing.T) { playRound(t, postgrestest.Database(t)) })
}

func playRound(t *testing.T, db string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	const blockTime = DefaultBlockTime * 2 / 5
	layout, err := Prepare(ctx, Layout{Dir: t.TempDir(), BlockTime: blockTime, DB: db}, []string{writeInput(t, 60)})
	if err != nil {
		t.Fatal(err)
	}
	var last Round
	err = Run(ctx, layout, Options{
		EveryBlocks: 4, Workers: 2, Once: true, Log: zerolog.Nop(),
		OnRound: func(r Round) { last = r },
		OnEvent: func(line string) { t.Log(line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if !last.Settled || len(last.Lines) != len(actors) {
		t.Fatalf("the last round is %+v", last)
	}
	weight := make(map[string]float64)
	for _, l := range last.Lines {
		t.Logf("%-12s %-9s weight %5d  %s", l.Actor, l.Verdict, l.Weight, l.Reason)
		weight[l.Actor] = float64(l.Weight)
		honestActor := l.Actor == honest || l.Actor == honestSlow
		if honestActor != (l.Verdict == "accepted") {
			t.Errorf("%s: %s, %s", l.Actor, l.Verdict, l.Reason)
		}
		if l.Reason == "" {
			t.Errorf("%s: no reason", l.Actor)
		}
	}
	if weight[honest] <= 0 || weight[honestSlow] <= 0 || weight[honestSlow] >= weight[honest] {
		t.Errorf("honest has %v, honest-slow %v", weight[honest], weight[honestSlow])
	}
	for name, w := range weight {
		if name != honest && name != honestSlow && w > 0.05*weight[honest] {
			t.Errorf("%s has weight %v where honest has %v", name, w, weight[honest])
		}
	}
	wantBooks(t, layout, last)
}

// wantBooks makes sure that the task server's store holds, and that it says of
// every task what the validators did.
func wantBooks(t *testing.T, l Layout, last Round) {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), l.store(), sqlstore.Options{Existing: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	report, err := engine.Check(t.Context(), store, client.VerifyStatement)
	if err != nil || !report.OK() {
		t.Errorf("the store does not hold: %v, %v", report.Faults, err)
	}
	err = store.View(t.Context(), func(v engine.View) error {
		for _, line := range last.Lines {
			task, err := v.Task(line.Task)
			if err != nil {
				return err
			}
			// Until verdicts are published a task is submitted, and a rejected one is
			// issued again once its deadline has passed.
			again := line.Verdict == contract.TaskRejected && task.State == contract.TaskAvailable && task.Attempts == 1
			if task.State != line.Verdict && task.State != contract.TaskSubmitted && !again {
				t.Errorf("task %s of %s is %s", line.Task, line.Actor, task.State)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
