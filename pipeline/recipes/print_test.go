package recipes_test

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/recipes"
)

func TestPrintedIsLoaded(t *testing.T) {
	for _, name := range recipes.Names() {
		want := named(t, name)
		if got := printAndLoad(t, want); !reflect.DeepEqual(got, want) {
			t.Errorf("%s comes back as %+v", name, got)
		}
		renamed := named(t, name)
		renamed.Name = "renamed"
		renamed.Stages[2].Params["x"] = "0.10"
		if got := printAndLoad(t, renamed); !reflect.DeepEqual(got, renamed) {
			t.Errorf("%s, renamed, comes back as %+v", name, got)
		}
	}
}

// TestPrintedValues: a parameter comes back letter by letter, whatever it looks
// like.
func TestPrintedValues(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.OneOf(
			rapid.StringMatching(`-?[0-9]{0,20}(\.[0-9]{0,4})?([eE][0-9])?|true|false|inf|nan|0x1p-2|1_000`),
			rapid.String().Filter(func(s string) bool { return !strings.ContainsRune(s, 0) }),
		).Draw(rt, "value")
		r := named(t, recipes.FineWebNoLists)
		r.Name = "printed"
		r.Stages[2].Params["languages"] = value
		if got := printAndLoad(t, r); !reflect.DeepEqual(got, r) {
			rt.Fatalf("%q comes back as %q", value, got.Stages[2].Params["languages"])
		}
	})
}

func TestPrint(t *testing.T) {
	var text strings.Builder
	r := named(t, recipes.FineWebNoLists)
	if err := recipes.Print(&text, r); err != nil {
		t.Fatal(err)
	}
	hash, err := pipeline.HashRecipe(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{hash, "name = 'language'\n", "threshold = 0.65\n", "languages = 'en'\n", "max_ratio = 200\n", "sha256 = '"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the recipe as printed has no %q:\n%s", want, text.String())
		}
	}
}

func printAndLoad(t testing.TB, r contract.Recipe) contract.Recipe {
	t.Helper()
	var text strings.Builder
	if err := recipes.Print(&text, r); err != nil {
		t.Fatal(err)
	}
	got, err := load(t, text.String())
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text.String())
	}
	return got
}
