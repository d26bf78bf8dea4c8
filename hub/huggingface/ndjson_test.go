package huggingface

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"finest/hub"
)

func regular(path, content string) *item {
	return &item{Source: hub.Bytes(path, []byte(content)), mode: modeRegular}
}

func inLFS(path, content string) *item {
	return &item{Source: hub.Bytes(path, []byte(content)), mode: modeLFS}
}

const parentSHA = "0123456789abcdef0123456789abcdef01234567"

// The bytes of a commit are those that the Hub's Python client sends.
func TestCommitBody(t *testing.T) {
	for _, tc := range []struct {
		name string
		m    message
		want string
	}{
		{"all kinds of files", message{"Add task x-000001", parentSHA, []*item{
			inLFS("data/a.parquet", "rows"), regular("README.md", "# hello\n"), regular("empty", ""), regular("log.jsonl", "a line\n"),
		}}, `{"key":"header","value":{"summary":"Add task x-000001","description":"","parentCommit":"0123456789abcdef0123456789abcdef01234567"}}
{"key":"lfsFile","value":{"path":"data/a.parquet","algo":"sha256","oid":"bc51e9e65d79e1c90ba544ab2eae1044ccdf8c1af7a559ba375cba4276f7d99e","size":4}}
{"key":"file","value":{"content":"IyBoZWxsbwo=","path":"README.md","encoding":"base64"}}
{"key":"file","value":{"content":"","path":"empty","encoding":"base64"}}
{"key":"file","value":{"content":"YSBsaW5lCg==","path":"log.jsonl","encoding":"base64"}}
`},
		{"description below the summary", message{"\n Summary \n\nWhy it is\nso.\n", parentSHA, []*item{regular("a", "1")}},
			`{"key":"header","value":{"summary":"Summary","description":"Why it is\nso.","parentCommit":"0123456789abcdef0123456789abcdef01234567"}}
{"key":"file","value":{"content":"MQ==","path":"a","encoding":"base64"}}
`},
		{"nothing said, and no parent", message{"", "", []*item{regular("a", "12")}},
			`{"key":"header","value":{"summary":"Add files","description":""}}
{"key":"file","value":{"content":"MTI=","path":"a","encoding":"base64"}}
`},
		{"names that JSON escapes", message{"<a> & \"b\" \u2028", parentSHA, []*item{inLFS(`a"b<c>&.parquet`, "1"), regular(`d"e<f>&ä`, "123")}},
			`{"key":"header","value":{"summary":"<a> & \"b\"","description":"","parentCommit":"0123456789abcdef0123456789abcdef01234567"}}
{"key":"lfsFile","value":{"path":"a\"b<c>&.parquet","algo":"sha256","oid":"6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b","size":1}}
{"key":"file","value":{"content":"MTIz","path":"d\"e<f>&ä","encoding":"base64"}}
`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, err := newCommitBody(tc.m)
			if err != nil {
				t.Fatal(err)
			}
			defer b.close()
			for range 2 { // it may be sent again
				r, err := b.open()
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(r)
				if err != nil || string(got) != tc.want {
					t.Errorf("%v, body\n%s want\n%s", err, got, tc.want)
				}
			}
			if b.size != int64(len(tc.want)) {
				t.Errorf("the body is announced with %d bytes and has %d", b.size, len(tc.want))
			}
		})
	}
}

// Contents of any length are encoded as if they were in memory, however they are
// read.
func TestCommitBodyStreams(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 4, 3071, 3072, 3073, 3074, 6144, 100_000} {
		content := strings.Repeat("finest ", n/7+1)[:n]
		b, err := newCommitBody(message{"m", parentSHA, []*item{regular("a", content)}})
		if err != nil {
			t.Fatal(err)
		}
		r, _ := b.open()
		got, err := io.ReadAll(iotest.OneByteReader(r))
		if err != nil || int64(len(got)) != b.size {
			t.Errorf("%d bytes: body of %d bytes, announced %d, %v", n, len(got), b.size, err)
		}
		_, last, _ := strings.Cut(string(got), "\n")
		var line struct {
			Value struct {
				Content []byte `json:"content"`
			} `json:"value"`
		}
		if err := json.Unmarshal([]byte(last), &line); err != nil || string(line.Value.Content) != content {
			t.Errorf("%d bytes: content comes out as %d bytes, %v", n, len(line.Value.Content), err)
		}
		b.close()
	}
}

// open is a source that counts how many of its contents are open.
type open struct {
	hub.Source
	count int
}

func opens(path, content string) (*item, *open) {
	o := &open{Source: hub.Bytes(path, []byte(content))}
	src := o.Source
	src.Open = func() (hub.Content, error) {
		c, err := o.Source.Open()
		o.count++
		return closing{c, &o.count}, err
	}
	return &item{Source: src, mode: modeRegular}, o
}

type closing struct {
	hub.Content
	count *int
}

func (c closing) Close() error { *c.count--; return c.Content.Close() }

func TestCommitBodyClosesWhatItOpens(t *testing.T) {
	a, count := opens("a", "1")
	gone := errors.New("gone")
	b := regular("b", "2")
	b.Open = func() (hub.Content, error) { return nil, gone }
	if _, err := newCommitBody(message{"m", parentSHA, []*item{a, b}}); !errors.Is(err, gone) || !strings.Contains(err.Error(), `"b"`) {
		t.Errorf("error %v", err)
	}
	if count.count != 0 {
		t.Errorf("%d contents stay open", count.count)
	}
	body, err := newCommitBody(message{"m", parentSHA, []*item{a, a}})
	if err != nil || count.count != 2 {
		t.Fatalf("%d contents are open, %v", count.count, err)
	}
	body.close()
	if count.count != 0 {
		t.Errorf("%d contents stay open", count.count)
	}
}

// A source that ends before its time ends the body, and says why.
func TestCommitBodyOfShrinkingSource(t *testing.T) {
	it := regular("a", "content")
	it.Size += 100
	b, err := newCommitBody(message{"m", parentSHA, []*item{it}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	var failed error
	b.failed = func(err error) { failed = err }
	r, _ := b.open()
	if _, err := io.ReadAll(r); !errors.Is(err, hub.ErrCorrupt) || !errors.Is(failed, hub.ErrCorrupt) {
		t.Errorf("errors %v and %v", err, failed)
	}
}

func TestCommitsOf(t *testing.T) {
	sized := func(mode string, sizes ...int64) (items []*item) {
		for _, n := range sizes {
			items = append(items, &item{Source: hub.Source{File: hub.File{Path: fmt.Sprint(n), Size: n}}, mode: mode})
		}
		return items
	}
	many := func(n int) []*item { return sized(modeLFS, make([]int64, n)...) }
	for _, tc := range []struct {
		name  string
		items []*item
		want  []int
	}{
		{"one", many(1), []int{1}},
		{"as many as fit", many(100), []int{100}},
		{"one more", many(101), []int{100, 1}},
		{"many", many(250), []int{100, 100, 50}},
		{"LFS objects of any size", sized(modeLFS, 1e12, 1e12, 1e12), []int{3}},
		{"just the bytes that fit", sized(modeRegular, 60e6, 40e6), []int{2}},
		{"a byte more", sized(modeRegular, 60e6, 40e6+1), []int{1, 1}},
		{"each as large as can be", sized(modeRegular, 100e6, 100e6), []int{1, 1}},
		{"both bounds", slices.Concat(many(60), sized(modeRegular, 99e6), many(20), sized(modeRegular, 2e6), many(100)), []int{81, 100, 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []int
			var flat []*item
			for _, some := range commitsOf(tc.items) {
				got = append(got, len(some))
				flat = append(flat, some...)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("commits of %v files, want %v", got, tc.want)
			}
			if !slices.Equal(flat, tc.items) {
				t.Error("files have left their places")
			}
		})
	}
}

func FuzzBase64Reader(f *testing.F) {
	f.Add([]byte("hello"), 3)
	f.Add([]byte{}, 1)
	f.Add(make([]byte, 3073), 4096)
	f.Fuzz(func(t *testing.T, raw []byte, step int) {
		r := &base64Reader{r: strings.NewReader(string(raw))}
		p := make([]byte, max(1, min(step, 1<<16)))
		var got []byte
		for {
			n, err := r.Read(p)
			got = append(got, p[:n]...)
			if err != nil {
				break
			}
		}
		if string(got) != base64.StdEncoding.EncodeToString(raw) {
			t.Errorf("%d bytes in steps of %d come out as %q", len(raw), step, got)
		}
	})
}
