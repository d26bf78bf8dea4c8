package recipes_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/assets"
	"finest/pipeline/recipes"
)

func named(t testing.TB, name string) contract.Recipe {
	t.Helper()
	r, err := recipes.Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func stageNames(r contract.Recipe) []string {
	var names []string
	for _, s := range r.Stages {
		names = append(names, s.Name)
	}
	return names
}

func TestNamed(t *testing.T) {
	all := []string{"read", "url", "extract", "language", "gopher_repetition", "gopher_quality", "c4", "fineweb", "minhash", "tokens", "pii"}
	if got := stageNames(named(t, recipes.FineWeb)); !slices.Equal(got, all) {
		t.Fatalf("got %q", got)
	}
	for _, name := range []string{recipes.FineWeb2024, recipes.FineWebHead} {
		if got := stageNames(named(t, name)); !slices.Equal(got, all) {
			t.Errorf("%s: got %q", name, got)
		}
	}
	if got := stageNames(named(t, recipes.Naive)); !slices.Equal(got, []string{"read", "visible_text", "language", "tokens"}) {
		t.Errorf("naive: got %q", got)
	}
	if got := stageNames(named(t, recipes.FineWebNoLists)); !slices.Equal(got, slices.Delete(all, 1, 2)) {
		t.Fatalf("got %q", got)
	}
	hashes := make(map[string]bool)
	for _, name := range recipes.Names() {
		r := named(t, name)
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		hash, err := pipeline.HashRecipe(r)
		if err != nil || hashes[hash] {
			t.Errorf("%s: hash %s, error %v", name, hash, err)
		}
		hashes[hash] = true
	}
	if _, err := recipes.Named("finweb"); err == nil || !strings.Contains(err.Error(), recipes.FineWebNoLists) {
		t.Fatalf("error %v", err)
	}
}

// TestDifferences states in what the recipes differ from fineweb.
func TestDifferences(t *testing.T) {
	stages := func(name string) map[string]contract.StageSpec {
		out := make(map[string]contract.StageSpec)
		for _, s := range named(t, name).Stages {
			out[s.Name] = s
		}
		return out
	}
	for name, want := range map[string][]string{
		recipes.FineWebNoLists: nil,
		recipes.Naive:          {"visible_text max_attributes 200000", "visible_text max_bytes 8388608", "visible_text max_depth 128", "visible_text max_nodes 50000"},
		recipes.FineWeb2024:    {"language assets", "pii email_case lower"},
		recipes.FineWebHead: {
			"c4 profile head", "fineweb profile head", "fineweb stop_chars terminal", "fineweb words spacy",
			"gopher_quality profile head", "gopher_quality words spacy",
			"gopher_repetition profile head", "gopher_repetition words spacy",
			"language profile head", "minhash normalization head", "minhash words spacy", "url assets",
		},
	} {
		var got []string
		reference := stages(recipes.FineWeb)
		for stage, spec := range stages(name) {
			if !slices.Equal(spec.Assets, reference[stage].Assets) {
				got = append(got, stage+" assets")
			}
			for param, v := range spec.Params {
				if v != reference[stage].Params[param] {
					got = append(got, stage+" "+param+" "+v)
				}
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s differs in %q, want %q", name, got, want)
		}
	}
}

// TestAssetsAreCatalogued: what built-in recipes pin is built in or can be pulled.
func TestAssetsAreCatalogued(t *testing.T) {
	for _, name := range recipes.Names() {
		if _, own := assets.Pinned(named(t, name)); len(own) > 0 {
			t.Errorf("%s: %v", name, own)
		}
	}
}

// A recipe is a value of its own: who changes it changes no other.
func TestNamedIsFresh(t *testing.T) {
	named(t, recipes.FineWebNoLists).Stages[2].Params["threshold"] = "0"
	if got := named(t, recipes.FineWebNoLists).Stages[2].Params["threshold"]; got != "0.65" {
		t.Fatalf("got %s", got)
	}
}

func TestBuild(t *testing.T) {
	r := named(t, recipes.FineWebNoLists)
	runner, err := recipes.Build(r, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(runner.Stages) != len(r.Stages)-1 || runner.Workers < 1 || runner.Page.MaxBytes == 0 {
		t.Fatalf("%+v", runner)
	}
	var missing *assets.MissingError
	if _, err := recipes.Build(named(t, recipes.FineWeb), t.TempDir()); !errors.As(err, &missing) || len(missing.Names) == 0 {
		t.Fatalf("error %v", err)
	}
}

func TestBuildErrors(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*contract.Recipe)
		want   string
	}{
		"version":           {func(r *contract.Recipe) { r.PipelineVersion++ }, "version"},
		"unknown stage":     {func(r *contract.Recipe) { r.Stages[2].Name = "sentiment" }, `unknown stage "sentiment"`},
		"twice":             {func(r *contract.Recipe) { r.Stages[3] = r.Stages[2] }, "language stands in it twice"},
		"read not first":    {func(r *contract.Recipe) { r.Stages[0], r.Stages[1] = r.Stages[1], r.Stages[0] }, "must be the first"},
		"extracted twice":   {func(r *contract.Recipe) { r.Stages[2] = named(t, recipes.Naive).Stages[1] }, "name one of them"},
		"nothing extracted": {func(r *contract.Recipe) { r.Stages = slices.Delete(r.Stages, 1, 2) }, "no page has a text"},
		"parameter gone":    {func(r *contract.Recipe) { delete(r.Stages[2].Params, "threshold") }, "threshold: is missing"},
		"parameter unknown": {func(r *contract.Recipe) { r.Stages[2].Params["mood"] = "1" }, "mood: is not known"},
		"other model": {func(r *contract.Recipe) {
			r.Stages[2].Assets = []contract.Asset{{Name: "lid.176.bin", SHA256: strings.Repeat("0", 64)}}
		}, "lid.176.bin"},
		"asset without use": {func(r *contract.Recipe) {
			r.Stages[1].Assets = []contract.Asset{{Name: "x", SHA256: strings.Repeat("0", 64)}}
		}, "needs no asset"},
		"no stages": {func(r *contract.Recipe) { r.Stages = nil }, "0 stages"},
	} {
		t.Run(name, func(t *testing.T) {
			r := named(t, recipes.FineWebNoLists)
			c.change(&r)
			if _, err := recipes.Build(r, ""); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %s", err, c.want)
			}
		})
	}
}

func load(t testing.TB, text string) (contract.Recipe, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "recipe.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return recipes.Load(path)
}

func TestLoad(t *testing.T) {
	r, err := load(t, `
name = "german"

[[stage]]
name = "read"
params = { max_ratio = 50 }

[[stage]]
name = "extract"

[[stage]]
name = "language"
params = { threshold = 0.5, languages = ["de", "nds"] }
`)
	if err != nil {
		t.Fatal(err)
	}
	reference := named(t, recipes.FineWebNoLists)
	if r.Name != "german" || !slices.Equal(stageNames(r), []string{"read", "extract", "language"}) || r.PipelineVersion != pipeline.Version {
		t.Fatalf("got %+v", r)
	}
	read, language := r.Stages[0], r.Stages[2]
	if read.Params["max_ratio"] != "50" || read.Params["max_page_bytes"] != reference.Stages[0].Params["max_page_bytes"] {
		t.Fatalf("read %+v", read)
	}
	if p := language.Params; p["threshold"] != "0.5" || p["languages"] != "de nds" || p["profile"] != "release" ||
		!slices.Equal(language.Assets, reference.Stages[2].Assets) {
		t.Fatalf("language %+v", language)
	}
	if _, err := recipes.Build(r, ""); err != nil {
		t.Fatal(err)
	}
	if byName, err := recipes.Load(recipes.FineWeb); err != nil || byName.Name != recipes.FineWeb {
		t.Fatalf("%+v, error %v", byName, err)
	}
}

func TestLoadErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no TOML":        {"name = ", "line 1"},
		"unknown key":    {"name = \"a\"\n\n[[stage]]\nname = \"read\"\nparam = { a = 1 }\n", `line 5: unknown key "stage.param"`},
		"unknown stage":  {"name = \"a\"\n[[stage]]\nname = \"sentiment\"\n", `unknown stage "sentiment"`},
		"built-in name":  {"name = \"fineweb\"\n[[stage]]\nname = \"read\"\n", "this one differs"},
		"no name":        {"[[stage]]\nname = \"read\"\n", "recipe"},
		"list of lists":  {"name = \"a\"\n[[stage]]\nname = \"language\"\nparams = { languages = [[\"en\"]] }\n", "single words"},
		"date parameter": {"name = \"a\"\n[[stage]]\nname = \"language\"\nparams = { threshold = 2026-01-01 }\n", "neither"},
	} {
		t.Run(name, func(t *testing.T) {
			if r, err := load(t, c.text); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%+v, error %v, want %s", r, err, c.want)
			}
		})
	}
	if _, err := recipes.Load("finweb"); err == nil || !strings.Contains(err.Error(), "fineweb-nolists") {
		t.Fatalf("error %v", err)
	}
	if _, err := recipes.Load(t.TempDir()); err == nil {
		t.Fatal("loaded a folder")
	}
}
