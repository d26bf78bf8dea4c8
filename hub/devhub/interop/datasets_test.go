package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"finest/hub"
	"finest/hub/devhub/devhubtest"
	"finest/internal/contract"
	"finest/pipeline/shard"
)

// datasets.load_dataset reads a repository with the card that a miner writes: all
// of it, and each crawl. What push_to_hub leaves our client pulls.
func TestLoadDataset(t *testing.T) {
	t.Parallel()
	need(t, "venv/requirements.txt")
	world := devhubtest.Serve(t)
	dir := t.TempDir()
	ref := publishDataset(t, world, dir)
	home := huggingfaceHub(t, world.Endpoint, devhubtest.Token)
	python(t, home, "load_dataset.py", dir, ref.Repo, ref.Revision)
	pull(t, world, dir)
}

// publishDataset publishes shards of the two crawls that the golden card of
// roles/miner has, and leaves rows.json in dir.
func publishDataset(t *testing.T, world *devhubtest.World, dir string) hub.Ref {
	t.Helper()
	card, err := os.ReadFile(filepath.Join("..", "..", "..", "roles", "miner", "testdata", "card.md"))
	if err != nil {
		t.Fatal(err)
	}
	sources := []hub.Source{hub.Bytes("README.md", card), hub.Bytes("log.jsonl", []byte("{}\n"))}
	expected := map[string][]map[string]any{}
	for _, crawl := range []string{"CC-MAIN-2024-10", dump} {
		rows := oddRows()
		for i := range rows {
			rows[i].Dump = crawl
			expected[crawl] = append(expected[crawl], named(rows[i]))
		}
		for i, part := range [][]contract.Row{rows[:5], rows[5:]} {
			path := fmt.Sprintf("data/%s/%s-%06d", crawl, crawl, i)
			files, _, err := shard.WriteRows(dir, path, func(yield func(contract.Row, error) bool) {
				for _, r := range part {
					if !yield(r, nil) {
						return
					}
				}
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(filepath.Join(dir, files[0].Path))
			if err != nil {
				t.Fatal(err)
			}
			sources = append(sources, hub.Bytes(files[0].Path, raw))
		}
		expected["default"] = append(expected["default"], expected[crawl]...)
	}
	writeJSON(t, filepath.Join(dir, "rows.json"), expected)
	return publishTo(t, devhubtest.Dial(t, world.Endpoint), "tester/dataset", sources)
}

// named returns the row with the names of its columns.
func named(r contract.Row) map[string]any {
	return map[string]any{
		"text": r.Text, "id": r.ID, "dump": r.Dump, "url": r.URL, "date": r.Date, "file_path": r.FilePath, "language": r.Language,
		"language_score": r.LanguageScore, "token_count": r.TokenCount, "warc_offset": r.WARCOffset, "warc_length": r.WARCLength,
	}
}
