package assets_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"finest/pipeline/assets"
)

// inParts is an asset that is three files one after the other.
func inParts() assets.Asset {
	a := asset("texts.json", `{"a":1}{"b":22}{}`)
	a.Source.Name = "texts"
	a.Parts = []assets.Part{{Name: "1.json", Bytes: 7}, {Name: "2.json", Bytes: 8}, {Name: "3.json", Bytes: 2}}
	return a
}

func TestFromFileParts(t *testing.T) {
	first, second, third := `{"a":1}`, `{"b":22}`, `{}`
	for name, c := range map[string]struct {
		files               []member
		installed, rejected bool
	}{
		"all":               {[]member{{name: "p/texts/1.json", content: first}, {name: "p/texts/3.json", content: third}, {name: "p/texts/2.json", content: second}}, true, false},
		"whole":             {[]member{{name: "texts.json", content: first + second + third}}, true, false},
		"one missing":       {[]member{{name: "texts/1.json", content: first}, {name: "texts/3.json", content: third}}, false, false},
		"one of other size": {[]member{{name: "texts/1.json", content: first}, {name: "texts/2.json", content: third}, {name: "texts/3.json", content: third}}, false, false},
		"one wrong":         {[]member{{name: "texts/1.json", content: first}, {name: "texts/2.json", content: `{"b":33}`}, {name: "texts/3.json", content: third}}, false, true},
		"two folders":       {[]member{{name: "a/texts/1.json", content: first}, {name: "a/texts/2.json", content: second}, {name: "b/texts/3.json", content: third}}, false, false},
		"another folder":    {[]member{{name: "other/1.json", content: first}, {name: "other/2.json", content: second}, {name: "other/3.json", content: third}}, false, false},
		"wrong and right": {[]member{
			{name: "a/texts/1.json", content: `{"a":2}`}, {name: "a/texts/2.json", content: second}, {name: "a/texts/3.json", content: third},
			{name: "b/texts/1.json", content: first}, {name: "b/texts/2.json", content: second}, {name: "b/texts/3.json", content: third},
		}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			folder, archive := t.TempDir(), filepath.Join(t.TempDir(), "repository.zip")
			for _, m := range c.files {
				write(t, filepath.Join(folder, filepath.FromSlash(m.name)), m.content)
			}
			write(t, archive, zipOf(t, c.files...))
			for _, from := range []string{folder, archive} {
				dir := t.TempDir()
				found, err := assets.FromFile(from, dir, []assets.Asset{inParts()})
				if err != nil || len(found.Installed) == 1 != c.installed || (found.Rejected["texts.json"] != nil) != c.rejected {
					t.Fatalf("%s: %+v, error %v", from, found, err)
				}
				if err := found.Rejected["texts.json"]; err != nil && !errors.Is(err, assets.ErrContent) {
					t.Errorf("rejected for %v", err)
				}
				if state, err := assets.Check(dir, inParts().File); err != nil || (state == assets.Present) != c.installed {
					t.Errorf("it is %s, error %v", state, err)
				}
			}
		})
	}
}

// TestPanelParts holds the list of parts to the size of the asset.
func TestPanelParts(t *testing.T) {
	for _, a := range assets.Panel() {
		var total int64
		for i, p := range a.Parts {
			if total += p.Bytes; p.Bytes < 1 || filepath.Base(p.Name) != p.Name || i > 0 && p.Name <= a.Parts[i-1].Name {
				t.Errorf("%s: part %d is %+v", a.Name, i, p)
			}
		}
		if len(a.Parts) > 0 && (total != a.Bytes || strings.HasSuffix(a.Source.URL(), "/")) {
			t.Errorf("%s: its parts have %d bytes, it has %d", a.Name, total, a.Bytes)
		}
	}
}
