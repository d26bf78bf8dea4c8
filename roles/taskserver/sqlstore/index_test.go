package sqlstore_test

import (
	"fmt"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
)

// TestStatementsUseIndexes: what a server reads for a request takes as long with
// a million tasks as with ten. Every statement that a view runs is explained by
// the database: none may scan a table or sort.
func TestStatementsUseIndexes(t *testing.T) {
	s := newSQLite(t)
	e := newEngine(t, s)
	crawl, tasks := enginetest.Tasks(scriptCrawl, 10, true)
	if _, err := e.Import(t.Context(), 1, crawl, tasks); err != nil {
		t.Fatal(err)
	}
	id := contract.TaskID(scriptCrawl, 3)
	for name, read := range map[string]func(engine.View) error{
		"task":               func(v engine.View) error { return second(v.Task(id)) },
		"tasks":              func(v engine.View) error { return second(v.Tasks("", "", id, 5)) },
		"tasks of a crawl":   func(v engine.View) error { return second(v.Tasks(scriptCrawl, "", id, 5)) },
		"tasks in a state":   func(v engine.View) error { return second(v.Tasks("", "leased", id, 5)) },
		"tasks of both":      func(v engine.View) error { return second(v.Tasks(scriptCrawl, "leased", id, 5)) },
		"draw":               func(v engine.View) error { return second(v.Draw(7)) },
		"unready":            func(v engine.View) error { return second(v.Unready(7, 5)) },
		"due":                func(v engine.View) error { return second(v.Due(7, engine.Due{Block: 3, Task: id}, 5)) },
		"leases":             func(v engine.View) error { return second(v.Leases(id)) },
		"lease":              func(v engine.View) error { return absent(second(v.Lease(id, 1))) },
		"lease of a slot":    func(v engine.View) error { return absent(second(v.SlotLease(miner1, 1))) },
		"live leases":        func(v engine.View) error { _, _, err := v.LiveLeases(miner1, owner); return err },
		"excuses":            func(v engine.View) error { return second(v.Excuses(5)) },
		"record":             func(v engine.View) error { return second(v.Record(engine.Holder{Kind: "hotkey", Address: miner1})) },
		"records":            func(v engine.View) error { return second(v.Records("hotkey", miner1, 5)) },
		"bans":               func(v engine.View) error { return second(v.Bans()) },
		"submission":         func(v engine.View) error { return absent(second(v.Submission(id, 1))) },
		"submissions":        func(v engine.View) error { return second(v.Submissions("", 7, 5)) },
		"submissions of one": func(v engine.View) error { return second(v.Submissions(id, 7, 5)) },
		"verdicts":           func(v engine.View) error { return second(v.Verdicts("", "", 7, 5)) },
		"verdicts of a task": func(v engine.View) error { return second(v.Verdicts(id, "", 7, 5)) },
		"verdicts of a key":  func(v engine.View) error { return second(v.Verdicts("", miner1, 7, 5)) },
		"newest verdicts":    func(v engine.View) error { return second(v.NewestVerdicts(id, 1)) },
		"statement":          func(v engine.View) error { return absent(second(v.Statement("7"))) },
		"statements":         func(v engine.View) error { return second(v.Statements("7", 5, 100)) },
		"keys of verdicts":   func(v engine.View) error { return second(v.VerdictKeys(7, 5)) },
		"proofs":             func(v engine.View) error { return second(v.Proofs(7, 5, 100)) },
		"audit":              func(v engine.View) error { return second(v.Audit(7, 5)) },
		"audit head":         func(v engine.View) error { return second(v.AuditHead()) },
		"setting":            func(v engine.View) error { return second(v.Setting("a")) },
	} {
		t.Run(name, func(t *testing.T) {
			plans, err := s.Plans(t.Context(), read)
			if err != nil {
				t.Fatal(err)
			}
			if len(plans) == 0 {
				t.Fatal("no statement was run")
			}
			for _, p := range plans {
				for line := range strings.SplitSeq(p.Plan, "\n") {
					if scans(line) && !(strings.Contains(p.Query, "AS page") && strings.Contains(line, "TEMP B-TREE")) {
						t.Errorf("%s\nis run by\n%s", p.Query, p.Plan)
						break
					}
				}
			}
		})
	}
}

// scans says whether a line of a plan reads all of a table that grows.
func scans(line string) bool {
	if strings.Contains(line, "TEMP B-TREE") {
		return !strings.Contains(line, "GROUP BY") && !strings.Contains(line, "RIGHT PART")
	}
	if !strings.HasPrefix(line, "SCAN ") {
		return false
	}
	for _, small := range []string{"SCAN crawls", "SCAN (subquery", "SCAN page", "SCAN summed", "SCAN CONSTANT"} {
		if strings.HasPrefix(line, small) {
			return false
		}
	}
	// All crawls, a whole index of few rows, or the first rows of a table in its
	// order.
	return line != "SCAN c" && !strings.Contains(line, "records_with_ban") && !strings.Contains(line, "leases_to_excuse") && line != "SCAN audit"
}

func second[T any](_ T, err error) error { return err }

func absent(err error) error {
	if err != nil && strings.Contains(err.Error(), engine.ErrNotFound.Error()) {
		return nil
	}
	return err
}

// TestCountsAreThoseOfTheTasks counts all tasks after a script of everything.
func TestCountsAreThoseOfTheTasks(t *testing.T) {
	s := newSQLite(t)
	e := newEngine(t, s)
	for i, o := range newScript(t).operations {
		if _, err := o.do(t.Context(), e, uuidOf(i, 0)); err != nil {
			t.Fatalf("%s: %v", o.name, err)
		}
		err := s.View(t.Context(), func(v engine.View) error {
			counted := make(map[string]int64)
			tasks, err := v.Tasks("", "", "", 1000)
			if err != nil {
				return err
			}
			for _, k := range tasks {
				counted[fmt.Sprintf("%s %s %t", k.Crawl, k.State, k.Ready)]++
			}
			kept, err := v.TaskCounts()
			if err != nil {
				return err
			}
			for _, c := range kept {
				kind := fmt.Sprintf("%s %s %t", c.Crawl, c.State, c.Ready)
				if counted[kind] != c.Tasks {
					t.Errorf("after %s %d tasks are %s, kept is %d", o.name, counted[kind], kind, c.Tasks)
				}
				delete(counted, kind)
			}
			if len(counted) > 0 {
				t.Errorf("after %s no count is kept of %v", o.name, counted)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
