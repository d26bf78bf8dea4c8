package sqlstore_test

import (
	"path/filepath"
	"strings"
	"testing"

	"finest/roles/taskserver/engine"
)

// TestCheckOfTamperedRows changes what no View shows apart: the columns by which
// rows are found.
func TestCheckOfTamperedRows(t *testing.T) {
	for statement, want := range map[string]string{
		"UPDATE leases SET hotkey = 'x' WHERE state = 'submitted'":                                                                "its receipt is not the one that was signed",
		"UPDATE leases SET generation = generation + 1 WHERE NOT EXISTS (SELECT 1 FROM submissions s WHERE s.task = leases.task)": "is missing",
		"UPDATE tasks SET point = point - 1":                                                                                      "it does not lie on the ring of draws",
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
			found = found || strings.Contains(f.What, want)
		}
		if !found {
			t.Errorf("%s: found %v, want %q", statement, report.Faults, want)
		}
	}
}
