package recipes

import (
	"testing"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/stagetest"
)

func TestEveryStageKeepsTheContract(t *testing.T) {
	for _, k := range stages() {
		// The first is no Stage; the URL filter needs files, and has its own test.
		if k.build == nil || k.spec.Name == stageURL {
			continue
		}
		t.Run(k.spec.Name, func(t *testing.T) {
			stagetest.Suite(t, k.spec, func(s contract.StageSpec) (pipeline.Stage, error) { return k.build(s, "") })
		})
	}
}
