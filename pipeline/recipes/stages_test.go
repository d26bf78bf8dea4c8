package recipes

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/filter"
	"finest/pipeline/stagetest"
)

func TestEveryStageKeepsTheContract(t *testing.T) {
	// These need files; package filter tests them.
	needFiles := []string{stageURL, filter.C4BadWordsSpec().Name, filter.DecontaminateSpec().Name}
	for _, k := range stages() {
		// The first is no Stage.
		if k.build == nil || slices.Contains(needFiles, k.spec.Name) {
			continue
		}
		t.Run(k.spec.Name, func(t *testing.T) {
			stagetest.Suite(t, k.spec, func(s contract.StageSpec) (pipeline.Stage, error) { return k.build(s, "") })
		})
	}
}

// TestStagesAreDocumented: docs/recipes.md names every stage and parameter.
func TestStagesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range stages() {
		for _, name := range append(slices.Collect(maps.Keys(k.spec.Params)), k.spec.Name) {
			if !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("stage %s: no word of %s", k.spec.Name, name)
			}
		}
	}
}
