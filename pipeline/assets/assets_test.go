package assets_test

import (
	"crypto/sha256"
	"encoding/hex"
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

// asset is a small stand-in for one of the catalogue.
func asset(name, content string) assets.Asset {
	sum := sha256.Sum256([]byte(content))
	f := assets.File{Name: name, Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
	return assets.Asset{File: f, Source: assets.Source{File: f}}
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func pinning(list ...assets.Asset) pipeline.StageSpec {
	spec := pipeline.StageSpec{Name: "stage"}
	for _, a := range list {
		spec.Assets = append(spec.Assets, contract.Asset{Name: a.Name, SHA256: a.SHA256})
	}
	return spec
}

func TestRead(t *testing.T) {
	a, b := asset("a", "first"), asset("b", "")
	spec, dir := pinning(a, b), t.TempDir()
	var missing *assets.MissingError
	if _, err := assets.Read(spec, ""); !errors.As(err, &missing) || !slices.Equal(missing.Names, []string{"a", "b"}) {
		t.Errorf("no folder: error %v", err)
	}
	write(t, filepath.Join(dir, "a"), "first")
	_, err := assets.Read(spec, dir)
	if !errors.As(err, &missing) || missing.Stage != "stage" || missing.Dir != dir || !slices.Equal(missing.Names, []string{"b"}) {
		t.Fatalf("one file: error %v", err)
	}
	if own := "the recipe alone pins b"; !strings.Contains(err.Error(), own) || strings.Contains(err.Error(), "finest assets pull") {
		t.Errorf("error %v, want it to say %s, as nothing gets it", err, own)
	}
	known, err := assets.Named(assets.Domains)
	if err != nil {
		t.Fatal(err)
	}
	_, err = assets.Read(pinning(known[0], b), dir)
	if want := "`finest assets pull --assets " + dir + " " + assets.Domains + "`"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want it to name %s", err, want)
	}
	write(t, filepath.Join(dir, "b"), "")
	files, err := assets.Read(spec, dir)
	if err != nil || len(files) != 2 || string(files["a"]) != "first" || len(files["b"]) != 0 {
		t.Errorf("%q, error %v", files, err)
	}
	write(t, filepath.Join(dir, "a"), "f1rst")
	if _, err := assets.Read(spec, dir); !errors.Is(err, assets.ErrContent) || !strings.Contains(err.Error(), filepath.Join(dir, "a")) {
		t.Errorf("other content: error %v", err)
	}
	for _, name := range []string{"../a", "/a", "x/a", "", ".", ".."} {
		spec.Assets[0].Name = name
		if _, err := assets.Read(spec, dir); err == nil || errors.As(err, &missing) || !strings.Contains(err.Error(), "no file name") {
			t.Errorf("name %q: error %v", name, err)
		}
	}
	spec.Assets[0].Name = "folder"
	write(t, filepath.Join(dir, "folder", "x"), "")
	if _, err := assets.Read(spec, dir); err == nil || errors.As(err, &missing) {
		t.Errorf("folder: error %v", err)
	}
}

func TestReadRefusesHugeFiles(t *testing.T) {
	a := asset("a", "")
	path := filepath.Join(t.TempDir(), "a")
	write(t, path, "")
	if err := os.Truncate(path, assets.MaxBytes+1); err != nil {
		t.Fatal(err)
	}
	if _, err := assets.Read(pinning(a), filepath.Dir(path)); err == nil || !strings.Contains(err.Error(), "bytes are more") {
		t.Fatalf("error %v", err)
	}
}

func TestCheck(t *testing.T) {
	a, dir := asset("a", "first"), t.TempDir()
	for _, c := range []struct {
		content string
		want    assets.State
	}{{"first", assets.Present}, {"f1rst", assets.Corrupt}, {"firs", assets.Corrupt}, {"first!", assets.Corrupt}, {"", assets.Corrupt}} {
		write(t, filepath.Join(dir, "a"), c.content)
		if state, err := assets.Check(dir, a.File); state != c.want || err != nil {
			t.Errorf("%q: %s, %v", c.content, state, err)
		}
	}
	for _, dir := range []string{t.TempDir(), filepath.Join(dir, "nowhere")} {
		if state, err := assets.Check(dir, a.File); state != assets.Missing || err != nil {
			t.Errorf("%s, %v", state, err)
		}
	}
	write(t, filepath.Join(dir, "folder", "a", "b"), "")
	if state, err := assets.Check(filepath.Join(dir, "folder"), a.File); state != assets.Corrupt || err != nil {
		t.Errorf("a folder in its place: %s, %v", state, err)
	}
}

// TestCatalogue holds the catalogue to what readers of it rely on.
func TestCatalogue(t *testing.T) {
	names, sources := make(map[string]bool), make(map[string]assets.Source)
	for _, a := range assets.Catalogue() {
		for _, f := range []assets.File{a.File, a.Source.File} {
			sum, err := hex.DecodeString(f.SHA256)
			if err != nil || len(sum) != sha256.Size || f.Bytes < 1 || f.Bytes > assets.MaxBytes || filepath.Base(f.Name) != f.Name {
				t.Errorf("%s: %+v", a.Name, f)
			}
		}
		if names[a.Name] {
			t.Errorf("%s stands in it twice", a.Name)
		}
		names[a.Name] = true
		if a.Licence == "" || a.Origin == "" || !strings.HasPrefix(a.Source.URL(), "https://") || !strings.HasSuffix(a.Source.Base, "/") {
			t.Errorf("%s: %+v", a.Name, a)
		}
		if known, ok := sources[a.Source.URL()]; ok && known != a.Source {
			t.Errorf("%s: its source is described in two ways", a.Name)
		}
		sources[a.Source.URL()] = a.Source
		if a.Member == "" && (a.Source.Bytes != a.Bytes || a.Source.SHA256 != a.SHA256) {
			t.Errorf("%s: its source is another file", a.Name)
		}
	}
	if _, err := assets.Named("domains", "domain"); err == nil || !strings.Contains(err.Error(), `unknown asset "domain"`) {
		t.Errorf("error %v", err)
	}
	if pins := assets.MustPin(assets.URLs, assets.Domains); len(pins) != 2 || pins[0].Name != "urls" || pins[1].Name != "domains" {
		t.Errorf("%v", pins)
	}
}

func TestPinned(t *testing.T) {
	r, err := recipes.Named(recipes.FineWeb)
	if err != nil {
		t.Fatal(err)
	}
	r.Stages = append(r.Stages, r.Stages[1])
	if known, own := assets.Pinned(r); len(known) != 5 || known[0].Name != assets.Domains || len(own) != 0 {
		t.Errorf("%v, %v", known, own)
	}
	r.Stages = r.Stages[:len(r.Stages)-1]
	pin := &r.Stages[1].Assets[0]
	pin.SHA256 = strings.Repeat("0", 64)
	for _, name := range []string{assets.Domains, "mine"} {
		pin.Name = name
		if known, own := assets.Pinned(r); len(known) != 4 || !slices.Equal(own, []contract.Asset{*pin}) {
			t.Errorf("%s of another hash: %v, %v", name, known, own)
		}
	}
}

func TestOwn(t *testing.T) {
	a, dir := asset("mine", "content"), t.TempDir()
	pin := contract.Asset{Name: a.Name, SHA256: a.SHA256}
	for _, content := range []string{"", "content"} {
		if content != "" {
			write(t, filepath.Join(dir, "mine"), content)
		}
		if got, err := assets.Own(dir, pin); err != nil || got.Name != "mine" || got.SHA256 != a.SHA256 || got.Bytes != int64(len(content)) {
			t.Errorf("%q there: %v, error %v", content, got, err)
		}
	}
	pin.Name = "../mine"
	if _, err := assets.Own(dir, pin); err == nil {
		t.Error("a name outside the folder is taken")
	}
}
