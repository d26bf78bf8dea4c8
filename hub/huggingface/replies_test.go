package huggingface

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"finest/hub"
)

func newTestClient(t testing.TB) *Client {
	t.Helper()
	c, err := New(Options{Endpoint: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What the hub says about files is taken only if it is about all that were
// asked for, once.
func TestPreuploadReply(t *testing.T) {
	const good = `{"path":"a","uploadMode":"lfs"},{"path":"b","uploadMode":"regular","oid":"0123456789abcdef0123456789abcdef01234567"},{"path":"empty","uploadMode":"lfs"}`
	asked := func() []*item {
		return []*item{regular("a", "1"), regular("b", "2"), regular("empty", "")}
	}
	for _, tc := range []struct {
		name, files, want string // want: a part of the error; "" is none
	}{
		{"all", good, ""},
		{"unknown members", `{"path":"a","uploadMode":"lfs","new":{"x":1}},{"path":"b","uploadMode":"regular"},{"path":"empty","uploadMode":"regular"}`, ""},
		{"none", "", "does not answer"},
		{"one missing", `{"path":"a","uploadMode":"lfs"},{"path":"b","uploadMode":"lfs"}`, `does not answer about "empty"`},
		{"one twice", good + `,{"path":"a","uploadMode":"lfs"}`, `"a" twice`},
		{"a stranger", good + `,{"path":"c","uploadMode":"lfs"}`, `"c", which it was not asked`},
		{"unknown mode", `{"path":"a","uploadMode":"xet"}`, `stored as "xet"`},
		{"ignored", `{"path":"a","uploadMode":"lfs","shouldIgnore":true}`, ".gitignore"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var r preuploadReply
			if err := json.Unmarshal([]byte(`{"files":[`+tc.files+`]}`), &r); err != nil {
				t.Fatal(err)
			}
			items := asked()
			for _, it := range items {
				it.mode = ""
			}
			err := r.apply(items)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			if ignored := tc.name == "ignored"; err != nil && errors.Is(err, hub.ErrUnavailable) == ignored {
				t.Errorf("error %v; only what the repository ignores is final", err)
			}
			if err == nil && (items[0].mode != modeLFS || items[2].mode != modeRegular) {
				t.Errorf("modes %q, and %q of an empty file", items[0].mode, items[2].mode)
			}
		})
	}
}

var (
	oidA = strings.Repeat("a", 64)
	oidB = strings.Repeat("b", 64)
)

func TestBatchReply(t *testing.T) {
	asked := []batchObject{{oidA, 10}, {oidB, 20}}
	const upload = `"actions":{"upload":{"href":"http://storage/x"},"verify":{"href":"http://hub/verify"}}`
	object := func(oid string, size int, rest string) string {
		return strings.TrimSuffix(fmt.Sprintf(`{"oid":%q,"size":%d,%s`, oid, size, rest), ",") + "}"
	}
	for _, tc := range []struct {
		name, transfer string
		objects        []string
		want           string // a part of the error
		offers         string
		class          error
	}{
		{"both to send", "basic", []string{object(oidA, 10, upload), object(oidB, 20, upload)}, "", "a:basic b:basic", nil},
		{"without a name", "", []string{object(oidB, 20, upload), object(oidA, 10, upload)}, "", "a:basic b:basic", nil},
		{"both there", "basic", []string{object(oidA, 10, ""), object(oidB, 20, `"actions":{}`)}, "", "", nil},
		{"only to be verified", "basic", []string{object(oidA, 10, `"actions":{"verify":{"href":"http://hub/verify"}}`), object(oidB, 20, `"actions":null`)}, "", "", nil},
		{"in parts", "multipart", []string{
			object(oidA, 10, `"actions":{"upload":{"href":"http://hub/done","header":{"chunk_size":"5","1":"http://s/1","2":"http://s/2"}}}`), object(oidB, 20, upload),
		}, "", "a:multipart b:multipart", nil},
		{"in parts without saying so", "basic", []string{
			object(oidA, 10, `"actions":{"upload":{"href":"http://hub/done","header":{"chunk_size":5,"1":"http://s/1","2":"http://s/2"}}}`), object(oidB, 20, upload),
		}, "", "a:multipart b:basic", nil},
		{"a transfer nobody offered", "xet", []string{object(oidA, 10, upload), object(oidB, 20, upload)}, `"xet"`, "", hub.ErrUnavailable},
		{"one missing", "basic", []string{object(oidA, 10, upload)}, "1 of 2 objects", "", hub.ErrUnavailable},
		{"one twice", "basic", []string{object(oidA, 10, upload), object(oidA, 10, upload), object(oidB, 20, upload)}, "or twice", "", hub.ErrUnavailable},
		{"a stranger", "basic", []string{object(strings.Repeat("c", 64), 10, upload)}, "was not asked", "", hub.ErrUnavailable},
		{"another size", "basic", []string{object(oidA, 11, upload), object(oidB, 20, upload)}, "11 bytes, not 10", "", hub.ErrUnavailable},
		{"refused", "basic", []string{object(oidA, 10, `"error":{"code":422,"message":"no\nsuch"}`), object(oidB, 20, upload)}, "no such (code 422)", "", nil},
		{"refused without access", "basic", []string{object(oidA, 10, `"error":{"code":403,"message":"quota"}`)}, "quota (code 403)", "", hub.ErrDenied},
		{"refused for now", "basic", []string{object(oidA, 10, `"error":{"code":507,"message":"full"}`)}, "full (code 507)", "", hub.ErrUnavailable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var r batchReply
			if err := json.Unmarshal(fmt.Appendf(nil, `{"transfer":%q,"objects":[%s]}`, tc.transfer, strings.Join(tc.objects, ",")), &r); err != nil {
				t.Fatal(err)
			}
			offers, err := r.offers(asked)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			for _, class := range []error{hub.ErrUnavailable, hub.ErrDenied} {
				if errors.Is(err, class) != errors.Is(tc.class, class) {
					t.Errorf("error %v, want class %v", err, tc.class)
				}
			}
			var got []string
			for _, oid := range []string{oidA, oidB} {
				if o := offers[oid]; o != nil {
					got = append(got, oid[:1]+":"+map[transfer]string{basic{}: "basic", multipart{}: "multipart"}[o.transfer])
				}
			}
			if s := strings.Join(got, " "); s != tc.offers {
				t.Errorf("offers %q, want %q", s, tc.offers)
			}
		})
	}
}

// Parts are taken in any spelling of their numbers, but only all of them.
func TestParts(t *testing.T) {
	type header = map[string]scalar
	for _, tc := range []struct {
		name   string
		size   int64
		header header
		want   string // offset+length of each part, or a part of the error
	}{
		{"chunk - 1", 9, header{"chunk_size": "10", "1": "http://s/1"}, "0+9"},
		{"chunk", 10, header{"chunk_size": "10", "1": "http://s/1"}, "0+10"},
		{"chunk + 1", 11, header{"chunk_size": "10", "1": "http://s/1", "2": "http://s/2"}, "0+10 10+1"},
		{"3 chunks", 30, header{"chunk_size": "10", "1": "http://s/1", "2": "http://s/2", "3": "http://s/3"}, "0+10 10+10 20+10"},
		{"leading zeros", 21, header{"chunk_size": "10", "00001": "http://s/1", "00002": "http://s/2", "00003": "http://s/3"}, "0+10 10+10 20+1"},
		{"other lines", 10, header{"chunk_size": "10", "1": "http://s/1", "X-Amz-Acl": "private"}, "0+10"},
		{"one too few", 30, header{"chunk_size": "10", "1": "http://s/1", "2": "http://s/2"}, "part 3 of 3 is missing"},
		{"one too many", 20, header{"chunk_size": "10", "1": "http://s/1", "2": "http://s/2", "3": "http://s/3"}, "part 3 of 20 bytes"},
		{"a gap", 30, header{"chunk_size": "10", "1": "http://s/1", "3": "http://s/3"}, "part 2 of 3 is missing"},
		{"one twice", 10, header{"chunk_size": "10", "1": "http://s/1", "01": "http://s/1"}, "part 1 twice"},
		{"negative", 10, header{"chunk_size": "10", "1": "http://s/1", "-1": "http://s/2"}, "part -1"},
		{"none", 10, header{"chunk_size": "10"}, "part 1 of 1 is missing"},
		{"no chunk size", 10, header{"1": "http://s/1"}, `""`},
		{"chunk size zero", 10, header{"chunk_size": "0", "1": "http://s/1"}, `"0"`},
		{"chunk size below zero", 10, header{"chunk_size": "-5", "1": "http://s/1"}, `"-5"`},
		{"chunk size in words", 10, header{"chunk_size": "5 MB", "1": "http://s/1"}, `"5 MB"`},
		{"a million parts", 1 << 40, header{"chunk_size": "1", "1": "http://s/1"}, "more than 10000 parts"},
		{"not a URL", 10, header{"chunk_size": "10", "1": "ftp://s/1"}, "part 1:"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parts, err := newTestClient(t).parts(&action{Header: tc.header}, tc.size)
			if err != nil {
				if !strings.Contains(err.Error(), tc.want) {
					t.Errorf("error %v, want %q", err, tc.want)
				}
				return
			}
			var got []string
			for i, p := range parts {
				if p.number != i+1 || p.to.String() != fmt.Sprintf("http://s/%d", i+1) {
					t.Errorf("part %d is %+v", i+1, p)
				}
				got = append(got, fmt.Sprintf("%d+%d", p.offset, p.length))
			}
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("parts %s, want %s", s, tc.want)
			}
		})
	}
}

// Lines that are the connection's own, and those about parts, are not sent on.
func TestHeaderOf(t *testing.T) {
	h := headerOf(map[string]scalar{
		"Content-Type": "application/octet-stream", "x-amz-acl": "private", "Host": "evil", "content-length": "1", "Transfer-Encoding": "chunked",
		"chunk_size": "5", "1": "http://s/1", "00002": "http://s/2",
	})
	if len(h) != 2 || h.Get("Content-Type") != "application/octet-stream" || h.Get("X-Amz-Acl") != "private" {
		t.Errorf("header %v", h)
	}
}

func FuzzPreuploadReply(f *testing.F) {
	for _, seed := range []string{`{"files":[{"path":"a","uploadMode":"lfs","shouldIgnore":false,"oid":"x"}]}`, `{}`, `[]`, `{"files":[{}]}`, `{"files":null}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r preuploadReply
		if json.Unmarshal(raw, &r) != nil {
			return
		}
		it := &item{Source: hub.Bytes("a", []byte("1"))}
		if err := r.apply([]*item{it}); err == nil && it.mode != modeLFS && it.mode != modeRegular {
			t.Errorf("mode %q", it.mode)
		}
	})
}

func FuzzBatchReply(f *testing.F) {
	for _, seed := range []string{
		`{"transfer":"basic","objects":[{"oid":"` + oidA + `","size":10,"actions":{"upload":{"href":"http://s/x"}}}]}`,
		`{"transfer":"multipart","objects":[{"oid":"` + oidA + `","size":10,"actions":{"upload":{"href":"http://s/x","header":{"chunk_size":"4","1":"http://s/1","02":"http://s/2","3":"http://s/3"}}}}]}`,
		`{"objects":[{"oid":"` + oidA + `","error":{"code":404,"message":"no"}}]}`, `{}`, `{"objects":[{"actions":{"upload":{"header":{"a":{}}}}}]}`,
	} {
		f.Add([]byte(seed))
	}
	c := newTestClient(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r batchReply
		if json.Unmarshal(raw, &r) != nil {
			return
		}
		offers, err := r.offers([]batchObject{{oidA, 10}})
		if err != nil || offers[oidA] == nil {
			return
		}
		headerOf(offers[oidA].Upload.Header)
		parts, err := c.parts(offers[oidA].Upload, 10)
		if err != nil {
			return
		}
		end := int64(0)
		for _, p := range parts {
			if p.offset != end || p.length <= 0 || p.to == nil {
				t.Fatalf("parts %+v", parts)
			}
			end += p.length
		}
		if end != 10 {
			t.Errorf("parts end at %d of 10", end)
		}
	})
}

func FuzzCommitReply(f *testing.F) {
	for _, seed := range []string{`{"commitOid":"0123456789abcdef0123456789abcdef01234567","commitUrl":"x"}`, `{"commitOid":5}`, `{"commitOid":"main"}`, `null`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r commitReply
		if json.Unmarshal(raw, &r) != nil {
			return
		}
		if sha, err := r.sha(); err == nil && !hub.IsSHA(sha) {
			t.Errorf("sha %q", sha)
		}
	})
}

func FuzzStorageURL(f *testing.F) {
	for _, seed := range []string{"https://huggingface.co/a%2Fb?x=1", "http://s/1", "//host/x", "https://HUGGINGFACE.CO", "http://u:p@h/", "%zz"} {
		f.Add(seed)
	}
	c := newTestClient(f)
	f.Fuzz(func(t *testing.T, href string) {
		u, err := c.storageURL(href)
		if err != nil {
			return
		}
		if _, err := url.Parse(u.String()); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			t.Errorf("%q is taken as %q: %v", href, u, err)
		}
	})
}
