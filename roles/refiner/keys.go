package refiner

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
)

// keysFile is a spill with the keys of the documents that survived a pass, in
// order: for each of them and each step across records, the number of keys as a
// varint, then each key in 8 bytes, little endian.
type keysFile struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}

// keysWriter writes a keysFile.
type keysWriter struct {
	w     io.Writer
	bytes int64
	raw   []byte
}

// add writes the keys of the next document.
func (k *keysWriter) add(perStep [][]uint64) error {
	k.raw = k.raw[:0]
	for _, keys := range perStep {
		k.raw = binary.AppendUvarint(k.raw, uint64(len(keys)))
		for _, key := range keys {
			k.raw = binary.LittleEndian.AppendUint64(k.raw, key)
		}
	}
	k.bytes += int64(len(k.raw))
	_, err := k.w.Write(k.raw)
	return err
}

// keys yields what the documents of all spills have for one of a number of
// steps, in order. A list is overwritten by the next.
func (j *job) keys(ctx context.Context, spills []spill, step, steps int) iter.Seq2[[]uint64, error] {
	return func(yield func([]uint64, error) bool) {
		for _, s := range spills {
			if !j.readKeys(ctx, s.Keys, step, steps, yield) {
				return
			}
		}
	}
}

// readKeys yields the keys of one file and reports whether to go on.
func (j *job) readKeys(ctx context.Context, file *keysFile, step, steps int, yield func([]uint64, error) bool) bool {
	if file == nil {
		yield(nil, errors.New("no keys were written for a step that needs them"))
		return false
	}
	f, err := os.Open(filepath.Join(j.WorkDir, filepath.FromSlash(file.Path)))
	if err != nil {
		yield(nil, err)
		return false
	}
	defer func() { _ = f.Close() }()
	r := bufio.NewReaderSize(f, 256<<10)
	var keys []uint64
	for {
		if _, err := r.Peek(1); errors.Is(err, io.EOF) {
			return true
		}
		keys, err = readDocument(r, keys[:0], step, steps)
		if err != nil {
			err = fmt.Errorf("read %s: %w", file.Path, err)
		} else {
			err = ctx.Err()
		}
		if !yield(keys, err) || err != nil {
			return false
		}
	}
}

// readDocument appends the keys that the next document has for one step.
func readDocument(r *bufio.Reader, keys []uint64, step, steps int) ([]uint64, error) {
	for i := range steps {
		n, err := binary.ReadUvarint(r)
		if err != nil {
			return nil, noEOF(err)
		}
		if i != step {
			if _, err := r.Discard(int(n) * 8); err != nil {
				return nil, noEOF(err)
			}
			continue
		}
		var raw [8]byte
		for range n {
			if _, err := io.ReadFull(r, raw[:]); err != nil {
				return nil, noEOF(err)
			}
			keys = append(keys, binary.LittleEndian.Uint64(raw[:]))
		}
	}
	return keys, nil
}

// noEOF is err, where the end of the file is none to be expected.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
