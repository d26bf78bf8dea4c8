package filter_test

import (
	"os"
	"strings"
	"testing"

	"finest/pipeline"
	"finest/pipeline/assets"
	"finest/pipeline/filter"
)

// BenchmarkURL measures the time per byte of URLs of 100 B to 1 MB: of one path
// of many words, of one long word, and of a host of many labels.
func BenchmarkURL(b *testing.B) {
	spec, dir := listFiles(b, lists)
	stage, err := filter.NewURL(spec, dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []struct {
		name  string
		bytes int
	}{{"100B", 100}, {"10kB", 10_000}, {"1MB", 1_000_000}} {
		for kind, part := range map[string]string{"words": "some/words-of_", "word": "aaaaaaaa", "labels": "label.", "idn": "ü。"} {
			url := "https://www.example.co.uk/" + strings.Repeat(part, size.bytes/len(part))
			if kind == "labels" || kind == "idn" {
				url = "https://" + strings.Repeat(part, size.bytes/len(part)) + "example.co.uk/"
			}
			d := &pipeline.Document{URL: url}
			b.Run(kind+"/"+size.name, func(b *testing.B) {
				b.SetBytes(int64(len(url)))
				for b.Loop() {
					stage.Process(d)
				}
			})
		}
	}
}

// BenchmarkNewURL measures the start with the real lists, of which the folder
// FINEST_ASSETS has them.
func BenchmarkNewURL(b *testing.B) {
	dir := os.Getenv("FINEST_ASSETS")
	if state, err := assets.Check(dir, assets.Catalogue()[0].File); state != assets.Present {
		b.Skipf("FINEST_ASSETS: %s is %s, %v", assets.Domains, state, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := filter.NewURL(filter.URLSpec(), dir); err != nil {
			b.Fatal(err)
		}
	}
}
