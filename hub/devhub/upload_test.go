package devhub_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"finest/hub/devhub"
	"finest/internal/canon"
)

type preuploaded struct {
	Path, UploadMode, OID string
	ShouldIgnore          bool
}

func (w *world) preupload(body object) []preuploaded {
	w.Helper()
	var got struct{ Files []preuploaded }
	w.post(api+"/preupload/main", body).wants(http.StatusOK).into(&got)
	return got.Files
}

func TestPreupload(t *testing.T) {
	w := withRepo(t)
	w.publish(map[string]string{"old.parquet": "rows", "old.txt": "hello\n"})
	files := []object{
		{"path": "new.parquet", "size": 1}, {"path": "empty.parquet", "size": 0}, {"path": "small.txt", "size": 10<<20 - 1},
		{"path": "large.txt", "size": 10 << 20}, {"path": "old.parquet", "size": 9}, {"path": "old.txt", "size": 9},
		{"path": "x.parquet.txt", "size": 5, "sample": "aGVsbG8="}, {"path": "old.txt/x", "size": 1},
	}
	want := []preuploaded{
		{Path: "new.parquet", UploadMode: "lfs"}, {Path: "empty.parquet", UploadMode: "regular"}, {Path: "small.txt", UploadMode: "regular"},
		{Path: "large.txt", UploadMode: "lfs"}, {Path: "old.parquet", UploadMode: "lfs", OID: canon.Sum([]byte("rows"))},
		{Path: "old.txt", UploadMode: "regular", OID: "ce013625030ba8dba906f756967f9e9ca394464a"},
		{Path: "x.parquet.txt", UploadMode: "regular"}, {Path: "old.txt/x", UploadMode: "regular"},
	}
	if got := w.preupload(object{"files": files}); !slices.Equal(got, want) {
		t.Errorf("files are to be uploaded as\n%+v, want\n%+v", got, want)
	}

	many := slices.Repeat([]object{{"path": "f", "size": 1}}, 257)
	w.post(api+"/preupload/main", object{"files": many}).refuses(http.StatusBadRequest, "")
	if got := w.preupload(object{"files": many[:256]}); len(got) != 256 {
		t.Errorf("256 files are %d", len(got))
	}
	for _, path := range []string{"../x", "/x", "a//b", "", ".git/config", "a/./b", strings.Repeat("x", 2000), "a\x00b"} {
		w.post(api+"/preupload/main", object{"files": []object{{"path": path, "size": 1}}}).refuses(http.StatusBadRequest, "")
	}
	w.post(api+"/preupload/main", object{"files": []object{{"path": "f", "size": -1}}}).refuses(http.StatusBadRequest, "")
	w.post(api+"/preupload/nope", object{}).refuses(http.StatusNotFound, "RevisionNotFound")
	w.do(request{method: "POST", path: api + "/preupload/main", body: object{}, as: anonymous}).refuses(http.StatusUnauthorized, "RepoNotFound")
	w.post(api+"/preupload/main", `{"files":[{"path":"`+strings.Repeat("x", 5<<20)+`"}]}`).refuses(http.StatusRequestEntityTooLarge, "")
}

func TestPreuploadIgnores(t *testing.T) {
	w := withRepo(t)
	asked := object{"files": []object{{"path": "a/x.tmp", "size": 1}, {"path": "b.log", "size": 1}}}
	ignored := func() (list []bool) {
		for _, f := range w.preupload(asked) {
			list = append(list, f.ShouldIgnore)
		}
		return list
	}
	if got := ignored(); !slices.Equal(got, []bool{false, false}) {
		t.Errorf("without a .gitignore %v are ignored", got)
	}
	w.publish(map[string]string{".gitignore": "*.tmp\n"})
	if got := ignored(); !slices.Equal(got, []bool{true, false}) {
		t.Errorf("with the .gitignore that is there %v are ignored", got)
	}
	asked["gitIgnore"] = "*.log"
	if got := ignored(); !slices.Equal(got, []bool{false, true}) {
		t.Errorf("with the .gitignore that is sent %v are ignored", got)
	}
}

type batched struct {
	Transfer string
	Objects  []struct {
		OID           string
		Size          int64
		Authenticated bool
		Actions       map[string]struct {
			Href   string
			Header map[string]string
		}
		Error *struct {
			Code    int
			Message string
		}
	}
}

// batch asks where texts are to be sent.
func (w *world) batch(transfers []string, texts ...string) batched {
	w.Helper()
	objects := make([]object, len(texts))
	for i, x := range texts {
		objects[i] = object{"oid": canon.Sum([]byte(x)), "size": len(x)}
	}
	var got batched
	w.post(batch, object{"operation": "upload", "transfers": transfers, "objects": objects, "hash_algo": "sha256"}).wants(http.StatusOK).into(&got)
	return got
}

// put sends a body to the storage.
func (w *world) put(url, body string) *reply {
	w.Helper()
	return w.do(request{method: "PUT", path: url, body: body, as: anonymous})
}

// has says whether an object is stored.
func (w *world) has(content string) bool {
	w.Helper()
	_, err := w.store.ObjectSize(w.Context(), canon.Sum([]byte(content)))
	return err == nil
}

var both = []string{"basic", "multipart"}

func TestBatch(t *testing.T) {
	w := withRepo(t)
	w.publish(map[string]string{"f.parquet": "stored"})
	got := w.batch(both, "stored", "new")
	if got.Transfer != "basic" || got.Objects[0].Actions != nil || got.Objects[0].Error != nil {
		t.Errorf("what is stored is answered with %+v", got)
	}
	if o := got.Objects[1]; o.Actions["upload"].Href == "" || o.Actions["verify"].Href != "http://localhost"+site+".git/info/lfs/objects/verify" || !o.Authenticated {
		t.Errorf("what is not stored is answered with %+v", o)
	}
	long := text(chunk + 1)
	for _, c := range []struct {
		transfers []string
		text      string
		want      string
	}{
		{both, long, "multipart"}, {both, long[:chunk], "basic"}, {[]string{"basic"}, long, "basic"}, {nil, long, "basic"},
		{[]string{"basic", "multipart", "xet"}, long, "multipart"}, {[]string{"xet"}, long, "basic"},
	} {
		got := w.batch(c.transfers, c.text)
		if _, inParts := got.Objects[0].Actions["upload"].Header["chunk_size"]; got.Transfer != c.want || inParts != (c.want == "multipart") {
			t.Errorf("a client of %q sends %d bytes by %s, want %s", c.transfers, len(c.text), got.Transfer, c.want)
		}
	}

	good := canon.Sum([]byte("x"))
	var bad batched
	w.post(batch, object{"operation": "upload", "hash_algo": "sha_256", "objects": []object{
		{"oid": "zz", "size": 1}, {"oid": good, "size": -1}, {"oid": good, "size": 600_000_000_000}, {"oid": strings.ToUpper(good), "size": 1}, {"oid": good, "size": 1},
	}}).wants(http.StatusOK).into(&bad)
	for i, o := range bad.Objects {
		if refused := o.Error != nil && o.Error.Code == 422 && o.Error.Message != "" && o.Actions == nil; refused != (i < 4) {
			t.Errorf("object %d is answered with %+v", i, o)
		}
	}
	many := slices.Repeat([]object{{"oid": good, "size": 1}}, 257)
	w.post(batch, object{"operation": "upload", "objects": many}).refuses(http.StatusRequestEntityTooLarge, "")
	w.post(batch, object{"operation": "upload", "objects": many[:256]}).wants(http.StatusOK)
	w.post(batch, object{"operation": "upload", "hash_algo": "sha512"}).refuses(http.StatusConflict, "")
	w.post(batch, object{"operation": "steal"}).refuses(http.StatusUnprocessableEntity, "")
	w.do(request{method: "POST", path: batch, body: object{"operation": "upload"}, as: anonymous}).refuses(http.StatusUnauthorized, "RepoNotFound")
	w.post(strings.Replace(batch, ".git", "", 1), object{}).refuses(http.StatusNotFound, "")
}

// URLs for the parts of huge files are bounded: of a file by larger parts, of a
// batch by errors.
func TestBatchOfHugeFiles(t *testing.T) {
	w := withRepo(t, func(o *devhub.Options) { o.ChunkSize = 5 << 20 })
	objects := make([]object, 6)
	for i := range objects {
		objects[i] = object{"oid": canon.Sum([]byte{byte(i)}), "size": 400_000_000_000}
	}
	var got batched
	w.post(batch, object{"operation": "upload", "transfers": both, "objects": objects}).wants(http.StatusOK).into(&got)
	for i, o := range got.Objects {
		if refused := o.Error != nil; refused != (i >= 5) {
			t.Fatalf("file %d is refused: %v", i, refused)
		} else if refused {
			continue
		}
		header := o.Actions["upload"].Header
		size, _ := strconv.ParseInt(header["chunk_size"], 10, 64)
		if parts := int64(len(header) - 1); parts > 10_000 || parts*size < o.Size || (parts-1)*size >= o.Size {
			t.Errorf("file %d has %d parts of %d bytes", i, parts, size)
		}
	}
}

func TestBasicUpload(t *testing.T) {
	w := withRepo(t)
	const content = "some rows"
	url := w.batch(both, content).Objects[0].Actions["upload"].Href
	code := func(r *reply, status int, code string) {
		t.Helper()
		r.wants(status).says("<Code>" + code + "</Code>")
	}
	code(w.do(request{method: "PUT", path: url, body: content}), 400, "InvalidArgument") // with Authorization
	code(w.do(request{method: "PUT", path: url, body: content, as: anonymous, length: -1}), 501, "NotImplemented")
	code(w.put(url, content+"!"), 400, "InvalidArgument")
	code(w.put(url, "SOME ROWS"), 400, "XAmzContentSHA256Mismatch")
	code(w.put(strings.Replace(url, "size=9", "size=8", 1), content[:8]), 403, "AccessDenied")
	code(w.put(strings.Replace(url, "expires=1", "expires=2", 1), content), 403, "AccessDenied")
	code(w.do(request{method: "GET", path: url, as: anonymous}), 403, "AccessDenied")
	code(w.put("http://localhost/storage/objects/"+canon.Sum([]byte("x")), "x"), 403, "AccessDenied")
	code(w.put("http://localhost/storage/x", ""), 404, "NoSuchKey")
	if w.has(content) {
		t.Fatal("the object is stored too early")
	}
	if got := w.put(url, content).wants(http.StatusOK); got.Header.Get("ETag") == "" || !w.has(content) {
		t.Error("the object is not stored, or has no ETag")
	}
	w.put(url, content).wants(http.StatusOK)
	w.clock.now = w.clock.now.Add(devhub.Expiry + time.Second)
	code(w.put(url, content), 403, "AccessDenied")
}

func TestVerify(t *testing.T) {
	w := withRepo(t)
	w.publish(map[string]string{"f.parquet": "rows"})
	verify := strings.Replace(batch, "batch", "verify", 1)
	oid := canon.Sum([]byte("rows"))
	w.post(verify, object{"oid": oid, "size": 4}).wants(http.StatusOK)
	w.post(verify, object{"oid": oid, "size": 5}).refuses(http.StatusUnprocessableEntity, "")
	w.post(verify, object{"oid": canon.Sum([]byte("x")), "size": 1}).refuses(http.StatusNotFound, "")
	w.post(verify, object{"oid": "../" + oid[3:], "size": 1}).refuses(http.StatusUnprocessableEntity, "")
	w.do(request{method: "POST", path: verify, body: object{"oid": oid, "size": 4}, as: anonymous}).refuses(http.StatusUnauthorized, "RepoNotFound")
}

func TestBatchDownload(t *testing.T) {
	w := withRepo(t)
	w.publish(map[string]string{"f.parquet": "rows"})
	var got batched
	w.do(request{method: "POST", path: batch, as: anonymous, body: object{"operation": "download", "objects": []object{
		{"oid": canon.Sum([]byte("rows")), "size": 4}, {"oid": canon.Sum([]byte("rows")), "size": 5}, {"oid": canon.Sum(nil), "size": 0},
	}}}).wants(http.StatusOK).into(&got)
	if body := w.do(request{method: "GET", path: got.Objects[0].Actions["download"].Href, as: anonymous}).wants(http.StatusOK).text; body != "rows" {
		t.Errorf("the object is %q", body)
	}
	for _, o := range got.Objects[1:] {
		if o.Error == nil || o.Error.Code != 404 {
			t.Errorf("a missing object is answered with %+v", o)
		}
	}
}
