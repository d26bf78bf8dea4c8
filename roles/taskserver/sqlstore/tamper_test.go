package sqlstore_test

import (
	"path/filepath"
	"strings"
	"testing"

	"finest/roles/taskserver/engine"
)

// TestCheckOfTamperedRows changes rows in the database, among them what no View
// shows apart: the columns by which rows are found.
func TestCheckOfTamperedRows(t *testing.T) {
	for statement, want := range map[string]string{
		"UPDATE leases SET hotkey = 'x' WHERE state = 'submitted'":                                                                "its receipt is not the one that was signed",
		"UPDATE leases SET generation = generation + 1 WHERE NOT EXISTS (SELECT 1 FROM submissions s WHERE s.task = leases.task)": "is missing",
		"UPDATE tasks SET point = point - 1":                                                                                      "it does not lie on the ring of draws",
		"INSERT INTO task_counts VALUES ('CC-TEST-2024-10', 'rejected', 1, 1)":                                                    "counts of crawl CC-TEST-2024-10: 1 tasks are rejected, not 0",
		"UPDATE task_counts SET tasks = 3 - tasks WHERE state = 'available'":                                                      " of the 3 tasks that are available may be leased, not ",
		"UPDATE submissions SET bytes = 5 WHERE seq = 2":                                                                          "submission 2: its size is 5, not 300, as audit entry ",
		"DELETE FROM submissions WHERE seq = 1":                                                                                   "submission 1: it is missing, though audit entry ",
		"UPDATE submissions SET seq = seq - 5":                                                                                    "submission -4: no entry added it",
		"UPDATE audit SET seq = seq - 99 WHERE seq = 1":                                                                           "audit entry -98: entry -98 comes after entry 0",
		"DELETE FROM verdicts WHERE seq = 2":                                                                                      "verdict 2: it is missing, though audit entry ",
		"UPDATE verdicts SET reason = 'x' WHERE seq = 2":                                                                          `verdict 2: its reason is x, not "", as audit entry `,
		"UPDATE verdicts SET stake = 5 WHERE seq = 4":                                                                             `verdict 4: its stake is 5, not 0, as audit entry `,
		"UPDATE verdicts SET statement = 'x' WHERE seq = 3":                                                                       "verdict 3: its statement is x, not ",
		"UPDATE verdicts SET content_sha256 = 'x' WHERE seq = 2":                                                                  "verdict 2: it is stored under the hash x, its content has ",
		"DELETE FROM statements":                                                                                                  " is missing",
		"UPDATE statements SET sha256 = 'x' || sha256":                                                                            "statement x",
		"UPDATE statements SET body = replace(body, 'rejected', 'accepted')":                                                      " does not say so",
		"UPDATE statements SET validator = 'x'":                                                                                   " is by x, not by ",
		"INSERT INTO records VALUES ('coldkey', 'stranger', 1, 2, 3, 4, '')":                                                      "coldkey stranger: no entry names it, but there is a record of it: {",
		"DELETE FROM records WHERE strikes > 0":                                                                                   "its record is {",
		"UPDATE proofs SET proof = '{}'":                                                                                          "proof 1: its content's hash is ",
	} {
		path := filepath.Join(t.TempDir(), "tasks.sqlite")
		s := open(t, path)
		e := newEngine(t, s)
		for i, o := range newScript(t).operations {
			if _, err := o.do(t.Context(), e, uuidOf(i, 0)); err != nil {
				t.Fatalf("%s: %v", o.name, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		execute(t, "sqlite", path, statement)
		report, err := engine.Check(t.Context(), closing(t, open(t, path)))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, f := range report.Faults {
			found = found || strings.Contains(f.String(), want)
		}
		if !found {
			t.Errorf("%s: found %v, want %q", statement, report.Faults, want)
		}
	}
}
