package durable

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// Journal is an append-only file of entries, one per line, each guarded by a
// CRC-32C. An entry that Append returned nil for survives a crash; an entry
// torn by a crash is dropped at the next open. One process at a time may have a
// journal open, and one goroutine at a time may use it.
type Journal struct {
	f    *os.File
	path string
	size int64 // bytes of whole entries
	err  error // after it nothing is known of the file's end
}

// ErrCorrupt says that a journal is damaged before its last line, which no
// crash explains.
var ErrCorrupt = errors.New("journal is damaged")

var crcTable = crc32.MakeTable(crc32.Castagnoli)

const crcDigits = 8

// OpenJournal opens or creates the journal at path and returns the entries in
// it, oldest first.
func OpenJournal(path string) (*Journal, [][]byte, error) {
	if err := MkdirAll(filepath.Dir(path)); err != nil {
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
		// The last entry may have been written by a process that was killed
		// before it synced; whoever is told of it relies on it.
		err = f.Sync()
	}
	if err == nil {
		err = SyncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, fmt.Errorf("open journal %s: %w", path, err)
	}
	return &Journal{f: f, path: path, size: int64(good)}, entries, nil
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
	if len(line) < crcDigits+1 {
		return nil, false
	}
	entry := line[crcDigits+1:]
	return entry, bytes.Equal(encodeLine(entry), line)
}

func encodeLine(entry []byte) []byte {
	return fmt.Appendf(nil, "%08x %s", crc32.Checksum(entry, crcTable), entry)
}

// Append adds entry, which must not contain a newline, and returns when it is
// on disk. After an error the entry is not in the journal and may be appended
// again, except that a journal whose file could not be synced or cut back takes
// no more entries: open it again to learn what it holds.
func (j *Journal) Append(entry []byte) error {
	if j.err != nil {
		return j.err
	}
	if bytes.IndexByte(entry, '\n') >= 0 {
		return fmt.Errorf("append to journal %s: entry holds a newline", j.path)
	}
	line := append(encodeLine(entry), '\n')
	if _, err := j.f.Write(line); err != nil {
		err = fmt.Errorf("append to journal %s: %w", j.path, err)
		// A torn entry must not stand before a later one.
		if j.f.Truncate(j.size) != nil {
			j.err = err
		}
		return err
	}
	if err := j.f.Sync(); err != nil {
		j.err = fmt.Errorf("sync journal %s: %w", j.path, err)
		return j.err
	}
	j.size += int64(len(line))
	return nil
}

// Close releases the file.
func (j *Journal) Close() error { return j.f.Close() }
