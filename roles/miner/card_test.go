package miner_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/miner"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestCard(t *testing.T) {
	t.Parallel()
	line := func(task string) contract.LogLine {
		return contract.LogLine{Task: task, Generation: 1, Manifest: canon.Sum([]byte(task))}
	}
	m := contract.Manifest{
		Version: 1, PipelineVersion: 1, Task: "CC-MAIN-2024-18-000003", Dump: "CC-MAIN-2024-18",
		Recipe: contract.Recipe{Name: "fineweb", PipelineVersion: 1, Stages: []contract.StageSpec{
			{Name: "url"}, {Name: "extract"}, {Name: "language"}, {Name: "minhash"},
		}},
		Receipt: &contract.Receipt{Recipe: contract.RecipeRef{Name: "fineweb", Hash: canon.Sum(nil)}},
		Inputs:  []contract.Input{{Path: "a", Pages: 40}, {Path: "b", Pages: 2}},
		Files:   []contract.OutputFile{{Path: contract.ShardPath("CC-MAIN-2024-18", "CC-MAIN-2024-18-000003", 0)}},
		Counts: []contract.Count{
			{Outcome: "damaged", Reason: "gzip_data", Rows: 1}, {Outcome: "extract", Reason: "empty", Rows: 9},
			{Outcome: "kept", Rows: 11}, {Outcome: "language", Reason: "language", Rows: 20},
			{Outcome: "minhash", Reason: "duplicate", Rows: 2}, {Outcome: "skipped", Rows: 3},
		},
	}
	got := miner.Card("owner/data", []contract.LogLine{
		line("2024-000001"), line("CC-MAIN-2024-18-000002"), line("CC-MAIN-2024-18-000003"),
	}, m)
	golden := filepath.Join("testdata", "card.md")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("card differs from %s; -update rewrites it:\n%s", golden, got)
	}
}
