package contract_test

import (
	"errors"
	"strings"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
)

func recipe() contract.Recipe {
	return contract.Recipe{Name: "fineweb", PipelineVersion: 3, Stages: []contract.StageSpec{
		{Name: "extract", Params: map[string]string{"max_nodes": "100"}, Assets: []contract.Asset{{Name: "lid.bin", SHA256: sum}}},
	}}
}

func file(path string, rows int64) contract.OutputFile {
	return contract.OutputFile{
		Path: path, Rows: rows, Bytes: 100, SHA256: sum,
		RowGroups: []contract.RowGroup{
			{Offset: 4, Length: 40, Rows: 1, SHA256: sum},
			{Offset: 44, Length: 36, Rows: rows - 1, SHA256: sum},
		},
		Footer: contract.Span{Offset: 80, Length: 20, SHA256: sum},
	}
}

func manifest() contract.Manifest {
	r := receipt()
	return contract.Manifest{
		Version: 1, PipelineVersion: 3, Task: r.Task, Dump: r.Crawl, Recipe: recipe(), Receipt: &r,
		Inputs: []contract.Input{
			{Path: r.Files[0].Path, Bytes: 10, SHA256: sum, Records: 5, Pages: 3},
			{Path: r.Files[1].Path, Bytes: 20, SHA256: sum},
		},
		Files: []contract.OutputFile{
			file(contract.ShardPath(r.Crawl, r.Task, 0), 2),
			file(contract.ShardPath(r.Crawl, r.Task, 1), 3),
			file(contract.LedgerPath(r.Crawl, r.Task, 0), 9),
		},
		Counts:   []contract.Count{{Outcome: "extract", Reason: "empty", Rows: 4}, {Outcome: "kept", Rows: 5}},
		RowsRoot: sum, LedgerRoot: sum, Hotkey: hotkey, Signature: strings.Repeat("0f", 64),
	}
}

func TestManifest(t *testing.T) {
	t.Parallel()
	m := manifest()
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	if len(m.Shards()) != 2 || len(m.Ledgers()) != 1 {
		t.Errorf("%d shards, %d ledger files", len(m.Shards()), len(m.Ledgers()))
	}
	signed, err := canon.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var back contract.Manifest
	if err := canon.Unmarshal(signed, &back); err != nil {
		t.Fatal(err)
	}
	unsigned, err := canon.Marshal(back.Unsigned())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(unsigned), m.Signature) || back.Signature != m.Signature {
		t.Error("what is signed holds the signature, or Unsigned changed the manifest")
	}

	m = manifest()
	m.Task, m.Dump, m.Receipt, m.Hotkey, m.Signature = contract.LocalTask, "local", nil, "", ""
	m.Files, m.Counts = nil, nil
	if err := m.Validate(); err != nil {
		t.Errorf("manifest of local files without rows: %v", err)
	}
}

func TestManifestValidateRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*contract.Manifest){
		"version":               func(m *contract.Manifest) { m.Version = 2 },
		"task":                  func(m *contract.Manifest) { m.Task = "x" },
		"local with a receipt":  func(m *contract.Manifest) { m.Task, m.Files = contract.LocalTask, nil },
		"dump":                  func(m *contract.Manifest) { m.Dump = "../x" },
		"no inputs":             func(m *contract.Manifest) { m.Inputs = nil },
		"fewer inputs":          func(m *contract.Manifest) { m.Inputs = m.Inputs[:1] },
		"inputs swapped":        func(m *contract.Manifest) { m.Inputs[0], m.Inputs[1] = m.Inputs[1], m.Inputs[0] },
		"input of other size":   func(m *contract.Manifest) { m.Inputs[0].Bytes++ },
		"negative pages":        func(m *contract.Manifest) { m.Inputs[0].Pages = -1 },
		"input hash":            func(m *contract.Manifest) { m.Inputs[0].SHA256 = "" },
		"rows root":             func(m *contract.Manifest) { m.RowsRoot = "" },
		"ledger root":           func(m *contract.Manifest) { m.LedgerRoot = sum + "0" },
		"hotkey":                func(m *contract.Manifest) { m.Hotkey = "me" },
		"signature":             func(m *contract.Manifest) { m.Signature = "0x" + sum },
		"pipeline version":      func(m *contract.Manifest) { m.PipelineVersion++ },
		"recipe":                func(m *contract.Manifest) { m.Recipe.Stages = nil },
		"recipe of the receipt": func(m *contract.Manifest) { m.Receipt.Recipe.Name = "other" },
		"receipt":               func(m *contract.Manifest) { m.Receipt.V = 0 },
		"task of the receipt":   func(m *contract.Manifest) { m.Receipt.Task = m.Receipt.Crawl + "-000018" },
		"many files":            func(m *contract.Manifest) { m.Files = make([]contract.OutputFile, 5000) },
		"file twice":            func(m *contract.Manifest) { m.Files[1].Path = m.Files[0].Path },
		"gap in numbers":        func(m *contract.Manifest) { m.Files = m.Files[1:] },
		"file of another task":  func(m *contract.Manifest) { m.Files[0].Path = contract.ShardPath(m.Dump, "x-000001", 0) },
		"file elsewhere":        func(m *contract.Manifest) { m.Files[0].Path = "README.md" },
		"path out of folder":    func(m *contract.Manifest) { m.Files[0].Path = "data/../log.jsonl" },
		"file without rows":     func(m *contract.Manifest) { m.Files[0].Rows = 0 },
		"more rows than groups": func(m *contract.Manifest) { m.Files[0].Rows++ },
		"no row groups":         func(m *contract.Manifest) { m.Files[0].RowGroups = nil },
		"rows that overflow":    overflowRows,
		"groups overlap":        func(m *contract.Manifest) { m.Files[0].RowGroups[1].Offset-- },
		"group beyond the file": func(m *contract.Manifest) { m.Files[0].RowGroups[1].Length = 1 << 50 },
		"group in the footer":   func(m *contract.Manifest) { m.Files[0].RowGroups[1].Length++ },
		"negative offset":       func(m *contract.Manifest) { m.Files[0].RowGroups[0].Offset = -1 },
		"group hash":            func(m *contract.Manifest) { m.Files[0].RowGroups[0].SHA256 = "" },
		"footer not at the end": func(m *contract.Manifest) { m.Files[0].Footer.Length-- },
		"footer hash":           func(m *contract.Manifest) { m.Files[0].Footer.SHA256 = "" },
		"counts not sorted":     func(m *contract.Manifest) { m.Counts[0], m.Counts[1] = m.Counts[1], m.Counts[0] },
		"count twice":           func(m *contract.Manifest) { m.Counts[1] = m.Counts[0] },
		"count of nothing":      func(m *contract.Manifest) { m.Counts[1].Rows = 0 },
	} {
		m := manifest()
		change(&m)
		if err := m.Validate(); !errors.Is(err, contract.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// overflowRows lists groups whose rows add up to the file's only modulo 2⁶⁴.
func overflowRows(m *contract.Manifest) {
	f := &m.Files[0]
	f.RowGroups[0].Rows, f.RowGroups[1].Rows = 1<<63-1, 1<<63-1
	f.Rows = -2
	f.RowGroups = append(f.RowGroups, contract.RowGroup{Offset: 80, Length: 1, Rows: 4, SHA256: sum})
	f.Rows = 2
	f.Footer = contract.Span{Offset: 81, Length: 19, SHA256: sum}
}

func TestRecipeValidateRefuses(t *testing.T) {
	t.Parallel()
	if err := recipe().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*contract.Recipe){
		"name":        func(r *contract.Recipe) { r.Name = "Fine/Web" },
		"version":     func(r *contract.Recipe) { r.PipelineVersion = 0 },
		"many stages": func(r *contract.Recipe) { r.Stages = make([]contract.StageSpec, 65) },
		"stage name":  func(r *contract.Recipe) { r.Stages[0].Name = "" },
		"many assets": func(r *contract.Recipe) { r.Stages[0].Assets = make([]contract.Asset, 17) },
		"asset name":  func(r *contract.Recipe) { r.Stages[0].Assets[0].Name = "" },
		"asset hash":  func(r *contract.Recipe) { r.Stages[0].Assets[0].SHA256 = "x" },
	} {
		r := recipe()
		change(&r)
		if err := r.Validate(); !errors.Is(err, contract.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzManifest: a manifest that is accepted has one spelling, its files lie
// where its task's files lie, and its sums hold.
func FuzzManifest(f *testing.F) {
	whole, err := canon.Marshal(manifest())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:100])
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m contract.Manifest
		if canon.Unmarshal(raw, &m) != nil || m.Validate() != nil {
			return
		}
		if back, err := canon.Marshal(m); err != nil || string(back) != string(raw) {
			t.Fatalf("%s became %s, %v", raw, back, err)
		}
		for _, file := range m.Files {
			var rows int64
			for _, g := range file.RowGroups {
				rows += g.Rows
			}
			if rows != file.Rows || !contract.ValidPath(file.Path) || !strings.Contains(file.Path, m.Task) {
				t.Fatalf("file %+v is accepted", file)
			}
		}
	})
}
