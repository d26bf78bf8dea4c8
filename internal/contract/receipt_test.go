package contract_test

import (
	"errors"
	"strings"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
)

const hotkey = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"

func receipt() contract.Receipt {
	return contract.Receipt{
		V: 1, Task: "CC-MAIN-2024-10-000017", Crawl: "CC-MAIN-2024-10", CatalogueSHA256: sum,
		Files:  []contract.InputFile{{Path: "crawl-data/a/b.warc.gz", Bytes: 10}, {Path: "c.warc", Bytes: 20}},
		Recipe: contract.RecipeRef{Name: "fineweb", Hash: sum}, Hotkey: hotkey, Generation: 1,
		Block: 7, BlockHash: sum, DeadlineBlock: 8, Server: hotkey,
	}
}

func TestReceipt(t *testing.T) {
	t.Parallel()
	r := receipt()
	if err := r.Validate(); err != nil {
		t.Fatal(err)
	}
	if r.Bytes() != 30 {
		t.Errorf("work is %d bytes, want 30", r.Bytes())
	}
	unsigned, err := canon.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	r.Signature = strings.Repeat("0f", 64)
	if err := r.Validate(); err != nil {
		t.Fatal(err)
	}
	if got, err := canon.Marshal(r.Unsigned()); err != nil || string(got) != string(unsigned) {
		t.Errorf("what is signed depends on the signature: %s, %v", got, err)
	}
	if r.Signature == "" {
		t.Error("Unsigned changed the receipt")
	}
}

func TestReceiptValidateRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*contract.Receipt){
		"version":            func(r *contract.Receipt) { r.V = 2 },
		"task":               func(r *contract.Receipt) { r.Task = "CC-MAIN-2024-10-17" },
		"task of no crawl":   func(r *contract.Receipt) { r.Task = "" },
		"path in task":       func(r *contract.Receipt) { r.Task = "../x-000017" },
		"other crawl":        func(r *contract.Receipt) { r.Crawl = "CC-MAIN-2024-18" },
		"part of the crawl":  func(r *contract.Receipt) { r.Crawl = "CC-MAIN-2024" },
		"no crawl":           func(r *contract.Receipt) { r.Crawl = "" },
		"catalogue":          func(r *contract.Receipt) { r.CatalogueSHA256 = "" },
		"no files":           func(r *contract.Receipt) { r.Files = nil },
		"many files":         func(r *contract.Receipt) { r.Files = make([]contract.InputFile, 1025) },
		"empty file":         func(r *contract.Receipt) { r.Files[0].Bytes = 0 },
		"huge file":          func(r *contract.Receipt) { r.Files[0].Bytes = 1<<40 + 1 },
		"file twice":         func(r *contract.Receipt) { r.Files[1].Path = r.Files[0].Path },
		"path out of folder": func(r *contract.Receipt) { r.Files[0].Path = "a/../../b" },
		"recipe name":        func(r *contract.Receipt) { r.Recipe.Name = "Fine Web" },
		"recipe hash":        func(r *contract.Receipt) { r.Recipe.Hash = sum[1:] },
		"hotkey":             func(r *contract.Receipt) { r.Hotkey = "0x" + sum },
		"generation":         func(r *contract.Receipt) { r.Generation = 0 },
		"block hash":         func(r *contract.Receipt) { r.BlockHash = "0x" + sum[2:] },
		"deadline":           func(r *contract.Receipt) { r.DeadlineBlock = r.Block },
		"server":             func(r *contract.Receipt) { r.Server = "" },
		"signature":          func(r *contract.Receipt) { r.Signature = "00" },
	} {
		r := receipt()
		change(&r)
		if err := r.Validate(); !errors.Is(err, contract.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"a": true, "a/b.c": true, "a/..b/c..": true, "ä/é x": true, strings.Repeat("a", 1024): true,
		"": false, "/a": false, "a/": false, "a//b": false, ".": false, "..": false, "a/./b": false, "a/../b": false,
		`a\b`: false, "a\nb": false, "a\x00": false, "a\x7f": false, "a\xff": false, strings.Repeat("a", 1025): false,
	} {
		if got := contract.ValidPath(path); got != want {
			t.Errorf("ValidPath(%.20q) = %v", path, got)
		}
	}
}

// FuzzReceipt: a receipt that is accepted has one spelling, and its paths stay
// in their folder.
func FuzzReceipt(f *testing.F) {
	whole, err := canon.Marshal(receipt())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:40])
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r contract.Receipt
		if canon.Unmarshal(raw, &r) != nil || r.Validate() != nil {
			return
		}
		if back, err := canon.Marshal(r); err != nil || string(back) != string(raw) {
			t.Fatalf("%s became %s, %v", raw, back, err)
		}
		for _, file := range r.Files {
			if strings.HasPrefix("/"+file.Path+"/", "/../") || strings.Contains("/"+file.Path+"/", "/../") {
				t.Fatalf("path %q is accepted", file.Path)
			}
		}
	})
}
