package assets_test

import (
	"reflect"
	"strings"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline/assets"
	"finest/pipeline/recipes"
)

// Every file that a built-in recipe pins has a licence, an origin and an address.
func TestNoticesOfBuiltInRecipes(t *testing.T) {
	for _, name := range recipes.Names() {
		r, err := recipes.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		pins := 0
		for _, s := range r.Stages {
			pins += len(s.Assets)
		}
		notices := assets.Notices(r)
		if pins == 0 || len(notices) == 0 || len(notices) > pins {
			t.Errorf("%s: %d notices of %d pinned files", name, len(notices), pins)
		}
		for _, n := range notices {
			if n.Licence == "" || n.Origin == "" || len(n.Stages) == 0 || !strings.HasPrefix(n.URL, "https://") {
				t.Errorf("%s: %+v", name, n)
			}
		}
	}
}

// A file is named once, with all its users; of one that only the recipe pins,
// though it bears a known name, nothing is known.
func TestNotices(t *testing.T) {
	known := assets.MustPin(assets.BannedWords)[0]
	own := contract.Asset{Name: assets.BannedWords, SHA256: canon.Sum(nil)}
	got := assets.Notices(contract.Recipe{Stages: []contract.StageSpec{
		{Name: "first", Assets: []contract.Asset{known, own}}, {Name: "second", Assets: []contract.Asset{known, known}},
	}})
	if len(got) != 2 || !reflect.DeepEqual(got[0].Stages, []string{"first", "second"}) || got[0].Licence != "Apache-2.0" {
		t.Errorf("notices %+v", got)
	}
	if want := (assets.Notice{Name: own.Name, Stages: []string{"first"}}); !reflect.DeepEqual(got[1], want) {
		t.Errorf("notice %+v, want %+v", got[1], want)
	}
}
