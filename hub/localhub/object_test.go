package localhub_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"finest/hub"
	"finest/hub/localhub"
	"finest/internal/durable"
)

func files(t testing.TB, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func has(t testing.TB, h *localhub.Hub, f hub.File) bool {
	t.Helper()
	ok, err := h.HasObject(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestStoreObject(t *testing.T) {
	const text = "content of an object"
	broken := errors.New("connection lost")
	sound := source("", text).File
	for name, c := range map[string]struct {
		f    hub.File
		r    io.Reader
		want error
	}{
		"as stated":      {sound, strings.NewReader(text), nil},
		"byte by byte":   {sound, iotest.OneByteReader(strings.NewReader(text)), nil},
		"end with data":  {sound, iotest.DataErrReader(strings.NewReader(text)), nil},
		"empty":          {source("", "").File, strings.NewReader(""), nil},
		"too short":      {sound, strings.NewReader(text[1:]), hub.ErrCorrupt},
		"too long":       {sound, strings.NewReader(text + "!"), hub.ErrCorrupt},
		"without end":    {sound, endless{}, hub.ErrCorrupt},
		"other content":  {sound, strings.NewReader(strings.ToUpper(text)), hub.ErrCorrupt},
		"breaks off":     {sound, io.MultiReader(strings.NewReader(text[:5]), iotest.ErrReader(broken)), broken},
		"breaks at end":  {sound, io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), broken},
		"no hash":        {hub.File{Size: 1, SHA256: "../../x"}, strings.NewReader("x"), localhub.ErrBadRequest},
		"negative size":  {hub.File{Size: -1, SHA256: sound.SHA256}, strings.NewReader(text), localhub.ErrBadRequest},
		"size of others": {hub.File{Size: 3, SHA256: sound.SHA256}, strings.NewReader(text[:3]), hub.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			h := open(t, dir)
			if err := h.StoreObject(t.Context(), c.f, c.r); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if c.want == nil {
				if !has(t, h, c.f) || !has(t, open(t, dir), c.f) {
					t.Error("it is not there")
				}
				if size, err := h.ObjectSize(t.Context(), c.f.SHA256); err != nil || size != c.f.Size {
					t.Errorf("its size is %d, %v", size, err)
				}
				return
			}
			if left := files(t, dir); len(left) != 0 {
				t.Errorf("left %q", left)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestObjectsThatAreNot(t *testing.T) {
	h := open(t, t.TempDir())
	store(t, h, "text")
	sound := source("", "text").File
	for name, f := range map[string]hub.File{
		"unknown":      source("", "other").File,
		"another size": {Size: 5, SHA256: sound.SHA256},
		"empty":        {Size: 0, SHA256: sound.SHA256},
	} {
		if has(t, h, f) {
			t.Errorf("%s: it is there", name)
		}
		if _, err := h.OpenObject(t.Context(), f, 0, -1); !errors.Is(err, hub.ErrCorrupt) {
			t.Errorf("%s opens: %v, want ErrCorrupt", name, err)
		}
	}
	for _, sum := range []string{"", "..", "x", strings.ToUpper(sound.SHA256), sound.SHA256[:63], sound.SHA256 + "0", "../../../etc/passwd"} {
		f := hub.File{Size: 4, SHA256: sum}
		_, hasErr := h.HasObject(t.Context(), f)
		_, openErr := h.OpenObject(t.Context(), f, 0, -1)
		_, sizeErr := h.ObjectSize(t.Context(), sum)
		for what, err := range map[string]error{"has": hasErr, "open": openErr, "size": sizeErr} {
			if !errors.Is(err, localhub.ErrBadRequest) {
				t.Errorf("%s %q: %v, want ErrBadRequest", what, sum, err)
			}
		}
	}
	if _, err := h.ObjectSize(t.Context(), source("", "other").SHA256); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("size of an unknown object: %v, want ErrNotFound", err)
	}
}

func TestOpenObjectSeeks(t *testing.T) {
	h := open(t, t.TempDir())
	const text = "0123456789"
	store(t, h, text)
	f := source("", text).File
	for _, part := range [][2]int64{{0, -1}, {2, 5}, {10, -1}, {0, 0}} {
		r, err := h.OpenObject(t.Context(), f, part[0], part[1])
		if err != nil {
			t.Fatal(err)
		}
		want := text[part[0]:]
		if part[1] >= 0 {
			want = want[:part[1]]
		}
		// What http.ServeContent does.
		if size, err := r.Seek(0, io.SeekEnd); err != nil || size != int64(len(want)) {
			t.Errorf("%v has %d bytes, %v, want %d", part, size, err, len(want))
		}
		if err := seekAndTest(r, want); err != nil {
			t.Errorf("%v: %v", part, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	r, err := h.OpenObject(t.Context(), f, 5, 6) // a byte more than there is
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); !errors.Is(err, io.ErrUnexpectedEOF) || string(got) != text[5:] {
		t.Errorf("read %q, %v, want ErrUnexpectedEOF", got, err)
	}
	_ = r.Close()
}

func seekAndTest(r io.ReadSeeker, want string) error {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return iotest.TestReader(r, []byte(want))
}

// Parts may come in any order and at once, as a client sends them.
func TestIncoming(t *testing.T) {
	dir := t.TempDir()
	h := open(t, dir)
	text := strings.Repeat("0123456789", 50_000)
	in, err := h.NewIncoming()
	if err != nil {
		t.Fatal(err)
	}
	const part = 65_536
	var parts sync.WaitGroup
	for offset := 0; offset < len(text); offset += part {
		parts.Go(func() {
			if _, err := in.WriteAt([]byte(text[offset:min(offset+part, len(text))]), int64(offset)); err != nil {
				t.Error(err)
			}
		})
	}
	parts.Wait()
	for name, wrong := range map[string]hub.File{
		"another content": source("", text[1:]+"x").File, "another size": {Size: 1, SHA256: source("", text).SHA256},
	} {
		if err := in.Keep(t.Context(), wrong); !errors.Is(err, hub.ErrCorrupt) {
			t.Errorf("kept as %s: %v, want ErrCorrupt", name, err)
		}
	}
	f := source("", text).File
	if err := in.Keep(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if !has(t, open(t, dir), f) {
		t.Error("it is not there")
	}
	if left := files(t, dir); len(left) != 1 {
		t.Errorf("the folder holds %q, want the object", left)
	}
}

// What a killed process was writing is removed by the next, what a living one
// writes is not.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	h := open(t, dir)
	in, err := h.NewIncoming()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.WriteAt([]byte("text"), 0); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, "incoming", "left")
	if err := durable.WriteBytes(left, 0o600, []byte("half")); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		open(t, dir)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the leftover is there: %v", err)
	}
	if err := in.Keep(t.Context(), source("", "text").File); err != nil {
		t.Errorf("what is being written was taken for a leftover: %v", err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
}

// Hubs that open a folder in which others write take nothing from them.
func TestOpenWhileOthersWrite(t *testing.T) {
	dir := t.TempDir()
	h := open(t, dir)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				if err := h.StoreObject(t.Context(), source("", "text").File, strings.NewReader("text")); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range 50 {
				if _, err := localhub.Open(dir); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if left := files(t, dir); len(left) != 1 {
		t.Errorf("the folder holds %q, want the object", left)
	}
}
