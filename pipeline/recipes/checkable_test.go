package recipes

import (
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/filter"
	"finest/pipeline/minhash"
)

// Of the stages that look across records only MinHash can be checked: its band
// keys stand in the ledger.
func TestCheckable(t *testing.T) {
	for _, name := range Names() {
		r, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := Checkable(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	across := 0
	for _, k := range stages() {
		if k.build == nil || len(k.spec.Assets) > 0 || k.spec.Name == filter.DecontaminateSpec().Name {
			continue // not without files
		}
		s, err := k.build(k.spec, "")
		if err != nil {
			t.Fatal(err)
		}
		err = Checkable(contract.Recipe{Name: "own", Stages: []contract.StageSpec{pipeline.ReadSpec(), k.spec}})
		if _, ok := s.(pipeline.Across); !ok || k.spec.Name == minhash.Name {
			if err != nil {
				t.Errorf("%s: %v", k.spec.Name, err)
			}
			continue
		}
		across++
		if err == nil || !strings.Contains(err.Error(), k.spec.Name) || !strings.Contains(err.Error(), "own") {
			t.Errorf("%s: error %v, want one that names recipe and stage", k.spec.Name, err)
		}
	}
	if across != 3 {
		t.Errorf("%d stages look across records beside MinHash, want 3", across)
	}
}
