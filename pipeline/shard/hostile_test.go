package shard_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"finest/internal/contract"
	"finest/pipeline/shard"
)

// sampleShard and sampleLedger are small valid files.
func sampleShard(t testing.TB) []byte {
	t.Helper()
	var rows []contract.Row
	for i := range 20 {
		rows = append(rows, contract.Row{
			Text: strings.Repeat("text ", i), ID: "<urn:uuid:1>", Dump: "CC-MAIN-2024-10", Language: "en",
			LanguageScore: 0.9, TokenCount: int64(i), WARCOffset: int64(100 * i), WARCLength: 90,
		})
	}
	dir := t.TempDir()
	files, _, err := shard.WriteRows(dir, rowPrefix, sequence(rows), nil)
	if err != nil {
		t.Fatal(err)
	}
	return content(t, dir, files)
}

func sampleLedger(t testing.TB) []byte {
	t.Helper()
	var rows []contract.LedgerRow
	for i := range 40 {
		row := contract.LedgerRow{Offset: int64(100 * i), Length: 90, Outcome: "kept", BandKeys: make([]uint64, i%3*7)}
		rows = append(rows, row)
	}
	dir := t.TempDir()
	files, _, err := shard.WriteLedger(dir, ledgerPrefix, sequence(rows), nil)
	if err != nil {
		t.Fatal(err)
	}
	return content(t, dir, files)
}

func content(t testing.TB, dir string, files []contract.OutputFile) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, files[0].Path))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// readAll reads raw as a shard and as a ledger and returns the rows before the
// first error and that error.
func readAll(raw []byte, maxRows int64) (rows int, err error) {
	for _, e := range shard.ReadRows(bytes.NewReader(raw), int64(len(raw)), maxRows) {
		if e != nil {
			err = e
			break
		}
		rows++
	}
	for _, e := range shard.ReadLedger(bytes.NewReader(raw), int64(len(raw)), maxRows) {
		if e != nil {
			return rows, errors.Join(err, e)
		}
		rows++
	}
	return rows, err
}

func withFooter(metadata []byte) []byte {
	raw := append([]byte("PAR1"), metadata...)
	raw = binary.LittleEndian.AppendUint32(raw, uint32(len(metadata)))
	return append(raw, "PAR1"...)
}

func TestHostileFiles(t *testing.T) {
	valid := sampleShard(t)
	var foreign bytes.Buffer
	if err := parquet.Write(&foreign, []struct{ A, B string }{{"1", "2"}}); err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{
		"nothing":            {},
		"magic only":         []byte("PAR1PAR1"),
		"no Parquet":         []byte("<!DOCTYPE html><html>not found</html>"),
		"other columns":      foreign.Bytes(),
		"footer of 4 GiB":    append(append([]byte("PAR1"), 0xff, 0xff, 0xff, 0xff), "PAR1"...),
		"endless list":       withFooter([]byte{0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00}),
		"endless string":     withFooter([]byte{0x68, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00}),
		"nested without end": withFooter(bytes.Repeat([]byte{0x1c}, 1<<20)),
		"cut off":            valid[:len(valid)-9],
		"cut off in the middle": append(append([]byte{}, valid[:50]...),
			valid[len(valid)-500:]...),
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := readAll(raw, 1000)
			if !errors.Is(err, shard.ErrForm) || rows > 0 {
				t.Fatalf("%d rows, error %v", rows, err)
			}
		})
	}
}

func TestTooManyRows(t *testing.T) {
	raw := sampleShard(t)
	for _, err := range shard.ReadRows(bytes.NewReader(raw), int64(len(raw)), 19) {
		if !errors.Is(err, shard.ErrForm) {
			t.Fatalf("error %v", err)
		}
	}
}

// Bytes changed at random yield rows or an error: no panic, no endless work, no
// memory beyond the stated bound.
func TestDamagedFiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, valid := range [][]byte{sampleShard(t), sampleLedger(t)} {
		for range 500 {
			raw := bytes.Clone(valid)
			for range 1 + rng.IntN(4) {
				raw[rng.IntN(len(raw))] = byte(rng.Uint32())
			}
			if _, err := readAll(raw, 1000); err == nil {
				t.Fatal("a file was shard and ledger at once")
			}
		}
	}
	runtime.ReadMemStats(&after)
	if sys := after.Sys - before.Sys; sys > 256<<20 {
		t.Fatalf("took %d MiB", sys>>20)
	}
}

// A page that inflates to more than it states is refused before it does.
func TestBomb(t *testing.T) {
	var rows []contract.Row
	for range 5 {
		rows = append(rows, contract.Row{Text: strings.Repeat("a", 30<<20)})
	}
	dir := t.TempDir()
	files, _, err := shard.WriteRows(dir, rowPrefix, sequence(rows), nil)
	if err != nil {
		t.Fatal(err)
	}
	raw := content(t, dir, files)
	if len(raw) > 1<<20 {
		t.Fatalf("%d bytes", len(raw))
	}
	// Rows are within the limits; with all rows in one group they would not be.
	if rows, err := readAll(raw, 5); rows != 5 || !errors.Is(err, shard.ErrForm) {
		t.Fatalf("%d rows, error %v", rows, err)
	}
	var big bytes.Buffer
	w := parquet.NewGenericWriter[contract.Row](&big, parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.Plain),
		parquet.DataPageStatistics(false), parquet.SkipPageBounds("text"))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if rows, err := readAll(big.Bytes(), 5); rows == 5 || !errors.Is(err, shard.ErrForm) || !strings.Contains(err.Error(), "inflate to more") {
		t.Fatalf("%d rows, error %v", rows, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sampleShard(f))
	f.Add(sampleLedger(f))
	f.Add(withFooter([]byte{0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if rows, err := readAll(raw, 1000); rows > 1000 || err == nil {
			t.Fatalf("%d rows, error %v", rows, err)
		}
	})
}
