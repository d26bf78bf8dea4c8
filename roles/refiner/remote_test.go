package refiner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"finest/internal/polite"
	"finest/roles/refiner"
)

// remote is a base elsewhere, with one file.
type remote struct {
	file []byte
	// sent is what a whole-file request yields; sentErr ends it.
	sent    []byte
	sentErr error
	// mute keeps it from saying how long that is.
	mute bool
	// ranges lists the ranges that were asked for.
	ranges []string
}

var _ polite.Base = (*remote)(nil)

func (r *remote) String() string { return "https://example.org/" }

func (r *remote) Open(context.Context, string) (io.ReadCloser, int64, error) {
	src := io.Reader(bytes.NewReader(r.sent))
	if r.sentErr != nil {
		src = io.MultiReader(src, iotest.ErrReader(r.sentErr))
	}
	size := int64(len(r.file))
	if r.mute {
		size = -1
	}
	return io.NopCloser(src), size, nil
}

func (r *remote) Size(context.Context, string) (int64, error) { return int64(len(r.file)), nil }

func (r *remote) ReadRange(_ context.Context, _ string, offset, length int64) ([]byte, int64, error) {
	r.ranges = append(r.ranges, fmt.Sprintf("%d+%d", offset, length))
	end := min(offset+length, int64(len(r.file)))
	return bytes.Clone(r.file[offset:end]), int64(len(r.file)), nil
}

// inPlace returns the digest of refining the file from a folder.
func inPlace(t *testing.T) string {
	t.Helper()
	in, out := t.TempDir(), t.TempDir()
	return digest(t, out, refine(t, refiner.Options{Inputs: writeFiles(t, in, 1), Runner: testRunner(t, 2), OutDir: out}))
}

func remoteOptions(t *testing.T, r *remote) refiner.Options {
	t.Helper()
	return refiner.Options{Inputs: []refiner.Input{{Base: r, Path: "0.warc.gz"}}, Runner: testRunner(t, 2), OutDir: t.TempDir()}
}

// The fixture's own damage is compared with the server in one range.
func TestDownload(t *testing.T) {
	file := warcFile(0)
	r := &remote{file: file, sent: file}
	o := remoteOptions(t, r)
	if digest(t, o.OutDir, refine(t, o)) != inPlace(t) {
		t.Fatal("a downloaded file gives other bytes")
	}
	if len(r.ranges) != 1 {
		t.Fatalf("ranges %v", r.ranges)
	}
	if left, err := filepath.Glob(filepath.Join(o.OutDir, ".work", "download*")); err != nil || len(left) > 0 {
		t.Fatalf("left %v, error %v", left, err)
	}
}

// Damage on the way is repaired: the result is that of the file itself.
func TestDamagedDownload(t *testing.T) {
	file := warcFile(0)
	sent := bytes.Clone(file)
	for _, at := range []int{len(file) / 10, len(file) / 3, len(file) * 9 / 10} {
		sent[at] ^= 0xff
	}
	o := remoteOptions(t, &remote{file: file, sent: sent})
	if digest(t, o.OutDir, refine(t, o)) != inPlace(t) {
		t.Fatal("a damaged download gives other bytes")
	}
}

// A download that breaks off goes on where it was, in the next run.
func TestResumedDownload(t *testing.T) {
	file := warcFile(0)
	half := len(file) / 2
	failed := errors.New("connection lost")
	r := &remote{file: file, sent: file[:half], sentErr: failed}
	o := remoteOptions(t, r)
	if _, err := refiner.Refine(context.Background(), o); !errors.Is(err, failed) {
		t.Fatalf("error %v", err)
	}
	r.sent = nil
	if digest(t, o.OutDir, refine(t, o)) != inPlace(t) {
		t.Fatal("a resumed download gives other bytes")
	}
	if want := fmt.Sprintf("%d+%d", half, len(file)-half); r.ranges[0] != want {
		t.Fatalf("ranges %v, want %s first", r.ranges, want)
	}
}

// What another job has begun to download is not taken for this job's file, and
// no sign in the name of the folder means anything.
func TestDownloadOfAnotherJob(t *testing.T) {
	file := warcFile(0)
	other := warcFile(1)
	lost := &remote{file: other, sent: other[:len(file)/2], sentErr: errors.New("connection lost")}
	o := remoteOptions(t, lost)
	o.WorkDir = filepath.Join(t.TempDir(), "[1")
	if _, err := refiner.Refine(context.Background(), o); !errors.Is(err, lost.sentErr) {
		t.Fatalf("error %v", err)
	}
	r := &remote{file: file, sent: file}
	o.Task, o.Inputs = "TEST-000001", []refiner.Input{{Base: r, Path: "0.warc.gz"}}
	refine(t, o)
	if len(r.ranges) != 1 { // that of TestDownload
		t.Fatalf("ranges %v", r.ranges)
	}
}

func TestDownloadErrors(t *testing.T) {
	file := warcFile(0)
	o := remoteOptions(t, &remote{file: file, sent: file})
	o.Inputs[0].Bytes = int64(len(file)) + 1
	var wrong *refiner.FileError
	if _, err := refiner.Refine(context.Background(), o); !errors.As(err, &wrong) || wrong.Path != "0.warc.gz" || !strings.Contains(err.Error(), "bytes instead of") {
		t.Fatalf("error %v", err)
	}
	o = remoteOptions(t, &remote{file: file, sent: file[:100]})
	if _, err := refiner.Refine(context.Background(), o); !errors.Is(err, polite.ErrUnavailable) || errors.As(err, &wrong) {
		t.Fatalf("error %v", err)
	}
}

// TestFileErrors: who is to blame for a file that cannot be read decides who is
// given the task back with which reason.
func TestFileErrors(t *testing.T) {
	dir := t.TempDir()
	there := writeFiles(t, dir, 1)[0]
	info, err := os.Stat(filepath.Join(dir, there.Path))
	if err != nil {
		t.Fatal(err)
	}
	there.Bytes = info.Size()
	gone, longer, folder := there, there, there
	gone.Path = "gone.warc.gz"
	longer.Bytes++
	folder.Path = "folder.warc.gz"
	if err := os.Mkdir(filepath.Join(dir, folder.Path), 0o700); err != nil {
		t.Fatal(err)
	}
	liar := there
	liar.Base = &remote{file: make([]byte, there.Bytes), sent: []byte("come back later"), mute: true}
	absent := gone
	absent.Base = &missing{}
	for _, c := range []struct {
		name string
		in   refiner.Input
		file bool // the file is to blame
	}{
		{"gone from a folder", gone, true},
		{"gone from a server", absent, true},
		{"of another size", longer, true},
		{"no file", folder, false},
		{"a server that sends something else", liar, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := refiner.Refine(t.Context(), refiner.Options{Inputs: []refiner.Input{c.in}, Runner: testRunner(t, 1), OutDir: t.TempDir()})
			var wrong *refiner.FileError
			if err == nil || errors.As(err, &wrong) != c.file {
				t.Fatalf("error %v", err)
			}
			if c.file && wrong.Path != c.in.Path {
				t.Errorf("blames %s", wrong.Path)
			}
		})
	}
}

// missing is a server without files.
type missing struct{ remote }

func (*missing) Open(context.Context, string) (io.ReadCloser, int64, error) {
	return nil, 0, polite.ErrNotFound
}

func (*missing) Size(context.Context, string) (int64, error) { return 0, polite.ErrNotFound }

// A download of the wrong size is not kept: the next run fetches it anew.
func TestWrongDownload(t *testing.T) {
	file := warcFile(0)
	r := &remote{file: file, sent: []byte("come back later"), mute: true}
	o := remoteOptions(t, r)
	o.Inputs[0].Bytes = int64(len(file))
	if _, err := refiner.Refine(context.Background(), o); err == nil || !strings.Contains(err.Error(), "bytes instead of") {
		t.Fatalf("error %v", err)
	}
	r.sent = file
	if digest(t, o.OutDir, refine(t, o)) != inPlace(t) {
		t.Fatal("a download after a wrong one gives other bytes")
	}
}

func TestProgress(t *testing.T) {
	file := warcFile(0)
	o := remoteOptions(t, &remote{file: file, sent: file})
	o.Inputs[0].Bytes = int64(len(file))
	var phases []string
	var last refiner.Progress
	o.Progress = func(p refiner.Progress) {
		if len(phases) == 0 || phases[len(phases)-1] != p.Phase {
			phases = append(phases, p.Phase)
		}
		if p.Bytes > p.BytesTotal {
			t.Fatalf("%+v", p)
		}
		last = p
	}
	r := refine(t, o)
	want := []string{refiner.PhaseDownload, refiner.PhaseScan, refiner.PhaseCluster, refiner.PhaseWrite}
	if !reflect.DeepEqual(phases, want) {
		t.Fatalf("phases %v", phases)
	}
	if last.Bytes != int64(len(file)) || last.Pages != r.Manifest.Inputs[0].Pages || last.File != 0 || last.Files != 1 {
		t.Fatalf("last %+v", last)
	}
}
