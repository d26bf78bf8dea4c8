package dataset

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"finest/pipeline/shard"
	"finest/pipeline/shard/guard"
)

func (f file) readParquet(r *reading) error {
	in, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	return scanParquet(in, f.size, r.text, r.take)
}

// formError says that a file is no Parquet file with a column of texts.
type formError string

func (e formError) Error() string { return string(e) }

// Unwrap makes it an error of the file and not of this machine.
func (e formError) Unwrap() error { return shard.ErrForm }

func badForm(format string, args ...any) error { return formError(fmt.Sprintf(format, args...)) }

// scanParquet calls take for each row of a Parquet file, with its text, and with
// id and url where it has such columns.
func scanParquet(in io.ReaderAt, size int64, text string, take func(row) error) error {
	var f *parquet.File
	var texts *parquet.Column
	err := calmly(func() (err error) {
		if err := checkFooter(in, size); err != nil {
			return err
		}
		if f, err = parquet.OpenFile(in, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(readBuffer)); err == nil {
			texts, err = textColumn(f.Root(), text)
		}
		return err
	})
	if err != nil {
		return badForm("%v", err)
	}
	for i, g := range f.RowGroups() {
		var c rowCursor
		err := calmly(func() error {
			c = rowCursor{text: newCursor(g, texts, true), id: newCursor(g, keyColumn(f.Root(), "id"), false), url: newCursor(g, keyColumn(f.Root(), "url"), false)}
			return nil
		})
		if err != nil {
			return badForm("row group %d: %v", i, err)
		}
		err = c.scan(g.NumRows(), take)
		c.close()
		if errors.Is(err, shard.ErrForm) {
			return badForm("row group %d: %v", i, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkFooter says whether the metadata fit into the file: their length, and
// after it "PAR1", are its last 8 bytes.
func checkFooter(in io.ReaderAt, size int64) error {
	var tail [8]byte
	if size < int64(len(tail)) {
		return errors.New("too short for a Parquet file")
	}
	if _, err := in.ReadAt(tail[:], size-int64(len(tail))); err != nil {
		return err
	}
	if length := int64(binary.LittleEndian.Uint32(tail[:])); length > size-int64(len(tail)) {
		return fmt.Errorf("no Parquet file: metadata of %d bytes", length)
	}
	return nil
}

// calmly makes errors of the panics by which the reader of Parquet gives up on
// some files.
func calmly(do func() error) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("broken Parquet file: %v", problem)
		}
	}()
	return do()
}

// textColumn returns the column with the texts.
func textColumn(root *parquet.Column, name string) (*parquet.Column, error) {
	c := root.Column(name)
	switch {
	case c == nil:
		var names []string
		for _, other := range root.Columns() {
			if isString(other) {
				names = append(names, other.Name())
			}
		}
		return nil, fmt.Errorf("no column %q; those with strings: %s", name, someNames(names))
	case !isString(c):
		return nil, fmt.Errorf("column %q has no strings, one a row", name)
	}
	return c, nil
}

func isString(c *parquet.Column) bool {
	return c.Leaf() && c.MaxRepetitionLevel() == 0 && c.Type().Kind() == parquet.ByteArray
}

// keyColumn returns a column with strings or whole numbers, nil if there is none
// of that name.
func keyColumn(root *parquet.Column, name string) *parquet.Column {
	c := root.Column(name)
	if c == nil || !c.Leaf() || c.MaxRepetitionLevel() > 0 {
		return nil
	}
	if k := c.Type().Kind(); k != parquet.ByteArray && k != parquet.Int32 && k != parquet.Int64 {
		return nil
	}
	return c
}

// rowCursor steps through the columns of a row group side by side.
type rowCursor struct{ text, id, url *cursor }

func (c rowCursor) next() (d row, err error) {
	for _, column := range []struct {
		from *cursor
		to   *string
	}{{c.id, &d.id}, {c.url, &d.url}, {c.text, &d.text}} {
		if column.from == nil {
			continue
		}
		if *column.to, err = column.from.next(); err != nil {
			return row{}, fmt.Errorf("column %q: %w", column.from.name, err)
		}
	}
	return d, nil
}

// scan hands on the rows of a group.
func (c rowCursor) scan(rows int64, take func(row) error) error {
	for n := range rows {
		var d row
		err := calmly(func() (err error) {
			d, err = c.next()
			return err
		})
		if err != nil {
			return badForm("row %d: %v", n, err)
		}
		if err := take(d); err != nil {
			return err
		}
	}
	return nil
}

func (c rowCursor) close() {
	for _, column := range []*cursor{c.text, c.id, c.url} {
		if column != nil {
			column.close()
		}
	}
}

// cursor reads the values of one column of a row group.
type cursor struct {
	name   string
	long   bool // values are texts
	pages  parquet.Pages
	page   parquet.Page
	values parquet.ValueReader
	buffer [32]parquet.Value
	at, n  int
}

// newCursor returns a cursor at the first row of a group, nil for no column.
func newCursor(g parquet.RowGroup, c *parquet.Column, long bool) *cursor {
	if c == nil {
		return nil
	}
	return &cursor{name: c.Name(), long: long, pages: g.ColumnChunks()[c.Index()].Pages()}
}

func (c *cursor) next() (string, error) {
	for c.at == c.n {
		if err := c.fill(); err != nil {
			return "", err
		}
	}
	v := c.buffer[c.at]
	c.at++
	if v.IsNull() {
		return "", nil
	}
	if v.Kind() != parquet.ByteArray {
		return v.String(), nil
	}
	b := v.ByteArray()
	if !c.long {
		b = b[:min(len(b), maxKey)]
	} else if len(b) > MaxDocument {
		b = b[:MaxDocument+1] // enough to be too long
	}
	return string(b), nil
}

// fill reads more values, of the next page if need be.
func (c *cursor) fill() error {
	for c.values == nil {
		page, err := c.pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return errors.New("has fewer values than rows")
		}
		if err != nil {
			return err
		}
		c.page, c.values = page, page.Values()
	}
	n, err := c.values.ReadValues(c.buffer[:])
	c.at, c.n = 0, n
	switch {
	case n > 0 && (err == nil || errors.Is(err, io.EOF)):
		return nil
	case errors.Is(err, io.EOF):
		parquet.Release(c.page)
		c.page, c.values = nil, nil
		return nil
	case err == nil:
		return io.ErrNoProgress
	}
	return err
}

func (c *cursor) close() {
	if c.page != nil {
		parquet.Release(c.page)
	}
	_ = c.pages.Close()
}

// kindTable begins the kind of a Parquet file with texts in it; the column
// follows.
const kindTable = "table:"

// Limits of the process that a Parquet file is read in first. Writers put whole
// row groups into memory, so their readers may need some.
const (
	guardMemory = 1 << 30
	// guardRate is the least bytes of a file that it reads in a second.
	guardRate = 4 << 20
)

// Guarded returns what reads files of a kind in a process of its own: a program
// that opens datasets with a Guard hands it to guard.Main.
func Guarded(k guard.Kind) guard.Reader {
	text, ok := strings.CutPrefix(string(k), kindTable)
	if !ok {
		return nil
	}
	return func(r io.ReaderAt, size, _ int64) error {
		return scanParquet(r, size, text, func(row) error { return nil })
	}
}

// limited is a guard whose child may take as long as a file of that size does.
func limited(g guard.Guard, size int64) guard.Guard {
	more := time.Duration(size/guardRate) * time.Second
	g.Memory = cmp.Or(g.Memory, guardMemory)
	g.CPU = cmp.Or(g.CPU, guard.DefaultCPU+more)
	g.Wall = cmp.Or(g.Wall, guard.DefaultWall+more)
	return g
}

// checkParquet reads a file in a process of its own.
func checkParquet(ctx context.Context, g guard.Guard, f file, text string) error {
	g = limited(g, f.size)
	err := g.Check(ctx, guard.Kind(kindTable+text), f.path, 0)
	if errors.Is(err, shard.ErrForm) {
		return fmt.Errorf("read %s: %s", f.path, strings.TrimPrefix(err.Error(), shard.ErrForm.Error()+": "))
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", f.path, err)
	}
	return nil
}
