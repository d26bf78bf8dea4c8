package recipes_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/recipes"
)

// documented returns the recipes that docs/recipes.md shows, by name.
func documented(t *testing.T) map[string]contract.Recipe {
	t.Helper()
	text, err := os.ReadFile("../../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]contract.Recipe)
	for _, block := range regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		r, err := load(t, block[1])
		if err != nil {
			t.Fatalf("%v in:\n%s", err, block[1])
		}
		out[r.Name] = r
	}
	return out
}

// run takes a page of paragraphs through a recipe.
func run(t *testing.T, r contract.Recipe, assetsDir, paragraphs string) (outcome, reason string) {
	t.Helper()
	runner, err := recipes.Build(r, assetsDir)
	if err != nil {
		t.Fatal(err)
	}
	html := "<html><body><article><p>" + strings.ReplaceAll(strings.TrimSpace(paragraphs), "\n", "</p><p>") + "</p></article></body></html>"
	outcome, reason, _, _ = runner.Process(&pipeline.Document{ID: "<urn:uuid:1>", HTML: html})
	return outcome, reason
}

const (
	english = `
The ferry to the island leaves at seven in the morning, when the light is still grey over the harbour and the gulls have not yet found the fishing boats.
Most of the passengers know each other, for they have worked on the farms and in the small school for years, and they talk about the weather and the price of hay.
Only the young engineer who came last spring sits apart with her maps, and nobody is quite sure what she measures on the northern shore.
Some people think that a bridge will be built, others that it is all about the wind, and the old pilot says nothing at all.
When the boat arrives she is always the first to step on land, and she walks quickly up the road without looking back.
`
	german = `
Die Fähre zur Insel legt morgens um sieben ab, wenn das Licht über dem Hafen noch grau ist und die Möwen die Fischerboote noch nicht gefunden haben.
Die meisten Fahrgäste kennen einander, denn sie arbeiten seit Jahren auf den Höfen und in der kleinen Schule, und sie reden über das Wetter und den Preis von Heu.
Nur die junge Ingenieurin, die im letzten Frühling kam, sitzt mit ihren Karten abseits, und niemand weiß genau, was sie am nördlichen Ufer misst.
Manche glauben, dass eine Brücke gebaut werden soll, andere meinen, es gehe um den Wind, und der alte Lotse sagt nicht ein Wort.
Wenn das Schiff ankommt, geht sie immer als Erste an Land und läuft schnell die Straße hinauf, ohne sich umzusehen.
`
	quiz = `{"text": "when the light is still grey over the harbour and the gulls are gone", "query": "When does the ferry leave?"}` + "\n"
)

func TestDocumentedRecipes(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "quiz.jsonl"), []byte(quiz), 0o600); err != nil {
		t.Fatal(err)
	}
	shown := documented(t)
	for _, tt := range []struct{ recipe, page, outcome, reason string }{
		{"long-english", english, "gopher_quality", "gopher_short_doc"},
		{"long-english", german, "language", "language"},
		{"german", german, contract.OutcomeKept, ""},
		{"german", english, "language", "language"},
		{"decontaminated", english, "decontaminate", "contaminated"},
		{"decontaminated", strings.ReplaceAll(english, "still", ""), contract.OutcomeKept, ""},
	} {
		r, ok := shown[tt.recipe]
		if !ok {
			t.Fatalf("no recipe %s is shown", tt.recipe)
		}
		if outcome, reason := run(t, r, dir, tt.page); outcome != tt.outcome || reason != tt.reason {
			t.Errorf("%s: %.30q is %s %s, want %s %s", tt.recipe, tt.page, outcome, reason, tt.outcome, tt.reason)
		}
	}
}
