package assets_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finest/internal/polite"
	catalogue "finest/pipeline/assets"
	"finest/roles/assets"
)

// parted is a world with one asset, which is three files one after the other.
func parted(t *testing.T) *world {
	w := newWorld(t)
	w.files = map[string][]byte{"texts/1.json": []byte(`{"a":1}`), "texts/2.json": []byte(`{"b":22}`), "texts/3.json": []byte(`{}`)}
	whole := describe("texts.json", []byte(`{"a":1}{"b":22}{}`))
	source := whole
	source.Name = "texts"
	w.list = []catalogue.Asset{{
		File: whole, Source: catalogue.Source{File: source, Base: w.url},
		Parts: []catalogue.Part{{Name: "1.json", Bytes: 7}, {Name: "2.json", Bytes: 8}, {Name: "3.json", Bytes: 2}},
	}}
	return w
}

func (w *world) partOf(name string) string {
	return "." + name + "-" + w.list[0].SHA256[:12] + ".part"
}

func TestPullParts(t *testing.T) {
	for name, c := range map[string]struct {
		begun    string
		requests int64
	}{
		"nothing": {"", 3}, "one part": {`{"a":1}`, 2}, "one and a half": {`{"a":1}{"b"`, 2}, "all": {`{"a":1}{"b":22}{}`, 0},
		"another beginning": {`{"a":2}`, 2 + 3}, "more than all": {`{"a":1}{"b":22}{}}`, 3},
	} {
		t.Run(name, func(t *testing.T) {
			w := parted(t)
			w.put(w.partOf("texts.json"), []byte(c.begun))
			o := w.options()
			var done int64
			o.Progress = func(_ string, n, _ int64) { done = n }
			results, err := assets.Pull(t.Context(), o)
			if err != nil || len(results) != 1 || results[0].From != w.url+"texts" {
				t.Fatalf("%+v, error %v", results, err)
			}
			w.whole()
			if n := w.requests.Load(); n != c.requests || n > 0 && done != 17 {
				t.Errorf("%d requests, want %d; progress %d", n, c.requests, done)
			}
		})
	}
}

func TestPullPartsFromBadServers(t *testing.T) {
	for name, c := range map[string]struct {
		second string // in the place of part 2
		want   error
	}{
		"shorter": {`{"b":2}`, polite.ErrUnexpectedContent}, "longer": {`{"b":222}`, polite.ErrUnexpectedContent},
		"wrong": {`{"b":33}`, catalogue.ErrContent}, "gone": {"", polite.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			w := parted(t)
			w.handler = func(rw http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path != "/texts/2.json":
					w.serve(rw, r)
				case c.second == "":
					http.NotFound(rw, r)
				default:
					_, _ = rw.Write([]byte(c.second))
				}
			}
			if _, err := w.pull(); !errors.Is(err, c.want) || !strings.Contains(err.Error(), w.url+"texts") {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if state, _ := catalogue.Check(w.dir, w.list[0].File); state != catalogue.Missing {
				t.Errorf("the asset is %s", state)
			}
			w.handler = nil
			if _, err := w.pull(); err != nil {
				t.Fatal(err)
			}
			w.whole()
		})
	}
}

func TestPullPartsFromMirror(t *testing.T) {
	w := parted(t)
	mirror := t.TempDir()
	if err := os.WriteFile(filepath.Join(mirror, "texts.json"), []byte(`{"a":1}{"b":22}{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	o := w.options()
	o.Mirror = mirror
	if _, err := assets.Pull(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	w.whole()
}
