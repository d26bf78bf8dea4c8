package durable

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// Journal is an append-only file of entries, one per line, each guarded by a
// CRC-32C. An entry that Append returned nil for survives a crash; an entry
// torn by a crash is dropped at the next open.
type Journal struct {
	f    *os.File
	path string
}

// ErrCorrupt says that a journal is damaged before its last line, which no
// crash explains.
var ErrCorrupt = errors.New("journal is damaged")

var crcTable = crc32.MakeTable(crc32.Castagnoli)

const crcDigits = 8

// OpenJournal opens or creates the journal at path and returns the entries in
// it, oldest first.
func OpenJournal(path string) (*Journal, [][]byte, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, nil, fmt.Errorf("create folder for %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open journal: %w", err)
	}
	raw, err := io.ReadAll(f)
	if err != nil {
		_ = f.Close()
		return nil, nil, fmt.Errorf("read journal %s: %w", path, err)
	}
	entries, good, err := parseJournal(raw)
	if err == nil && good < len(raw) {
		err = f.Truncate(int64(good))
	}
	if err == nil {
		err = SyncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, fmt.Errorf("open journal %s: %w", path, err)
	}
	return &Journal{f: f, path: path}, entries, nil
}

// parseJournal returns the entries of raw and the length of the part that
// holds them; only a torn last line may follow it.
func parseJournal(raw []byte) (entries [][]byte, good int, err error) {
	for good < len(raw) {
		line, _, complete := bytes.Cut(raw[good:], []byte("\n"))
		if !complete {
			return entries, good, nil
		}
		entry, ok := checkLine(line)
		if !ok {
			if good+len(line)+1 == len(raw) {
				return entries, good, nil
			}
			return nil, 0, fmt.Errorf("%w at byte %d", ErrCorrupt, good)
		}
		entries = append(entries, entry)
		good += len(line) + 1
	}
	return entries, good, nil
}

func checkLine(line []byte) ([]byte, bool) {
	if len(line) < crcDigits+1 || line[crcDigits] != ' ' {
		return nil, false
	}
	want, err := strconv.ParseUint(string(line[:crcDigits]), 16, 32)
	entry := line[crcDigits+1:]
	return entry, err == nil && uint32(want) == crc32.Checksum(entry, crcTable)
}

// Append adds entry, which must not contain a newline, and returns when it is
// on disk.
func (j *Journal) Append(entry []byte) error {
	if bytes.IndexByte(entry, '\n') >= 0 {
		return fmt.Errorf("append to journal %s: entry holds a newline", j.path)
	}
	line := fmt.Appendf(nil, "%08x %s\n", crc32.Checksum(entry, crcTable), entry)
	if _, err := j.f.Write(line); err != nil {
		return fmt.Errorf("append to journal %s: %w", j.path, err)
	}
	if err := j.f.Sync(); err != nil {
		return fmt.Errorf("sync journal %s: %w", j.path, err)
	}
	return nil
}

// Close releases the file.
func (j *Journal) Close() error { return j.f.Close() }
