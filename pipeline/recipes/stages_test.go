package recipes

import (
	"slices"
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
