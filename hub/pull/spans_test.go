package pull_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"finest/hub"
	"finest/hub/pull"
	"finest/internal/canon"
	"finest/internal/contract"
)

// rangedWorld is a published file and a reader of its spans.
func rangedWorld(t testing.TB, size int) (*watched, contract.OutputFile, []byte, io.ReaderAt) {
	t.Helper()
	p := newPublished(t, localHub(t), "anna/finest")
	m := p.add(0, 1, size)
	p.commit()
	w := &watched{Hub: p.hub}
	f := m.Files[0]
	return w, f, p.files[f.Path], pull.Spans(t.Context(), w, p.ref(), f)
}

// TestSpansAreTheFile: any range of it, as io.ReaderAt has it.
func TestSpansAreTheFile(t *testing.T) {
	t.Parallel()
	_, _, whole, r := rangedWorld(t, 3000)
	want := bytes.NewReader(whole)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		off, n := rng.Int64N(3100), rng.IntN(3100)
		a, b := make([]byte, n), make([]byte, n)
		wantN, wantErr := want.ReadAt(a, off)
		gotN, gotErr := r.ReadAt(b, off)
		if n == 0 {
			continue // what readers say of the end differs
		}
		if gotN != wantN || !errors.Is(gotErr, wantErr) || !bytes.Equal(a, b) {
			t.Fatalf("%d bytes at %d: %d, %v; want %d, %v", n, off, gotN, gotErr, wantN, wantErr)
		}
	}
	if n, err := r.ReadAt(make([]byte, 1), -1); n != 0 || err == nil || errors.Is(err, io.EOF) {
		t.Errorf("byte −1 is read: %d, %v", n, err)
	}
}

// TestOneRequestForEachSpan: and none for one that is held already.
func TestOneRequestForEachSpan(t *testing.T) {
	t.Parallel()
	w, f, whole, r := rangedWorld(t, 3000)
	for range 3 {
		for off := int64(len(whole)) - 1; off >= 0; off -= 7 {
			if _, err := r.ReadAt(make([]byte, 1), off); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := []string{f.Path + " 2400+600", f.Path + " 1000+1400", f.Path + " 4+996"}
	if got := w.take(); !slices.Equal(got, want) {
		t.Errorf("requests are %q, want %q", got, want)
	}
}

func TestSpansTogether(t *testing.T) {
	t.Parallel()
	w, _, whole, r := rangedWorld(t, 3000)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			b := make([]byte, 2000)
			if _, err := r.ReadAt(b, int64(i*100)); err != nil || !bytes.Equal(b, whole[i*100:][:2000]) {
				t.Errorf("%v", err)
			}
		})
	}
	group.Wait()
	if n := len(w.take()); n != 3 {
		t.Errorf("%d requests for three spans", n)
	}
}

// TestSpansThatLie: no byte of a span that has not its hash is handed on, and a
// file that ends early is no end of it.
func TestSpansThatLie(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*watched, *contract.OutputFile)
		want   error
	}{
		{"other bytes", func(w *watched, _ *contract.OutputFile) { w.change = flipped }, hub.ErrCorrupt},
		{"cut", func(w *watched, _ *contract.OutputFile) { w.change = cutAfter(100) }, errCut},
		{"empty", func(w *watched, _ *contract.OutputFile) {
			w.change = func(string, io.ReadCloser) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(nil)), nil }
		}, io.ErrUnexpectedEOF},
		{"short", func(w *watched, _ *contract.OutputFile) {
			w.change = func(_ string, r io.ReadCloser) (io.ReadCloser, error) {
				return io.NopCloser(io.LimitReader(r, 10)), nil
			}
		}, io.ErrUnexpectedEOF},
		{"another path", func(_ *watched, f *contract.OutputFile) { f.Path = "data/elsewhere" }, hub.ErrNotFound},
		{"gaps", func(_ *watched, f *contract.OutputFile) { f.RowGroups = f.RowGroups[:1] }, hub.ErrCorrupt},
		{"enormous", func(_ *watched, f *contract.OutputFile) {
			f.Bytes, f.RowGroups[1].Length = 1<<40, 1<<39
			f.Footer.Offset = f.Bytes - f.Footer.Length
		}, hub.ErrTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, f, _, _ := rangedWorld(t, 3000)
			f.RowGroups = slices.Clone(f.RowGroups)
			test.change(w, &f)
			sha, err := w.Head(t.Context(), hub.Ref{Repo: "anna/finest", Revision: hub.MainBranch})
			if err != nil {
				t.Fatal(err)
			}
			r := pull.Spans(t.Context(), w, hub.Ref{Repo: "anna/finest", Revision: sha}, f)
			if n, err := r.ReadAt(make([]byte, 50), 1500); n != 0 || !errors.Is(err, test.want) || errors.Is(err, io.EOF) {
				t.Errorf("%d bytes, %v; want %v", n, err, test.want)
			}
		})
	}
}

// TestSpansFollowTheirContext: a reader has no other way to be told to stop.
func TestSpansFollowTheirContext(t *testing.T) {
	t.Parallel()
	w, f, _, _ := rangedWorld(t, 3000)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pull.Spans(ctx, w, ref, f).ReadAt(make([]byte, 1), 10); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestFewSpansAreHeld: those used last, in no more memory than one may have.
func TestFewSpansAreHeld(t *testing.T) {
	t.Parallel()
	const size = 40 << 20
	zeros := make([]byte, 5*size)
	f := contract.OutputFile{Path: "a", Rows: 4, Bytes: 5 * size, SHA256: canon.Sum(nil)}
	sum := canon.Sum(zeros[:size])
	for i := range int64(4) {
		f.RowGroups = append(f.RowGroups, contract.RowGroup{Offset: i * size, Length: size, Rows: 1, SHA256: sum})
	}
	f.Footer = contract.Span{Offset: 4 * size, Length: size, SHA256: sum}
	w := &watched{Hub: ranged{bytes: zeros}}
	r := pull.Spans(t.Context(), w, ref, f)
	read := func(span int, requests int) {
		t.Helper()
		if _, err := r.ReadAt(make([]byte, 10), int64(span)*size); err != nil {
			t.Fatal(err)
		}
		if got := len(w.take()); got != requests {
			t.Errorf("span %d: %d requests, want %d", span, got, requests)
		}
	}
	for span := range 3 {
		read(span, 1)
	}
	read(0, 0) // three of them fit
	read(3, 1) // so 1 goes
	read(2, 0)
	read(0, 0)
	read(1, 1)
	read(4, 1)
}

// ranged is a hub of one file.
type ranged struct {
	hub.Hub
	bytes []byte
}

func (r ranged) Open(_ context.Context, _ hub.Ref, _ string, offset, length int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(r.bytes[offset:][:length])), nil
}
